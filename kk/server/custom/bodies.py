"""Bodies into custom resources: JSON or YAML, shaped by the schema, with upstream's words for what is wrong.

The steps are those of k8s.io/apiextensions-apiserver `pkg/apiserver/customresource_handler.go` (decode, coerce metadata, prune, default).
"""

from typing import Any

import msgspec
import yaml

from kk.base import gojson
from kk.base.errors import StatusError, bad_request, invalid, invalid_value, unsupported_media_type
from kk.kinds import types
from kk.server.context import Request
from kk.server.custom import embedded, structural
from kk.server.custom.resource import Custom
from kk.server.negotiate import JSON, YAML, body_media

Obj = dict[str, Any]
_SHOWN = 30


async def read(request: Request, resource: Custom, validation: str) -> Obj:
    """The object in a request's body. Raises StatusError."""
    media = body_media(request.headers.get(b"content-type", b""))
    data = await request.body()
    if media not in (JSON, YAML):
        raise unsupported_media_type(
            f"the body of the request was in an unknown format - accepted media types include: {JSON}, {YAML}"
        )
    obj, warnings = from_yaml(resource, data, validation) if media == YAML else decode(resource, data, validation)
    for text in warnings:
        request.warn(text)
    return obj


def decode(resource: Custom, data: bytes, validation: str) -> tuple[Obj, list[str]]:
    """A JSON body as an object, and its warnings. Raises StatusError 400 or 422."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        why = "exceeded max depth" if data.strip() else "unexpected end of JSON input"
        try:
            why = gojson.words(data)
        except RecursionError:
            pass
        raise unrecognized(resource, data, f"couldn't get version/kind; json parse error: {why}") from None
    _check(resource, value, data)
    doubled = types.duplicates(data) if validation != "Ignore" and _may_double(data, value) else []
    return accept(resource, value, validation, doubled)


def _may_double(data: bytes, value: Any) -> bool:
    return data.count(b'"') != msgspec.json.encode(value).count(b'"')


def from_yaml(resource: Custom, data: bytes, validation: str) -> tuple[Obj, list[str]]:
    """The same for a YAML body."""
    from kk.server.bodies import read_yaml, yaml_words

    try:
        value, doubled = read_yaml(data)
    except yaml.YAMLError as error:
        raise unrecognized(resource, data, yaml_words(error)) from None
    except (RecursionError, ValueError) as error:
        raise unrecognized(resource, data, f"yaml: {error}") from None
    _check(resource, value, data)
    if validation == "Ignore":
        doubled = []
    elif doubled and validation == "Strict":
        doubled = ["yaml: unmarshal errors:\n  " + "\n  ".join(doubled)]
    return accept(resource, value, validation, doubled)


def _check(resource: Custom, value: Any, data: bytes) -> None:
    """Whether it says of what kind it is."""
    if not isinstance(value, dict):
        what = "array" if isinstance(value, list) else "value"
        why = f"couldn't get version/kind; json parse error: json: cannot unmarshal {what} into Go value of type struct"
        raise unrecognized(resource, data, why)
    if not value.get("kind"):
        text = data.decode("utf-8", "replace")
        raise unrecognized(resource, data, f"Object 'Kind' is missing in '{text}'", 256)


def unrecognized(resource: Custom, data: bytes, why: str, most: int = _SHOWN) -> StatusError:
    """400 for what cannot be told to be any kind."""
    text = data.decode("utf-8", "replace") if data[:1] == b"{" else data.hex()
    shown = text[:most] + (" ..." if len(text) > most else "")
    return bad_request(
        f"the object provided is unrecognized (must be of type {resource.kind}): {why} ({shown or '<empty>'})"
    )


def accept(
    resource: Custom, value: Obj, validation: str, found: "list[str] | tuple[str, ...]" = ()
) -> tuple[Obj, list[str]]:
    """A decoded object, shaped: (object, warnings). `found` are faults of its text. Raises StatusError 400 or 422."""
    kind, api_version = value.get("kind"), value.get("apiVersion")
    if api_version != resource.api_version:
        raise bad_request(
            f"the API version in the data ({api_version or ''}) does not match the expected API version ({resource.api_version})"
        )
    obj, unknown = shape(resource, value)
    if kind != resource.kind:
        name = obj["metadata"].get("name") or ""
        raise invalid(str(kind), resource.group, name, [invalid_value("kind", kind, f"must be {resource.kind}")])
    texts = [*found, *(f'unknown field "{path}"' for path in unknown)]
    if texts and validation == "Strict":
        raise types.refused(resource.kind, resource.version, "strict decoding error: " + ", ".join(texts))
    return obj, [] if validation == "Ignore" else texts


def shape(resource: Custom, value: Obj) -> tuple[Obj, list[str]]:
    """An object with canonical metadata, pruned and defaulted: (object, paths of what went). Raises StatusError 400."""
    unknown: list[str] = []
    schema = resource.compiled
    try:
        metadata = embedded.read_metadata(value.get("metadata"), "metadata", unknown)
        obj = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
        obj.update((k, v) for k, v in value.items() if k not in obj)
        unknown += structural.prune(obj, schema)
        embedded.coerce({k: v for k, v in obj.items() if k != "metadata"}, schema, unknown)
    except embedded.Malformed as error:
        raise types.refused(str(value.get("kind")), resource.version, str(error)) from None
    structural.default(obj, schema)
    return obj, unknown

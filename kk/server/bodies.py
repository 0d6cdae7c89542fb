"""Bodies into objects: JSON, YAML or protobuf, typed, strict as fieldValidation asks, with upstream's words for what is wrong.

The types are kk.kinds.types; this is where a request's bytes meet them.
"""

from typing import Any

import msgspec
import yaml

from kk.base import gojson
from kk.base.errors import StatusError, bad_request
from kk.kinds import types
from kk.kinds.kind import Resource
from kk.kinds.registry import registry
from kk.server import protobuf
from kk.server.context import Request
from kk.server.encoding import Obj
from kk.server.negotiate import YAML, body_media
from kk.server.views import View

_SHOWN = 30
#: values that a YAML document may unfold to: more than fit into a body without aliases
_NODES = 2_000_000
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class YamlLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML without timestamps: Kubernetes' YAML is JSON in other clothes."""


def _untagged(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(None, None, "cannot decode a collection as a scalar", node.start_mark)
    return node.value


YamlLoader.add_constructor(_TIMESTAMP, _untagged)
YamlLoader.yaml_implicit_resolvers = {
    key: [(tag, pattern) for tag, pattern in found if tag != _TIMESTAMP]
    for key, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


async def read_object(request: Request, view: View, validation: str) -> Obj:
    """The object in a request's body, in the view's version. Raises StatusError."""
    return await read_as(request, view.resource, validation)


async def read_as(request: Request, resource: Resource, validation: str) -> Obj:
    """The same for a resource that is not stored by itself."""
    if resource.custom:
        from kk.server.custom import bodies

        return await bodies.read(request, resource, validation)  # type: ignore[arg-type]
    media = body_media(request.headers.get(b"content-type", b""))
    data = await request.body()
    if media == YAML:
        obj, warnings = _from_yaml(resource, data, validation)
    elif media == protobuf.MEDIA:
        obj, warnings = _from_protobuf(resource, data, validation)
    else:
        obj, warnings = _from_json(resource, data, validation)
    for text in warnings:
        request.warn(text)
    return finished(resource, obj)


def finished(resource: Resource, obj: Obj) -> Obj:
    """A read object with its kind and metadata in place. Raises 400 where it is of another kind."""
    if obj.get("kind") != resource.kind or obj.get("apiVersion") != resource.api_version:
        _check_kind(resource, obj.get("apiVersion") or "", obj.get("kind") or "")
    elif obj.get("metadata") and next(iter(obj)) == "kind":
        return obj  # typed decoding has put it in order
    metadata = obj.get("metadata") or {}
    rest = {k: v for k, v in obj.items() if k not in ("kind", "apiVersion", "metadata")}
    return {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata, **rest}


def _check_kind(resource: Resource, api_version: Any, kind: Any) -> None:
    other = kind and kind != resource.kind
    if other and (not api_version or api_version == resource.api_version or _registered(api_version, kind)):
        internal = resource.group.split(".")[0] or "core"
        version = str(api_version or resource.api_version).rpartition("/")[2]
        raise bad_request(
            f'{kind} in version "{version}" cannot be handled as a {resource.kind}: converting '
            f"({version}.{kind}) to ({internal}.{resource.kind}): unknown conversion"
        )
    if api_version and api_version != resource.api_version:
        raise bad_request(
            f"the API version in the data ({api_version}) does not match the expected API version ({resource.api_version})"
        )


def _registered(api_version: Any, kind: Any) -> bool:
    return registry().by_kind(str(api_version), str(kind)) is not None or (api_version, kind) == (
        "autoscaling/v1",
        "Scale",
    )


def _from_json(resource: Resource, data: bytes, validation: str) -> tuple[Obj, list[str]]:
    if not data.strip() or data.strip() == b"null":
        return {}, []
    try:
        obj, warnings = types.decode(resource, data, validation)
        if b"managedFields" in data and _resets(_peek(data)):
            obj["metadata"]["managedFields"] = [{}]  # see check_object
        return obj, warnings
    except UnicodeDecodeError:
        return _from_json(resource, gojson.mended(data), validation)
    except StatusError:
        peeked = _peek(data)
        _check_kind(resource, peeked.get("apiVersion"), peeked.get("kind"))
        raise
    except msgspec.DecodeError:
        mended = gojson.mended(data)
        if mended != data:
            return _from_json(resource, mended, validation)
        raise _unrecognized(
            resource, data, f"couldn't get version/kind; json parse error: {gojson.words(data)}"
        ) from None
    except RecursionError:
        raise _unrecognized(resource, data, "couldn't get version/kind; json parse error: exceeded max depth") from None


def _from_protobuf(resource: Resource, data: bytes, validation: str) -> tuple[Obj, list[str]]:
    try:
        obj = protobuf.decode(data, (resource.api_version, resource.kind))
    except protobuf.Malformed as error:
        raise bad_request(f"the object provided is unrecognized (must be of type {resource.kind}): {error}") from None
    _check_kind(resource, obj["apiVersion"], obj["kind"])
    return types.read(resource, obj, validation)


def _peek(data: bytes) -> Obj:
    try:
        value = msgspec.json.decode(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def read_json(data: bytes) -> Any:
    """A JSON value, with what is no UTF-8 read as Go reads it. Raises ValueError or RecursionError."""
    try:
        return msgspec.json.decode(data)
    except ValueError:
        mended = gojson.mended(data)
        if mended == data:
            raise
        return msgspec.json.decode(mended)


def _resets(obj: Obj) -> bool:
    """The object says «forget who owns what»: an empty list of managed fields."""
    metadata = obj.get("metadata")
    return isinstance(metadata, dict) and metadata.get("managedFields") == []


def _unrecognized(resource: Resource, data: bytes, why: str) -> StatusError:
    if data[:1] == b"{":
        shown = data[:_SHOWN].decode("utf-8", "replace") + (" ..." if len(data) > _SHOWN else "")
    else:
        shown = data[:_SHOWN].hex() + (" ..." if len(data) > _SHOWN else "")
    return bad_request(
        f"the object provided is unrecognized (must be of type {resource.kind}): {why} ({shown or '<empty>'})"
    )


def read_yaml(data: bytes) -> tuple[Any, list[str]]:
    """(value of the first document as JSON could say it, `line 4: key "k" already set in map` for each key that is named again)."""
    loader = YamlLoader(data)
    try:
        node = loader.get_node() if loader.check_node() else None
        if node is None:
            return None, []
        doubled = _doubled_keys(node)
        return json_like(loader.construct_document(node)), doubled
    finally:
        loader.dispose()


def _from_yaml(resource: Resource, data: bytes, validation: str) -> tuple[Obj, list[str]]:
    try:
        value, doubled = read_yaml(data)
    except yaml.YAMLError as error:
        raise _unrecognized(resource, data, yaml_words(error)) from None
    except (RecursionError, ValueError) as error:
        raise _unrecognized(resource, data, f"yaml: {error}") from None
    if value is None:
        return {}, []
    if isinstance(value, dict):
        _check_kind(resource, value.get("apiVersion"), value.get("kind"))
    if validation == "Ignore":
        doubled = []
    elif doubled and validation == "Strict":
        doubled = ["yaml: unmarshal errors:\n  " + "\n  ".join(doubled)]
    return types.read(resource, value, validation, doubled)


def yaml_words(error: yaml.YAMLError) -> str:
    """A YAML fault in upstream's form."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
    line = f"line {mark.line}: " if mark is not None and mark.line else ""
    return f"yaml: {line}{problem}"


def json_like(value: Any) -> Any:
    """A YAML value as JSON can say it: keys are strings. Raises ValueError where aliases make it grow beyond any document's size."""
    return _json_like(value, [_NODES])


def _json_like(value: Any, left: list[int]) -> Any:
    left[0] -= 1
    if left[0] < 0:
        raise ValueError("document contains excessive aliasing")
    if isinstance(value, dict):
        return {_key(k): _json_like(v, left) for k, v in value.items()}
    if isinstance(value, list):
        return [_json_like(v, left) for v in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise ValueError(f"cannot unmarshal a {type(value).__name__} into a JSON value")


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return key if isinstance(key, str) else str(key)


def _doubled_keys(root: yaml.Node) -> list[str]:
    found: list[tuple[int, str]] = []
    stack, looked = [root], set()
    while stack:
        node = stack.pop()
        if id(node) in looked:  # an alias
            continue
        looked.add(id(node))
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode):  # others cannot be keys, which constructing tells
                    if key.value in seen:
                        found.append((key.start_mark.line + 1, key.value))
                    seen.add(key.value)
                stack.append(value)
        elif isinstance(node, yaml.SequenceNode):
            stack.extend(node.value)
    return [f'line {line}: key "{key}" already set in map' for line, key in sorted(found)]


# patches


def own_copy(obj: Obj) -> Obj:
    """A deep copy of a JSON object."""
    found: Obj = msgspec.json.decode(msgspec.json.encode(obj))
    return found


def check_object(write: Any, view: View, obj: Obj, validation: str, found: "list[str] | None" = None) -> Obj:
    """A patched object, read again by its types. Raises StatusError."""
    resource = view.resource
    if resource.custom:
        from kk.server.custom import bodies

        shaped = own_copy(obj) if validation == "Strict" else obj  # what is refused is shown as it came
        read, warnings = bodies.accept(resource, shaped, validation, found or [])  # type: ignore[arg-type]
        for text in warnings:
            write.warn(text)
        return read
    if obj.get("kind") != resource.kind or obj.get("apiVersion") != resource.api_version:
        _check_kind(resource, obj.get("apiVersion"), obj.get("kind"))
    reset = _resets(obj)
    read, warnings = types.read(resource, obj, validation, found or [])
    if reset:  # says «forget who owns what», which the canonical form would leave out
        read["metadata"]["managedFields"] = [{}]
    for text in warnings:
        write.warn(text)
    return finished(resource, read)

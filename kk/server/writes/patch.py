"""PATCH in its four forms: JSON, merge, strategic merge and apply; retried against the newest state until it holds.

What a patch means is kk.base.patch; the steps after it are those of an update (or, for an apply of something new, of a create).
"""

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import yaml

from kk.base import gojson, unstructured
from kk.base.errors import StatusError, bad_request, conflict, invalid, invalid_value, unsupported_media_type
from kk.base.patch import BadPatch, PatchError, Unprocessable, json_patch, merge_patch, strategic
from kk.base.patch import apply as managed
from kk.kinds import types
from kk.kinds.registry import registry
from kk.server.answers import item_response
from kk.server.bodies import check_object, read_json, read_yaml, yaml_words
from kk.server.context import Request, Response
from kk.server.encoding import Obj
from kk.server.negotiate import form_of
from kk.server.reads import find
from kk.server.views import View
from kk.server.writes import create as creating
from kk.server.writes.options import write_options
from kk.server.writes.update import update
from kk.server.writes.write import Write

log = logging.getLogger("kk.server")

JSON, MERGE, STRATEGIC = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)
APPLY = "application/apply-patch+yaml"
_HANDLED = r'^\w+ in version "\w+" cannot be handled as a \w+: '
#: upstream's bound on operations of one JSON patch
_OPERATIONS = 10_000


def media_of(request: Request) -> str:
    """The patch type. Raises 415."""
    media = request.header("content-type").partition(";")[0].strip()
    if media not in (JSON, MERGE, STRATEGIC, APPLY):
        error = unsupported_media_type("415: Unsupported Media Type")
        code = error.status.pop("code")
        error.status.update(details={}, code=code)
        raise error
    return media


async def handle(request: Request, view: View) -> Response:
    """Answer a PATCH of a resource itself."""
    form = form_of(request.headers.get(b"accept", b""), read=False)
    media = media_of(request)
    options = write_options(request.info, "PatchOptions", media == APPLY)
    write = Write.of(request, view, "UPDATE", options)
    body = await request.body()
    if media == APPLY:
        item, status = await apply_object(write, parse_applied(write, body))
        return item_response(request, view, item, form, status)
    find(view, write.namespace, write.name)  # what is not there is told before what is wrong with the patch
    item = await update(write, changer(write, media, body, view))
    return item_response(request, view, item, form)


def changer(write: Write, media: str, body: bytes, view: View) -> Callable[[Obj], Obj]:
    """The function that patches an object of a view's version. Raises 400 where the patch cannot be read."""
    patch = parse_patch(media, body)
    doubled = doubled_fields(media, body) if write.options.validation != "Ignore" else []
    function = patcher(media, patch, view.resource.schema)

    def change(old: Obj) -> Obj:
        name = old["metadata"]["name"]
        new = patched(function, old)
        if media == STRATEGIC:  # upstream merges into the type, which has no place for another one
            new["kind"], new["apiVersion"] = view.resource.kind, view.resource.api_version
        try:
            obj = _checked(write, view, new, doubled)
        except StatusError as error:
            if media == STRATEGIC:
                raise unreadable(patch, error, media, unstructured.fault(new, view.resource.schema)) from None
            raise unreadable(touched(new, patch), error, media, _of_another(view, new)) from None
        creating.check_namespace(write, obj["metadata"])
        check_name(write, obj["metadata"], name)
        return obj

    return change


def _checked(write: Write, view: View, new: Obj, doubled: list[str]) -> Obj:
    """The patched object by its types; where it does not fit, its faults in the order in which upstream meets them."""
    try:
        return check_object(write, view, new, write.options.validation, doubled)
    except StatusError:
        return check_object(write, view, _in_order(new), write.options.validation, doubled)


def check_name(write: Write, metadata: Obj, name: str) -> None:
    """A changed object keeps its name. Raises 400."""
    given = metadata.get("name") or ""
    if not given:
        raise bad_request(f"the name of the object ({name} based on URL) was undeterminable: name must be provided")
    if given != name:
        raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({write.name})")


def parse_patch(media: str, body: bytes) -> Any:
    """A patch's body; whether it is a patch of its kind is found out when it is applied. Raises 400, 413."""
    try:
        value = read_json(body)
    except (ValueError, RecursionError):
        why = gojson.words(body)
        raise bad_request(why if media == STRATEGIC else f"error decoding patch: {why}") from None
    if media == JSON and isinstance(value, list) and len(value) > _OPERATIONS:
        text = f"The allowed maximum operations in a JSON patch is {_OPERATIONS}, got {len(value)}"
        raise StatusError(413, "RequestEntityTooLarge", text)
    return value


def doubled_fields(media: str, body: bytes) -> list[str]:
    """Fields that a patch's text names twice."""
    found = types.duplicates(gojson.mended(body))
    return [f"json patch {text}" for text in found] if media == JSON else found


def patcher(media: str, patch: Any, schema: Any) -> Callable[[Obj], Any]:
    """A function that applies a parsed patch to a document."""
    if media == JSON:
        return lambda doc: json_patch.apply(doc, patch)
    if media == MERGE:
        return lambda doc: merge_patch.apply(doc, patch)
    return lambda doc: strategic.apply(doc, patch, schema)


def unreadable(shown: Any, error: StatusError, media: str = MERGE, why: str | None = None) -> StatusError:
    """422 for a patched object that is not one of its type; other faults as they are.

    `shown` is what upstream's message shows: the patched object, or a strategic patch. `why` takes the place of the error's own words.
    """
    if error.code != 400:
        return error
    text_of_fault = why or re.sub(_HANDLED, "", error.message)
    if media == STRATEGIC:
        text = _go_map(shown)
    else:
        text = json.dumps(shown, separators=(",", ":"), ensure_ascii=False)
    return invalid("", "", "", [invalid_value("patch", text, text_of_fault)])


def touched(new: Any, patch: Any) -> Any:
    """A patched object as upstream's library writes it: what a patch goes through has its keys sorted, the rest stays as it was.

    `patch` is a merge patch or a JSON patch.
    """
    if isinstance(patch, list):
        tree: Obj = {}
        for operation in patch:
            for key in ("path", "from"):
                here = tree
                for step in str(operation.get(key) or "").split("/")[1:-1]:
                    here = here.setdefault(step.replace("~1", "/").replace("~0", "~"), {})
        return _sorted(new, tree)
    return _sorted(new, patch)


def _sorted(new: Any, tree: Any) -> Any:
    if isinstance(new, list) and isinstance(tree, dict):
        return [_sorted(item, tree.get(str(at))) for at, item in enumerate(new)]
    if not isinstance(new, dict) or not isinstance(tree, dict):
        return new
    return {key: _sorted(new[key], tree.get(key)) for key in sorted(new)}


def _of_another(view: View, new: Obj) -> str | None:
    """What is wrong with a patched object that has become one of another kind: it is read as one of that kind first."""
    resource = view.resource
    version, kind = str(new.get("apiVersion") or resource.api_version), str(new.get("kind") or resource.kind)
    if (version, kind) == (resource.api_version, resource.kind) or resource.custom:
        return None
    other = registry().by_kind(version, kind)
    if other is None:
        return f'no kind "{kind}" is registered for version "{version}" in scheme "pkg/api/legacyscheme/scheme.go:30"'
    try:
        types.read(other, new, "Ignore")
    except StatusError as error:
        return re.sub(_HANDLED, "", error.message)
    return None


def _go_map(value: Any) -> str:
    """A JSON value as Go prints it."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{_go_map(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(_go_map, value)) + "]"
    return "<nil>" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


_ENTRY = ("manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1", "subresource")


def _in_order(value: Any) -> Any:
    """A JSON value with its keys as upstream's message shows them: sorted, but for ownership, which is told in the order of its type."""
    if isinstance(value, list):
        return [_in_order(v) for v in value]
    if not isinstance(value, dict):
        return value
    keys = [k for k in _ENTRY if k in value] if "fieldsType" in value else sorted(value)
    return {k: _in_order(value[k]) for k in keys}


def patched(function: Callable[[Obj], Any], doc: Obj) -> Obj:
    """The patched document. Raises 400 or 422 where the patch does not fit it."""
    try:
        new = function(doc)
    except BadPatch as error:
        raise bad_request(str(error)) from None
    except Unprocessable as error:
        raise unprocessable(str(error)) from None
    except PatchError as error:
        raise StatusError(500, "", str(error)) from None
    if not isinstance(new, dict):
        raise bad_request("the patch leaves no object")
    return new


def unprocessable(text: str) -> StatusError:
    """422 for a patch that does not fit the object; upstream keeps the reason to itself and so the text is in the log only."""
    log.debug("patch refused: %s", text)
    error = StatusError(422, "Invalid", "the server rejected our request due to an error in our request")
    code = error.status.pop("code")
    error.status.update(details={}, code=code)
    return error


# server-side apply


def parse_applied(write: Write, body: bytes) -> Obj:
    """The applied configuration, YAML (its first document) or JSON. Raises 400."""
    try:
        value, doubled = read_yaml(body)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        why = yaml_words(error) if isinstance(error, yaml.YAMLError) else f"yaml: {error}"
        raise bad_request(f"error decoding YAML: error converting YAML to JSON: {why}") from None
    if doubled and write.options.validation == "Strict":
        lines = "\n  ".join(doubled)
        raise bad_request(
            f"error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  {lines}"
        )
    if write.options.validation == "Warn":
        for text in doubled:
            write.warn(text)
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise bad_request(
            "error decoding YAML: json: cannot unmarshal the document into Go value of type map[string]interface {}"
        )
    return value


async def apply_object(write: Write, applied: Obj, merge: Any = None) -> tuple[Any, int]:
    """Server-side apply: (item, 201 where it is new). Raises StatusError."""
    view = write.view
    _check_applied(write, applied)
    while True:
        if write.key(write.name) not in view.shelf.items:
            try:
                return await _apply_new(write, applied), 201
            except StatusError as error:
                if error.reason != "AlreadyExists":
                    raise
                continue
        item = await update(write, lambda old: _applied_to(write, old, applied), manage=False, merge=merge)
        return item, 200


def _check_applied(write: Write, applied: Obj) -> None:
    resource = write.view.resource
    metadata = applied.get("metadata")
    given = tuple(value if isinstance(value := applied.get(key), str) else "" for key in ("apiVersion", "kind"))
    if given != (resource.api_version, resource.kind):
        shown = given[0] if "/" in given[0] else f"/{given[0]}"
        raise bad_request(f"invalid object type: {shown}, Kind={given[1]}")
    if isinstance(metadata, dict) and metadata.get("managedFields") is not None:
        raise bad_request("metadata.managedFields must be nil")


def merged(write: Write, live: Obj | None, applied: Obj) -> Obj:
    """The live object (None: there is none) with an applied configuration merged in. Raises 409, 500."""
    resource = write.view.resource
    reset = resource.strategy.reset
    try:
        return managed.apply(
            live,
            applied,
            resource.schema,
            write.manager,
            api_version=resource.api_version,
            now=write.server.write.moment(),
            subresource=write.subresource,
            force=bool(write.options.force),
            convert=write.convert if write.view.conversion is not None or resource.custom else None,
            reset=reset.get(write.subresource) if reset is not None else None,
        )
    except managed.Conflicts as error:
        conflicted = StatusError(409, "Conflict", str(error), {"causes": error.causes})
        raise conflicted from None
    except PatchError as error:
        raise StatusError(500, "", str(error)) from None


def _given(applied: Obj) -> Obj:
    metadata = applied.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _typed(write: Write, new: Obj, applied: Obj) -> Obj:
    """The outcome of an apply by its types. Raises 500 where a value cannot become one of its type, as upstream."""
    try:
        return check_object(write, write.view, new, write.options.validation)
    except StatusError as error:
        resource = write.view.resource
        why = unstructured.fault(new, resource.schema) if error.code == 400 and not resource.custom else None
        if why is None:
            raise
        given = _given(applied)
        kind = f"{resource.api_version if '/' in resource.api_version else '/' + resource.api_version}, Kind={resource.kind}"
        raise StatusError(
            500,
            "",
            f"failed to convert new object ({given.get('namespace') or ''}/{given.get('name') or ''}; {kind}) to proper version: "
            f"unable to convert unstructured object to {kind}: {why}",
        ) from None


def _applied_to(write: Write, live: Obj, applied: Obj) -> Obj:
    version = _given(applied).get("resourceVersion")
    new = _typed(write, merged(write, live, applied), applied)
    creating.check_namespace(write, new["metadata"])
    check_name(write, new["metadata"], write.name)
    if version:
        new["metadata"]["resourceVersion"] = version
    else:
        new["metadata"].pop("resourceVersion", None)
    if write.manager == "kubectl" and not write.subresource:
        _sync_last_applied(new["metadata"], applied)
    return new


def _sync_last_applied(metadata: Obj, applied: Obj) -> None:
    """Where kubectl applied an object on the client's side before, its annotation follows: both ways stay usable."""
    annotations = metadata.get("annotations") or {}
    if not annotations.get(managed.LAST_APPLIED):
        return
    given = dict(_given(applied))
    if "annotations" in given:
        given["annotations"] = {k: v for k, v in (given["annotations"] or {}).items() if k != managed.LAST_APPLIED}
    text = json.dumps({**applied, "metadata": given}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    annotations[managed.LAST_APPLIED] = text + "\n"


async def _apply_new(write: Write, applied: Obj) -> Any:
    given, resource = _given(applied), write.view.resource
    if given.get("uid"):
        why = f"uid mismatch: the provided object specified uid {given['uid']}, and no existing object was found"
        raise conflict(resource.plural, resource.group, write.name, why)
    obj = _typed(write, merged(write, None, applied), applied)
    obj["metadata"].pop("resourceVersion", None)
    creating.check_namespace(write, obj["metadata"])
    check_name(write, obj["metadata"], write.name)
    operation, write.operation = write.operation, "CREATE"
    try:
        return await creating.create(write, obj, manage=False)
    finally:
        write.operation = operation

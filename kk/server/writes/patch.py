"""PATCH in its four forms: JSON, merge, strategic merge and apply; retried against the newest state until it holds.

What a patch means is kk.base.patch; the steps after it are those of an update (or, for an apply of something new, of a create).
"""

import logging
from collections.abc import Callable
from typing import Any

import msgspec
import yaml

from kk.base.errors import StatusError, bad_request, conflict, unsupported_media_type
from kk.base.patch import BadPatch, PatchError, Unprocessable, json_patch, merge_patch, strategic
from kk.base.patch import apply as managed
from kk.server.answers import item_response
from kk.server.bodies import YamlLoader, check_object, json_like, parse_json
from kk.server.context import Request, Response
from kk.server.encoding import Obj
from kk.server.negotiate import form_of
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
#: upstream's bound on operations of one JSON patch
_OPERATIONS = 10_000


def media_of(request: Request) -> str:
    """The patch type. Raises 415."""
    media = request.header("content-type").partition(";")[0].strip()
    if media not in (JSON, MERGE, STRATEGIC, APPLY):
        raise unsupported_media_type(
            f"the body of the request was in an unknown format - accepted media types include: {JSON}, {MERGE}, {STRATEGIC}, "
            f"{APPLY}, application/apply-patch+cbor"
        )
    return media


async def handle(request: Request, view: View) -> Response:
    """Answer a PATCH of a resource itself."""
    form = form_of(request.headers.get(b"accept", b""), read=False)
    media = media_of(request)
    options = write_options(request.info, "PatchOptions", media == APPLY)
    write = Write.of(request, view, "UPDATE", options)
    body = await request.body()
    if media == APPLY:
        item, status = await apply_object(write, parse_applied(body))
        return item_response(request, view, item, form, status)
    item = await update(write, changer(write, media, body, view))
    return item_response(request, view, item, form)


def changer(write: Write, media: str, body: bytes, view: View) -> Callable[[Obj], Obj]:
    """The function that patches an object of a view's version. Raises 400 where the patch cannot be read."""
    patch = parse_patch(media, body)
    function = patcher(media, patch, view.resource.schema)
    resource = view.resource

    def change(old: Obj) -> Obj:
        name = old["metadata"]["name"]
        new = patched(function, old, resource.kind, resource.group, name)
        obj = check_object(write, view, new, write.options.validation)
        creating.check_namespace(write, obj["metadata"])
        if (obj["metadata"].get("name") or "") != name:
            raise _renamed(view, obj, name)
        return obj

    return change


def _renamed(view: View, obj: Obj, name: str) -> StatusError:
    del view
    return bad_request(
        f"the name of the object ({obj['metadata'].get('name') or ''}) does not match the name on the URL ({name})"
    )


def parse_patch(media: str, body: bytes) -> Any:
    """A patch's body. Raises 400."""
    value = parse_json(body)
    if media == JSON:
        if not isinstance(value, list):
            raise bad_request(
                "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch"
            )
        if len(value) > _OPERATIONS:
            raise StatusError(
                413,
                "RequestEntityTooLarge",
                f"The allowed maximum operations in a JSON patch is {_OPERATIONS}, got {len(value)}",
            )
    elif not isinstance(value, dict):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"
        )
    return value


def patcher(media: str, patch: Any, schema: Any) -> Callable[[Obj], Any]:
    """A function that applies a parsed patch to a document."""
    if media == JSON:
        return lambda doc: json_patch.apply(doc, patch)
    if media == MERGE:
        return lambda doc: merge_patch.apply(doc, patch)
    return lambda doc: strategic.apply(doc, patch, schema)


def patched(function: Callable[[Obj], Any], doc: Obj, kind: str, group: str, name: str) -> Obj:
    """The patched document. Raises 400 or 422 where the patch does not fit it."""
    del kind, group, name
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


def parse_applied(body: bytes) -> Obj:
    """The applied configuration, YAML or JSON. Raises 400."""
    try:
        value = msgspec.json.decode(body) if body[:1] == b"{" else json_like(yaml.load(body, Loader=YamlLoader))
    except (yaml.YAMLError, msgspec.DecodeError, RecursionError) as error:
        raise bad_request(f"error decoding YAML: {error}") from None
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise bad_request("error decoding YAML: the document is no object")
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
        return await update(write, lambda old: _applied_to(write, old, applied), manage=False, merge=merge), 200


def _check_applied(write: Write, applied: Obj) -> None:
    resource = write.view.resource
    metadata = applied.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise bad_request("metadata is no object")
    given = (applied.get("apiVersion"), applied.get("kind"))
    if not given[0] or not given[1]:
        raise bad_request("Object 'Kind' is missing" if not given[1] else "Object 'apiVersion' is missing")
    if metadata.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    if given != (resource.api_version, resource.kind):
        raise bad_request(
            f"the object provided is of {given[0]} {given[1]}, not {resource.api_version} {resource.kind}"
        )


def merged(write: Write, live: Obj | None, applied: Obj) -> Obj:
    """The live object (None: there is none) with an applied configuration merged in. Raises 409, 500."""
    resource = write.view.resource
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
            convert=write.convert if write.view.conversion is not None else None,
        )
    except managed.Conflicts as error:
        conflicted = StatusError(409, "Conflict", str(error), {"causes": error.causes})
        raise conflicted from None
    except PatchError as error:
        raise StatusError(500, "", str(error)) from None


def _applied_to(write: Write, live: Obj, applied: Obj) -> Obj:
    given = applied.get("metadata") or {}
    resource = write.view.resource
    uid, version = given.get("uid"), given.get("resourceVersion")
    if uid and uid != live["metadata"].get("uid"):
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {live['metadata'].get('uid')}"
        raise conflict(resource.plural, resource.group, write.name, why)
    new = check_object(write, write.view, merged(write, live, applied), write.options.validation)
    creating.check_namespace(write, new["metadata"])
    _check_name(write, new["metadata"])
    if version:
        new["metadata"]["resourceVersion"] = version
    else:
        new["metadata"].pop("resourceVersion", None)
    return new


def _check_name(write: Write, metadata: Obj) -> None:
    name = metadata.get("name") or ""
    if name != write.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({write.name})")


async def _apply_new(write: Write, applied: Obj) -> Any:
    given, resource = applied.get("metadata") or {}, write.view.resource
    applied = {**applied, "metadata": {"name": write.name, **given}}
    if given.get("uid"):
        why = f"uid mismatch: the provided object specified uid {given['uid']}, and no existing object was found"
        raise conflict(resource.plural, resource.group, write.name, why)
    obj = check_object(write, write.view, merged(write, None, applied), write.options.validation)
    creating.check_namespace(write, obj["metadata"])
    _check_name(write, obj["metadata"])
    operation, write.operation = write.operation, "CREATE"
    try:
        return await creating.create(write, obj, manage=False)
    finally:
        write.operation = operation

"""POST: one new object. Retries generated names that are taken; everything else happens once."""

from kk.base import names
from kk.base.errors import StatusError, already_exists, bad_request, conflict
from kk.server.answers import item_response
from kk.server.authz import access, authorize
from kk.server.bodies import read_object
from kk.server.cache import Item
from kk.server.context import Request, Response
from kk.server.encoding import Obj, stored
from kk.server.negotiate import form_of
from kk.server.pipeline import Lost
from kk.server.views import View
from kk.server.writes.options import write_options
from kk.server.writes.write import Write, answered, dry_item, new_uid

#: generated names that may be taken before the client is told
_TRIES = 8


async def handle(request: Request, view: View) -> Response:
    """Answer a create."""
    form = form_of(request.headers.get(b"accept", b""), read=False)
    options = write_options(request.info, "CreateOptions")
    obj = await read_object(request, view, options.validation)
    item = await create(Write.of(request, view, "CREATE", options), obj)
    return item_response(request, view, item, form, 201)


async def create(write: Write, obj: Obj, manage: bool = True) -> Item:
    """Run the steps of a create. `obj` is of the view's version and the callee's to change; `manage` False where it brings managedFields along. Raises StatusError."""
    if write.options.kind != "CreateOptions":
        _may_create(write)
    metadata = obj["metadata"]
    check_namespace(write, metadata)
    if write.options.kind == "UpdateOptions" and metadata.get("uid"):
        raise uid_conflict(write, metadata["uid"], "", write.view.resource.plural)
    if metadata.get("resourceVersion"):
        raise StatusError(500, "", "resourceVersion should not be set on objects to be created")
    generated = not metadata.get("name") and bool(metadata.get("generateName"))
    stored_obj = write.view.to_stored(obj)
    for attempt in range(_TRIES if generated else 1):
        if generated:
            stored_obj["metadata"]["name"] = names.generate_name(metadata["generateName"])
        try:
            return await _create_once(write, stored_obj, manage, generated)
        except Lost:
            if not generated or attempt == _TRIES - 1:
                break
    resource = write.view.resource
    name = stored_obj["metadata"]["name"]
    error = already_exists(resource.plural, resource.group, name)
    current = write.view.shelf.items.get(write.key(name))
    if current is not None and write.view.shelf.obj(current)["metadata"].get("deletionTimestamp"):
        error.status["message"] = f"object is being deleted: {error.message}"
    if generated:
        error.status["details"]["retryAfterSeconds"] = 1
        error.status["message"] += ", the server was not able to generate a unique name for the object"
    raise error


async def _create_once(write: Write, obj: Obj, manage: bool, generated: bool) -> Item:
    shelf, strategy = write.view.shelf, write.view.shelf.resource.strategy
    metadata = obj["metadata"]
    if generated:
        write.name = ""  # who mutates the object is not told the name: another one may be tried
    elif not write.name:
        write.name = metadata.get("name") or ""
    if strategy.default is not None:
        strategy.default(obj)
    if manage:  # before admission and preparation: nobody owns what these set
        if shelf.resource.custom:
            await answered(lambda: write.manage(None, obj))
        else:
            write.manage(None, obj)
    await write.admit(obj, None, validating=False)
    metadata = obj["metadata"]  # who mutates may have put another one there
    if generated:
        write.name = metadata.get("name") or ""
    prepare(write, obj)
    with write.server.write.allocators.held(write, obj, None) as held:
        name = metadata.get("name") or ""
        write.refuse([*write.meta_faults(obj, None), *write.view.validate(obj, None)], name)
        for text in strategy.warnings(obj, None):
            write.warn(text)
        await write.admit(obj, None, validating=True)
        key = write.key(name)
        if key in shelf.items:
            raise Lost
        if write.options.dry_run:
            return dry_item(write.view, key, obj, stored(obj), 0)
        item = await write.server.write.put(shelf, key, obj, 0)
        held.keep()
        return item


def uid_conflict(write: Write, wanted: str, live: str, resource: str) -> StatusError:
    """409 for a uid that a write does not find, as upstream's store words it."""
    group = write.view.resource.group
    where = (
        f"/registry/{resource}/{write.namespace}/{write.name}"
        if write.namespace
        else f"/registry/{resource}/{write.name}"
    )
    why = (
        f"StorageError: invalid object, Code: 4, Key: {where}, ResourceVersion: 0, AdditionalErrorMsg: "
        f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {live}"
    )
    return conflict(resource, group, write.name, why)


def _may_create(write: Write) -> None:
    """An update or apply that makes an object needs the right to create. Raises StatusError 403."""
    resource = write.view.resource
    wanted = access("create", resource.plural, group=resource.group, namespace=write.namespace, name=write.name)
    refused = authorize(write.server, write.user, wanted)
    if refused is not None:
        raise refused


def prepare(write: Write, obj: Obj) -> None:
    """What the server alone sets on a new object."""
    resource = write.view.shelf.resource
    metadata = obj["metadata"]
    for key in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion"):
        metadata.pop(key, None)
    metadata["uid"] = new_uid()
    metadata["creationTimestamp"] = write.server.write.now()
    if resource.namespaced:
        metadata["namespace"] = write.namespace
    if resource.strategy.generation:
        metadata["generation"] = 1
    if "status" in resource.subresources and not resource.strategy.status_on_create:
        obj.pop("status", None)
    if resource.strategy.prepare_create is not None:
        resource.strategy.prepare_create(obj)


def check_namespace(write: Write, metadata: Obj) -> None:
    """The body's namespace against the path's; what has no namespace loses it. Raises 400."""
    if not write.view.resource.namespaced:
        metadata.pop("namespace", None)
        return
    given = metadata.get("namespace") or ""
    if not given:
        metadata["namespace"] = write.namespace
    elif given != write.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")

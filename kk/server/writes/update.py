"""PUT, and the steps that every change of an existing object runs: patches, sub-resources and in-process writers come here too.

A change that alters nothing is not stored and keeps its resourceVersion. An object that waits for its last finalizer goes when
an update takes that finalizer away.
"""

from collections.abc import Callable
from typing import Any

from kk.base.errors import FieldError, StatusError, bad_request, invalid, invalid_value
from kk.kinds.kind import Resource
from kk.server.answers import item_response
from kk.server.bodies import read_object
from kk.server.cache import Item
from kk.server.context import Request, Response
from kk.server.encoding import Obj, decode, stored, with_revision
from kk.server.negotiate import form_of
from kk.server.pipeline import Lost, lost
from kk.server.reads import find
from kk.server.views import View
from kk.server.writes import create as creating
from kk.server.writes.options import write_options
from kk.server.writes.write import Write, answered, copied, dry_item

#: resources of which upstream's status sub-resource cannot change labels
_LABELS_KEPT = frozenset({("apps", "v1", "deployments")})
#: fields of metadata that a client cannot change by leaving them out
_OWN = frozenset({"generation", "creationTimestamp"})
_KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")


async def handle(request: Request, view: View) -> Response:
    """Answer a PUT; some kinds are created by it."""
    form = form_of(request.headers.get(b"accept", b""), read=False)
    options = write_options(request.info, "UpdateOptions")
    obj = await read_object(request, view, options.validation)
    write = Write.of(request, view, "UPDATE", options)
    check_identity(write, obj)
    if view.shelf.resource.strategy.create_on_update and write.key(write.name) not in view.shelf.items:
        write.operation = "CREATE"
        obj["metadata"].pop("resourceVersion", None)
        return item_response(request, view, await creating.create(write, obj), form, 201)
    item = await update(write, lambda old: copied(obj), put=True)
    return item_response(request, view, item, form)


def check_identity(write: Write, obj: Obj) -> None:
    """The body's name and namespace against the path's. Raises 400."""
    metadata = obj["metadata"]
    creating.check_namespace(write, metadata)
    name = metadata.get("name") or ""
    if not name:
        raise bad_request(
            f"the name of the object ({write.name} based on URL) was undeterminable: name must be provided"
        )
    if name != write.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({write.name})")


async def update(
    write: Write,
    change: Callable[[Obj], Obj],
    *,
    put: bool = False,
    manage: bool = True,
    merge: "Callable[[Obj, Obj], None] | None" = None,
) -> Item:
    """Change an object: `change` gets it (in the view's version) and returns what it shall be. Raises StatusError.

    put      without a resourceVersion only kinds that allow it are changed
    manage   False where the change brings managedFields along (server-side apply)
    merge    a sub-resource's own way to say what it may change: merge(new, old); None: everything but what the main resource keeps
    """
    view = write.view

    async def attempt() -> Item:
        if view.shelf.lagging:
            await view.shelf.fresh()
        item = find(view, write.namespace, write.name)
        old = view.shelf.obj(item)
        if view.resource.custom:
            asked = await answered(lambda: change(view.shelf.obj(item)))
        else:
            asked = change(view.from_stored(view.shelf.obj(item)))
        conditional = check_version(write, asked, item, put)
        new = view.to_stored(asked)
        try:
            return await _update_once(write, item, old, new, manage, merge)
        except Lost:
            if conditional:
                raise lost(view, write.name) from None
            raise

    try:
        return await write.server.write.turns.take(view.shelf.prefix + write.key(write.name), attempt)
    except Lost:
        raise lost(view, write.name) from None


def check_version(write: Write, asked: Obj, item: Item, put: bool) -> bool:
    """Hold resourceVersion and uid against the object; True where the write is bound to a version. Raises 409, 422, 500."""
    metadata, resource = asked["metadata"], write.view.resource
    uid = metadata.get("uid")
    version = metadata.get("resourceVersion") or ""
    if version and not version.isdigit():
        raise StatusError(500, "", f'strconv.ParseUint: parsing "{version}": invalid syntax')
    if put and uid and uid != (live := _uid(item)):
        raise creating.uid_conflict(write, uid, live, resource.plural)
    if not version or version == "0":
        if put and not write.view.shelf.resource.strategy.unconditional_update:
            fault = invalid_value("metadata.resourceVersion", 0, "must be specified for an update")
            raise invalid(resource.plural, resource.group, write.name, [fault])
        return False
    if int(version) != item.revision:
        raise lost(write.view, write.name)
    return put


def _uid(item: Item) -> str:
    return decode(b"{" + item.rest)["metadata"].get("uid", "")


async def _update_once(
    write: Write, item: Item, old: Obj, new: Obj, manage: bool, merge: "Callable[[Obj, Obj], None] | None"
) -> Item:
    view = write.view
    shelf, strategy = view.shelf, view.shelf.resource.strategy
    if strategy.default is not None:
        strategy.default(new)
    keep(write, new, old)
    if write.subresource == "status":
        _only_status(new, old, write.view.resource)
    if manage:  # of what was asked, also where a sub-resource then takes only a part of it
        if shelf.resource.custom:
            await answered(lambda: write.manage(old, new))
        else:
            write.manage(old, new)
    if merge is not None:
        merge(new, old)
    await write.admit(new, old, validating=False)
    prepare(write, new, old, merge)
    with write.server.write.allocators.held(write, new, old) as held:
        faults = _faults(write, new, old)
        if shelf.resource.custom:
            for text in shelf.resource.judge.forgiven():  # type: ignore[attr-defined]
                write.warn(text)
        write.refuse(faults, write.name)
        for text in strategy.warnings(new, old):
            write.warn(text)
        await write.admit(new, old, validating=True)
        value = stored(new)
        if _same(with_revision(value[len(shelf.head) :], item.revision), item.rest):
            return item
        if write.options.dry_run:
            return dry_item(view, item.key, new, value, item.revision)
        if is_over(new):
            # the event shows what watchers knew, the answer what the writer asked for
            gone = await write.server.write.remove(shelf, item)
            return dry_item(view, item.key, new, value, gone.revision)
        stored_item = await write.server.write.put(shelf, item.key, new, item.revision, value)
        held.keep()
        return stored_item


def _faults(write: Write, new: Obj, old: Obj) -> list[FieldError]:
    strategy = write.view.shelf.resource.strategy
    faults = write.meta_faults(new, old)
    if write.subresource == "status":
        return [*faults, *strategy.validate_status(new, old)]
    check = strategy.validate_subresource.get(write.subresource, write.view.validate)
    return [*faults, *check(new, old)]


def _same(rest: bytes, before: bytes) -> bool:
    """Whether two encoded objects say the same; what differs only in the order of keys is of one length."""
    return rest == before or (len(rest) == len(before) and decode(b"{" + rest) == decode(b"{" + before))


def is_over(obj: Obj) -> bool:
    """Whether an object that is being deleted has nothing left to wait for."""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    if metadata.get("deletionGracePeriodSeconds"):
        return False
    return not (obj.get("kind") == "Namespace" and obj["spec"].get("finalizers"))


def keep(write: Write, new: Obj, old: Obj) -> None:
    """Give back what of metadata no client can change by leaving it out."""
    metadata, before = new["metadata"], old["metadata"]
    for key in _KEPT:
        if key in before:
            if key not in metadata or key in _OWN or (key == "deletionTimestamp" and before[key]):
                metadata[key] = before[key]
        elif key in _OWN:
            metadata.pop(key, None)
    metadata.pop("selfLink", None)
    if write.view.shelf.resource.namespaced:
        metadata.setdefault("namespace", write.namespace)


def prepare(write: Write, new: Obj, old: Obj, merge: Any) -> None:
    """What the server alone sets on an object that changes."""
    resource = write.view.shelf.resource
    metadata, before = new["metadata"], old["metadata"]
    if write.subresource == "status":
        _only_status(new, old, write.view.resource)
        if resource.strategy.prepare_status is not None:
            resource.strategy.prepare_status(new, old)
    elif merge is None:
        _all_but_status(write, new, old)
        if resource.strategy.prepare_update is not None:
            resource.strategy.prepare_update(new, old)
    # a binding is no change of what the user asked for
    if resource.strategy.generation and write.subresource not in ("binding", "status") and _counted(write, new, old):
        metadata["generation"] = (before.get("generation") or 0) + 1


def _all_but_status(write: Write, new: Obj, old: Obj) -> None:
    if "status" in write.view.shelf.resource.subresources:
        if "status" in old:
            new["status"] = old["status"]
        else:
            new.pop("status", None)


def _only_status(new: Obj, old: Obj, resource: Resource) -> None:
    """A write to status changes status and what of metadata is nobody's spec; of custom resources nothing of metadata."""
    status = new.get("status")
    metadata = new["metadata"]
    for key in list(new):
        if key not in ("kind", "apiVersion", "metadata", "status"):
            del new[key]
    for key, value in old.items():
        if key not in ("kind", "apiVersion", "metadata", "status"):
            new[key] = value
    if status is not None:
        new["status"] = new.pop("status")
    if resource.custom:
        own = {k: metadata[k] for k in ("managedFields", "resourceVersion") if k in metadata}
        rest = {k: v for k, v in old["metadata"].items() if k not in ("managedFields", "resourceVersion")}
        new["metadata"] = {**rest, **own}
        return
    labels = resource.key in _LABELS_KEPT
    kept = ("deletionTimestamp", "ownerReferences", "labels") if labels else ("deletionTimestamp", "ownerReferences")
    for key in kept:
        if key in old["metadata"]:
            metadata[key] = old["metadata"][key]
        else:
            metadata.pop(key, None)


def _counted(write: Write, new: Obj, old: Obj) -> bool:
    """Whether a change counts for metadata.generation."""
    counted = write.view.shelf.resource.strategy.counted
    return _spec_changed(new, old) or (counted is not None and counted(new) != counted(old))


def _spec_changed(new: Obj, old: Obj) -> bool:
    ignored = ("metadata", "status", "kind", "apiVersion")
    return any(key not in ignored and new.get(key) != old.get(key) for key in {*new, *old})

"""DELETE: at once, or marked and left to a finalizer, a grace period or the garbage collector.

The rules are those of k8s.io/apiserver `pkg/registry/generic/registry/store.go`. What marks a namespace as going is in
kk.server.writes.namespaces.
"""

from typing import Any

from kk.base.errors import StatusError, conflict
from kk.server.answers import item_response, object_response
from kk.server.cache import Item
from kk.server.context import Request, Response
from kk.server.encoding import Obj, stored
from kk.server.negotiate import body_media, form_of
from kk.server.pipeline import Lost, lost
from kk.server.reads import find
from kk.server.turns import RETRIES
from kk.server.views import View
from kk.server.writes import namespaces
from kk.server.writes.options import WriteOptions, delete_options
from kk.server.writes.write import Write, dry_item, generation, later

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"


async def handle(request: Request, view: View) -> Response:
    """Answer a DELETE: the object where it stays for a while, else a Status."""
    form = form_of(request.headers.get(b"accept", b""), read=False)
    options = await read_options(request)
    write = write_of(request, view, options)
    item, gone = await delete(write, options)
    status = 202 if not gone and options.get("orphanDependents") is False else 200
    if not gone or _answers_with_object(view):
        return item_response(request, view, item, form, status)
    return object_response(request, succeeded(view, item, view.obj(item)["metadata"].get("uid", "")), form)


def _answers_with_object(view: View) -> bool:
    """Kinds whose storage gives back what it deleted."""
    return (view.resource.group, view.resource.plural) in namespaces.GIVES_BACK


async def read_options(request: Request) -> Obj:
    """DeleteOptions of a request. Raises StatusError."""
    body = await request.body()
    media = body_media(request.headers.get(b"content-type", b"")) if body else ""
    return delete_options(request.info, body, media)


def write_of(request: Request, view: View, options: Obj) -> Write:
    """The write of a delete request."""
    wire = {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1", **options}
    return Write.of(
        request, view, "DELETE", WriteOptions("DeleteOptions", dry_run=bool(options.get("dryRun")), wire=wire)
    )


def succeeded(view: View, item: Item, uid: str) -> Obj:
    """The Status of an object that is gone."""
    resource = view.resource
    details = {"name": item.key.rpartition("/")[2], "group": resource.group, "kind": resource.plural, "uid": uid}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {k: v for k, v in details.items() if v},
    }


async def delete(write: Write, options: Obj) -> tuple[Item, bool]:
    """Delete an object: (what it was or is now, whether it is gone). Raises StatusError."""
    for _ in range(RETRIES):
        if write.view.shelf.lagging:
            await write.view.shelf.fresh()
        item = find(write.view, write.namespace, write.name)
        old = write.view.shelf.obj(item)
        check_preconditions(write, options, item, old)
        await write.admit(None, old, validating=False)
        await write.admit(None, old, validating=True)
        try:
            return await _delete_once(write, options, item, old)
        except Lost:
            if (options.get("preconditions") or {}).get("resourceVersion"):
                break
    raise lost(write.view, write.name)


def check_preconditions(write: Write, options: Obj, item: Item, old: Obj) -> None:
    """Hold the preconditions against the object. Raises 409."""
    wanted = options.get("preconditions") or {}
    uid, version = wanted.get("uid"), wanted.get("resourceVersion")
    if uid is not None and uid != old["metadata"].get("uid"):
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {old['metadata'].get('uid')}"
        raise _failed(write, why)
    if version is not None and version != str(item.revision):
        why = f"Precondition failed: ResourceVersion in precondition: {version}, ResourceVersion in object meta: {item.revision}"
        raise _failed(write, why)


def _failed(write: Write, why: str) -> StatusError:
    resource = write.view.resource
    error = conflict(resource.plural, resource.group, write.name, why)
    if resource.key != namespaces.KEY:
        error.status["details"]["kind"] = resource.kind
    return error


async def _delete_once(write: Write, options: Obj, item: Item, old: Obj) -> tuple[Item, bool]:
    """One try against one state of the object."""
    view, now = write.view, write.server.write.now()
    new = view.shelf.obj(item)
    metadata = new["metadata"]
    grace = _grace(write, options, new)
    if grace < 0:  # it is on its way already, and not asked to hurry
        return item, False
    strategy = view.shelf.resource.strategy
    if strategy.orphans and options.get("propagationPolicy") is None and options.get("orphanDependents") is None:
        options = {**options, "propagationPolicy": "Orphan"}
        if strategy.orphan_warning:
            write.warn(strategy.orphan_warning)
    going = namespaces.mark(new, now) if view.resource.key == namespaces.KEY else False
    if strategy.going is not None:
        going = strategy.going(new, now)
    finalizers = wanted_finalizers(metadata.get("finalizers") or [], options)
    if not finalizers and not grace and not going:
        gone = await _remove(write, item)
        if strategy.grace is not None and mark(metadata, now, 0):
            # the answer shows the deletion that nobody waited for
            metadata["generation"] = generation(metadata) + 1
            gone = dry_item(view, item.key, new, stored(new), gone.revision)
        return gone, True
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)
    if going:
        metadata.setdefault("deletionTimestamp", now)
        return await _store(write, item, new), False
    marked = mark(metadata, now, grace)
    if marked and view.shelf.resource.strategy.generation and generation(metadata):
        metadata["generation"] += 1
    return await _store(write, item, new), False


def mark(metadata: Obj, now: str, grace: int) -> bool:
    """Set or shorten the deletion; False where nothing changes."""
    current = metadata.get("deletionGracePeriodSeconds")
    if metadata.get("deletionTimestamp"):
        if current is not None and grace >= current:
            return False
        metadata["deletionTimestamp"] = later(now, grace)
        metadata["deletionGracePeriodSeconds"] = grace
        return True
    metadata["deletionTimestamp"] = later(now, grace) if grace else now
    metadata["deletionGracePeriodSeconds"] = grace
    return True


def _grace(write: Write, options: Obj, obj: Obj) -> int:
    """Seconds until the object may go, 0 for at once; -1 where an earlier delete already waits no longer than this one asks."""
    strategy = write.view.shelf.resource.strategy
    if strategy.grace is None:
        return 0
    seconds = strategy.grace(obj, options)
    metadata = obj["metadata"]
    if metadata.get("deletionTimestamp"):
        current = metadata.get("deletionGracePeriodSeconds") or 0
        asked = options.get("gracePeriodSeconds")
        if current == 0:
            return 0
        if asked is None or seconds >= current:
            return -1
    return seconds


def wanted_finalizers(finalizers: list[str], options: Obj) -> list[str]:
    """The finalizers that stand after a delete with these options."""
    policy, orphan = options.get("propagationPolicy"), options.get("orphanDependents")
    if orphan is not None:
        keep = {ORPHAN} if orphan else set()
    elif policy is not None:
        keep = {"Orphan": {ORPHAN}, "Foreground": {FOREGROUND}}.get(policy, set())
    else:
        return list(finalizers)
    out = [f for f in finalizers if f not in (ORPHAN, FOREGROUND)]
    return [*out, *sorted(keep)]


async def _remove(write: Write, item: Item) -> Item:
    return item if write.options.dry_run else await write.server.write.remove(write.view.shelf, item)


async def _store(write: Write, item: Item, new: Obj) -> Item:
    value = stored(new)
    if write.options.dry_run:
        return dry_item(write.view, item.key, new, value, item.revision)
    return await write.server.write.put(write.view.shelf, item.key, new, item.revision, value)


def whole(view: View, item: Item) -> Any:
    """A deleted object as the answer of a collection's delete shows it."""
    return view.obj(item)

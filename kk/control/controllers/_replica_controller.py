"""The reconciler of ReplicaSets and ReplicationControllers, which differ in names and selector."""

from collections.abc import Callable
from functools import partial

from kk.base.errors import StatusError
from kk.base.selectors import LabelSelector
from kk.control import owners
from kk.control import pods as p
from kk.control.claims import claim_all
from kk.control.controller import Obj
from kk.control.controllers import _replicas as r
from kk.control.manager import Context
from kk.control.through import Through, terminating


def reconciler(
    api_version: str, plural: str, selector_of: Callable[[Obj], LabelSelector]
) -> Callable[[Context, str], float | None]:
    """A reconcile function for one of the two kinds."""

    def reconcile(ctx: Context, key: str) -> float | None:
        sets, pods = Through(ctx, api_version, plural), Through(ctx, "v1", "pods")
        rs = sets.get(key)
        if rs is None:
            return None
        owned = claim_all(sets, rs, pods, selector_of(rs))
        steps = r.plan(rs, owned, _related(sets, pods, rs, owned), ctx.clock.now())
        failure = _act(ctx, pods, rs, steps)
        fresh = [pod for pod in pods.list(rs["metadata"]["namespace"]) if owners.controlled_by(pod, rs)]
        _write_status(sets, rs, r.status(rs, fresh, _told(failure, steps), ctx.clock.now()))
        if failure is not None:
            raise failure
        return steps.again

    return reconcile


def _told(failure: Exception | None, steps: r.Plan) -> tuple[str, str] | None:
    if failure is None:
        return None
    return ("FailedDelete" if steps.delete else "FailedCreate", str(failure))


def _related(sets: Through, pods: Through, rs: Obj, owned: list[Obj]) -> list[Obj]:
    """Pods of all sets of the same owner, so that crowded nodes lose a pod first."""
    above = owners.controller_of(rs)
    if above is None:
        return owned
    namespace = rs["metadata"]["namespace"]
    uids = {
        s["metadata"]["uid"]
        for s in sets.list(namespace)
        if (ref := owners.controller_of(s)) and ref["uid"] == above["uid"]
    }
    return [pod for pod in pods.list(namespace) if (ref := owners.controller_of(pod)) and ref["uid"] in uids]


def _act(ctx: Context, pods: Through, rs: Obj, steps: r.Plan) -> Exception | None:
    """Make or delete pods; the first refusal ends it and is returned."""
    if steps.create:
        return _slow_start(ctx, pods, rs, steps.create)
    failures = ctx.parallel([partial(_delete, ctx, pods, rs, pod) for pod in steps.delete]) if steps.delete else []
    return next((f for f in failures if f is not None), None)


def _slow_start(ctx: Context, pods: Through, rs: Obj, count: int) -> Exception | None:
    """One create goes alone, then twice as many at once each time: a template that is refused costs few requests."""
    size, left = 1, count
    while left > 0:
        size = min(size, left)
        failures = [f for f in ctx.parallel([partial(_create, ctx, pods, rs)] * size) if f is not None]
        if failures:
            return None if terminating(failures[0]) else failures[0]
        left -= size
        size *= 2
    return None


def _create(ctx: Context, pods: Through, rs: Obj) -> None:
    pod = p.from_template(rs["spec"]["template"], rs, owners.reference(rs))
    pod["metadata"]["namespace"] = rs["metadata"]["namespace"]
    try:
        made = pods.create(pod)
    except StatusError as error:
        if not terminating(error):
            ctx.event(rs, "Warning", "FailedCreate", f"Error creating: {error.message}")
        raise
    ctx.event(rs, "Normal", "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")


def _delete(ctx: Context, pods: Through, rs: Obj, pod: Obj) -> None:
    try:
        pods.delete(pod)
    except StatusError as error:
        if error.code in (404, 409):
            return
        ctx.event(rs, "Warning", "FailedDelete", f"Error deleting: {error.message}")
        raise
    ctx.event(rs, "Normal", "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")


def _write_status(sets: Through, rs: Obj, status: Obj) -> None:
    if status != (rs.get("status") or {}):
        sets.update_status({**rs, "status": status})

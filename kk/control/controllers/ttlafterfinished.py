"""Jobs that have ended are deleted ttlSecondsAfterFinished later, where that is set."""

from datetime import datetime
from typing import Any

from kk.base.errors import StatusError
from kk.base.times import parse_time

from .. import pods as podlib
from ..controller import Controller, Watch

Obj = dict[str, Any]


def due_in(job: Obj, now: datetime) -> float | None:
    """Seconds until a job is to be deleted, None for never. Pure."""
    ttl = job["spec"].get("ttlSecondsAfterFinished")
    if ttl is None or job["metadata"].get("deletionTimestamp"):
        return None
    for type in ("Complete", "Failed"):
        held = podlib.condition(job, type)
        if held is not None and held["status"] == "True":
            return float(ttl) - (now - parse_time(held["lastTransitionTime"])).total_seconds()
    return None


def reconcile(ctx: Any, key: str) -> float | None:
    """key is namespace/name of a job."""
    job = ctx.informer("batch/v1", "jobs").get(key)
    wait = due_in(job, ctx.clock.now()) if job is not None else None
    if job is None or wait is None:
        return None
    if wait > 0:
        return wait
    meta = job["metadata"]
    preconditions = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
    try:
        ctx.resource("batch/v1", "jobs", meta["namespace"]).delete(
            meta["name"], propagationPolicy="Foreground", preconditions=preconditions
        )
    except StatusError as error:
        if error.code != 404:
            raise
    return None


CONTROLLER = Controller("ttl-after-finished-controller", reconcile, watches=(Watch("batch/v1", "jobs"),))

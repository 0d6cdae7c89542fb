"""Jobs: pods that run to completion, counted exactly once each. Decisions are in _jobs; here is what reads and writes."""

from collections.abc import Callable, Iterable
from typing import Any

from kk.base.errors import StatusError
from kk.base.selectors import from_label_selector
from kk.base.times import format_time

from .. import pods as podlib
from ..claims import claim_all
from ..controller import Controller, Watch, controller_of, controller_reference
from ..through import Through, terminating
from . import _jobs

Obj = dict[str, Any]
_MOST_AT_ONCE = 500
#: seconds to wait for failures that come together: they may end the job, and then none is replaced (upstream waits as long)
_TOGETHER = 1.0


class Work:
    """One look at a job."""

    def __init__(self, ctx: Any, job: Obj):
        self.ctx, self.job = ctx, job
        self.jobs, self.pods = Through(ctx, "batch/v1", "jobs"), Through(ctx, "v1", "pods")
        self.now = ctx.clock.now()

    def run(self) -> float | None:
        """Count, decide, act, write; seconds until there is something to do by the clock."""
        owned = claim_all(self.jobs, self.job, self.pods, from_label_selector(self.job["spec"]["selector"]))
        self._start()
        seen = _jobs.count(self.job, owned)
        ending = None if self.job["metadata"].get("deletionTimestamp") else _jobs.end(self.job, seen, self.now)
        if ending is not None and podlib.condition(self.job, ending.early) is None:
            self._write(conditions=self._condition(ending.early, "True", ending.reason, ending.message))
        self._suspension(ending)
        busy = bool(seen.active)
        wait = self._manage(owned, seen, ending)
        self._settle(owned, seen)
        if not busy:  # what was deleted just now counts as failed at the next look
            self._finish(seen, ending)
        return wait

    # ---- the status ----
    def _write(self, **changes: Any) -> None:
        """Write fields of the status, where they differ; None removes one."""
        status = {**(self.job.get("status") or {}), **changes}
        status = {k: v for k, v in status.items() if v is not None}
        if status != (self.job.get("status") or {}):
            self.job = self.jobs.update_status({**self.job, "status": status})

    def _condition(self, type: str, value: str, reason: str, message: str) -> list[Obj]:
        held = (self.job.get("status") or {}).get("conditions") or []
        return _jobs.set_condition(held, type, value, reason, message, self.now)

    def _start(self) -> None:
        status = self.job.get("status") or {}
        if not status.get("startTime") and not self.job["spec"].get("suspend"):
            self._write(startTime=format_time(self.now))

    def _suspension(self, ending: _jobs.End | None) -> None:
        """Say that the job was suspended or resumed; its time starts anew then."""
        held = podlib.condition(self.job, "Suspended")
        wanted = bool(self.job["spec"].get("suspend"))
        if ending is not None or wanted == (held is not None and held["status"] == "True"):
            return
        if wanted:
            self._write(
                conditions=self._condition("Suspended", "True", "JobSuspended", "Job suspended"), startTime=None
            )
            self.ctx.event(self.job, "Normal", "Suspended", "Job suspended")
        else:
            conditions = self._condition("Suspended", "False", "JobResumed", "Job resumed")
            self._write(conditions=conditions, startTime=format_time(self.now))
            self.ctx.event(self.job, "Normal", "Resumed", "Job resumed")

    # ---- pods ----
    def _manage(self, owned: list[Obj], seen: _jobs.Count, ending: _jobs.End | None) -> float | None:
        if self.job["metadata"].get("deletionTimestamp"):
            return None
        if ending is not None:
            self._delete(seen, seen.active, counted=ending.type == "Failed")
            return None
        missing = _jobs.difference(self.job, seen)
        if missing < 0:
            order = podlib.deletion_order(seen.active, seen.active, self.now)
            self._delete(seen, order[:-missing])
        elif missing > 0:
            wait = _jobs.backoff_in(owned, self.now)
            if wait > 0:
                return wait
            self._create(owned, seen, min(missing, _MOST_AT_ONCE))
        left = _jobs.deadline_in(self.job, self.now)
        return max(0.0, left) if left is not None else None

    def _create(self, owned: list[Obj], seen: _jobs.Count, number: int) -> None:
        reference = controller_reference(self.job)
        indexes: list[int | None] = [None] * number
        if _jobs.indexed(self.job):
            indexes = [*_jobs.free_indexes(self.job, seen, number)]
        made: list[Obj] = []

        def creating(index: int | None) -> Callable[[], None]:
            def create() -> None:
                failures = 0 if index is None else _jobs.failures_of(index, owned)
                pod = self.pods.create(_jobs.pod_of(self.job, reference, index, failures))
                made.append(pod)
                self.ctx.event(self.job, "Normal", "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")

            return create

        size, at = 1, 0
        while at < len(indexes):
            errors = [e for e in self.ctx.parallel([creating(i) for i in indexes[at : at + size]]) if e is not None]
            at, size = at + size, size * 2
            if errors:
                seen.active += made
                if terminating(errors[0]):
                    return
                self.ctx.event(self.job, "Warning", "FailedCreate", f"Error creating: {errors[0]}")
                raise errors[0]
        seen.active += made

    def _delete(self, seen: _jobs.Count, chosen: list[Obj], counted: bool = False) -> None:
        """Delete pods; those that are only too many are not counted as failed: they lose the finalizer first."""

        def deleting(pod: Obj) -> Callable[[], None]:
            def delete() -> None:
                if not counted:
                    release(self.pods, pod)
                self.pods.delete(pod)
                self.ctx.event(self.job, "Normal", "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")

            return delete

        if not chosen:
            return
        gone = {p["metadata"]["uid"] for p in chosen}
        for error in self.ctx.parallel([deleting(p) for p in chosen]):
            if error is not None and not (isinstance(error, StatusError) and error.code in (404, 409)):
                raise error
        seen.active = [p for p in seen.active if p["metadata"]["uid"] not in gone]
        seen.ready = sum(podlib.ready(p) for p in seen.active)
        for pod in chosen:  # from now on it is one of those that end; whether it counts as failed, the next look tells
            if pod["spec"].get("nodeName"):
                seen.terminating += 1

    def _settle(self, owned: list[Obj], seen: _jobs.Count) -> None:
        """Count finished pods for good: note their uids, take off their finalizers, then raise the counters."""
        status = self.job.get("status") or {}
        waiting = status.get("uncountedTerminatedPods") or {}
        new = {
            "succeeded": [*(waiting.get("succeeded") or ()), *(p["metadata"]["uid"] for p in seen.new_succeeded)],
            "failed": [*(waiting.get("failed") or ()), *(p["metadata"]["uid"] for p in seen.new_failed)],
        }
        if _jobs.indexed(self.job):
            new["succeeded"] = []  # the index says it
        noted = {k: v for k, v in new.items() if v}
        counts: Obj = {
            "active": len(seen.active) or None,
            "ready": seen.ready,
            "terminating": seen.terminating,
        }
        if _jobs.indexed(self.job) and seen.indexes:
            counts["completedIndexes"] = _jobs.format_indexes(seen.indexes)
        if self.job["spec"].get("backoffLimitPerIndex") is not None:
            counts["failedIndexes"] = _jobs.format_indexes(seen.failed_indexes)
        if noted:
            self._write(uncountedTerminatedPods=noted)
        uids = {u for v in new.values() for u in v} | {
            p["metadata"]["uid"] for p in (*seen.ignored, *seen.new_succeeded)
        }
        self._release([p for p in owned if p["metadata"]["uid"] in uids and _jobs.tracked(p)])
        self._write(
            uncountedTerminatedPods={},
            succeeded=seen.succeeded or None,
            failed=seen.failed or None,
            **counts,
        )

    def _release(self, pods: list[Obj]) -> None:
        for error in self.ctx.parallel([lambda p=p: release(self.pods, p) for p in pods]) if pods else ():
            if error is not None:
                raise error

    def _finish(self, seen: _jobs.Count, ending: _jobs.End | None) -> None:
        """The last condition, once no pod is left that could still end otherwise."""
        if ending is None or seen.active or seen.terminating:
            return
        conditions = self._condition(ending.type, "True", ending.reason, ending.message)
        done = {"completionTime": format_time(self.now)} if ending.type == "Complete" else {}
        self._write(conditions=conditions, **done)
        if ending.type == "Complete":
            self.ctx.event(self.job, "Normal", "Completed", "Job completed")
        else:
            self.ctx.event(self.job, "Warning", ending.reason, ending.message)


def release(pods: Through, pod: Obj) -> None:
    """Take the finalizer off a pod."""
    rest = [f for f in pod["metadata"].get("finalizers") or () if f != _jobs.FINALIZER]
    try:
        pods.patch(pod, {"metadata": {"uid": pod["metadata"]["uid"], "finalizers": rest or None}})
    except StatusError as error:
        if error.code not in (404, 409, 422):
            raise


def reconcile(ctx: Any, key: str) -> float | None:
    """key is namespace/name of a job."""
    job = ctx.informer("batch/v1", "jobs").get(key)
    if job is not None and not _jobs.finished(job) and not job["spec"].get("managedBy"):
        return Work(ctx, job).run()
    pods = Through(ctx, "v1", "pods")
    for pod in ctx.informer("v1", "pods").by_index("job", key):
        owner = controller_of(pod)
        if _jobs.tracked(pod) and (job is None or owner is None or owner["uid"] == job["metadata"]["uid"]):
            release(pods, pod)
    return None


def _by_job(pod: Obj) -> list[str]:
    """Index: the job of a pod, by its owner, or for one that has lost it by its label."""
    meta = pod["metadata"]
    owner = controller_of(pod)
    if owner is not None:
        return [f"{meta['namespace']}/{owner['name']}"] if owner["kind"] == "Job" else []
    name = (meta.get("labels") or {}).get("batch.kubernetes.io/job-name")
    return [f"{meta['namespace']}/{name}"] if name and _jobs.tracked(pod) else []


def _pod_keys(ctx: Any, event: str, pod: Obj, old: Obj | None) -> Iterable[str]:
    failed = (pod.get("status") or {}).get("phase") == "Failed" and old is not None and not podlib.finished(old)
    if event == "MODIFIED" and failed:
        for key in _by_job(pod):
            ctx.enqueue(key, _TOGETHER)
        return
    yield from _by_job(pod)
    if old is not None:
        yield from _by_job(old)


def _setup(ctx: Any) -> None:
    ctx.informer("v1", "pods").add_index("job", _by_job)


CONTROLLER = Controller(
    "job-controller",
    reconcile,
    watches=(Watch("batch/v1", "jobs"), Watch("v1", "pods", _pod_keys)),
    setup=_setup,
)

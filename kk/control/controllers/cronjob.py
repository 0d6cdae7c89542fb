"""Cron jobs: a job for each time of a schedule. When and which is decided in _cronjobs; here is what reads and writes."""

from datetime import datetime
from typing import Any

from kk.base.errors import StatusError
from kk.base.times import format_time, parse_time

from ..claims import Obj
from ..controller import Controller, Watch, controller_of, controller_reference, owner_key
from ..through import Through, terminating
from . import _cronjobs as c


class Run:
    """One look at a cron job."""

    def __init__(self, ctx: Any, cron_job: Obj, jobs: list[Obj]):
        self.ctx, self.cron_job, self.children = ctx, cron_job, jobs
        self.jobs = Through(ctx, "batch/v1", "jobs")
        self.status = dict(cron_job.get("status") or {})

    def run(self) -> float | None:
        """Take note of what has ended, tidy up, start what is due; seconds until the next run."""
        self._notice()
        for one in c.surplus(self.cron_job, self.children):
            self._delete(one)
        wait = None
        spec = self.cron_job["spec"]
        if not self.cron_job["metadata"].get("deletionTimestamp") and not spec.get("suspend"):
            at, wait = c.due(self.cron_job, self.ctx.clock.now())
            if at is not None:
                self._start(at)
        self.status = {k: v for k, v in self.status.items() if v}
        if self.status != (self.cron_job.get("status") or {}):
            resource = self.ctx.resource("batch/v1", "cronjobs", self.cron_job["metadata"]["namespace"])
            self.ctx.informer("batch/v1", "cronjobs").note(
                resource.update_status({**self.cron_job, "status": self.status})
            )
        return wait

    def _notice(self) -> None:
        active = []
        by_uid = {j["metadata"]["uid"]: j for j in self.children}
        for reference in self.status.get("active") or ():
            job = by_uid.get(reference["uid"])
            if job is None:
                words = f"Active job went missing: {reference['name']}"
                self.ctx.event(self.cron_job, "Normal", "MissingJob", words)
            elif c.ended(job):
                words = f"Saw completed job: {reference['name']}, condition: {c.ended(job)}"
                self.ctx.event(self.cron_job, "Normal", "SawCompletedJob", words)
            else:
                active.append(reference)
        self.status["active"] = active
        for job in self.children:
            done = (job.get("status") or {}).get("completionTime")
            last = self.status.get("lastSuccessfulTime")
            if c.ended(job) == "Complete" and done and (not last or parse_time(done) > parse_time(last)):
                self.status["lastSuccessfulTime"] = done

    def _delete(self, job: Obj) -> None:
        try:
            self.jobs.delete(job)
        except StatusError as error:
            if error.code != 404:
                raise
        self.ctx.event(self.cron_job, "Normal", "SuccessfulDelete", f"Deleted job {job['metadata']['name']}")

    def _start(self, at: datetime) -> None:
        policy = self.cron_job["spec"].get("concurrencyPolicy")
        if policy == "Forbid" and self.status["active"]:
            words = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self.ctx.event(self.cron_job, "Normal", "JobAlreadyActive", words)
            return
        if policy == "Replace":
            running = {r["uid"] for r in self.status["active"]}
            for job in self.children:
                if job["metadata"]["uid"] in running:
                    self._delete(job)
            self.status["active"] = []
        made = self._create(c.job_of(self.cron_job, controller_reference(self.cron_job), at))
        if made is None:
            return
        meta = made["metadata"]
        reference = {"apiVersion": "batch/v1", "kind": "Job", **{k: meta[k] for k in ("name", "namespace", "uid")}}
        reference["resourceVersion"] = meta["resourceVersion"]
        self.status["active"] = [*self.status["active"], reference]
        self.status["lastScheduleTime"] = format_time(at)

    def _create(self, body: Obj) -> Obj | None:
        try:
            job = self.jobs.create(body)
        except StatusError as error:
            if error.reason == "AlreadyExists":  # made before, and the status was not written
                found = self.jobs.read(body)
                owner = controller_of(found) if found is not None else None
                return found if owner is not None and owner["uid"] == self.cron_job["metadata"]["uid"] else None
            if terminating(error):
                return None
            self.ctx.event(self.cron_job, "Warning", "FailedCreate", f"Error creating job: {error.message}")
            raise
        self.ctx.event(self.cron_job, "Normal", "SuccessfulCreate", f"Created job {job['metadata']['name']}")
        return job


def reconcile(ctx: Any, key: str) -> float | None:
    """key is namespace/name of a cron job."""
    cron_job = ctx.informer("batch/v1", "cronjobs").get(key)
    if cron_job is None:
        return None
    jobs = ctx.informer("batch/v1", "jobs").by_index("cronjob", cron_job["metadata"]["uid"])
    return Run(ctx, cron_job, jobs).run()


def _by_owner(job: Obj) -> list[str]:
    """Index: the uid of the cron job that made a job."""
    owner = controller_of(job)
    return [owner["uid"]] if owner is not None and owner["kind"] == "CronJob" else []


CONTROLLER = Controller(
    "cronjob-controller",
    reconcile,
    watches=(Watch("batch/v1", "cronjobs"), Watch("batch/v1", "jobs", owner_key("CronJob"))),
    setup=lambda ctx: ctx.informer("batch/v1", "jobs").add_index("cronjob", _by_owner),
)

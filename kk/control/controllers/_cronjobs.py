"""When a cron job runs, and which of its jobs are kept. Pure; missed runs and the history are treated as upstream's `cronjob_controllerv2`."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from kk.base.cron import Schedule, parse
from kk.base.times import format_time, parse_time

from .. import pods as podlib

Obj = dict[str, Any]
_MOST_DAYS = 5 * 366
SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"


def zone_of(cron_job: Obj) -> Any:
    """The time zone of the schedule; UTC where none is named."""
    name = cron_job["spec"].get("timeZone")
    return ZoneInfo(name) if name else UTC


def day_matches(schedule: Schedule, day: date) -> bool:
    """Whether the schedule runs on a day; with day and weekday both restricted, either is enough."""
    if day.month not in schedule.months:
        return False
    by_day, by_weekday = day.day in schedule.days, day.isoweekday() % 7 in schedule.weekdays
    if schedule.any_day or schedule.any_weekday:
        return by_day and by_weekday
    return by_day or by_weekday


def _times(schedule: Schedule, day: date, zone: Any, backwards: bool) -> Iterator[datetime]:
    for hour in sorted(schedule.hours, reverse=backwards):
        for minute in sorted(schedule.minutes, reverse=backwards):
            local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
            moment = local.astimezone(UTC)
            if moment.astimezone(zone).hour == hour:  # else the clocks were put forward over it
                yield moment


def upcoming(schedule: Schedule, after: datetime, zone: Any) -> datetime | None:
    """The first run after a moment, None where there is none in five years."""
    if schedule.every:
        return after + timedelta(seconds=schedule.every)
    day = after.astimezone(zone).date()
    for _ in range(_MOST_DAYS):
        if day_matches(schedule, day):
            for moment in _times(schedule, day, zone, False):
                if moment > after:
                    return moment
        day += timedelta(days=1)
    return None


def latest(schedule: Schedule, since: datetime, now: datetime, zone: Any) -> datetime | None:
    """The last run after `since` that is due by now; earlier ones that were missed stay missed."""
    if schedule.every:
        runs = int((now - since).total_seconds() // schedule.every)
        return since + timedelta(seconds=runs * schedule.every) if runs > 0 else None
    day = now.astimezone(zone).date()
    while day >= since.astimezone(zone).date():
        if day_matches(schedule, day):
            for moment in _times(schedule, day, zone, True):
                if since < moment <= now:
                    return moment
        day -= timedelta(days=1)
    return None


def due(cron_job: Obj, now: datetime) -> tuple[datetime | None, float | None]:
    """(the run that is due, seconds until the next one)."""
    spec, status = cron_job["spec"], cron_job.get("status") or {}
    schedule, zone = parse(spec["schedule"]), zone_of(cron_job)
    since = parse_time(status.get("lastScheduleTime") or cron_job["metadata"]["creationTimestamp"])
    deadline = spec.get("startingDeadlineSeconds")
    if deadline is not None and not schedule.every:
        since = max(since, now - timedelta(seconds=deadline))
    after = upcoming(schedule, now if not schedule.every else since, zone)
    while schedule.every and after is not None and after <= now:
        after += timedelta(seconds=schedule.every)
    return latest(schedule, since, now, zone), (after - now).total_seconds() if after else None


def ended(job: Obj) -> str:
    """Complete or Failed, "" while it runs."""
    for type in ("Complete", "Failed"):
        held = podlib.condition(job, type)
        if held is not None and held["status"] == "True":
            return type
    return ""


def surplus(cron_job: Obj, jobs: list[Obj]) -> list[Obj]:
    """Ended jobs beyond the history limits, oldest first."""
    found: list[Obj] = []
    for type, limit in (("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")):
        most = cron_job["spec"].get(limit)
        if most is None:
            continue
        done = [j for j in jobs if ended(j) == type]
        done.sort(key=lambda j: ((j.get("status") or {}).get("startTime") or "", j["metadata"]["name"]))
        found += done[: max(0, len(done) - most)]
    return found


def job_of(cron_job: Obj, reference: Obj, at: datetime) -> Obj:
    """The job of a run; its name tells the minute, so that no run is made twice."""
    template, meta = cron_job["spec"]["jobTemplate"], cron_job["metadata"]
    held = template.get("metadata") or {}
    stamp = format_time(at)
    if cron_job["spec"].get("timeZone"):
        stamp = at.astimezone(zone_of(cron_job)).isoformat(timespec="seconds")
    made: Obj = {
        "name": f"{meta['name']}-{int(at.timestamp()) // 60}",
        "namespace": meta["namespace"],
        "annotations": {**(held.get("annotations") or {}), SCHEDULED: stamp},
        "ownerReferences": [reference],
    }
    if held.get("labels"):
        made["labels"] = held["labels"]
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": made, "spec": template["spec"]}

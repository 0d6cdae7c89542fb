"""CronJob: Jobs by a schedule. Its controller is kk.control.cronjob; nothing here does I/O."""

from typing import Any

from kk.base.times import human_duration, parse_time
from kk.kinds import job
from kk.kinds._checks import fill, section
from kk.kinds._labelselector import selector_text
from kk.kinds._later import later
from kk.kinds._workload import template_columns
from kk.kinds.kind import AGE, Column, Kind

Obj = dict[str, Any]


def default(obj: Obj) -> None:
    """Runs may overlap, three good and one failed are kept."""
    spec = section(obj, "spec")
    template = section(spec, "jobTemplate")
    fill(template, "metadata", {})
    job.default_spec(section(template, "spec"))
    fill(spec, "concurrencyPolicy", "Allow")
    fill(spec, "suspend", False)
    fill(spec, "successfulJobsHistoryLimit", 3)
    fill(spec, "failedJobsHistoryLimit", 1)
    section(obj, "status")


def prepare_create(obj: Obj) -> None:
    """Status belongs to the controller."""
    obj["status"] = {}


def _job_spec(obj: Obj) -> Obj:
    found: Obj = ((obj.get("spec") or {}).get("jobTemplate") or {}).get("spec") or {}
    return found


def _pod_spec(obj: Obj) -> Obj:
    found: Obj = (_job_spec(obj).get("template") or {}).get("spec") or {}
    return found


def _suspended(obj: Obj) -> str:
    value = (obj.get("spec") or {}).get("suspend")
    return "<unset>" if value is None else str(value)


def _last(obj: Obj, now: float) -> str:
    last = (obj.get("status") or {}).get("lastScheduleTime")
    return human_duration(now - parse_time(last).timestamp()) if last else "<none>"


KIND = Kind(
    "batch/v1",
    "CronJob",
    describe=later("_describe_workload", "cron_job"),
    default=default,
    prepare_create=prepare_create,
    columns=(
        Column("Schedule", ".spec.schedule"),
        Column("Timezone", lambda obj: (obj.get("spec") or {}).get("timeZone") or "<none>", describes=".spec.timeZone"),
        Column("Suspend", _suspended, "boolean", describes=".spec.suspend"),
        Column(
            "Active",
            lambda obj: len((obj.get("status") or {}).get("active") or ()),
            "integer",
            describes=".status.active",
        ),
        Column("Last Schedule", _last, describes=".status.lastScheduleTime"),
        AGE,
        *template_columns(_pod_spec),
        Column(
            "Selector",
            lambda obj: selector_text(_job_spec(obj).get("selector")),
            priority=1,
            describes=".spec.jobTemplate.spec.selector",
        ),
    ),
)

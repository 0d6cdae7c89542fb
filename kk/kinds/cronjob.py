"""CronJob: Jobs by a schedule. Its controller is kk.control.cronjob; nothing here does I/O."""

from collections.abc import Iterator
from typing import Any

from kk.base.errors import invalid_value, not_supported, required
from kk.base.times import human_duration, parse_time
from kk.kinds import _cron, _podspec, _workload, job
from kk.kinds._checks import Errors, fill, section
from kk.kinds._labelselector import selector_text, shown
from kk.kinds._later import later
from kk.kinds._podspec_warnings import name_warning, template_warnings
from kk.kinds._workload import template_columns
from kk.kinds.kind import AGE, Column, Kind

Obj = dict[str, Any]


def default(obj: Obj) -> None:
    """Runs may overlap, three good and one failed are kept."""
    spec = section(obj, "spec")
    template = section(spec, "jobTemplate")
    fill(template, "metadata", {})
    job.default_failure_policy(section(template, "spec"))
    _podspec.default_template(section(section(template, "spec"), "template"))
    fill(spec, "concurrencyPolicy", "Allow")
    fill(spec, "suspend", False)
    fill(spec, "successfulJobsHistoryLimit", 3)
    fill(spec, "failedJobsHistoryLimit", 1)
    section(obj, "status")


def prepare_create(obj: Obj) -> None:
    """Status belongs to the controller."""
    obj["status"] = {}


#: the controller adds ten digits and a dash to make a Job's name
_MOST_NAME = 52


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Schedule, time zone, limits and the Jobs' template."""
    spec, name = obj["spec"], obj["metadata"].get("name") or ""
    yield from _schedule("spec.schedule", spec, old)
    yield from _workload.counts(spec, "startingDeadlineSeconds")
    zone = spec.get("timeZone")
    if zone is not None and (old is None or old["spec"].get("timeZone") != zone):
        for message in _cron.zone_faults(zone):
            yield invalid_value("spec.timeZone", zone, message)
    policy = spec.get("concurrencyPolicy") or ""
    if not policy:
        yield required("spec.concurrencyPolicy")
    elif policy not in ("Allow", "Forbid", "Replace"):
        yield not_supported("spec.concurrencyPolicy", policy, ("Allow", "Forbid", "Replace"))
    template = spec["jobTemplate"]["spec"]
    yield from job.check_spec("spec.jobTemplate.spec", template)
    if template.get("selector") is not None:
        detail = "`selector` will be auto-generated"
        yield invalid_value("spec.jobTemplate.spec.selector", shown(template["selector"]), detail)
    if template.get("manualSelector"):
        yield not_supported("spec.jobTemplate.spec.manualSelector", True, ("nil", "false"))
    yield from _workload.counts(spec, "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
    if len(name) > _MOST_NAME and old is None:
        yield invalid_value("metadata.name", name, f"must be no more than {_MOST_NAME} characters")


def _schedule(path: str, spec: Obj, old: Obj | None) -> Errors:
    schedule = spec.get("schedule") or ""
    if not schedule:
        yield required(path)
        return
    message = _cron.fault(schedule)
    if message:
        yield invalid_value(path, schedule, message)
    if "TZ" not in schedule:
        return
    if old is None or "TZ" not in (old["spec"].get("schedule") or ""):
        yield invalid_value(path, schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
    elif spec.get("timeZone") is not None:
        yield invalid_value(path, schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule")


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


def warnings(obj: Obj, old: Obj | None) -> Iterator[str]:
    """About the name, on create, and the template."""
    if old is None:
        yield from name_warning(obj["metadata"].get("name") or "")
    before = _job_spec(old) if old is not None else None
    yield from job.spec_warnings("spec.jobTemplate.spec", _job_spec(obj), before)
    yield from template_warnings(obj, old, "spec.jobTemplate.spec.template")
    if old is not None and "TZ" in (obj["spec"].get("schedule") or ""):
        # upstream says spec twice
        yield (
            "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see "
            "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
        )


KIND = Kind(
    "batch/v1",
    "CronJob",
    describe=later("_describe_workload", "cron_job"),
    default=default,
    prepare_create=prepare_create,
    warnings=warnings,
    validate=validate,
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

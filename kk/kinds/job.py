"""Job: pods that run to completion. Its controller is kk.control.job; nothing here does I/O."""

from typing import Any

from kk.base.times import human_duration, parse_time
from kk.kinds import _podspec
from kk.kinds._checks import fill, section
from kk.kinds._later import later
from kk.kinds._workload import WIDE, number
from kk.kinds.kind import AGE, Column, Kind

Obj = dict[str, Any]
MOST_RETRIES = 2**31 - 1
UID_LABELS = ("controller-uid", "batch.kubernetes.io/controller-uid")
NAME_LABELS = ("job-name", "batch.kubernetes.io/job-name")


def default_spec(spec: Obj) -> None:
    """One completion, six retries, not suspended; also the spec of a CronJob's template."""
    _podspec.default_template(section(spec, "template"))
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    fill(spec, "parallelism", 1)
    fill(spec, "backoffLimit", MOST_RETRIES if spec.get("backoffLimitPerIndex") is not None else 6)
    fill(spec, "completionMode", "NonIndexed")
    fill(spec, "suspend", False)
    policy = spec.get("podFailurePolicy")
    fill(spec, "podReplacementPolicy", "Failed" if policy is not None else "TerminatingOrFailed")
    for rule in (policy or {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            fill(pattern, "status", "True")


def default(obj: Obj) -> None:
    """Spec as a job's; labels from the template."""
    spec = section(obj, "spec")
    default_spec(spec)
    labels = spec["template"]["metadata"].get("labels")
    if labels and not obj["metadata"].get("labels"):
        obj["metadata"]["labels"] = dict(labels)
    section(obj, "status")


def prepare_create(obj: Obj) -> None:
    """Status belongs to the controller; unless told otherwise the selector is the job's own uid."""
    obj["status"] = {}
    spec = obj["spec"]
    if not spec.get("manualSelector"):
        generate_selector(obj)


def generate_selector(obj: Obj) -> None:
    """Labels of the template and a selector that no other job's pods match."""
    spec, meta = obj["spec"], obj["metadata"]
    template = section(section(spec, "template"), "metadata")
    labels = section(template, "labels")
    for key, value in ((UID_LABELS, meta.get("uid")), (NAME_LABELS, meta.get("name"))):
        for label in key:
            if value:
                labels.setdefault(label, value)
    selector = section(spec, "selector")
    matched = section(selector, "matchLabels")
    if meta.get("uid"):
        matched.setdefault("batch.kubernetes.io/controller-uid", meta["uid"])


def _condition(obj: Obj, kind: str) -> bool:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == kind and c.get("status") == "True" for c in conditions)


def status_text(obj: Obj) -> str:
    """The one word of the column Status."""
    for kind in ("Complete", "Failed"):
        if _condition(obj, kind):
            return kind
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    if _condition(obj, "Suspended"):
        return "Suspended"
    if _condition(obj, "FailureTarget"):
        return "FailureTarget"
    if _condition(obj, "SuccessCriteriaMet"):
        return "SuccessCriteriaMet"
    return "Running"


def _completions(obj: Obj) -> str:
    spec, succeeded = obj.get("spec") or {}, number(obj, "status", "succeeded")
    if spec.get("completions") is not None:
        return f"{succeeded}/{spec['completions']}"
    parallelism = spec.get("parallelism") or 0
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _duration(obj: Obj, now: float) -> str:
    status = obj.get("status") or {}
    if not status.get("startTime"):
        return ""
    begin = parse_time(status["startTime"]).timestamp()
    end = parse_time(status["completionTime"]).timestamp() if status.get("completionTime") else now
    return human_duration(end - begin)


KIND = Kind(
    "batch/v1",
    "Job",
    describe=later("_describe_workload", "job"),
    default=default,
    prepare_create=prepare_create,
    columns=(
        Column("Status", status_text, description="Status of the job."),
        Column("Completions", _completions, describes=".status.succeeded"),
        Column("Duration", _duration, description="Time required to complete the job."),
        AGE,
        *WIDE,
    ),
    selectable={"status.successful": lambda obj: str(number(obj, "status", "succeeded"))},
)

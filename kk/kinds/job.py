"""Job: pods that run to completion. Its controller is kk.control.job; nothing here does I/O."""

from collections.abc import Iterator
from typing import Any

from kk.base import names
from kk.base.errors import OMITTED, duplicate, invalid_value, not_supported, required
from kk.base.times import human_duration, parse_time
from kk.kinds import _jobstatus, _podspec, _podspec_check, _podspec_shown, _workload
from kk.kinds._checks import Errors, each, fill, section
from kk.kinds._labelselector import check_selector, shown
from kk.kinds._later import later
from kk.kinds._podspec_warnings import name_warning, template_warnings
from kk.kinds._workload import WIDE, number
from kk.kinds.kind import AGE, Column, Kind

Obj = dict[str, Any]
_ORPHANS = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set "
    "propagationPolicy=Orphan to suppress this warning"
)
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
    fill(spec, "manualSelector", False)
    fill(spec, "completionMode", "NonIndexed")
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
    if not meta.get("labels") and not any(names.label_value(value) for value in labels.values()):
        meta["labels"] = dict(labels)  # malformed ones are told of the template only
    selector = section(spec, "selector")
    matched = section(selector, "matchLabels")
    if meta.get("uid"):
        matched.setdefault("batch.kubernetes.io/controller-uid", meta["uid"])


def validate(obj: Obj, old: Obj | None) -> Errors:
    """The spec, its selector against the template, and what an update may not change."""
    spec = obj["spec"]
    yield from _generated(obj) if old is None else ()
    selector, labels = spec.get("selector"), spec["template"]["metadata"].get("labels")
    if selector is None:
        yield required("spec.selector")
    else:
        yield from check_selector(selector, "spec.selector")
    if not _workload.selects(selector, labels):
        detail = "`selector` does not match template `labels`"
        yield invalid_value("spec.template.metadata.labels", dict(sorted(labels.items())) if labels else None, detail)
    yield from check_spec("spec", spec)
    if old is not None:
        yield from _changes(spec, old["spec"])


def _generated(obj: Obj) -> Errors:
    """A selector that is not manual is the generated one and nothing else."""
    spec = obj["spec"]
    if spec.get("manualSelector"):
        return
    expected = {UID_LABELS[1]: obj["metadata"].get("uid")}
    if (spec.get("selector") or {}).get("matchLabels") != expected or (spec.get("selector") or {}).get(
        "matchExpressions"
    ):
        yield invalid_value("spec.selector", shown(spec.get("selector")), "`selector` not auto-generated")


def check_spec(path: str, spec: Obj) -> Errors:
    """A JobSpec, of a Job or of a CronJob's template."""
    yield from _workload.counts(
        spec,
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
        path=path,
    )
    if spec.get("managedBy") is not None:
        for message in names.domain_prefixed_path(spec["managedBy"]):
            yield invalid_value(f"{path}.managedBy", spec["managedBy"], message)
    yield from _indexes(path, spec)
    for field, allowed in (
        ("completionMode", ("NonIndexed", "Indexed")),
        ("podReplacementPolicy", ("Failed", "TerminatingOrFailed")),
    ):
        if spec.get(field) is not None and spec[field] not in allowed:
            yield not_supported(f"{path}.{field}", spec[field], allowed)
    yield from _podspec_check.check_template(f"{path}.template", spec["template"])
    if spec.get("podFailurePolicy") is not None:
        yield from _failure_policy(f"{path}.podFailurePolicy", spec["podFailurePolicy"], spec)
    restart = spec["template"]["spec"].get("restartPolicy")
    where = f"{path}.template.spec.restartPolicy"
    if restart == "Always":
        yield required(where, 'valid values: "OnFailure", "Never"')
    elif restart not in ("OnFailure", "Never"):
        yield not_supported(where, restart, ("OnFailure", "Never"))
    elif spec.get("podFailurePolicy") is not None and restart != "Never":
        yield invalid_value(where, restart, 'only "Never" is supported when podFailurePolicy is specified')


#: completions from which on bounds are tighter
_MANY = 100_000


def _indexes(path: str, spec: Obj) -> Errors:
    """What belongs to Indexed jobs."""
    indexed, completions = spec.get("completionMode") == "Indexed", spec.get("completions")
    if spec.get("maxFailedIndexes") is not None:
        if spec.get("backoffLimitPerIndex") is None:
            yield required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
        if indexed and completions is not None and spec["maxFailedIndexes"] > completions:
            detail = "must be less than or equal to completions"
            yield invalid_value(f"{path}.maxFailedIndexes", spec["maxFailedIndexes"], detail)
        if indexed and spec["maxFailedIndexes"] > _MANY:
            detail = f"must be less than or equal to {_MANY}"
            yield invalid_value(f"{path}.maxFailedIndexes", spec["maxFailedIndexes"], detail)
    if indexed:
        if completions is None:
            yield required(f"{path}.completions", "when completion mode is Indexed")
        if (spec.get("parallelism") or 0) > 100_000:
            detail = "must be less than or equal to 100000 when completion mode is Indexed"
            yield invalid_value(f"{path}.parallelism", spec["parallelism"], detail)
        if (completions or 0) > _MANY and spec.get("backoffLimitPerIndex") is not None:
            yield from _many(path, spec)
    else:
        for field in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if spec.get(field) is not None:
                yield invalid_value(f"{path}.{field}", spec[field], "requires indexed completion mode")
        if spec.get("successPolicy") is not None:
            shown = {"Rules": spec["successPolicy"].get("rules") or []}
            yield invalid_value(f"{path}.successPolicy", shown, "requires indexed completion mode")
    if indexed and spec.get("successPolicy") is not None:
        yield from _success_policy(f"{path}.successPolicy", spec["successPolicy"], completions or 0)


def _many(path: str, spec: Obj) -> Errors:
    """Bounds of jobs with so many indexes that each has a backoff of its own."""
    if spec.get("maxFailedIndexes") is None:
        yield required(f"{path}.maxFailedIndexes", f"must be specified when completions is above {_MANY}")
    for field in ("parallelism", "maxFailedIndexes"):
        if (spec.get(field) or 0) > 10_000:
            detail = (
                f"must be less than or equal to 10000 when completions are above {_MANY} "
                "and used with backoff limit per index"
            )
            yield invalid_value(f"{path}.{field}", spec[field], detail)


def _success_policy(path: str, policy: Obj, completions: int) -> Errors:
    rules = policy.get("rules") or []
    if not rules:
        yield required(f"{path}.rules", "at least one rules must be specified when the successPolicy is specified")
    for where, rule in each(f"{path}.rules", rules):
        count, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
        if count is None and indexes is None:
            yield required(where, "at least one of succeededCount or succeededIndexes must be specified")
        if count is not None:
            yield from _workload.counts(rule, "succeededCount", path=where)
            if count > completions:
                detail = f"must be less than or equal to {completions} (the number of specified completions)"
                yield invalid_value(f"{where}.succeededCount", count, detail)


def _failure_policy(path: str, policy: Obj, spec: Obj) -> Errors:
    actions = ("Count", "FailIndex", "FailJob", "Ignore")
    pod = spec["template"]["spec"]
    containers = {c.get("name") for f in ("containers", "initContainers") for c in pod.get(f) or ()}
    for where, rule in each(f"{path}.rules", policy.get("rules")):
        action = rule.get("action") or ""
        if not action:
            yield required(f"{where}.action", "valid values: " + ", ".join(f'"{a}"' for a in actions))
        elif action not in actions:
            yield not_supported(f"{where}.action", action, actions)
        elif action == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
            detail = "requires the backoffLimitPerIndex to be set"
            yield invalid_value(f"{where}.action", action, detail)
        codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions")
        if codes is not None:
            yield from _exit_codes(f"{where}.onExitCodes", codes, containers)
        for there, pattern in each(f"{where}.onPodConditions", conditions):
            for message in names.qualified_name(pattern.get("type") or ""):
                yield invalid_value(f"{there}.type", pattern.get("type") or "", message)
            if pattern.get("status") not in ("False", "True", "Unknown"):
                yield not_supported(f"{there}.status", pattern.get("status") or "", ("False", "True", "Unknown"))
        if codes is not None and conditions:
            detail = "specifying both OnExitCodes and OnPodConditions is not supported"
            yield invalid_value(where, OMITTED, detail)
        if codes is None and not conditions:
            yield invalid_value(where, OMITTED, "specifying one of OnExitCodes and OnPodConditions is required")


def _exit_codes(path: str, codes: Obj, containers: set[Any]) -> Errors:
    operator, values = codes.get("operator") or "", codes.get("values") or []
    if operator not in ("In", "NotIn"):
        yield not_supported(f"{path}.operator", operator, ("In", "NotIn"))
    name = codes.get("containerName")
    if name is not None and name not in containers:
        yield invalid_value(
            f"{path}.containerName", name, "must be one of the container or initContainer names in the pod template"
        )
    if not values:
        yield invalid_value(f"{path}.values", values, "at least one value is required")
    elif len(values) > 255:
        yield invalid_value(f"{path}.values", len(values), "must have at most 255 items")
    for at, value in enumerate(values):
        if value == 0 and operator == "In":
            yield invalid_value(f"{path}.values[{at}]", value, "must not be 0 for the In operator")
        if value in values[:at]:
            yield duplicate(f"{path}.values[{at}]", value)
    if values != sorted(values):
        yield invalid_value(f"{path}.values", values, "must be ordered")


def validate_status(obj: Obj, old: Obj) -> Errors:
    """No negative counts, and what kk.kinds._jobstatus asks."""
    fields = ("active", "succeeded", "failed", "ready", "terminating")
    yield from _workload.counts(obj.get("status") or {}, *fields, path="status")
    yield from _jobstatus.check(obj, old)


def _changes(spec: Obj, old: Obj) -> Errors:
    suspended = bool(old.get("suspend"))
    indexed = old.get("completionMode") == "Indexed" and spec.get("completions") is not None
    fixed = ["selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"]
    if not (indexed and spec.get("completions") == spec.get("parallelism")):
        fixed.insert(0, "completions")
    for field in fixed:
        if (spec.get(field) if spec.get(field) is not None else None) != old.get(field):
            yield invalid_value(f"spec.{field}", spec.get(field), "field is immutable")
    if _template_core(spec, suspended) != _template_core(old, suspended):
        pod = _podspec_shown.shown(spec["template"]["spec"])
        if suspended:
            yield invalid_value("spec.template.spec", pod, "field is immutable")
        else:
            shown = {**(spec["template"].get("metadata") or {}), "Spec": pod}
            yield invalid_value("spec.template", shown, "field is immutable")


def _template_core(spec: Obj, suspended: bool) -> Obj:
    """What of the template is fixed: while suspended, where and with what its pods run is not."""
    template = dict(spec["template"])
    if suspended:
        template.pop("metadata", None)
        free = ("nodeSelector", "tolerations", "affinity", "schedulingGates")
        pod = {key: value for key, value in template["spec"].items() if key not in free}
        for field in ("containers", "initContainers"):
            if field in pod:
                pod[field] = [{k: v for k, v in c.items() if k != "resources"} for c in pod[field] or ()]
        template["spec"] = pod
    return template


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


def warnings(obj: Obj, old: Obj | None) -> Iterator[str]:
    """About the name, on create, and the template."""
    if old is None:
        yield from name_warning(obj["metadata"].get("name") or "")
    yield from template_warnings(obj, old, "spec.template")


KIND = Kind(
    "batch/v1",
    "Job",
    describe=later("_describe_workload", "job"),
    default=default,
    prepare_create=prepare_create,
    warnings=warnings,
    orphans=True,
    orphan_warning=_ORPHANS,
    validate=validate,
    validate_status=validate_status,
    columns=(
        Column("Status", status_text, description="Status of the job."),
        Column("Completions", _completions, describes=".status.succeeded"),
        Column("Duration", _duration, description="Time required to complete the job."),
        AGE,
        *WIDE,
    ),
    selectable={"status.successful": lambda obj: str(number(obj, "status", "succeeded"))},
)

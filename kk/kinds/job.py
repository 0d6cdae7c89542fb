"""Job: pods that run to completion. Its controller is kk.control.job; nothing here does I/O."""

from collections.abc import Iterator
from typing import Any

from kk.base import names
from kk.base.errors import OMITTED, duplicate, invalid_value, not_supported, required, too_long, too_many
from kk.base.times import human_duration, parse_time
from kk.kinds import _jobstatus, _podspec, _podspec_check, _podspec_shown, _workload
from kk.kinds._checks import IMMUTABLE, Errors, bad, each, fill, go_value, not_negative, optional_one_of, section
from kk.kinds._labelselector import check_selector, shown
from kk.kinds._later import later
from kk.kinds._podspec_warnings import name_warning, template_warnings
from kk.kinds._workload import WIDE, number
from kk.kinds.ingressclass import domain_path
from kk.kinds.kind import AGE, Column, Kind

Obj = dict[str, Any]
_ORPHANS = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set "
    "propagationPolicy=Orphan to suppress this warning"
)
MOST_RETRIES = 2**31 - 1
UID_LABELS = ("controller-uid", "batch.kubernetes.io/controller-uid")
NAME_LABELS = ("job-name", "batch.kubernetes.io/job-name")
_GENERATED = (UID_LABELS[0], NAME_LABELS[0], UID_LABELS[1], NAME_LABELS[1])
_LONGEST_MANAGER = 63
_MOST_RULES, _MOST_CODES, _LONGEST_INDEXES = 20, 255, 64 * 1024


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
    default_failure_policy(spec)


def default_failure_policy(spec: Obj) -> None:
    """Conditions are looked for with status True where none is told."""
    for rule in (spec.get("podFailurePolicy") or {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            if not pattern.get("status"):
                pattern["status"] = "True"


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
    if not _workload.is_malformed(selector) and not _workload.selects(selector, labels):
        detail = "`selector` does not match template `labels`"
        yield invalid_value("spec.template.metadata.labels", dict(sorted(labels.items())) if labels else None, detail)
    yield from check_spec("spec", spec)
    if old is not None:
        yield from _changes(spec, old)
    elif spec.get("completionMode") == "Indexed" and (spec.get("completions") or 0) > 0:
        name = obj["metadata"].get("name") or ""
        hostname = f"{name}-{spec['completions'] - 1}"
        if names.dns_label(hostname):
            detail = f"will not able to create pod with invalid DNS label: {hostname}"
            yield invalid_value("metadata.name", name, detail)


def _generated(obj: Obj) -> Errors:
    """A selector that is not manual matches the generated labels, and the template has them."""
    spec, meta = obj["spec"], obj["metadata"]
    if spec.get("manualSelector") or spec.get("selector") is None:
        return
    values = (meta.get("uid") or "", meta.get("name") or "")
    expected = dict(zip(_GENERATED, values * 2, strict=True))
    labels = spec["template"]["metadata"].get("labels") or {}
    for label, value in expected.items():
        where = f"spec.template.metadata.labels[{label}]"
        if label not in labels:
            yield required(where, f"must be '{value}'")
        elif labels[label] != value:
            yield invalid_value(where, dict(sorted(labels.items())), f"must be '{value}'")
    if not _workload.is_malformed(spec["selector"]) and not _workload.selects(spec["selector"], expected):
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
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        yield required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    manager = spec.get("managedBy")
    if manager is not None:
        yield from domain_path(f"{path}.managedBy", manager)
        if len(manager.encode()) > _LONGEST_MANAGER:
            yield too_long(f"{path}.managedBy", manager, _LONGEST_MANAGER)
    yield from optional_one_of(f"{path}.completionMode", spec.get("completionMode"), ("NonIndexed", "Indexed"))
    yield from _indexes(path, spec)
    if spec.get("podFailurePolicy") is not None:
        yield from _failure_policy(f"{path}.podFailurePolicy", spec["podFailurePolicy"], spec)
    if spec.get("successPolicy") is not None:
        yield from _success_policy(f"{path}.successPolicy", spec["successPolicy"], spec)
    policies = ("Failed",) if spec.get("podFailurePolicy") is not None else ("Failed", "TerminatingOrFailed")
    yield from optional_one_of(f"{path}.podReplacementPolicy", spec.get("podReplacementPolicy"), policies)
    yield from _podspec_check.check_template(f"{path}.template", spec["template"])
    restart = spec["template"]["spec"].get("restartPolicy")
    where = f"{path}.template.spec.restartPolicy"
    if restart == "Always":
        yield required(where, 'valid values: "OnFailure", "Never"')
    elif restart not in ("OnFailure", "Never"):
        yield not_supported(where, restart, ("OnFailure", "Never"))
    elif spec.get("podFailurePolicy") is not None and restart != "Never":
        yield invalid_value(where, restart, 'only "Never" is supported when podFailurePolicy is specified')


#: what may change of the template while no pod of a suspended job runs
_FREE, _FREE_METADATA = ("nodeSelector", "tolerations", "schedulingGates"), ("labels", "annotations")
#: completions from which on bounds are tighter
_MANY = 100_000
_MANY_AT_ONCE = 10_000


def _indexes(path: str, spec: Obj) -> Errors:
    """What belongs to Indexed jobs."""
    mode, completions, failed = spec.get("completionMode"), spec.get("completions"), spec.get("maxFailedIndexes")
    if mode == "Indexed":
        if completions is None:
            yield required(f"{path}.completions", "when completion mode is Indexed")
        if (spec.get("parallelism") or 0) > _MANY:
            detail = f"must be less than or equal to {_MANY} when completion mode is Indexed"
            yield invalid_value(f"{path}.parallelism", spec["parallelism"], detail)
        if completions is not None and failed is not None and failed > completions:
            yield invalid_value(f"{path}.maxFailedIndexes", failed, "must be less than or equal to completions")
        if failed is not None and failed > _MANY:
            yield invalid_value(f"{path}.maxFailedIndexes", failed, f"must be less than or equal to {_MANY}")
        if (completions or 0) > _MANY and spec.get("backoffLimitPerIndex") is not None:
            yield from _many(path, spec)
    elif mode in (None, "NonIndexed"):
        for field in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if spec.get(field) is not None:
                yield invalid_value(f"{path}.{field}", spec[field], "requires indexed completion mode")


def _many(path: str, spec: Obj) -> Errors:
    """Bounds of jobs with so many indexes that each has a backoff of its own."""
    if spec.get("maxFailedIndexes") is None:
        yield required(f"{path}.maxFailedIndexes", f"must be specified when completions is above {_MANY}")
    for field in ("parallelism", "maxFailedIndexes"):
        if (spec.get(field) or 0) > _MANY_AT_ONCE:
            detail = (
                f"must be less than or equal to {_MANY_AT_ONCE} when completions are above {_MANY} "
                "and used with backoff limit per index"
            )
            yield invalid_value(f"{path}.{field}", spec[field], detail)


def _success_policy(path: str, policy: Obj, spec: Obj) -> Errors:
    rules = policy.get("rules") or []
    if spec.get("completionMode") != "Indexed":
        yield invalid_value(path, _shown("successPolicy", policy), "requires indexed completion mode")
        return
    if not rules:
        yield required(f"{path}.rules", "at least one rules must be specified when the successPolicy is specified")
    if len(rules) > _MOST_RULES:
        yield too_many(f"{path}.rules", len(rules), _MOST_RULES)
    for where, rule in each(f"{path}.rules", rules):
        yield from _success_rule(where, rule, spec.get("completions") or 0)


def _success_rule(path: str, rule: Obj, completions: int) -> Errors:
    count, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
    if count is None and indexes is None:
        yield required(path, "at least one of succeededCount or succeededIndexes must be specified")
    total = 0
    if indexes is not None:
        where = f"{path}.succeededIndexes"
        if len(indexes.encode()) > _LONGEST_INDEXES:
            yield too_long(where, indexes, _LONGEST_INDEXES)
        try:
            total = sum(last - first + 1 for first, last in _jobstatus.intervals(indexes, completions))
        except ValueError as error:
            yield invalid_value(where, indexes, f"error parsing succeededIndexes: {error}")
    if count is not None:
        where = f"{path}.succeededCount"
        yield from not_negative(where, count)
        if count > completions:
            detail = f"must be less than or equal to {completions} (the number of specified completions)"
            yield invalid_value(where, count, detail)
        if indexes is not None and count > total:
            what = "the number of indexes in the specified succeededIndexes field"
            yield invalid_value(where, count, f"must be less than or equal to {total} ({what})")


def _one_needed(path: str, value: str, allowed: tuple[str, ...]) -> Errors:
    """A value of a closed list; where it is missing, the list is told as Go prints one."""
    if not value:
        yield required(path, "valid values: [" + " ".join(f'"{a}"' for a in allowed) + "]")
    elif value not in allowed:
        yield not_supported(path, value, allowed)


def _failure_policy(path: str, policy: Obj, spec: Obj) -> Errors:
    pod, rules = spec["template"]["spec"], policy.get("rules") or []
    containers = {c.get("name") for f in ("containers", "initContainers") for c in pod.get(f) or ()}
    if len(rules) > _MOST_RULES:
        yield too_many(f"{path}.rules", len(rules), _MOST_RULES)
    for where, rule in each(f"{path}.rules", rules):
        action = rule.get("action") or ""
        yield from _one_needed(f"{where}.action", action, ("Count", "FailIndex", "FailJob", "Ignore"))
        if action == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
            yield invalid_value(f"{where}.action", action, "requires the backoffLimitPerIndex to be set")
        codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions") or []
        if codes is not None:
            yield from _exit_codes(f"{where}.onExitCodes", codes, containers)
        yield from _pod_conditions(f"{where}.onPodConditions", conditions)
        if codes is not None and conditions:
            detail = "specifying both OnExitCodes and OnPodConditions is not supported"
            yield invalid_value(where, OMITTED, detail)
        if codes is None and not conditions:
            yield invalid_value(where, OMITTED, "specifying one of OnExitCodes and OnPodConditions is required")


def _pod_conditions(path: str, patterns: list[Obj]) -> Errors:
    if len(patterns) > _MOST_RULES:
        yield too_many(path, len(patterns), _MOST_RULES)
    for where, pattern in each(path, patterns):
        kind = pattern.get("type") or ""
        yield from bad(f"{where}.type", kind, names.qualified_name(kind))
        yield from _one_needed(f"{where}.status", pattern.get("status") or "", ("False", "True", "Unknown"))


def _exit_codes(path: str, codes: Obj, containers: set[Any]) -> Errors:
    operator, values = codes.get("operator") or "", codes.get("values") or []
    yield from _one_needed(f"{path}.operator", operator, ("In", "NotIn"))
    name = codes.get("containerName")
    if name is not None and name not in containers:
        yield invalid_value(
            f"{path}.containerName", name, "must be one of the container or initContainer names in the pod template"
        )
    if not values:
        yield invalid_value(f"{path}.values", values, "at least one value is required")
    elif len(values) > _MOST_CODES:
        yield too_many(f"{path}.values", len(values), _MOST_CODES)
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
    before, active = old["spec"], (old.get("status") or {}).get("active") or 0
    free = bool(before.get("suspend")) and not active
    fixed = ["selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"]
    wanted = spec.get("completions")
    if spec.get("completionMode") != "Indexed":
        fixed.insert(0, "completions")
    elif wanted is not None and wanted != before.get("completions") and wanted != spec.get("parallelism"):
        yield invalid_value("spec.completions", wanted, "can only be modified in tandem with spec.parallelism")
    for field in fixed:
        if spec.get(field) != before.get(field):
            yield invalid_value(f"spec.{field}", _shown(field, spec.get(field)), IMMUTABLE)
    if _template_core(spec, free) != _template_core(before, free):
        pod = _podspec_shown.shown(spec["template"]["spec"])
        if free:
            yield invalid_value("spec.template.spec", pod, IMMUTABLE)
        else:
            whole = {**(spec["template"].get("metadata") or {}), "Spec": pod}
            yield invalid_value("spec.template", whole, IMMUTABLE)


def _shown(field: str, value: Any) -> Any:
    """A field as messages of upstream show it: policies in their internal form."""
    if value is None or not isinstance(value, dict):
        return value
    if field == "selector":
        return shown(value)
    rules = value.get("rules")
    if rules is None:
        return {"Rules": None}
    if field == "successPolicy":
        return {"Rules": [go_value(rule, "SucceededIndexes", "SucceededCount") for rule in rules]}
    return {"Rules": [_shown_rule(rule) for rule in rules]}


def _shown_rule(rule: Obj) -> Obj:
    codes, patterns = rule.get("onExitCodes"), rule.get("onPodConditions")
    return {
        "Action": rule.get("action") or "",
        "OnExitCodes": None if codes is None else go_value(codes, "ContainerName", "Operator", "Values"),
        "OnPodConditions": None if patterns is None else [go_value(p, "Type", "Status") for p in patterns],
    }


def _template_core(spec: Obj, free: bool) -> Obj:
    """What of the template is fixed: where `free`, whereto its pods go and what they ask for is not."""
    template = dict(spec["template"])
    if not free:
        return template
    template["metadata"] = {k: v for k, v in (template.get("metadata") or {}).items() if k not in _FREE_METADATA}
    pod = {key: value for key, value in template["spec"].items() if key not in _FREE}
    affinity = {k: v for k, v in (pod.pop("affinity", None) or {}).items() if k != "nodeAffinity"}
    for field in ("containers", "initContainers"):
        pod[field] = [{k: v for k, v in c.items() if k != "resources"} for c in pod.get(field) or ()]
    template["spec"] = {**pod, "affinity": affinity}
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
    yield from spec_warnings("spec", obj["spec"], old["spec"] if old is not None else None)
    yield from template_warnings(obj, old, "spec.template")


def spec_warnings(path: str, spec: Obj, old: Obj | None) -> Iterator[str]:
    """About a JobSpec, of a Job or of a CronJob's template, that is new or changed: more indexes than can be tracked."""
    many = (spec.get("completions") or 0) > _MANY and (spec.get("parallelism") or 0) > _MANY_AT_ONCE
    if spec.get("completionMode") == "Indexed" and many and spec != old:
        yield (
            f"{path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
            "Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
        )


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

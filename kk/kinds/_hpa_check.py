"""Faults of a HorizontalPodAutoscaler. Rules and words: `pkg/apis/autoscaling/validation/validation.go` of Kubernetes."""

from typing import Any

from kk.base import names
from kk.base.errors import FieldError, forbidden_value, invalid_value, not_supported, required
from kk.base.quantity import Quantity
from kk.kinds._checks import Errors, bad, each
from kk.kinds._labelselector import check_selector
from kk.kinds._resourcenames import container_resource

Obj = dict[str, Any]
#: in the order in which upstream looks for them
_KINDS = {
    "Object": "object",
    "External": "external",
    "Pods": "pods",
    "Resource": "resource",
    "ContainerResource": "containerResource",
}
_LONGEST_WINDOW = 3600


def check_spec(path: str, spec: Obj, old: Obj | None = None) -> Errors:
    """Faults of the spec; what the old one had against the rules of today may stay."""
    least, most = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    lowest = 0 if old is not None and old.get("minReplicas") == 0 else 1
    if least is not None and least < lowest:
        yield invalid_value(f"{path}.minReplicas", least, f"must be greater than or equal to {lowest}")
    if most < 1:
        yield required(f"{path}.maxReplicas", "must be set and greater than 0")
    if least is not None and most < least:
        yield invalid_value(f"{path}.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    target, before = spec.get("scaleTargetRef") or {}, (old or {}).get("scaleTargetRef") or {}
    yield from _reference(f"{path}.scaleTargetRef", target)
    if old is None or not _version_fault(before):
        fault = _version_fault(target)
        if fault:
            yield invalid_value(f"{path}.scaleTargetRef.apiVersion", target.get("apiVersion") or "", fault)
    yield from _metrics(f"{path}.metrics", spec.get("metrics") or [], least)
    behavior = spec.get("behavior")
    if behavior is not None:
        for side in ("scaleUp", "scaleDown"):
            yield from _rules(f"{path}.behavior.{side}", behavior.get(side))


def _version_fault(target: Obj) -> str:
    """What is wrong with a target's apiVersion: all that scales but one kind is of a group."""
    api_version = target.get("apiVersion") or ""
    if api_version.count("/") > 1:
        return f"unexpected GroupVersion string: {api_version}"
    named = api_version.rpartition("/")[0] or target.get("kind") == "ReplicationController"
    return "" if named else "apiVersion must specify API group"


def _reference(path: str, target: Obj) -> Errors:
    for field in ("kind", "name"):
        value = target.get(field) or ""
        if not value:
            yield required(f"{path}.{field}")
        else:
            for message in names.path_segment(value):
                yield invalid_value(f"{path}.{field}", value, message)


def _metrics(path: str, metrics: list[Obj], least: int | None) -> Errors:
    for where, metric in each(path, metrics):
        yield from _metric(where, metric)
    if least == 0 and not any(m.get("type") in ("Object", "External") for m in metrics):
        detail = "must specify at least one Object or External metric to support scaling to zero replicas"
        yield forbidden_value(path, detail)


def _metric(path: str, metric: Obj) -> Errors:
    kind = metric.get("type") or ""
    if not kind:
        yield required(f"{path}.type", "must specify a metric source type")
    if kind not in _KINDS:
        yield not_supported(f"{path}.type", kind, sorted(_KINDS))
    present = [(name, field) for name, field in _KINDS.items() if metric.get(field) is not None]
    if present:
        # upstream looks into the first source that is there, whatever the type says
        name, field = present[0]
        yield from _source(f"{path}.{field}", name, metric[field])
    expected = _KINDS.get(kind)
    if expected is None:
        # upstream looks twice
        yield not_supported(f"{path}.type", kind, sorted(_KINDS))
    elif metric.get(expected) is None:
        yield required(f"{path}.{expected}", "must populate information for the given metric source")
    for _, field in present if len(present) > 1 else ():
        if field != expected:
            yield forbidden_value(f"{path}.{field}", "must populate the given metric source only")


def _source(path: str, kind: str, source: Obj) -> Errors:
    target = source.get("target") or {}
    where = f"{path}.target"
    if kind == "Object":
        yield from _reference(f"{path}.describedObject", source.get("describedObject") or {})
    if kind in ("Object", "Pods", "External"):
        yield from _identifier(f"{path}.metric", source.get("metric") or {})
    elif not source.get("name"):
        yield required(f"{path}.name", "must specify a resource name")
    elif kind == "ContainerResource":
        yield from container_resource(f"{path}.name", source["name"])
    if kind == "ContainerResource":
        container = source.get("container") or ""
        if not container:
            yield required(f"{path}.container", "must specify a container")
        else:
            yield from bad(f"{path}.container", container, names.dns_label(container))
    yield from _target(where, target)
    value, average, percent = target.get("value"), target.get("averageValue"), target.get("averageUtilization")
    if kind == "Pods":
        if average is None:
            yield required(f"{where}.averageValue", "must specify a positive target averageValue")
    elif kind in ("Object", "External"):
        if value is None and average is None:
            either = "averageValue" if kind == "Object" else "a per-pod target"
            what = "a target value" if kind == "Object" else "a target value for metric"
            yield required(f"{where}.averageValue", f"must set either {what} or {either}")
        if kind == "External" and value is not None and average is not None:
            yield forbidden_value(f"{where}.value", "may not set both a target value for metric and a per-pod target")
    else:
        if percent is None and average is None:
            detail = "must set either a target raw value or a target utilization"
            yield required(f"{where}.averageUtilization", detail)
        if percent is not None and average is not None:
            detail = "may not set both a target raw value and a target utilization"
            yield forbidden_value(f"{where}.averageValue", detail)


def _identifier(path: str, metric: Obj) -> Errors:
    name = metric.get("name") or ""
    if not name:
        yield required(f"{path}.name", "must specify a metric name")
    else:
        for message in names.path_segment(name):
            yield invalid_value(f"{path}.name", name, message)
    yield from check_selector(metric.get("selector"), f"{path}.selector")


def _target(path: str, target: Obj) -> Errors:
    kind = target.get("type") or ""
    if not kind:
        yield required(f"{path}.type", "must specify a metric target type")
    if kind not in ("Utilization", "Value", "AverageValue"):
        detail = "must be either Utilization, Value, or AverageValue"
        yield invalid_value(f"{path}.type", kind, detail)
    for field in ("value", "averageValue"):
        if target.get(field) is not None and Quantity.parse(target[field]).nano <= 0:
            yield invalid_value(f"{path}.{field}", Quantity.parse(target[field]).canonical(), "must be positive")
    percent = target.get("averageUtilization")
    if percent is not None and percent < 1:
        yield invalid_value(f"{path}.averageUtilization", percent, "must be greater than 0")


def _rules(path: str, rules: Obj | None) -> Errors:
    if rules is None:
        return
    window = rules.get("stabilizationWindowSeconds")
    where = f"{path}.stabilizationWindowSeconds"
    if window is not None and window < 0:
        yield invalid_value(where, window, "must be greater than or equal to zero")
    if window is not None and window > _LONGEST_WINDOW:
        yield invalid_value(where, window, f"must be less than or equal to {_LONGEST_WINDOW}")
    select = rules.get("selectPolicy")
    if select is not None and select not in ("Disabled", "Max", "Min"):
        yield not_supported(f"{path}.selectPolicy", select, ("Disabled", "Max", "Min"))
    if not rules.get("policies"):
        yield required(f"{path}.policies", "must specify at least one Policy")
    for there, policy in each(f"{path}.policies", rules.get("policies")):
        yield from _policy(there, policy)
    tolerance = rules.get("tolerance")
    if tolerance is not None and Quantity.parse(tolerance).nano < 0:
        shown = Quantity.parse(tolerance).canonical()
        yield FieldError("FieldValueInvalid", f"{path}.tolerance", shown, "must be greater than or equal to 0")


def _policy(path: str, policy: Obj) -> Errors:
    if policy.get("type") not in ("Percent", "Pods"):
        yield not_supported(f"{path}.type", policy.get("type") or "", ("Percent", "Pods"))
    for field in ("value", "periodSeconds"):
        if (policy.get(field) or 0) <= 0:
            yield invalid_value(f"{path}.{field}", policy.get(field) or 0, "must be greater than zero")
    if (policy.get("periodSeconds") or 0) > 1800:
        detail = "must be less than or equal to 1800"
        yield invalid_value(f"{path}.periodSeconds", policy["periodSeconds"], detail)


def check_status(path: str, status: Obj) -> Errors:
    """Faults of the status."""
    for field in ("currentReplicas", "desiredReplicas"):
        if (status.get(field) or 0) < 0:
            yield invalid_value(f"{path}.{field}", status[field], "must be greater than or equal to 0")

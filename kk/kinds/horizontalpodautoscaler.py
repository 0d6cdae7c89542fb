"""HorizontalPodAutoscaler: replicas by load; kept as autoscaling/v2 and served as v1 too. Its controller is kk.control.hpa."""

from typing import Any

from kk.kinds import _hpa_check, _hpa_v1
from kk.kinds._checks import Errors, fill, section
from kk.kinds._later import later
from kk.kinds.kind import AGE, Column, Conversion, Kind

Obj = dict[str, Any]
_UP = [
    {"type": "Pods", "value": 4, "periodSeconds": 15},
    {"type": "Percent", "value": 100, "periodSeconds": 15},
]
_DOWN = [{"type": "Percent", "value": 100, "periodSeconds": 15}]


def default(obj: Obj) -> None:
    """At least one replica, 80 % of CPU where no metric is told, upstream's pace where a behavior is."""
    spec = section(obj, "spec")
    fill(spec, "minReplicas", 1)
    if not spec.get("metrics"):
        spec["metrics"] = [_hpa_v1.cpu_metric(_hpa_v1.DEFAULT_CPU)]
    behavior = spec.get("behavior")
    if behavior is not None:
        up = section(behavior, "scaleUp")
        fill(up, "stabilizationWindowSeconds", 0)
        _default_rules(up, _UP)
        _default_rules(section(behavior, "scaleDown"), _DOWN)
    status = section(obj, "status")
    fill(status, "desiredReplicas", 0)
    status.setdefault("currentMetrics", None)
    for condition in status.get("conditions") or ():
        condition.setdefault("lastTransitionTime", None)


def _default_rules(rules: Obj, policies: list[Obj]) -> None:
    fill(rules, "selectPolicy", "Max")
    if rules.get("policies") is None:
        rules["policies"] = [dict(policy) for policy in policies]


def prepare_create(obj: Obj) -> None:
    """Status belongs to the controller."""
    obj["status"] = {"desiredReplicas": 0, "currentMetrics": None}


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Bounds, the target, metrics and behavior."""
    yield from _hpa_check.check_spec("spec", obj["spec"], old["spec"] if old is not None else None)


def validate_status(obj: Obj, old: Obj) -> Errors:
    """No negative counts."""
    yield from _hpa_check.check_status("status", obj.get("status") or {})


def _reference(obj: Obj) -> str:
    target = (obj.get("spec") or {}).get("scaleTargetRef") or {}
    return f"{target.get('kind', '')}/{target.get('name', '')}"


def _minimum(obj: Obj) -> str:
    value = (obj.get("spec") or {}).get("minReplicas")
    return "<unset>" if value is None else str(value)


KIND = Kind(
    "autoscaling/v2",
    "HorizontalPodAutoscaler",
    default=default,
    prepare_create=prepare_create,
    validate=validate,
    validate_status=validate_status,
    columns=(
        Column("Reference", _reference, describes=".spec.scaleTargetRef"),
        Column("Targets", _hpa_v1.targets_text, describes=".spec.metrics"),
        Column("MinPods", _minimum, describes=".spec.minReplicas"),
        Column("MaxPods", lambda obj: (obj.get("spec") or {}).get("maxReplicas") or 0, describes=".spec.maxReplicas"),
        Column(
            "Replicas",
            lambda obj: (obj.get("status") or {}).get("currentReplicas") or 0,
            describes=".status.currentReplicas",
        ),
        AGE,
    ),
    generation=False,
    conversions=(Conversion("autoscaling/v1", _hpa_v1.to_v2, _hpa_v1.from_v2),),
    describe=later("_describe_policy", "autoscaler"),
)

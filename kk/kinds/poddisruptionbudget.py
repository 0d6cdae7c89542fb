"""PodDisruptionBudget: how many pods may go at a time. The eviction subresource asks it; kk.control.disruption counts."""

from typing import Any

from kk.base.errors import invalid_value, not_supported
from kk.kinds import _workload
from kk.kinds._checks import Errors, section
from kk.kinds._conditions import check_conditions
from kk.kinds._labelselector import check_selector
from kk.kinds._later import later
from kk.kinds._workload import number, zeros
from kk.kinds.kind import AGE, Column, Kind

Obj = dict[str, Any]
_ALWAYS = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")


def default(obj: Obj) -> None:
    """The counts are always written."""
    section(obj, "spec")
    zeros(obj, *_ALWAYS)


def prepare_create(obj: Obj) -> None:
    """Status belongs to the controller."""
    obj["status"] = dict.fromkeys(_ALWAYS, 0)


def validate(obj: Obj, old: Obj | None) -> Errors:
    """One bound at most, a selector, a policy."""
    spec = obj["spec"]
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    if least is not None and most is not None:
        shown = {
            "MinAvailable": least,
            "Selector": spec.get("selector"),
            "MaxUnavailable": most,
            "UnhealthyPodEvictionPolicy": spec.get("unhealthyPodEvictionPolicy"),
        }
        yield invalid_value("spec", shown, "minAvailable and maxUnavailable cannot be both set")
    for field, value in (("minAvailable", least), ("maxUnavailable", most)):
        if value is not None:
            yield from _workload.int_or_percent(f"spec.{field}", value)
            yield from _workload.at_most_all(f"spec.{field}", value)
    yield from check_selector(spec.get("selector"), "spec.selector")
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None and policy not in ("AlwaysAllow", "IfHealthyBudget"):
        yield not_supported("spec.unhealthyPodEvictionPolicy", policy, ("AlwaysAllow", "IfHealthyBudget"))


def validate_status(obj: Obj, old: Obj) -> Errors:
    """Conditions of the standard form, no negative counts."""
    yield from check_conditions("status.conditions", (obj.get("status") or {}).get("conditions"))
    yield from _workload.counts(obj.get("status") or {}, *_ALWAYS, path="status")


def _limit(field: str) -> Any:
    def cell(obj: Obj) -> str:
        value = (obj.get("spec") or {}).get(field)
        return "N/A" if value is None else str(value)

    return cell


KIND = Kind(
    "policy/v1",
    "PodDisruptionBudget",
    default=default,
    prepare_create=prepare_create,
    validate=validate,
    validate_status=validate_status,
    columns=(
        Column(
            "Min Available", _limit("minAvailable"), description="The minimum number of pods that must be available."
        ),
        Column(
            "Max Unavailable",
            _limit("maxUnavailable"),
            description="The maximum number of pods that may be unavailable.",
        ),
        Column(
            "Allowed Disruptions",
            lambda obj: number(obj, "status", "disruptionsAllowed"),
            "integer",
            description="Calculated number of pods that may be disrupted at this time.",
        ),
        AGE,
    ),
    describe=later("_describe_policy", "disruption_budget"),
    unconditional_update=False,
)

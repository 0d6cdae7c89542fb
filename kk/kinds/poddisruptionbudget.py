"""PodDisruptionBudget: how many pods may go at a time. The eviction subresource asks it; kk.control.disruption counts."""

from typing import Any

from kk.kinds._checks import section
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
)

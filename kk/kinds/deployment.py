"""Deployment: replicas of a template, changed by rolling update. kk.control.deployment acts on it; nothing here does I/O."""

from typing import Any

from kk.kinds._checks import fill, section
from kk.kinds._later import later
from kk.kinds._workload import WIDE, default_workload, number
from kk.kinds.kind import AGE, Column, Kind, Scale

Obj = dict[str, Any]


def default(obj: Obj) -> None:
    """One replica, rolling update by a quarter, ten old revisions, ten minutes to progress."""
    spec = default_workload(obj)
    fill(spec, "replicas", 1)
    strategy = section(spec, "strategy")
    fill(strategy, "type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = section(strategy, "rollingUpdate")
        fill(rolling, "maxUnavailable", "25%")
        fill(rolling, "maxSurge", "25%")
    fill(spec, "revisionHistoryLimit", 10)
    fill(spec, "progressDeadlineSeconds", 600)


def prepare_create(obj: Obj) -> None:
    """Status belongs to the controller."""
    obj["status"] = {}


def _ready(obj: Obj) -> str:
    return f"{number(obj, 'status', 'readyReplicas')}/{number(obj, 'spec', 'replicas')}"


KIND = Kind(
    "apps/v1",
    "Deployment",
    describe=later("_describe_workload", "deployment"),
    default=default,
    prepare_create=prepare_create,
    columns=(
        Column("Ready", _ready, description="Number of the pod with ready state"),
        Column("Up-to-date", lambda obj: number(obj, "status", "updatedReplicas"), describes=".status.updatedReplicas"),
        Column(
            "Available", lambda obj: number(obj, "status", "availableReplicas"), describes=".status.availableReplicas"
        ),
        AGE,
        *WIDE,
    ),
    scale=Scale(),
)

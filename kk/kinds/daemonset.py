"""DaemonSet: one pod of a template on every node that fits. Its controller is kk.control.daemonset; nothing here does I/O."""

from typing import Any

from kk.kinds._checks import fill, section
from kk.kinds._later import later
from kk.kinds._workload import WIDE, default_workload, labels_text, number, pod_spec, zeros
from kk.kinds.kind import AGE, Column, Kind

Obj = dict[str, Any]
_ALWAYS = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")


def default(obj: Obj) -> None:
    """Rolling update, one node at a time, ten old revisions."""
    spec = default_workload(obj)
    strategy = section(spec, "updateStrategy")
    fill(strategy, "type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = section(strategy, "rollingUpdate")
        fill(rolling, "maxUnavailable", 1)
        fill(rolling, "maxSurge", 0)
    fill(spec, "revisionHistoryLimit", 10)
    zeros(obj, *_ALWAYS)


def prepare_create(obj: Obj) -> None:
    """Status belongs to the controller; the old templateGeneration starts at 1."""
    obj["status"] = dict.fromkeys(_ALWAYS, 0)


def _count(field: str) -> Any:
    return lambda obj: number(obj, "status", field)


KIND = Kind(
    "apps/v1",
    "DaemonSet",
    describe=later("_describe_workload", "daemon_set"),
    default=default,
    prepare_create=prepare_create,
    columns=(
        Column("Desired", _count("desiredNumberScheduled"), "integer", describes=".status.desiredNumberScheduled"),
        Column("Current", _count("currentNumberScheduled"), "integer", describes=".status.currentNumberScheduled"),
        Column("Ready", _count("numberReady"), "integer", describes=".status.numberReady"),
        Column("Up-to-date", _count("updatedNumberScheduled"), "integer", describes=".status.updatedNumberScheduled"),
        Column("Available", _count("numberAvailable"), "integer", describes=".status.numberAvailable"),
        Column(
            "Node Selector",
            lambda obj: labels_text(pod_spec(obj).get("nodeSelector")),
            describes=".spec.template.spec.nodeSelector",
        ),
        AGE,
        *WIDE,
    ),
)

"""ReplicaSet: keep N pods of one template. kk.control.replicaset makes the pods; nothing here does I/O."""

from typing import Any

from kk.kinds._checks import fill
from kk.kinds._later import later
from kk.kinds._workload import WIDE, default_workload, number, zeros
from kk.kinds.kind import AGE, Column, Kind, Scale

Obj = dict[str, Any]


def default(obj: Obj) -> None:
    """One replica."""
    fill(default_workload(obj), "replicas", 1)
    zeros(obj, "replicas")


def prepare_create(obj: Obj) -> None:
    """Status belongs to the controller."""
    obj["status"] = {"replicas": 0}


KIND = Kind(
    "apps/v1",
    "ReplicaSet",
    describe=later("_describe_workload", "replica_set"),
    default=default,
    prepare_create=prepare_create,
    columns=(
        Column("Desired", ".spec.replicas", "integer"),
        Column("Current", ".status.replicas", "integer"),
        Column(
            "Ready", lambda obj: number(obj, "status", "readyReplicas"), "integer", describes=".status.readyReplicas"
        ),
        AGE,
        *WIDE,
    ),
    selectable={"status.replicas": lambda obj: str(number(obj, "status", "replicas"))},
    scale=Scale(),
)

"""StatefulSet: pods with names and volumes of their own, in order. Its controller is kk.control.statefulset; nothing here does I/O."""

from typing import Any

from kk.kinds._checks import fill, section
from kk.kinds._later import later
from kk.kinds._workload import default_workload, number, template_columns, zeros
from kk.kinds.kind import AGE, Column, Kind, Scale

Obj = dict[str, Any]


def default(obj: Obj) -> None:
    """One replica, in order, rolling update from partition 0, claims kept."""
    spec = default_workload(obj)
    fill(spec, "podManagementPolicy", "OrderedReady")
    strategy = section(spec, "updateStrategy")
    fill(strategy, "type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = section(strategy, "rollingUpdate")
        fill(rolling, "partition", 0)
    retention = section(spec, "persistentVolumeClaimRetentionPolicy")
    fill(retention, "whenDeleted", "Retain")
    fill(retention, "whenScaled", "Retain")
    fill(spec, "replicas", 1)
    fill(spec, "revisionHistoryLimit", 10)
    for claim in spec.get("volumeClaimTemplates") or ():
        _default_claim(claim)
    zeros(obj, "replicas", "availableReplicas")


def _default_claim(claim: Obj) -> None:
    fill(claim, "kind", "PersistentVolumeClaim")
    fill(claim, "apiVersion", "v1")
    fill(claim, "metadata", {})
    spec = section(claim, "spec")
    fill(spec, "resources", {})
    fill(spec, "volumeMode", "Filesystem")
    fill(section(claim, "status"), "phase", "Pending")


def prepare_create(obj: Obj) -> None:
    """Status belongs to the controller."""
    obj["status"] = {"replicas": 0, "availableReplicas": 0}


def _ready(obj: Obj) -> str:
    return f"{number(obj, 'status', 'readyReplicas')}/{number(obj, 'spec', 'replicas')}"


KIND = Kind(
    "apps/v1",
    "StatefulSet",
    describe=later("_describe_workload", "stateful_set"),
    default=default,
    prepare_create=prepare_create,
    columns=(Column("Ready", _ready, description="Number of the pod with ready state"), AGE, *template_columns()),
    scale=Scale(),
)

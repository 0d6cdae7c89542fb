"""ReplicaSet: keep N pods of one template. kk.control.replicaset makes the pods; nothing here does I/O."""

from collections.abc import Iterator
from typing import Any

from kk.kinds import _extensions, _workload
from kk.kinds._checks import Errors, fill, immutable
from kk.kinds._labelselector import shown
from kk.kinds._later import later
from kk.kinds._podspec_warnings import name_warning, template_warnings
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


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Counts, selector and template; the selector stays."""
    spec = obj["spec"]
    yield from _workload.counts(spec, "replicas", "minReadySeconds")
    yield from _workload.check_spec_selector(spec, "deployment")
    yield from _workload.check_selected(spec, "ReplicaSet")
    if old is not None:
        yield from immutable(
            "spec.selector", spec.get("selector"), old["spec"].get("selector"), shown(spec.get("selector"))
        )


def validate_status(obj: Obj, old: Obj) -> Errors:
    """Counts that make sense together."""
    status = obj.get("status") or {}
    yield from _workload.check_counts(
        status, "fullyLabeledReplicas", "readyReplicas", "availableReplicas", of_ready="readyReplicas"
    )
    yield from _workload.counts(status, "terminatingReplicas", "observedGeneration", path="status")


def warnings(obj: Obj, old: Obj | None) -> Iterator[str]:
    """About the name, on create, and the template."""
    if old is None:
        yield from name_warning(obj["metadata"].get("name") or "")
    yield from template_warnings(obj, old)


KIND = Kind(
    "apps/v1",
    "ReplicaSet",
    describe=later("_describe_workload", "replica_set"),
    default=default,
    prepare_create=prepare_create,
    warnings=warnings,
    validate=validate,
    validate_status=validate_status,
    columns=(
        Column("Desired", ".spec.replicas", "integer"),
        Column("Current", ".status.replicas", "integer"),
        Column(
            "Ready", lambda obj: number(obj, "status", "readyReplicas"), "integer", describes=".status.readyReplicas"
        ),
        AGE,
        *WIDE,
    ),
    scale=Scale(),
    conversions=(_extensions.REPLICA_SET,),
)

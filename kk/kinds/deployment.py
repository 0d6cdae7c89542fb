"""Deployment: replicas of a template, changed by rolling update. kk.control.deployment acts on it; nothing here does I/O."""

from collections.abc import Iterator
from typing import Any

from kk.base.errors import forbidden_value, invalid_value, not_supported
from kk.kinds import _extensions, _workload
from kk.kinds._checks import Errors, fill, immutable, section
from kk.kinds._labelselector import shown
from kk.kinds._later import later
from kk.kinds._podspec_warnings import name_warning, template_warnings
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


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Replicas, selector, template, strategy and times; the selector stays."""
    spec = obj["spec"]
    yield from _workload.counts(spec, "replicas")
    yield from _workload.check_spec_selector(spec, "deployment")
    yield from _workload.check_selected(spec, "ReplicaSet")
    yield from _strategy("spec.strategy", spec["strategy"])
    yield from _workload.counts(spec, "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None and deadline <= (spec.get("minReadySeconds") or 0):
        yield invalid_value("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")
    if old is not None:
        yield from immutable(
            "spec.selector", spec.get("selector"), old["spec"].get("selector"), shown(spec.get("selector"))
        )


def _strategy(path: str, strategy: Obj) -> Errors:
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    where = f"{path}.rollingUpdate"
    if kind == "Recreate":
        if rolling is not None:
            yield forbidden_value(where, "may not be specified when strategy `type` is 'Recreate'")
    elif kind == "RollingUpdate":
        unavailable, surge = (rolling or {}).get("maxUnavailable"), (rolling or {}).get("maxSurge")
        yield from _workload.int_or_percent(f"{where}.maxUnavailable", unavailable)
        yield from _workload.int_or_percent(f"{where}.maxSurge", surge)
        if not _workload.amount(unavailable) and not _workload.amount(surge):
            yield invalid_value(f"{where}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0")
        yield from _workload.at_most_all(f"{where}.maxUnavailable", unavailable)
    else:
        shown = {"Type": kind or "", "RollingUpdate": rolling}
        yield not_supported(path, shown, ("Recreate", "RollingUpdate"))


def validate_status(obj: Obj, old: Obj) -> Errors:
    """Counts that make sense together."""
    status = obj.get("status") or {}
    yield from _workload.check_counts(
        status, "updatedReplicas", "readyReplicas", "availableReplicas", of_ready="readyReplicas"
    )
    yield from _workload.counts(status, "observedGeneration", "unavailableReplicas", "collisionCount", path="status")
    before, after = (old.get("status") or {}).get("collisionCount"), status.get("collisionCount")
    if before is not None and (after is None or after < before):
        yield invalid_value("status.collisionCount", after or 0, "cannot be decremented")


def _ready(obj: Obj) -> str:
    return f"{number(obj, 'status', 'readyReplicas')}/{number(obj, 'spec', 'replicas')}"


def warnings(obj: Obj, old: Obj | None) -> Iterator[str]:
    """About the name, on create, and the template."""
    if old is None:
        yield from name_warning(obj["metadata"].get("name") or "")
    yield from template_warnings(obj, old)


KIND = Kind(
    "apps/v1",
    "Deployment",
    describe=later("_describe_workload", "deployment"),
    default=default,
    prepare_create=prepare_create,
    warnings=warnings,
    validate=validate,
    validate_status=validate_status,
    columns=(
        Column("Ready", _ready, description="Number of the pod with ready state"),
        Column("Up-to-date", lambda obj: number(obj, "status", "updatedReplicas"), describes=".status.updatedReplicas"),
        Column(
            "Available", lambda obj: number(obj, "status", "availableReplicas"), describes=".status.availableReplicas"
        ),
        AGE,
        *WIDE,
    ),
    conversions=(_extensions.DEPLOYMENT,),
    counted=lambda obj: obj["metadata"].get("annotations") or {},
    scale=Scale(),
)

"""ReplicationController: the old ReplicaSet, with a plain map as selector. kk.control.replicationcontroller makes the pods."""

from collections.abc import Iterator
from typing import Any

from kk.base.errors import required
from kk.kinds import _podspec, _workload
from kk.kinds._checks import Errors, fill, section
from kk.kinds._later import later
from kk.kinds._podspec_check import check_selected_template
from kk.kinds._podspec_warnings import name_warning, template_warnings
from kk.kinds._workload import labels_text, number, template_columns, zeros
from kk.kinds.kind import AGE, Column, Kind, Scale

Obj = dict[str, Any]


def default(obj: Obj) -> None:
    """One replica; selector and labels from the template's labels."""
    spec = section(obj, "spec")
    template = spec.get("template")
    if template is not None:
        _podspec.default_template(template)
        labels = template["metadata"].get("labels")
        if labels:
            if not spec.get("selector"):
                spec["selector"] = dict(labels)
            if not obj["metadata"].get("labels"):
                obj["metadata"]["labels"] = dict(labels)
    fill(spec, "replicas", 1)
    zeros(obj, "replicas")


def prepare_create(obj: Obj) -> None:
    """Status belongs to the controller."""
    obj["status"] = {"replicas": 0}


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Counts, selector and template."""
    spec = obj["spec"]
    selector, template = spec.get("selector"), spec.get("template")
    yield from _workload.counts(spec, "minReadySeconds")
    if not selector:
        yield required("spec.selector")
    yield from _workload.counts(spec, "replicas")
    if template is None:
        yield required("spec.template")
        return
    labels = template["metadata"].get("labels") or {}
    matches = not selector or all(labels.get(key) == value for key, value in selector.items())
    yield from check_selected_template("spec.template", template, matches, "ReplicationController")


def warnings(obj: Obj, old: Obj | None) -> Iterator[str]:
    """About the name, on create, and the template."""
    if old is None:
        yield from name_warning(obj["metadata"].get("name") or "")
    yield from template_warnings(obj, old)


def validate_status(rc: dict[str, Any], old: dict[str, Any]) -> Errors:
    """Counts that make sense together."""
    status = rc.get("status") or {}
    yield from _workload.check_counts(
        status, "fullyLabeledReplicas", "readyReplicas", "availableReplicas", of_ready="readyReplicas"
    )
    yield from _workload.counts(status, "observedGeneration", path="status")


KIND = Kind(
    "v1",
    "ReplicationController",
    describe=later("_describe_workload", "replication_controller"),
    default=default,
    prepare_create=prepare_create,
    warnings=warnings,
    orphans=True,
    validate=validate,
    validate_status=validate_status,
    columns=(
        Column("Desired", ".spec.replicas", "integer"),
        Column("Current", ".status.replicas", "integer"),
        Column(
            "Ready", lambda obj: number(obj, "status", "readyReplicas"), "integer", describes=".status.readyReplicas"
        ),
        AGE,
        *template_columns(),
        Column(
            "Selector",
            lambda obj: labels_text((obj.get("spec") or {}).get("selector")),
            priority=1,
            describes=".spec.selector",
        ),
    ),
    selectable={"status.replicas": lambda obj: str(number(obj, "status", "replicas"))},
    scale=Scale(),
)

"""ReplicationController: the old ReplicaSet, with a plain map as selector. kk.control.replicationcontroller makes the pods."""

from typing import Any

from kk.kinds import _podspec
from kk.kinds._checks import fill, section
from kk.kinds._later import later
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


KIND = Kind(
    "v1",
    "ReplicationController",
    describe=later("_describe_workload", "replication_controller"),
    default=default,
    prepare_create=prepare_create,
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

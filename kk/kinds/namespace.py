"""Namespace: a room for names. kk.control.namespace empties it before it goes; nothing here does I/O."""

from typing import Any

from kk.kinds._checks import fill, section
from kk.kinds._later import later
from kk.kinds.kind import AGE, Column, Kind
from kk.kinds.meta import is_dns_label

Obj = dict[str, Any]
NAME_LABEL = "kubernetes.io/metadata.name"
FINALIZER = "kubernetes"


def default(obj: Obj) -> None:
    """The label with the name, and a phase."""
    section(obj, "spec")
    fill(section(obj, "status"), "phase", "Active")
    name = obj["metadata"].get("name")
    if name:
        section(obj["metadata"], "labels")[NAME_LABEL] = name


def prepare_create(obj: Obj) -> None:
    """Active, and kept by the finalizer until it is empty."""
    obj["status"] = {"phase": "Active"}
    finalizers = obj["spec"].setdefault("finalizers", [])
    if FINALIZER not in finalizers:
        finalizers.append(FINALIZER)
    name = obj["metadata"].get("name")
    if name:
        section(obj["metadata"], "labels")[NAME_LABEL] = name


def prepare_update(obj: Obj, old: Obj) -> None:
    """Finalizers of the spec change through /finalize only."""
    finalizers = (old.get("spec") or {}).get("finalizers")
    obj["spec"] = {"finalizers": finalizers} if finalizers else {}
    obj["status"] = old.get("status") or {}


KIND = Kind(
    "v1",
    "Namespace",
    describe=later("_describe_core", "namespace"),
    default=default,
    prepare_create=prepare_create,
    prepare_update=prepare_update,
    validate_name=is_dns_label,
    columns=(Column("Status", ".status.phase", description="The status of the namespace"), AGE),
    selectable={"status.phase": ".status.phase", "name": ".metadata.name"},
    generation=False,
)

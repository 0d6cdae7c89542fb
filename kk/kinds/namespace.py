"""Namespace: a room for names. kk.control.namespace empties it before it goes; nothing here does I/O."""

from typing import Any

from kk.base import names
from kk.base.errors import invalid_value, required
from kk.kinds._checks import Errors, bad, each, fill, section
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


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Finalizers of the spec: qualified names; one without a domain must be the standard one."""
    if old is None:
        for finalizer in (obj.get("spec") or {}).get("finalizers") or ():
            yield from _finalizer("spec.finalizers", finalizer)


def _finalize(obj: Obj, old: Obj) -> Errors:
    """The same of a write to /finalize, which tells them apart."""
    for where, finalizer in each("spec.finalizers", (obj.get("spec") or {}).get("finalizers")):
        yield from _finalizer(where, finalizer)


def _finalizer(path: str, finalizer: str) -> Errors:
    yield from bad(path, finalizer, names.qualified_name(finalizer))
    if "/" not in finalizer and finalizer not in (FINALIZER, "orphan", "foregroundDeletion"):
        detail = "name is neither a standard finalizer name nor is it fully qualified"
        yield invalid_value(path, finalizer, detail)


def validate_status(obj: Obj, old: Obj) -> Errors:
    """A phase, and what goes with it."""
    phase = (obj.get("status") or {}).get("phase") or ""
    if obj["metadata"].get("deletionTimestamp"):
        if phase != "Terminating":
            detail = "may only be 'Terminating' if `deletionTimestamp` is not empty"
            yield invalid_value("status.Phase", phase, detail)
    elif phase != "Active":
        detail = "may only be 'Active' if `deletionTimestamp` is empty" if phase else ""
        yield invalid_value("status.Phase", phase, detail) if phase else required("status.Phase")


KIND = Kind(
    "v1",
    "Namespace",
    describe=later("_describe_core", "namespace"),
    default=default,
    prepare_create=prepare_create,
    validate=validate,
    validate_status=validate_status,
    validate_subresource={"finalize": _finalize},
    prepare_update=prepare_update,
    validate_name=is_dns_label,
    columns=(Column("Status", ".status.phase", description="The status of the namespace"), AGE),
    selectable={"status.phase": ".status.phase"},
    generation=False,
)

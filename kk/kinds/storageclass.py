"""StorageClass: a kind of storage that claims may ask for, and which provisioner makes it."""

from collections.abc import Iterator

from kk.base import names
from kk.base.errors import duplicate, forbidden_value, required
from kk.kinds._cells import default_mark
from kk.kinds._checks import Errors, Obj, bad, each, fill, immutable, one_of
from kk.kinds._later import later
from kk.kinds._podspec_warnings import label_warning
from kk.kinds._storage import check_parameters
from kk.kinds.kind import AGE, Column, Kind

_MARKS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


def default(obj: Obj) -> None:
    """Volumes go with their claim, and are bound at once."""
    fill(obj, "reclaimPolicy", "Delete")
    fill(obj, "volumeBindingMode", "Immediate")


def validate(obj: Obj, old: Obj | None) -> Errors:
    """What decides how volumes are made never changes."""
    provisioner = obj.get("provisioner") or ""
    if not provisioner:
        yield required("provisioner")
    else:
        yield from bad("provisioner", provisioner, names.qualified_name(provisioner.lower()))
    yield from check_parameters("parameters", obj.get("parameters"))
    if obj.get("reclaimPolicy"):
        yield from one_of("reclaimPolicy", obj["reclaimPolicy"], ("Delete", "Retain"))
    yield from one_of("volumeBindingMode", obj.get("volumeBindingMode"), ("Immediate", "WaitForFirstConsumer"))
    yield from _topologies(obj.get("allowedTopologies"))
    if old is None:
        return
    for field in ("parameters", "provisioner", "reclaimPolicy"):
        if (obj.get(field) or None) != (old.get(field) or None):
            yield forbidden_value(field, f"updates to {field} are forbidden.")
    yield from immutable("volumeBindingMode", obj.get("volumeBindingMode"), old.get("volumeBindingMode"))


def _topologies(terms: list[Obj] | None) -> Errors:
    known: list[dict[str, set[str]]] = []
    for path, term in each("allowedTopologies", terms):
        found: dict[str, set[str]] = {}
        for where, expression in each(f"{path}.matchLabelExpressions", term.get("matchLabelExpressions")):
            key, values = expression.get("key") or "", expression.get("values") or []
            if not values:
                yield required(f"{where}.values")
            seen: set[str] = set()
            for there, value in each(f"{where}.values", values):
                if value in seen:
                    yield duplicate(there, value)
                seen.add(value)
            yield from bad(f"{where}.key", key, names.qualified_name(key))
            if key in found:
                yield duplicate(f"{where}.key", key)
            found[key] = seen
        if found in known:
            yield duplicate(f"{path}.matchLabelExpressions", "")
        known.append(found)


def warnings(obj: Obj, old: Obj | None) -> Iterator[str]:
    """Labels of nodes that are no longer used."""
    for path, term in each("allowedTopologies", obj.get("allowedTopologies")):
        for where, expression in each(f"{path}.matchLabelExpressions", term.get("matchLabelExpressions")):
            if text := label_warning(expression.get("key") or ""):
                yield f"{where}: {text}"


KIND = Kind(
    "storage.k8s.io/v1",
    "StorageClass",
    default=default,
    validate=validate,
    warnings=warnings,
    columns=(
        Column("Name", lambda obj: default_mark(obj, *_MARKS), format="name", describes=".metadata.name"),
        Column("Provisioner", ".provisioner"),
        Column("ReclaimPolicy", lambda obj: obj.get("reclaimPolicy") or "Delete", describes=".reclaimPolicy"),
        Column(
            "VolumeBindingMode", lambda obj: obj.get("volumeBindingMode") or "<unset>", describes=".volumeBindingMode"
        ),
        Column(
            "AllowVolumeExpansion", lambda obj: bool(obj.get("allowVolumeExpansion")), describes=".allowVolumeExpansion"
        ),
        AGE,
    ),
    generation=False,
    describe=later("_describe_storage", "storage_class_"),
)

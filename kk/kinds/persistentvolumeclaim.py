"""PersistentVolumeClaim: a namespace's wish for storage. kk.control finds or makes a volume for it."""

from collections.abc import Iterator
from typing import Any

from kk.base import names
from kk.base.errors import forbidden_value, invalid_value, not_supported, required
from kk.kinds._cells import access_modes, storage_class, volume_phase
from kk.kinds._checks import Errors, Obj, bad, canonical, fill, one_of, quantity, quantity_not_negative, section
from kk.kinds._labelselector import check_selector
from kk.kinds._later import later
from kk.kinds._persistentvolume import VOLUME_MODES, check_modes
from kk.kinds._storage import check_class
from kk.kinds.kind import AGE, Column, Kind

_RESIZES = (
    "ControllerResizeInProgress",
    "ControllerResizeInfeasible",
    "NodeResizeInProgress",
    "NodeResizeInfeasible",
    "NodeResizePending",
)
_BETA_CLASS = "volume.beta.kubernetes.io/storage-class"


def default(obj: Obj) -> None:
    """Claims wait for a volume with a file system."""
    default_claim_spec(section(obj, "spec"))
    status = section(obj, "status")
    if not status.get("phase"):
        status["phase"] = "Pending"


def default_claim_spec(spec: Obj) -> None:
    """The part that templates of claims share."""
    fill(spec, "resources", {})
    fill(spec, "volumeMode", "Filesystem")
    for field in ("dataSource", "dataSourceRef"):
        if spec.get(field) is not None:
            # upstream's type writes the group even where there is none
            spec[field].setdefault("apiGroup", None)


def prepare_create(obj: Obj) -> None:
    """Both ways to name a data source say the same."""
    obj["status"] = {"phase": "Pending"}
    _sources(obj["spec"], {})


def prepare_update(obj: Obj, old: Obj) -> None:
    """As on create, but for what was there already."""
    _sources(obj["spec"], old["spec"])


_USUAL_SOURCES = frozenset({("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot")})


def _sources(spec: Obj, before: Obj) -> None:
    ref = spec.get("dataSourceRef")
    if ref is not None and ref.get("namespace") and before.get("dataSourceRef") is None:
        del spec["dataSourceRef"]  # sources in other namespaces are behind a gate
    source = spec.get("dataSource")
    if source is not None and before.get("dataSource") is None and before.get("dataSourceRef") is None:
        if (source.get("apiGroup") or "", source.get("kind") or "") not in _USUAL_SOURCES:
            del spec["dataSource"]  # the older field knows two kinds only
    source, ref = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None and ref is None:
        spec["dataSourceRef"] = dict(source)
    elif ref is not None and source is None and not ref.get("namespace"):
        spec["dataSource"] = {k: ref.get(k) for k in ("apiGroup", "kind", "name")}


def validate(obj: Obj, old: Obj | None) -> Errors:
    """The spec, and once bound what of it may still change."""
    yield from check_claim_spec("spec", obj["spec"])
    if old is not None:
        yield from _changes(obj, old)


def check_claim_spec(path: str, spec: Obj) -> Errors:
    """Faults of a claim's spec, wherever it stands."""
    modes = spec.get("accessModes") or []
    if not modes:
        yield required(f"{path}.accessModes", "at least 1 access mode is required")
    yield from check_selector(spec.get("selector"), f"{path}.selector")
    yield from check_modes(f"{path}.accessModes", modes)
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    where = f"{path}.resources[storage]"
    if asked is None:
        yield required(where)
    else:
        yield from quantity_not_negative(where, asked)
        if quantity(asked).milli() <= 0:
            yield invalid_value(where, canonical(asked), "must be greater than zero")
    for field in ("storageClassName", "volumeAttributesClassName"):
        if spec.get(field):
            yield from check_class(f"{path}.{field}", spec[field])
    if spec.get("volumeMode") is not None:
        yield from one_of(f"{path}.volumeMode", spec["volumeMode"], VOLUME_MODES)
    yield from _data_source(path, spec)


def _data_source(path: str, spec: Obj) -> Errors:
    for field in ("dataSource", "dataSourceRef"):
        ref = spec.get(field)
        if ref is None:
            continue
        for part in ("name", "kind"):
            if not ref.get(part):
                yield required(f"{path}.{field}.{part}")
        if not ref.get("apiGroup") and ref.get("kind") != "PersistentVolumeClaim":
            yield invalid_value(
                f"{path}.{field}",
                ref.get("kind") or "",
                "must be 'PersistentVolumeClaim' when referencing the default apiGroup",
            )
        if ref.get("apiGroup"):
            yield from bad(f"{path}.{field}.apiGroup", ref["apiGroup"], names.dns_subdomain(ref["apiGroup"]))
    source, ref = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None and ref is not None and not ref.get("namespace"):
        if any((source.get(p) or "") != (ref.get(p) or "") for p in ("apiGroup", "kind", "name")):
            yield invalid_value(f"{path}.dataSource", source.get("name"), "must match dataSourceRef")


def _changes(obj: Obj, old: Obj) -> Errors:
    spec, before = obj["spec"], old["spec"]
    if _fixed(spec, before, obj, old) != _fixed(before, before, old, old):
        yield forbidden_value(
            "spec",
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        )
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    was = ((before.get("resources") or {}).get("requests") or {}).get("storage")
    if asked is not None and was is not None and quantity(asked).milli() < quantity(was).milli():
        have = ((old.get("status") or {}).get("capacity") or {}).get("storage")
        if have is not None and quantity(asked).milli() <= quantity(have).milli():
            yield forbidden_value("spec.resources.requests.storage", "field can not be less than status.capacity")

    was_class, new_class = before.get("volumeAttributesClassName"), spec.get("volumeAttributesClassName")
    if was_class is not None and new_class != was_class and not new_class:
        what = "nil" if new_class is None else "an empty string"
        yield forbidden_value("spec.volumeAttributesClassName", f"update from non-nil value to {what} is forbidden")


def _fixed(spec: Obj, before: Obj, obj: Obj, old: Obj) -> Obj:
    """What of a spec may not differ: everything but the ways in which a claim is completed, grown or given attributes."""
    kept: dict[str, Any] = {k: v for k, v in spec.items() if v is not None and k != "volumeAttributesClassName"}
    if not before.get("volumeName"):
        kept.pop("volumeName", None)
    if before.get("storageClassName") is None and _BETA_CLASS not in (old["metadata"].get("annotations") or {}):
        kept.pop("storageClassName", None)
    resources = dict(kept.get("resources") or {})
    requests = dict(resources.get("requests") or {})
    if (old.get("status") or {}).get("phase") == "Bound":
        requests.pop("storage", None)
    elif "storage" in requests:
        requests["storage"] = quantity(requests["storage"]).milli()
    kept["resources"] = {**resources, "requests": requests}
    return kept


def validate_status(obj: Obj, old: Obj) -> Errors:
    """Amounts that the binder reports, and how far a resize is."""
    status = obj.get("status") or {}
    for name, value in (status.get("capacity") or {}).items():
        yield from _basic(f"status.capacity[{name}]", value)
    path = "status.allocatedResourceStatus"
    for name, state in (status.get("allocatedResourceStatuses") or {}).items():
        yield from _resource_key(path, name)
        if state not in _RESIZES:
            yield not_supported(path, name, _RESIZES)
    path = "status.allocatedResources"
    for name, value in (status.get("allocatedResources") or {}).items():
        faults = list(_resource_key(path, name))
        yield from faults or _basic(f"{path}[{name}]", value)


def _basic(path: str, value: Any) -> Errors:
    amount = quantity(value).value()
    if amount < 0:
        yield invalid_value(path, amount, "must be a valid resource quantity")


def _resource_key(path: str, name: str) -> Errors:
    """A resource of claims: storage, or one of a foreign domain."""
    faults = names.qualified_name(name)
    yield from bad(path, name, faults)
    if not faults and name != "storage" and ("/" not in name or "kubernetes.io/" in name):
        yield not_supported(path, name, ("storage",))


def warnings(obj: Obj, old: Obj | None) -> list[str]:
    """Old annotations."""
    found = []
    if _BETA_CLASS in (obj["metadata"].get("annotations") or {}):
        found.append(
            f'metadata.annotations[{_BETA_CLASS}]: deprecated since v1.8; use "storageClassName" attribute instead'
        )
    return [*found, *claim_warnings("spec", obj["spec"])]


def claim_warnings(path: str, spec: Obj) -> Iterator[str]:
    """Texts about the spec of a claim, of its own or of a StatefulSet's template: storage is counted in whole bytes."""
    for side in ("requests", "limits"):
        asked = ((spec.get("resources") or {}).get(side) or {}).get("storage")
        if asked is not None and quantity(asked).milli() % 1000:
            text = f'fractional byte value "{canonical(asked)}" is invalid, must be an integer'
            yield f"{path}.resources.{side}[storage]: {text}"


def _capacity(obj: Obj) -> str:
    if not obj["spec"].get("volumeName"):
        return ""
    return canonical(((obj.get("status") or {}).get("capacity") or {}).get("storage"))


def _modes(obj: Obj) -> str:
    return access_modes((obj.get("status") or {}).get("accessModes")) if obj["spec"].get("volumeName") else ""


KIND = Kind(
    "v1",
    "PersistentVolumeClaim",
    default=default,
    prepare_create=prepare_create,
    prepare_update=prepare_update,
    validate=validate,
    validate_status=validate_status,
    warnings=warnings,
    columns=(
        Column("Status", volume_phase, describes=".status.phase"),
        Column("Volume", ".spec.volumeName"),
        Column("Capacity", _capacity, describes=".status.capacity"),
        Column("Access Modes", _modes, describes=".status.accessModes"),
        Column("StorageClass", storage_class, description="StorageClass of the pvc"),
        Column(
            "VolumeAttributesClass",
            lambda obj: obj["spec"].get("volumeAttributesClassName") or "<unset>",
            description="VolumeAttributesClass of the pvc",
        ),
        AGE,
        Column(
            "VolumeMode",
            lambda obj: obj["spec"].get("volumeMode") or "<unset>",
            priority=1,
            describes=".spec.volumeMode",
        ),
    ),
    status=True,
    generation=False,
    describe=later("_describe_storage", "persistent_volume_claim"),
)

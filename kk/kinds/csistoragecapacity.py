"""CSIStorageCapacity: how much a driver can still give, for a class and a set of nodes. The scheduler may read it."""

from kk.base.errors import invalid_value
from kk.kinds._checks import IMMUTABLE, Errors, Obj, immutable, quantity_not_negative
from kk.kinds._labelselector import check_selector
from kk.kinds._podspec_warnings import selector_warnings
from kk.kinds._storage import check_class
from kk.kinds.kind import Kind


def validate(obj: Obj, old: Obj | None) -> Errors:
    """For which class and nodes it speaks never changes."""
    name = obj.get("storageClassName") or ""
    yield from check_class("storageClassName", name)
    yield from check_selector(obj.get("nodeTopology"), "nodeTopology")
    if obj.get("capacity") is not None:
        yield from quantity_not_negative("capacity", obj["capacity"])
    if old is None:
        return
    if obj.get("nodeTopology") != old.get("nodeTopology"):
        yield invalid_value("nodeTopology", obj.get("nodeTopology"), IMMUTABLE)
    yield from immutable("storageClassName", name, old.get("storageClassName"))


KIND = Kind(
    "storage.k8s.io/v1",
    "CSIStorageCapacity",
    validate=validate,
    warnings=lambda obj, old: selector_warnings("nodeTopology", obj.get("nodeTopology")),
    generation=False,
    unconditional_update=False,
)

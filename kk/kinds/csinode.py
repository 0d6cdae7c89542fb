"""CSINode: the storage drivers on one node. The node's agent writes it."""

from kk.base import names
from kk.base.errors import FieldError, duplicate, invalid_value, required
from kk.kinds._checks import IMMUTABLE, Errors, Obj, bad, each, go_value, listed, not_negative, section
from kk.kinds._later import later
from kk.kinds._storage import check_driver
from kk.kinds.kind import AGE, Column, Kind

_LONGEST_ID = 192


def default(obj: Obj) -> None:
    """Drivers are always written, with their topology keys."""
    spec = section(obj, "spec")
    listed(spec, "drivers")
    for driver in spec["drivers"] or []:
        listed(driver, "topologyKeys")


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Each driver once; a driver that stays is not changed."""
    seen: set[str] = set()
    drivers = obj["spec"].get("drivers") or []
    for path, driver in each("spec.drivers", drivers):
        yield from _driver(path, driver)
        name = driver.get("name") or ""
        if name in seen:
            yield duplicate(f"{path}.name", name)
        seen.add(name)
    before = {d.get("name"): d for d in ((old or {}).get("spec") or {}).get("drivers") or []}
    for driver in drivers:
        known = before.get(driver.get("name"))
        if known is not None and {**known, "allocatable": None} != {**driver, "allocatable": None}:
            shown = go_value(driver, "Name", "NodeID=nodeID", "TopologyKeys", "Allocatable")
            yield invalid_value("CSINode.Spec.Drivers", shown, IMMUTABLE)


def _driver(path: str, driver: Obj) -> Errors:
    yield from check_driver(f"{path}.name", driver.get("name") or "")
    node = driver.get("nodeID") or ""
    if not node:
        yield required(f"{path}.nodeID")
    if len(node) > _LONGEST_ID:
        yield FieldError("FieldValueTooLong", f"{path}.nodeID", None, f"may not be more than {_LONGEST_ID} bytes")
    yield from not_negative(f"{path}.allocatable.count", (driver.get("allocatable") or {}).get("count"))
    seen: set[str] = set()
    for key in driver.get("topologyKeys") or []:
        if not key:
            yield required(path)
        if key in seen:
            yield duplicate(path, key)
        seen.add(key)
        yield from bad(path, key, names.qualified_name(key))


KIND = Kind(
    "storage.k8s.io/v1",
    "CSINode",
    default=default,
    validate=validate,
    columns=(
        Column(
            "Drivers",
            lambda obj: len((obj.get("spec") or {}).get("drivers") or []),
            "integer",
            description="Drivers indicates the number of CSI drivers registered on the node",
        ),
        AGE,
    ),
    generation=False,
    describe=later("_describe_storage", "csi_node"),
    unconditional_update=False,
)

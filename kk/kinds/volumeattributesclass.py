"""VolumeAttributesClass: attributes of volumes that a driver can change while they are in use."""

from kk.base import names
from kk.base.errors import forbidden_value, required
from kk.kinds._cells import default_mark
from kk.kinds._checks import Errors, Obj, bad
from kk.kinds._later import later
from kk.kinds._storage import check_parameters
from kk.kinds.kind import AGE, Column, Kind

_MARK = "volumeattributesclass.kubernetes.io/is-default-class"


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Neither driver nor parameters ever change."""
    driver = obj.get("driverName") or ""
    if not driver:
        yield required("driverName")
    else:
        yield from bad("driverName", driver, names.qualified_name(driver.lower()))
    yield from check_parameters("parameters", obj.get("parameters"), needed=True)
    for field in ("driverName", "parameters") if old is not None else ():
        if obj.get(field) != (old or {}).get(field):
            yield forbidden_value(field, f"updates to {field} are forbidden.")


KIND = Kind(
    "storage.k8s.io/v1",
    "VolumeAttributesClass",
    validate=validate,
    columns=(
        Column("Name", lambda obj: default_mark(obj, _MARK), format="name", describes=".metadata.name"),
        Column("DriverName", ".driverName"),
        AGE,
    ),
    generation=False,
    describe=later("_describe_storage", "volume_attributes_class"),
)

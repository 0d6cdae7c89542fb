"""ConfigMap: configuration by key. Pods read it through kk.agent."""

from typing import Any

from kk.kinds._checks import Errors
from kk.kinds._keyed import check_data
from kk.kinds._later import later
from kk.kinds.kind import AGE, Column, Kind

Obj = dict[str, Any]


def _size(obj: Obj) -> int:
    return len(obj.get("data") or ()) + len(obj.get("binaryData") or ())


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Keys, size, and what an immutable one keeps."""
    yield from check_data(obj, old, ("data", "binaryData"))


KIND = Kind(
    "v1",
    "ConfigMap",
    validate=validate,
    describe=later("_describe_core", "config_map"),
    columns=(Column("Data", _size, describes=".data"), AGE),
    generation=False,
)

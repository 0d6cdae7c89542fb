"""ConfigMap: configuration by key. Pods read it through kk.agent."""

from typing import Any

from kk.kinds._later import later
from kk.kinds.kind import AGE, Column, Kind

Obj = dict[str, Any]


def _size(obj: Obj) -> int:
    return len(obj.get("data") or ()) + len(obj.get("binaryData") or ())


KIND = Kind(
    "v1",
    "ConfigMap",
    describe=later("_describe_core", "config_map"),
    columns=(Column("Data", _size, describes=".data"), AGE),
    generation=False,
)

"""Secret: small secret data by key. Pods read it through kk.agent; kk.control.serviceaccount fills tokens."""

import base64
from typing import Any

from kk.kinds._checks import fill
from kk.kinds._later import later
from kk.kinds.kind import AGE, Column, Kind

Obj = dict[str, Any]


def default(obj: Obj) -> None:
    """Opaque where no type is told; stringData goes into data, which wins over what was there."""
    fill(obj, "type", "Opaque")
    plain = obj.pop("stringData", None)
    if plain:
        data = obj.setdefault("data", {})
        for key, value in plain.items():
            data[key] = base64.b64encode(value.encode()).decode()


KIND = Kind(
    "v1",
    "Secret",
    describe=later("_describe_core", "secret"),
    default=default,
    columns=(
        Column("Type", ".type"),
        Column("Data", lambda obj: len(obj.get("data") or ()), describes=".data"),
        AGE,
    ),
    selectable={"type": ".type"},
    generation=False,
)

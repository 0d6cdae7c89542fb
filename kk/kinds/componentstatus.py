"""ComponentStatus: the old health report of control plane parts. The server computes it on read; it is never stored."""

from kk.kinds._checks import Obj
from kk.kinds.kind import Column, Kind


def _healthy(obj: Obj) -> dict[str, str]:
    for found in obj.get("conditions") or []:
        if found.get("type") == "Healthy":
            return dict(found)
    return {}


def _status(obj: Obj) -> str:
    return {"True": "Healthy", "False": "Unhealthy"}.get(_healthy(obj).get("status", ""), "Unknown")


KIND = Kind(
    "v1",
    "ComponentStatus",
    columns=(
        Column("Status", _status, description="Status of the component conditions"),
        Column(
            "Message", lambda obj: _healthy(obj).get("message", ""), description="Message of the component conditions"
        ),
        Column("Error", lambda obj: _healthy(obj).get("error", ""), description="Error of the component conditions"),
    ),
    deprecated="v1 ComponentStatus is deprecated in v1.19+",
    generation=False,
)

"""`-o name`: TYPE/NAME, one a line."""

from __future__ import annotations

from ..resources import kind_label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..context import Env


class NamePrinter:
    """Writes `deployment.apps/web`; `operation` ("created") follows where it is set."""

    def __init__(self, env: Env, argument: str = "", operation: str = ""):
        self.env, self.operation = env, operation

    def show(self, obj: dict[str, Any]) -> None:
        """Write one object, or every item of a List."""
        kind, version = str(obj.get("kind", "")), str(obj.get("apiVersion", ""))
        if kind.endswith("List") and isinstance(obj.get("items"), list):
            for item in obj["items"]:
                self.show({"apiVersion": version, "kind": kind[:-4], **item} if kind != "List" else item)
            return
        group = version.rpartition("/")[0]
        name = (obj.get("metadata") or {}).get("name") or "<unknown>"
        end = f" {self.operation}" if self.operation else ""
        self.env.out(f"{kind_label(kind, group)}/{name}{end}")


PRINTER = NamePrinter

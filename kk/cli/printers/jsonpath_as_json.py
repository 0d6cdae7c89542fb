"""`-o jsonpath-as-json=TEMPLATE`: what the template selects, as a JSON array."""

from __future__ import annotations

from .json import text
from .jsonpath import JSONPathPrinter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class JSONPathAsJSON(JSONPathPrinter):
    """Writes the selected values as one array."""

    def show(self, obj: dict[str, Any]) -> None:
        """Write one object."""
        found = [value for values in self.path.find(obj) for value in values]
        self.env.out(text(found))


PRINTER = JSONPathAsJSON

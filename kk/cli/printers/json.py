"""`-o json`: four spaces, keys in order, `<`, `>` and `&` escaped as Go's encoder does."""

from __future__ import annotations

import json

from ..context import Env
from . import without_managed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def text(obj: Any, *, indent: int | None = 4, sort: bool = True) -> str:
    """The value as Go would encode it; compact without indent."""
    separators = (",", ": ") if indent else (",", ":")
    found = json.dumps(obj, indent=indent, ensure_ascii=False, sort_keys=sort, separators=separators)
    return found.translate(_ESCAPES) if any(c in found for c in "<>&\u2028\u2029") else found


class JSONPrinter:
    """Writes objects as indented JSON; `sort` is off for objects built here, which keep the order of their type."""

    def __init__(self, env: Env, argument: str = ""):
        self.env, self.sort = env, True

    def show(self, obj: dict[str, Any]) -> None:
        """Write one object."""
        self.env.out(text(without_managed(self.env, obj), sort=self.sort))


PRINTER = JSONPrinter

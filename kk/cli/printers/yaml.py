"""`-o yaml`: one document per object, `---` between them."""

from __future__ import annotations

from ..context import Env
from ..yamls import dump
from . import without_managed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class YAMLPrinter:
    """Writes objects as YAML documents."""

    def __init__(self, env: Env, argument: str = ""):
        self.env, self.written = env, 0

    def show(self, obj: dict[str, Any]) -> None:
        """Write one object."""
        if self.written:
            self.env.out("---")
        self.written += 1
        self.env.stdout.write(dump(without_managed(self.env, obj)))


PRINTER = YAMLPrinter

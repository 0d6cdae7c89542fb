"""`-o wide`: the table with the columns that the server marks as less important."""

from __future__ import annotations

from .table import TablePrinter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..context import Env


def make(env: Env, argument: str = "", **how: Any) -> TablePrinter:
    """A table printer with all columns."""
    return TablePrinter(env, **{**how, "wide": True})


PRINTER = make

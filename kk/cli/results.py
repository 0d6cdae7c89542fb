"""What a verb that changes something says: `deployment.apps/web scaled`, or the object in the format of -o.

Nothing here talks to the server.
"""

from __future__ import annotations

from .common import FORMATS
from .context import Env, dry_run
from .printers import printer, split
from .resources import Item, kind_label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SUFFIX = {"none": "", "client": " (dry run)", "server": " (server dry run)"}


class Results:
    """Tells results of one call; `operation` is the word that follows the name ("created").

    ordered    objects were built here (or come in the order of their type): JSON keeps the order of their fields
    """

    def __init__(self, env: Env, operation: str = "", *, ordered: bool = False):
        self.env, self.operation = env, operation
        self.printer = printer(env, FORMATS) if getattr(env.options, "output", "") else printer_for_template(env)
        self.suffix = _SUFFIX[dry_run(env)] if hasattr(env.options, "dry_run") else ""
        if ordered and hasattr(self.printer, "sort"):
            self.printer.sort = False  # type: ignore[union-attr]

    @property
    def names_only(self) -> bool:
        """Whether objects themselves are not shown (no -o, or -o name)."""
        return self.printer is None or split(self.env.options.output)[0] == "name"

    def tell(self, what: dict[str, Any] | Item, operation: str = "") -> None:
        """Tell of one object; an Item needs its `obj` where -o asks for it."""
        obj = what.obj if isinstance(what, Item) else what
        if self.printer is not None and obj is not None:
            self.printer.show(obj)
        else:
            self.env.out(f"{_label(what)} {operation or self.operation}{self.suffix}")


def printer_for_template(env: Env) -> Any:
    """The printer of --template alone, or None."""
    return printer(env, FORMATS) if getattr(env.options, "template", "") else None


def _label(what: dict[str, Any] | Item) -> str:
    if isinstance(what, Item):
        return what.label
    group = str(what.get("apiVersion", "")).rpartition("/")[0]
    name = (what.get("metadata") or {}).get("name") or "<unknown>"
    return f"{kind_label(str(what.get('kind', '')), group)}/{name}"

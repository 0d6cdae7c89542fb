"""`-o jsonpath=TEMPLATE` and `-o jsonpath-file=FILE`: the dialect of kk.base.jsonpath, no newline added."""

from __future__ import annotations

from ..context import Env
from ..errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class JSONPathPrinter:
    """Writes what the template selects."""

    def __init__(self, env: Env, argument: str = ""):
        from kk.base import jsonpath

        if not argument:
            raise CommandError("template format specified but no template given")
        self.env, self.template = env, argument
        allow = bool(getattr(env.options, "allow_missing_template_keys", True))
        try:
            self.path = jsonpath.compile(argument, allow_missing=allow)
        except ValueError as error:
            raise CommandError(f"error parsing jsonpath {argument}, {error}") from None

    def show(self, obj: dict[str, Any]) -> None:
        """Write one object."""
        try:
            self.env.stdout.write(self.path.render(obj))
        except ValueError as error:
            raise CommandError(f'error executing jsonpath "{self.template}": {error}') from None


PRINTER = JSONPathPrinter

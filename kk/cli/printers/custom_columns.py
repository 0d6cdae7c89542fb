"""`-o custom-columns=HEADER:.path,…` and `-o custom-columns-file=FILE`: a table of what jsonpaths select; `<none>` where nothing is."""

from __future__ import annotations

from ..context import Env
from ..errors import CommandError
from .table import Columns, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_USAGE = "expected <header>:<json-path-expr>"


def from_lines(content: str) -> str:
    """The specification that a file with a line of headers and a line of paths means."""
    lines = [line.split() for line in content.splitlines() if line.strip()]
    if len(lines) < 2:
        raise CommandError("custom-columns-file must hold a line of headers and a line of paths")
    if len(lines[0]) != len(lines[1]):
        raise CommandError(
            f"number of headers ({len(lines[0])}) and field specifications ({len(lines[1])}) don't match"
        )
    return ",".join(f"{h}:{p}" for h, p in zip(lines[0], lines[1], strict=True))


class CustomColumns:
    """Writes a row per object, the header before the first."""

    def __init__(self, env: Env, argument: str = ""):
        from kk.base import jsonpath

        if not argument:
            raise CommandError("custom-columns format specified but no custom columns given")
        if "\n" in argument:
            argument = from_lines(argument)
        self.env = env
        self.headers: list[str] = []
        self.paths: list[Any] = []
        for part in _split(argument):
            header, colon, path = part.partition(":")
            if not colon:
                raise CommandError(f"unexpected custom-columns spec: {part}, {_USAGE}")
            try:
                self.paths.append(jsonpath.compile(jsonpath.relaxed(path), allow_missing=True))
            except ValueError as error:
                raise CommandError(str(error)) from None
            self.headers.append(header)
        self.columns = Columns()
        self.header_done = bool(getattr(env.options, "no_headers", False))

    def show(self, obj: dict[str, Any]) -> None:
        """Write one object, or every item of a List."""
        rows = []
        if not self.header_done:
            rows.append(self.headers)
            self.header_done = True
        listed = (
            obj["items"] if isinstance(obj.get("items"), list) and str(obj.get("kind", "")).endswith("List") else [obj]
        )
        rows.extend(self._row(item) for item in listed)
        self.env.stdout.write(self.columns.lines(rows))

    def _row(self, obj: dict[str, Any]) -> list[str]:
        cells = []
        for path in self.paths:
            values = [value for found in path.find(obj) for value in found]
            texts = ["<none>" if v is None else v if isinstance(v, str) else show(v) for v in values]
            cells.append(",".join(texts) or "<none>")
        return cells


def _split(text: str) -> list[str]:
    """The parts between commas that stand in no bracket."""
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(text):
        if sign in "[({":
            depth += 1
        elif sign in "])}":
            depth -= 1
        elif sign == "," and not depth:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


PRINTER = CustomColumns

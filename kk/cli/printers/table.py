"""Columns for people: kubectl's tab-aligned table, from the `Table` objects that the server makes.

Columns are as wide as their widest cell and three spaces, at least six; widths once used stay for the rows of a watch. What the
columns say is the server's business.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..context import Env

_PADDING, _NARROWEST = 3, 6


class Columns:
    """Lines of cells into aligned text; remembers the widths it used, so that later lines fit under earlier ones."""

    def __init__(self) -> None:
        self.widths: list[int] = []

    def lines(self, rows: Sequence[Sequence[str]]) -> str:
        """The rows as text, a newline after each; the last cell of a row is never padded."""
        widths = self.widths
        for row in rows:
            for place, cell in enumerate(row[:-1]):
                width = max(len(cell) + _PADDING, _NARROWEST)
                if place == len(widths):
                    widths.append(width)
                elif width > widths[place]:
                    widths[place] = width
        return "".join(
            "".join(cell.ljust(widths[place]) for place, cell in enumerate(row[:-1])) + (row[-1] if row else "") + "\n"
            for row in rows
        )


def cell(value: Any) -> str:
    """A cell as text: cut at the first line break, control characters made visible."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return show(value)
    if value.isprintable():
        return value
    for place, sign in enumerate(value):
        if sign in "\n\r\f":
            value = value[:place] + "..."
            break
    return value.replace("\x1b", "^[")


def show(value: Any) -> str:
    """A value that is no string, in Go's default format."""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, list):
        return "[" + " ".join(show(v) for v in value) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{k}:{show(value[k])}" for k in sorted(value)) + "]"
    return str(value)


class TablePrinter:
    """Prints Tables of one resource one under the other, the header once.

    kind        prefix of the names (`pod/`), or ""
    namespaces  whether a NAMESPACE column comes first
    labels      keys of labels that get a column; all_labels adds LABELS
    events      whether rows are watch events: an EVENT column comes first
    """

    def __init__(
        self,
        env: Env,
        *,
        wide: bool = False,
        headers: bool = True,
        kind: str = "",
        namespaces: bool = False,
        labels: Sequence[str] = (),
        all_labels: bool = False,
        events: bool = False,
    ):
        self.env, self.wide, self.headers, self.kind = env, wide, headers, kind
        self.namespaces, self.labels, self.all_labels, self.events = namespaces, labels, all_labels, events
        self.columns = Columns()
        self._shown: list[int] = []
        self._name = 0
        self._header_done = False
        self._definitions: list[dict[str, Any]] | None = None

    def show(self, table: dict[str, Any], event: str = "") -> int:
        """Print a Table; the number of rows written (a Table without rows prints nothing)."""
        rows = table.get("rows") or ()
        self.learn(table)
        if not rows:
            return 0
        lines = []
        if self.headers and not self._header_done:
            lines.append(self._header())
        self._header_done = True
        lines.extend(self._row(row, event) for row in rows)
        self.env.stdout.write(self.columns.lines(lines))
        return len(rows)

    def learn(self, table: dict[str, Any]) -> None:
        """Take the columns from a Table that tells them; later ones of a watch do not."""
        definitions = table.get("columnDefinitions")
        if definitions and definitions != self._definitions:
            self._definitions = definitions
            self._shown = [i for i, c in enumerate(definitions) if self.wide or not c.get("priority")]
            self._name = next((i for i, c in enumerate(definitions) if c.get("format") == "name"), 0)
            self._header_done = False

    def _header(self) -> list[str]:
        found = ["EVENT"] if self.events else []
        if self.namespaces:
            found.append("NAMESPACE")
        definitions = self._definitions or []
        found.extend(str(definitions[i].get("name", "")).upper() for i in self._shown)
        found.extend(key.rpartition("/")[2].upper() for key in self.labels)
        if self.all_labels:
            found.append("LABELS")
        return found

    def _row(self, row: dict[str, Any], event: str) -> list[str]:
        meta = (row.get("object") or {}).get("metadata") or {}
        found = [event.ljust(8)] if self.events else []  # as wide as MODIFIED from the start
        if self.namespaces:
            found.append(meta.get("namespace") or "")
        cells = row.get("cells") or ()
        for place in self._shown:
            text = cell(cells[place]) if place < len(cells) else ""
            found.append(f"{self.kind}/{text}" if self.kind and place == self._name else text)
        labels = meta.get("labels") or {}
        found.extend(labels.get(key, "") for key in self.labels)
        if self.all_labels:
            found.append(",".join(f"{k}={labels[k]}" for k in sorted(labels)) or "<none>")
        return found


def of_objects(objects: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A Table with name and age for servers that make none of their own."""
    import datetime

    from kk.base.times import human_duration, parse_time

    now = datetime.datetime.now(datetime.UTC)

    def age(obj: dict[str, Any]) -> str:
        made = (obj.get("metadata") or {}).get("creationTimestamp")
        return human_duration((now - parse_time(made)).total_seconds()) if made else "<unknown>"

    return {
        "kind": "Table",
        "columnDefinitions": [{"name": "Name", "format": "name"}, {"name": "Age"}],
        "rows": [{"cells": [(o.get("metadata") or {}).get("name", ""), age(o)], "object": o} for o in objects],
    }


PRINTER = TablePrinter

"""Objects as meta.k8s.io Tables and PartialObjectMetadata: what `kubectl get` prints, made from a kind's columns.

Cells follow the columns of kk.kinds; which objects and which form are decided elsewhere.
"""

import functools
import inspect
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from kk.base import paths, times
from kk.base.schema import Node
from kk.kinds.kind import Column, Resource
from kk.server.encoding import Obj, decode
from kk.server.openapi.descriptions import Descriptions

_NAME = Column("Name", ".metadata.name", format="name")
_CREATED = Column("Created At", ".metadata.creationTimestamp", "date")


class _Peek(msgspec.Struct):
    metadata: msgspec.Raw


_peek = msgspec.json.Decoder(_Peek).decode


def metadata_bytes(rest: bytes) -> bytes:
    """The metadata of an encoded object (what follows kind and apiVersion), still encoded."""
    return bytes(_peek(b"{" + rest).metadata)


def partial(rest: bytes, version: str = "v1") -> bytes:
    """An encoded object as PartialObjectMetadata."""
    return b'{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/%b","metadata":%b}' % (
        version.encode(),
        metadata_bytes(rest),
    )


class Printer:
    """Rows of one resource. `columns` are those of the version that was asked for."""

    def __init__(self, resource: Resource, columns: tuple[Column, ...] | None):
        self._conditions = resource.strategy.row_conditions
        self._resource = resource
        if columns is None:
            self._columns: tuple[Column, ...] = (_NAME, _CREATED)
            # of a kind without columns of its own the time is shown as it is
            created = _cell(Column("", lambda obj: paths.get(obj, ".metadata.creationTimestamp", None)))
            self._cells, self._dates = [_cell(_NAME), created], True
            return
        named = any(c.name == "Name" for c in columns)
        self._columns, self._dates = (columns if named else (_NAME, *columns)), resource.custom
        self._cells = [_cell(c) for c in self._columns]

    @functools.cached_property
    def definitions(self) -> list[Obj]:
        """The columns as a Table tells them; their texts are read when first asked for."""
        texts = Descriptions()
        return [
            {
                "name": column.name,
                "type": "string" if column.type == "date" and not self._dates else column.type,
                "format": column.format,
                "description": column.description or _text(texts, self._resource.schema, column),
                "priority": column.priority,
            }
            for column in self._columns
            if column.name
        ]

    def cells(self, obj: Obj, now: float) -> list[Any]:
        """One row's cells."""
        return [cell(obj, now) for cell in self._cells]

    def row(
        self, obj: Obj, rest: bytes, include: str, now: float, whole: bytes | None = None, version: str = "v1"
    ) -> Obj:
        """One row; include is None, Metadata or Object (`whole` are the bytes of that object)."""
        if include == "None":
            shown: Any = None
        elif include == "Object":
            shown = msgspec.Raw(whole or b"null")
        else:
            shown = msgspec.Raw(partial(rest, version))
        row: Obj = {"cells": self.cells(obj, now)}
        conditions = self._conditions(obj) if self._conditions is not None else None
        if conditions:
            row["conditions"] = conditions
        row["object"] = shown
        return row

    def table(self, rows: list[Obj] | None, metadata: Obj, version: str = "v1", definitions: bool = True) -> Obj:
        """A whole Table."""
        return {
            "kind": "Table",
            "apiVersion": f"meta.k8s.io/{version}",
            "metadata": metadata,
            "columnDefinitions": self.definitions if definitions else None,
            "rows": rows,
        }


def _text(texts: Descriptions, schema: Node, column: Column) -> str:
    """The description of the field that a column shows; "" where it shows none."""
    path = column.describes or (column.value if isinstance(column.value, str) else "")
    holder, _, field = path.strip(".").rpartition(".")
    nodes = [schema, *schema.walk(holder)] if holder else [schema]
    node = nodes[-1]
    while node.type == "list":
        node = node.items
    if not field or len(nodes) != len(holder.split(".")) * bool(holder) + 1 or not node.name:
        return ""
    return texts.of(node.name)[1].get(field, "")


def _cell(column: Column) -> Callable[[Obj, float], Any]:
    value = column.value
    if callable(value):
        takes_now = len(inspect.signature(value).parameters) > 1
        return value if takes_now else lambda obj, now: value(obj)
    if column.type == "date":
        return lambda obj, now: age(paths.get(obj, value, None), now)
    missing: Any = 0 if column.type in ("integer", "number") else False if column.type == "boolean" else ""
    return lambda obj, now: paths.get(obj, value, missing)


def age(text: str | None, now: float) -> str:
    """How long ago, as kubectl shows it."""
    if not text:
        return "<unknown>"
    try:
        then: datetime = times.parse_time(text)
    except ValueError:
        return "<invalid>"
    return times.human_duration(now - then.timestamp())


def row_of(printer: Printer, whole: bytes, rest: bytes, include: str, now: float, version: str = "v1") -> Obj:
    """A row from encoded bytes."""
    return printer.row(decode(whole), rest, include, now, whole, version)

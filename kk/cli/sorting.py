"""`--sort-by`: rows of Tables, or objects, by what a JSONPath selects. The order is kubectl's: missing first, then naturally."""

from __future__ import annotations

import functools
import re
from typing import Any

from .errors import CommandError


def sort_tables(tables: list[dict[str, Any]], field: str) -> None:
    """Sort the rows of each Table (or the items of each list) in place.

    Raises CommandError for a bad path or one that selects nothing anywhere.
    """
    for table in tables:
        rows = table.get("rows") if table.get("kind") == "Table" else table.get("items")
        if rows:
            rows[:] = ordered(rows, field, lambda row: row.get("object", row))


def ordered(rows: list[Any], field: str, of: Any = lambda obj: obj) -> list[Any]:
    """The rows sorted by the field of their object."""
    from kk.base import jsonpath

    try:
        path = jsonpath.compile(jsonpath.relaxed(field), allow_missing=True)
    except ValueError as error:
        raise CommandError(str(error)) from None
    keyed = [(_first(path.find(of(row))), row) for row in rows]
    if keyed and all(key is None for key, _ in keyed):
        raise CommandError(f'couldn\'t find any field with path "{jsonpath.relaxed(field)}" in the list of objects')
    keyed.sort(key=functools.cmp_to_key(_by_key))
    return [row for _, row in keyed]


def _by_key(one: tuple[Any, Any], other: tuple[Any, Any]) -> int:
    return compare(one[0], other[0])


def _first(found: list[list[Any]]) -> Any:
    return next((value for values in found for value in values), None)


def compare(a: Any, b: Any) -> int:
    """-1, 0 or 1 for two values of one field."""
    if a is None or b is None:
        return (a is not None) - (b is not None)
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return (a > b) - (a < b)
    if isinstance(a, str) and isinstance(b, str):
        from kk.base.quantity import Quantity

        try:
            x, y = Quantity.parse(a), Quantity.parse(b)
            return (x > y) - (x < y)
        except ValueError:
            return _natural(a, b)
    return _natural(str(a), str(b))


def _natural(a: str, b: str) -> int:
    x = [(int(p), len(p)) if p.isdigit() else p for p in re.split(r"(\d+)", a)]
    y = [(int(p), len(p)) if p.isdigit() else p for p in re.split(r"(\d+)", b)]
    for one, two in zip(x, y, strict=False):
        if one != two:
            if type(one) is not type(two):
                one, two = str(one), str(two)
            return -1 if one < two else 1  # type: ignore[operator]
    return (len(x) > len(y)) - (len(x) < len(y))

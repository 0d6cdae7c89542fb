"""additionalPrinterColumns as columns of a Table; cells are what k8s.io/apiextensions-apiserver `pkg/registry/customresource/tableconvertor` makes."""

from collections.abc import Callable
from functools import cache
from typing import Any

from kk.base import jsonpath
from kk.kinds.kind import Column
from kk.server.tables import age

Obj = dict[str, Any]
_CREATED = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}


def columns(specs: list[dict[str, Any]] | None) -> tuple[Column, ...]:
    """The columns behind the name; the age where a definition names none."""
    if not specs:
        return (Column("Age", _cell(_CREATED), "date", describes=".metadata.creationTimestamp"),)
    return tuple(_column(spec) for spec in specs)


def _column(spec: dict[str, Any]) -> Column:
    path = spec.get("jsonPath") or ""
    text = spec.get("description") or f"Custom resource definition column (in JSONPath format): {path}"
    kind, form = spec.get("type") or "string", spec.get("format") or ""
    return Column(spec["name"], _cell(spec), kind, spec.get("priority") or 0, form, text, "-")


@cache
def _path(text: str) -> jsonpath.JSONPath | None:
    try:
        return jsonpath.compile("{" + text + "}", allow_missing=True)
    except ValueError:
        return None


def _cell(spec: dict[str, Any]) -> Callable[[Obj, float], Any]:
    text, kind = spec.get("jsonPath") or "", spec.get("type") or ""

    def cell(obj: Obj, now: float) -> Any:
        path = _path(text)
        try:
            found = path.find(obj) if path is not None else []
        except ValueError:
            return None
        if not found or not found[0]:
            return None
        return shown(kind, found[0][0], now)

    return cell


def shown(kind: str, value: Any, now: float) -> Any:
    """A value as a cell of a column's type; None where it is of another type."""
    if kind == "string":
        return jsonpath.text(value)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "integer":
        return int(value) if number else None
    if kind == "number":
        return value if number else None
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    if kind == "date" and isinstance(value, str):
        return age(value, now) if value else "<unknown>"
    return None

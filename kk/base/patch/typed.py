"""Whether an applied configuration fits a type: the faults that server-side apply answers, in structured-merge-diff's words."""

from typing import Any

from kk.base.patch import fields as f
from kk.base.patch._strategic import show
from kk.base.schema import Node

_NUMBERS = ("integer", "number")


def faults(value: Any, node: Node, path: str = "") -> list[str]:
    """`.spec.replicas: expected numeric (int or float), got string`, for each fault."""
    kind = node.type
    if value is None or kind == "any":
        return []
    if kind in ("object", "map"):
        return _map_faults(value, node, path)
    if kind == "list":
        return _list_faults(value, node, path)
    return [f"{path}: {wrong}"] if (wrong := _scalar_fault(value, kind)) else []


def _scalar_fault(value: Any, kind: str) -> str:
    if kind == "boolean":
        return "" if isinstance(value, bool) else f"expected boolean, got &{{{show(value)}}}"
    if kind in _NUMBERS:
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        return "" if good else f"expected numeric (int or float), got {_go_type(value)}"
    if kind in ("quantity", "int-or-string"):
        return "" if not isinstance(value, (dict, list)) else f"expected scalar, got &{{{show(value)}}}"
    return "" if isinstance(value, str) else f"expected string, got &{{{show(value)}}}"


def _go_type(value: Any) -> str:
    return {str: "string", bool: "bool", dict: "map[string]interface {}", list: "[]interface {}"}[type(value)]


def _map_faults(value: Any, node: Node, path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path}: expected map, got &{{{show(value)}}}"]
    out: list[str] = []
    for key, inner in value.items():
        child = node.child(key)
        if child is None:
            out.append(f"{path}.{key}: field not declared in schema")
        else:
            out += faults(inner, child, f"{path}.{key}")
    return out


def _list_faults(value: Any, node: Node, path: str) -> list[str]:
    if not isinstance(value, list):
        return [f"{path}: expected list, got &{{{show(value)}}}"]
    out: list[str] = []
    seen: set[str] = set()
    for index, item in enumerate(value):
        step = f"i:{index}"
        if f.granular(node):
            try:
                step = f.item_key(item, node, index)
            except ValueError as error:
                return [f"{path}: {error}"]
            if step in seen:
                out.append(f"{path}: duplicate entries for key {f.show_step(step)}")
            seen.add(step)
        out += faults(item, node.items, path + f.show_step(step))
    return out

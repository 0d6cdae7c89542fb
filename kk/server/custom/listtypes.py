"""Lists that are sets or maps: no item twice, in the words of k8s.io/apiextensions-apiserver `pkg/apiserver/schema/listtype`. Pure."""

import json
from collections.abc import Iterator
from typing import Any

from kk.base.errors import FieldError, duplicate, invalid_value
from kk.server.custom.schema import ABSENT, Schema


def faults(value: Any, schema: Schema, path: str = "") -> Iterator[FieldError]:
    """Items that stand twice in sets and map lists, anywhere below a value."""
    if not schema.grouped:
        return
    if type(value) is dict:
        for key, inner in value.items():
            child = schema.fields.get(key)
            if child is not None:
                yield from faults(inner, child, f"{path}.{key}" if path else key)
            elif schema.more is not None:
                yield from faults(inner, schema.more, f"{path}[{key}]")
    elif type(value) is list:
        if schema.list_type == "set":
            yield from (duplicate(f"{path}[{at}]", value[at]) for at in _twice(value))
        elif schema.list_type == "map":
            yield from _map_faults(value, schema, path)
        if schema.items is not None:
            for at, inner in enumerate(value):
                yield from faults(inner, schema.items, f"{path}[{at}]")


def _map_faults(value: list[Any], schema: Schema, path: str) -> Iterator[FieldError]:
    odd = [at for at, item in enumerate(value) if item is not None and type(item) is not dict]
    if odd:
        text = "must be an object for an array of list-type map"
        yield from (invalid_value(f"{path}[{at}]", value[at], text) for at in odd)
        return
    keys = [_keys(item or {}, schema) for item in value]
    yield from (duplicate(f"{path}[{at}]", keys[at]) for at in _twice(keys))


def _keys(item: dict[str, Any], schema: Schema) -> dict[str, Any]:
    found = {}
    for key in sorted(schema.map_keys):
        if key in item:
            found[key] = item[key]
        elif schema.items is not None and key in schema.items.fields:
            value = schema.items.fields[key].default
            if value is not ABSENT:
                found[key] = value
    return found


def _twice(values: list[Any]) -> list[int]:
    """Where something stands that stood before: each repeated value once, at its first repetition."""
    seen: dict[str, bool] = {}
    out = []
    for at, value in enumerate(values):
        text = json.dumps(value, sort_keys=True)
        if text in seen:
            if not seen[text]:
                out.append(at)
            seen[text] = True
        else:
            seen[text] = False
    return out

"""What a structural schema does to an object's shape: unknown fields go, nulls go where nothing may be null, defaults come.

The rules are those of k8s.io/apiextensions-apiserver `pkg/apiserver/schema/{pruning,defaulting}`. All functions change the object they
are given; none judges values.
"""

from typing import Any

from kk.server.custom.schema import ABSENT, NOTHING, Schema

#: what every whole object has
META = frozenset({"apiVersion", "kind", "metadata"})
_NESTED = (dict, list)


def prune(obj: dict[str, Any], schema: Schema) -> list[str]:
    """Take what the schema does not know out of a whole object; the paths of it, sorted. Nulls go where they may not stand."""
    unknown: list[str] = []
    _prune_map(obj, schema, "", unknown, True)
    unknown.sort()
    return unknown


def _prune(value: Any, schema: Schema, path: str, unknown: list[str]) -> None:
    if type(value) is dict:
        _prune_map(value, schema, path, unknown, schema.embedded)
        return
    items = schema.items
    if items is None:
        if schema.preserve:
            return
        items = NOTHING
    for at, inner in enumerate(value):
        if type(inner) in _NESTED:
            _prune(inner, items, f"{path}[{at}]", unknown)


def _prune_map(value: dict[str, Any], schema: Schema, path: str, unknown: list[str], whole: bool) -> None:
    fields, more = schema.fields, schema.more
    gone: list[str] = []
    for key, inner in value.items():
        if whole and key in META:
            continue
        child = fields.get(key) or more
        if child is None:
            if not schema.preserve:
                unknown.append(f"{path}.{key}" if path else key)
                gone.append(key)
        elif inner is None:
            if not child.nullable and child.default is ABSENT:
                gone.append(key)
        elif type(inner) in _NESTED:
            _prune(inner, child, f"{path}.{key}" if path else key, unknown)
    for key in gone:
        del value[key]


def copied(value: Any) -> Any:
    """A deep copy of a JSON value."""
    if type(value) is dict:
        return {key: copied(inner) for key, inner in value.items()}
    if type(value) is list:
        return [copied(inner) for inner in value]
    return value


def default(value: Any, schema: Schema) -> None:
    """Put defaults where nothing, or a null that may not be, stands."""
    if not schema.defaulting:
        return
    if type(value) is dict:
        _default_map(value, schema)
    elif type(value) is list and schema.items is not None:
        items = schema.items
        for at, inner in enumerate(value):
            if inner is None and not items.nullable and items.default is not ABSENT:
                inner = value[at] = copied(items.default)
            default(inner, items)


def _default_map(value: dict[str, Any], schema: Schema) -> None:
    for key, known in schema.fields.items():
        if known.default is ABSENT:
            continue
        if key not in value or (value[key] is None and not known.nullable):
            value[key] = copied(known.default)
    more = schema.more
    for key, inner in value.items():
        child: Schema | None = schema.fields.get(key) or more
        if child is None:
            continue
        if child is more and more is not None:
            if inner is None and not more.nullable and more.default is not ABSENT:
                inner = value[key] = copied(more.default)
        if child.defaulting and inner is not None:
            default(inner, child)


def shaped(obj: dict[str, Any], schema: Schema) -> list[str]:
    """Prune and default a whole object; the paths of what went."""
    unknown = prune(obj, schema)
    default(obj, schema)
    return unknown

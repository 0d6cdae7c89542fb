"""A schema as a kk.base.schema.Node: what server-side apply and managedFields ask about a custom resource's fields.

Follows what k8s.io/apiextensions-apiserver makes of a schema for structured-merge-diff (values' rules and nullability left out).
"""

from typing import Any

from kk.base.schema import ANY, Node
from kk.kinds import schema as built_in
from kk.server.custom.schema import ABSENT, Schema

_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_STRING = Node("string")


class Open(Node):
    """An object with known fields where others may stand too, untyped."""

    __slots__ = ()

    def child(self, key: str) -> Node | None:
        """The type of a field, or ANY."""
        return self.fields.get(key) or ANY


def root(schema: Schema) -> Node:
    """The type of the whole object."""
    return _object(schema, whole=True)


def node(schema: Schema) -> Node:
    """The type at one place."""
    kinds = schema.kinds
    default = schema.default if schema.default is not ABSENT else None
    if len(kinds) == 2:
        return Node("int-or-string", default=default, nullable=schema.nullable)
    kind = kinds[0] if kinds else ""
    if kind == "object":
        return _object(schema, schema.embedded)
    if kind == "array":
        items = schema.items
        return Node(
            "list",
            list_type=schema.list_type or "atomic",
            map_keys=schema.map_keys,
            items=(lambda: node(items)) if items is not None else ANY,
            default=default,
            nullable=schema.nullable,
        )
    if not kind:
        return Node("any", default=default)
    return Node(kind, format=schema.format_name, default=default, nullable=schema.nullable)


def _object(schema: Schema, whole: bool) -> Node:
    options: dict[str, Any] = {
        "atomic": schema.map_type == "atomic",
        "default": schema.default if schema.default is not ABSENT else None,
        "nullable": schema.nullable,
        "required": frozenset(schema.required),
    }
    if schema.fields or whole:
        made = Open if schema.preserve else Node
        return made("object", fields=lambda: _fields(schema, whole), **options)
    if schema.more is not None:
        more = schema.more
        return Node("map", items=lambda: node(more), **options)
    if schema.preserve:
        return Node("any", atomic=options["atomic"], default=options["default"])
    return Node("map", items=ANY, **options)  # nothing is said about what is in it


def _fields(schema: Schema, whole: bool) -> dict[str, Node]:
    fields = {name: node(inner) for name, inner in schema.fields.items()}
    if whole:
        fields |= {"apiVersion": _STRING, "kind": _STRING, "metadata": built_in.node(_META)}
    return fields

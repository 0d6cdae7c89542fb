"""Types of fields as data: what patches, server-side apply, decoding, defaults, `explain` and OpenAPI ask about a field.

A `Node` says what may stand at one place of an object. Built-in kinds get theirs from the checked-in schema (kk.kinds.schema),
custom resources from their OpenAPI schema. Nothing here reads files.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

#: every value of Node.type
TYPES = (
    "object",
    "map",
    "list",
    "string",
    "integer",
    "number",
    "boolean",
    "quantity",
    "int-or-string",
    "time",
    "micro-time",
    "bytes",
    "any",
)


class Node:
    """The type at one place.

    type       one of TYPES: object (named fields), map (string keys, values of `items`), list (of `items`), a scalar, or any (untyped JSON)
    name       the definition's name for an object that is one ("io.k8s.api.core.v1.PodSpec"), else ""
    format     int32, int64, byte, date-time, double … or ""
    list_type  atomic, set or map (upstream: x-kubernetes-list-type; atomic where silent); map_keys its keys
    atomic     a map or object that server-side apply owns as a whole (x-kubernetes-map-type: atomic)
    merge_key, strategies   strategic merge patch: x-kubernetes-patch-merge-key and -strategy ("merge", "retainKeys", "replace")
    default    the schema's default, or None; nullable; enum (tuple or None); required (names, for an object)
    """

    __slots__ = (
        "type",
        "name",
        "format",
        "list_type",
        "map_keys",
        "atomic",
        "merge_key",
        "strategies",
        "default",
        "nullable",
        "enum",
        "required",
        "_fields",
        "_items",
    )

    def __init__(
        self,
        type: str,
        *,
        name: str = "",
        format: str = "",
        list_type: str = "atomic",
        map_keys: tuple[str, ...] = (),
        atomic: bool = False,
        merge_key: str = "",
        strategies: frozenset[str] = frozenset(),
        default: Any = None,
        nullable: bool = False,
        enum: tuple[Any, ...] | None = None,
        required: frozenset[str] = frozenset(),
        fields: "Mapping[str, Node] | Callable[[], Mapping[str, Node]] | None" = None,
        items: "Node | Callable[[], Node] | None" = None,
    ):
        self.type, self.name, self.format = type, name, format
        self.list_type, self.map_keys, self.atomic = list_type, map_keys, atomic
        self.merge_key, self.strategies = merge_key, strategies
        self.default, self.nullable, self.enum, self.required = default, nullable, enum, required
        self._fields, self._items = fields, items

    @property
    def fields(self) -> "Mapping[str, Node]":
        """Fields of an object, by name; empty for anything else."""
        if callable(self._fields):
            self._fields = self._fields()
        return self._fields or {}

    @property
    def items(self) -> "Node":
        """Type of a list's items or a map's values; ANY where there is none."""
        if callable(self._items):
            self._items = self._items()
        return self._items or ANY

    def child(self, key: str) -> "Node | None":
        """The type of a field or map value; None where an object has no such field; ANY below untyped JSON."""
        if self.type == "object":
            return self.fields.get(key)
        if self.type == "map":
            return self.items
        return ANY if self.type == "any" else None

    def walk(self, path: str) -> "Iterator[Node]":
        """The nodes along a dotted path; stops early where the path leaves the schema."""
        node: Node | None = self
        for part in path.split("."):
            while node is not None and node.type == "list":
                node = node.items
            node = node.child(part) if node is not None else None
            if node is None:
                return
            yield node


ANY = Node("any")

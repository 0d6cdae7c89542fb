"""Definitions as JSON schemas with Kubernetes' extensions: patch strategies, list types, kinds.

One walk serves both forms of OpenAPI; they differ in where references lead and in how a reference gets a description.
"""

from collections.abc import Iterable
from typing import Any

from kk.base.schema import Node
from kk.kinds import schema
from kk.server.openapi.descriptions import Descriptions

Obj = dict[str, Any]
META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_SCALARS: dict[str, tuple[str, Obj]] = {
    "quantity": (
        "io.k8s.apimachinery.pkg.api.resource.Quantity",
        {"type": "string", "description": "A fixed-point number such as 500m, 1.5 or 2Gi."},
    ),
    "int-or-string": (
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
        {"type": "string", "format": "int-or-string", "description": "A whole number, or a string such as 25%."},
    ),
    "time": (META + "Time", {"type": "string", "format": "date-time", "description": "A time as RFC 3339 has it."}),
    "micro-time": (
        META + "MicroTime",
        {"type": "string", "format": "date-time", "description": "A time as RFC 3339 has it, with microseconds."},
    ),
}
_V3_ONE_OF = {"oneOf": [{"type": "integer"}, {"type": "string"}]}
GVK = dict[str, str]


class Schemas:
    """Collects the definitions that a document needs, each once."""

    def __init__(self, version: int, kinds: dict[str, list[GVK]]):
        self.three = self._three = version == 3
        self._prefix = "#/components/schemas/" if self._three else "#/definitions/"
        self._kinds, self._texts = kinds, Descriptions()
        self.found: dict[str, Obj] = {}

    def add(self, names: Iterable[str]) -> None:
        """Take definitions and all that they refer to."""
        for name in names:
            if name not in self.found:
                self._define(schema.node(name))

    def add_node(self, name: str, node: Node, kinds: list[GVK]) -> None:
        """Take a type that is no definition of the built-in data, under a name of its own."""
        if name not in self.found:
            self.found[name] = {}
            self.found[name] = self._object(node, {}, "") | {"x-kubernetes-group-version-kind": kinds}

    def _define(self, node: Node) -> None:
        self.found[node.name] = {}  # before its fields: types refer to themselves
        text, fields = self._texts.of(node.name)
        found = self._object(node, fields, text)
        kinds = self._kinds.get(node.name)
        if kinds:
            found["x-kubernetes-group-version-kind"] = kinds
        self.found[node.name] = found

    def _object(self, node: Node, texts: dict[str, str], text: str) -> Obj:
        found: Obj = {"description": text} if text else {}
        found["type"] = "object"
        if node.required:
            found["required"] = sorted(node.required)
        properties = {}
        for name, field in sorted(node.fields.items()):
            properties[name] = self._place(field, texts.get(name, ""), name in node.required)
        if properties:
            found["properties"] = properties
        if node.atomic:
            found["x-kubernetes-map-type"] = "atomic"
        return found

    def _place(self, node: Node, text: str, required: bool = False) -> Obj:
        """The schema at one place, with what belongs to the place."""
        found = self._type(node, text, required)
        if text and "description" not in found and "$ref" not in found:
            found["description"] = text
        if node.enum:
            found["enum"] = list(node.enum)
        if node.default is not None:
            found["default"] = node.default
        found.update(_extensions(node))
        return found

    def _type(self, node: Node, text: str, required: bool) -> Obj:
        if node.type == "object" and node.name:
            self.add((node.name,))
            return self._reference(node.name, text, required)
        if node.type == "object":
            return self._object(node, {}, text)
        if node.type in _SCALARS:
            name, meaning = _SCALARS[node.type]
            self.found.setdefault(name, _scalar(meaning, self._three))
            return self._reference(name, text, required and node.type in ("time", "micro-time"))
        if node.type == "list":
            return {"type": "array", "items": self._place(node.items, "")}
        if node.type == "map":
            return {"type": "object", "additionalProperties": self._place(node.items, "")}
        if node.type == "bytes":
            return {"type": "string", "format": "byte"}
        if node.type == "any":
            return {"x-kubernetes-preserve-unknown-fields": True}
        found: Obj = {"type": node.type}
        if node.format:
            found["format"] = node.format
        return found

    def _reference(self, name: str, text: str, required: bool) -> Obj:
        ref = {"$ref": self._prefix + name}
        if not self._three:
            return {**ref, "description": text} if text else ref
        if not text and not required:
            return ref
        found: Obj = {"allOf": [ref]}
        if text:
            found["description"] = text
        return found


def _scalar(meaning: Obj, three: bool) -> Obj:
    if three and meaning.get("format") == "int-or-string":
        return {"description": meaning["description"], "format": "int-or-string", **_V3_ONE_OF}
    return dict(meaning)


def _extensions(node: Node) -> Obj:
    found: Obj = {}
    if node.merge_key:
        found["x-kubernetes-patch-merge-key"] = node.merge_key
    if node.strategies:
        found["x-kubernetes-patch-strategy"] = ",".join(sorted(node.strategies, reverse=True))
    if node.type == "list":
        if node.list_type != "atomic":
            found["x-kubernetes-list-type"] = node.list_type
        if node.map_keys:
            found["x-kubernetes-list-map-keys"] = list(node.map_keys)
    elif node.atomic and node.type == "object" and node.name:
        found["x-kubernetes-map-type"] = "atomic"
    return found

"""Definitions as JSON schemas with Kubernetes' extensions: patch strategies, list types, kinds.

One walk serves both forms of OpenAPI; they differ in where references lead and in how a reference gets a description.
"""

from collections.abc import Iterable
from typing import Any

from kk.base.patch.fields import present
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
_ZEROS = {"string": "", "integer": 0, "boolean": False}
#: untyped places that have a definition of their own in upstream's documents
_RAW = {
    "io.k8s.apimachinery.pkg.runtime.RawExtension": frozenset(
        {
            "ControllerRevision.data",
            "WatchEvent.object",
            "OpaqueDeviceConfiguration.parameters",
            "AllocatedDeviceStatus.data",
        }
    ),
    META + "FieldsV1": frozenset({"ManagedFieldsEntry.fieldsV1"}),
}
#: groups whose kinds do not come with the kinds of meta
_OTHERS = frozenset({"admission.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "imagepolicy.k8s.io"})


def _kinds_of_all(node: Node) -> list[GVK]:
    """The kinds of a definition that many groups share: its data lists the versions that may stand in it."""
    short = node.name.removeprefix(META)
    if short not in ("DeleteOptions", "Status", "WatchEvent") or "kind" not in node.fields:
        return []
    found = []
    for version in node.fields["apiVersion"].enum or ("v1",):
        group, _, number = version.rpartition("/")
        if group not in _OTHERS:
            found.append({"group": group, "kind": short, "version": number})
    return found


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
        kinds = self._kinds.get(node.name) or _kinds_of_all(node)
        if kinds:
            found["x-kubernetes-group-version-kind"] = kinds
        self.found[node.name] = found

    def _object(self, node: Node, texts: dict[str, str], text: str) -> Obj:
        found: Obj = {"description": text} if text else {}
        found["type"] = "object"
        if node.required:
            found["required"] = sorted(node.required)
        properties = {}
        declared = schema.definition(node.name).f if node.name in schema.names() else {}
        always = present(node)
        for name, field in sorted(node.fields.items()):
            # a name that Python keeps for itself has a line below it in the package of texts
            text = texts.get(name) or texts.get(f"{name}_", "")
            if (raw := self._raw(f"{node.name.rpartition('.')[2]}.{name}")) and field.type == "any":
                properties[name] = self._reference(raw, text, name in node.required)
                continue
            place = properties[name] = self._place(field, text, name in node.required)
            if name in ("apiVersion", "kind"):
                place.pop("enum", None)
            if name in declared:
                self._declare(place, field, declared[name], name in node.required, name in always)
        if properties:
            found["properties"] = properties
        if node.atomic:
            found["x-kubernetes-map-type"] = "atomic"
        return found

    def _raw(self, where: str) -> str:
        """The definition of an untyped place, which is taken into the document; "" for an ordinary one."""
        for name, places in _RAW.items():
            if where in places:
                self.found.setdefault(name, {"type": "object", "description": "Any object."})
                return name
        return ""

    def _declare(self, place: Obj, field: Node, value: Any, required: bool, always: bool) -> None:
        """What the definition says of a field and its type does not: that a list is atomic, and the zero of what is no pointer."""
        flags, _, extras = schema.place(value)
        if field.type == "list" and extras.get("lt") == "atomic":
            place["x-kubernetes-list-type"] = "atomic"
        if not self._three or "default" in place or "*" in flags:
            return  # documents of version 2 tell no defaults
        if field.type == "object" and (always or "~" in flags):
            place["default"] = {}
        elif required and field.type in _ZEROS:
            place["default"] = _ZEROS[field.type]

    def _place(self, node: Node, text: str, required: bool = False) -> Obj:
        """The schema at one place, with what belongs to the place."""
        found = self._type(node, text, required)
        if text and "description" not in found and "$ref" not in found:
            found["description"] = text
        if node.enum:
            found["enum"] = list(node.enum)
        if node.default is not None and self._three:
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
    return found

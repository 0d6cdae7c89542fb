"""Structural schemas as CEL sees them: types with sizes for the checker and the cost estimate, and values made of JSON for a run.

The mapping is that of k8s.io/apiserver `pkg/cel/common/schemas.go` and `values.go`.
"""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

from kk.kinds._webhooks import CEL_RESERVED
from kk.server.cel import types as t
from kk.server.cel import values as v

Schema = dict[str, Any]
#: bytes of a request that sizes are estimated for
REQUEST = 3 * 1024 * 1024
UNBOUNDED = (1 << 63) - 1

_ESCAPES = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_BACK = {text: char for char, text in _ESCAPES.items()}
_ESCAPABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*\Z")


def escape(name: str) -> "str | None":
    """A property's name as an identifier; None where there is none."""
    if name in CEL_RESERVED:
        return f"__{name}__"
    if not _ESCAPABLE.match(name):
        return None
    return re.sub(r"__|[./-]", lambda m: _ESCAPES[m.group()], name)


def unescape(name: str) -> str:
    """The property that an identifier names."""
    if name.startswith("__") and name.endswith("__") and name[2:-2] in CEL_RESERVED:
        return name[2:-2]
    return re.sub(r"__(?:underscores|dot|dash|slash)__", lambda m: _BACK[m.group()], name)


class Decl:
    """A type with sizes: `most` items or characters at most, `least` bytes at least; element and key of lists and maps, fields of objects."""

    __slots__ = ("type", "least", "most", "element", "fields")

    def __init__(
        self,
        type: t.Type,
        least: int,
        most: int = UNBOUNDED,
        element: "Decl | None" = None,
        fields: "dict[str, Decl] | None" = None,
    ):
        self.type, self.least, self.most, self.element, self.fields = type, least, most, element, fields


class Decls:
    """The types below one schema; `fields` answers the checker."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[str, Decl]] = {}

    def fields(self, name: str, field: str) -> "t.Type | None":
        """The type of a field of an object type."""
        found = self._objects.get(name, {}).get(field)
        return None if found is None else found.type

    def of(self, schema: Schema, root: bool = False) -> "Decl | None":
        """The declaration of a schema; None where it says too little."""
        if schema.get("x-kubernetes-int-or-string"):
            return Decl(t.DYN, 1, REQUEST - 2)
        kind = schema.get("type")
        if kind == "array":
            return self._array(schema)
        if kind == "object":
            return self._object(schema, root or bool(schema.get("x-kubernetes-embedded-resource")))
        if kind == "string":
            return _string(schema)
        simple = {"boolean": Decl(t.BOOL, 4, 1), "number": Decl(t.DOUBLE, 1, 1), "integer": Decl(t.INT, 1, 1)}
        return simple.get(kind or "")

    def _array(self, schema: Schema) -> "Decl | None":
        element = self.of(schema.get("items") or {})
        if element is None:
            return None
        most = schema.get("maxItems")
        if most is None:
            most = (REQUEST - 2) // (element.least + 1)
        return Decl(t.list_of(element.type), 2, max(0, most), element)

    def _object(self, schema: Schema, resource: bool) -> "Decl | None":
        more = schema.get("additionalProperties")
        if isinstance(more, dict) and not schema.get("properties"):
            element = self.of(more)
            if element is None:
                return None
            most = schema.get("maxProperties")
            if most is None:
                most = (REQUEST - 2) // (element.least + 6)
            return Decl(t.map_of(t.STRING, element.type), 2, max(0, most), element)
        fields: dict[str, Decl] = {}
        least, required = 2, schema.get("required") or ()
        for name, inner in (schema.get("properties") or {}).items():
            if resource and name in ("metadata", "apiVersion", "kind"):
                continue
            found = self.of(inner)
            escaped = escape(name)
            if found is None or escaped is None:
                continue
            fields[escaped] = found
            if name in required and "default" not in inner:
                least += len(name) + found.least + 4
        if resource:
            fields.update(self._meta())
        return self._named(fields, least)

    def _named(self, fields: "dict[str, Decl]", least: int) -> Decl:
        name = f"selfType{len(self._objects)}"
        self._objects[name] = fields
        return Decl(("object", name), least, UNBOUNDED, None, fields)

    def _meta(self) -> "dict[str, Decl]":
        text = Decl(t.STRING, 2, REQUEST - 2)
        return {"apiVersion": text, "kind": text, "metadata": self._named({"name": text, "generateName": text}, 2)}


_SIZES = {"duration": 32, "date": 12, "date-time": 32}
_LEAST = {"duration": 4, "date": 12, "date-time": 22}


def _string(schema: Schema) -> Decl:
    form, most = schema.get("format") or "", schema.get("maxLength")
    if form == "byte":
        return Decl(t.BYTES, 2, max(0, most) if most is not None else REQUEST - 2)
    if form in _SIZES:
        return Decl(t.DURATION if form == "duration" else t.TIMESTAMP, _LEAST[form], _SIZES[form])
    if most is not None:
        return Decl(t.STRING, 2, max(0, most) * 4)
    if schema.get("enum"):
        return Decl(t.STRING, 2, max(len(str(e)) for e in schema["enum"]))
    return Decl(t.STRING, 2, REQUEST - 2)


Converter = Callable[[Any], Any]


def converter(schema: Schema) -> "Converter | None":
    """What makes values of JSON; None where JSON is the value already."""
    kind, form = schema.get("type"), schema.get("format") or ""
    if schema.get("x-kubernetes-int-or-string"):
        return None
    if kind == "number":
        return lambda x: float(x) if type(x) is int else x
    if kind == "string":
        return _FORMATS.get(form)
    if kind == "array":
        return _list_converter(schema)
    if kind == "object":
        return _object_converter(schema)
    return None


def _bytes(text: Any) -> Any:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        return v.CelError(f"invalid base64: {text}")


def _parsed(parse: Callable[[str], Any], text: Any) -> Any:
    if not isinstance(text, str):
        return text
    found = parse(text)
    return found if found is not None else v.CelError(f"Invalid format: {text}")


_FORMATS: dict[str, Converter] = {
    "byte": _bytes,
    "duration": lambda x: _parsed(v.parse_duration, x),
    "date-time": lambda x: _parsed(v.parse_timestamp, x),
    "date": lambda x: _parsed(lambda s: v.parse_timestamp(f"{s}T00:00:00Z"), x),
}


def _list_converter(schema: Schema) -> "Converter | None":
    inner, kind = converter(schema.get("items") or {}), schema.get("x-kubernetes-list-type")
    keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())

    def convert(items: Any) -> Any:
        if not isinstance(items, list):
            return items
        found = items if inner is None else [inner(x) for x in items]
        if kind == "set":
            return v.SetList(found)
        if kind == "map":
            typed = v.MapList(found)
            typed.keys = keys
            return typed
        return found

    return convert if inner is not None or kind in ("set", "map") else None


def _object_converter(schema: Schema) -> "Converter | None":
    more = schema.get("additionalProperties")
    rest = converter(more) if isinstance(more, dict) else None
    made = {k: c for k, s in (schema.get("properties") or {}).items() if (c := converter(s)) is not None}
    if rest is None and not made:
        return None

    def convert(obj: Any) -> Any:
        if not isinstance(obj, dict):
            return obj
        found = dict(obj)
        for key, value in obj.items():
            inner = made.get(key, rest)
            if inner is not None and value is not None:
                found[key] = inner(value)
        return found

    return convert

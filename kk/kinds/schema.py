"""The built-in API's types: the checked-in schema data as kk.base.schema.Node, made on first use.

`node(definition)` for any definition, `resources()` for the facts of the served ones. kk.kinds.types makes decoders of the same data.
No descriptions live here: they come from a package that carries them, where `explain` and OpenAPI ask for them.
"""

import functools
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from kk.base.schema import ANY, Node
from kk.kinds import _extensions

#: codes of scalars (see kk.kinds.generate) → type and format of a Node
SCALARS = {
    "s": ("string", ""),
    "i": ("integer", "int32"),
    "l": ("integer", "int64"),
    "n": ("number", "double"),
    "b": ("boolean", ""),
    "q": ("quantity", ""),
    "o": ("int-or-string", ""),
    "t": ("time", "date-time"),
    "m": ("micro-time", "date-time"),
    "y": ("bytes", "byte"),
}
META = "io.k8s.apimachinery.pkg.apis.meta.v1."
OBJECT_META = META + "ObjectMeta"


class SubresourceFacts(msgspec.Struct, frozen=True):
    """A served sub-resource: `api_version` is "" where its kind is of the resource's own version."""

    name: str
    verbs: tuple[str, ...]
    api_version: str
    kind: str


class ResourceFacts(msgspec.Struct, frozen=True):
    """What discovery tells of a resource, and the definition of its kind."""

    api_version: str
    plural: str
    kind: str
    namespaced: bool
    verbs: tuple[str, ...]
    short_names: tuple[str, ...]
    categories: tuple[str, ...]
    subresources: tuple[SubresourceFacts, ...]
    storage_version: str
    definition: str


class _Data(msgspec.Struct):
    resources: tuple[ResourceFacts, ...]
    definitions: dict[str, msgspec.Raw]


class Definition(msgspec.Struct):
    """One definition as the data has it: field → code, or [code, extras]."""

    f: dict[str, Any]
    a: int = 0


@functools.cache
def _data() -> _Data:
    raw = (Path(__file__).parent / "data" / "schema.bin").read_bytes()
    return msgspec.json.decode(zlib.decompress(raw), type=_Data)


def resources() -> tuple[ResourceFacts, ...]:
    """The facts of every served resource, in discovery's order."""
    return _data().resources


def optional_resources() -> tuple[ResourceFacts, ...]:
    """The facts of resources that are served where somebody asks for them."""
    verbs = next(r.verbs for r in resources() if r.plural == "deployments")
    change = ("get", "patch", "update")
    found = []
    for kind, (plural, short, categories, subs, stored) in _extensions.KINDS.items():
        made = tuple(
            SubresourceFacts(s, change, *(("autoscaling/v1", "Scale") if s == "scale" else ("", kind))) for s in subs
        )
        name = _extensions.PREFIX + kind
        found.append(
            ResourceFacts(_extensions.API_VERSION, plural, kind, True, verbs, (short,), categories, made, stored, name)
        )
    return tuple(found)


def names() -> list[str]:
    """Names of all definitions, sorted."""
    return list(_data().definitions)


def definition(name: str) -> Definition:
    """A definition's data. Raises KeyError for a name that is none."""
    if name.startswith(_extensions.PREFIX):
        origin = _extensions.source(name)
        newer = definition(origin).f if origin else {}
        return Definition(_extensions.definition(name, newer))
    return msgspec.json.decode(_data().definitions[name], type=Definition)


class Place(NamedTuple):
    """What the data says of a field: `flags` of "!*?~=" (see kk.kinds.generate), the code of its type, extras."""

    flags: str
    code: str
    extras: dict[str, Any]


def place(field: Any) -> Place:
    """A field's data taken apart."""
    code, extras = (field, {}) if isinstance(field, str) else field
    bare = code.lstrip("!*?~=")
    return Place(code[: len(code) - len(bare)], bare, extras)


@functools.cache
def node(name: str) -> Node:
    """The Node of a definition; its fields are made when asked for. Raises KeyError for a name that is none."""
    found = definition(name)
    required = frozenset(f for f, c in found.f.items() if "!" in place(c).flags)
    return Node("object", name=name, atomic=bool(found.a), required=required, fields=lambda: _fields(name))


def _fields(name: str) -> dict[str, Node]:
    return {field: _place(*place(value)[1:]) for field, value in definition(name).f.items()}


def _place(code: str, extras: dict[str, Any]) -> Node:
    if code.startswith("#") and not extras:
        return node(code[1:])
    facts: dict[str, Any] = {
        "list_type": extras.get("lt", "atomic"),
        "map_keys": tuple(extras.get("mk", ())),
        "atomic": bool(extras.get("at")),
        "merge_key": extras.get("pk", ""),
        "strategies": frozenset(extras.get("ps", ())),
        "default": extras.get("d"),
        "enum": tuple(extras["e"]) if extras.get("e") else None,
    }
    if code.startswith("#"):
        target = node(code[1:])
        facts["atomic"] = bool(extras.get("at", target.atomic))
        return Node("object", name=target.name, required=target.required, fields=lambda: target.fields, **facts)
    if code.startswith("["):
        return Node("list", items=lambda: _place(code[1:], {}), **facts)
    if code.startswith("{"):
        return Node("map", items=lambda: _place(code[1:], {}), **facts)
    if code == "a":
        return ANY if not extras else Node("any", **facts)
    kind, form = SCALARS[code]
    return Node(kind, format=form, **facts)

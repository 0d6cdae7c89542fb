"""Objects read by their types: msgspec Structs made of the schema on first use per kind, and upstream's answers to what does not fit.

The good case runs in C: an object is decoded to its Struct and back to a plain dict in wire form, which drops what Kubernetes
drops (optional "", 0, false, empty lists and maps) and writes quantities, times and base64 canonically. Where that refuses, kk.kinds._walk
finds out why. Values are not validated here.
"""

import functools
import json
from typing import Annotated, Any, Union

import msgspec
from msgspec import UNSET, UnsetType

from kk.base.errors import StatusError, bad_request
from kk.base.patch.fields import present
from kk.kinds import schema
from kk.kinds._scalars import read_bytes, read_micro_time, read_quantity, read_time
from kk.kinds._walk import TypeFault, Walk
from kk.kinds.kind import Obj, Resource


class _Canonical:
    """A scalar with one canonical text."""

    __slots__ = ("text",)
    read: Any = staticmethod(str)

    def __init__(self, text: str):
        self.text = text


class _Quantity(_Canonical):
    __slots__ = ()
    read = staticmethod(read_quantity)


class _Time(_Canonical):
    __slots__ = ()
    read = staticmethod(read_time)


class _MicroTime(_Canonical):
    __slots__ = ()
    read = staticmethod(read_micro_time)


class _Bytes(_Canonical):
    __slots__ = ()
    read = staticmethod(read_bytes)


_INT32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
_SCALARS: dict[str, Any] = {
    "s": str,
    "i": _INT32,
    "l": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    "n": Union[int, float],
    "b": bool,
    "q": _Quantity,
    "o": Union[_INT32, str],
    "t": _Time,
    "m": _MicroTime,
    "y": _Bytes,
    "a": Any,
}
_ZERO: dict[str, Any] = {"s": "", "i": 0, "l": 0, "n": 0, "b": False}


def _read(kind: type, value: Any) -> Any:
    return kind(kind.read(value))  # type: ignore[attr-defined]


def _write(value: Any) -> Any:
    return value.text


def _annotation(code: str) -> Any:
    if code[0] == "[":
        inner = _annotation(code[1:])
        return f"list[{inner}]" if isinstance(inner, str) else list[inner]  # type: ignore[valid-type]
    if code[0] == "{":
        inner = _annotation(code[1:])
        return f"dict[str, {inner}]" if isinstance(inner, str) else dict[str, inner]  # type: ignore[valid-type]
    if code[0] == "#":
        return _struct(code[1:])
    return _SCALARS[code]


def _fill(value: Any) -> Any:
    """A default that is written, which msgspec does with every factory but list, dict and set."""
    return msgspec.field(default_factory=lambda: value)


def _field(at: int, value: Any) -> tuple[str, Any, Any]:
    """A Struct's field: absent is UNSET where absence differs from zero, else the zero, which is written only where it is required."""
    flags, code, _ = schema.place(value)
    name, kind = f"f{at}", _annotation(code)
    zero: Any = UNSET
    if "?" in flags:
        return name, Union[kind, None], _fill(None)
    if "~" in flags:
        return name, kind, msgspec.field(default_factory=kind)
    if "*" not in flags:
        if "!" in flags or "=" in flags:
            zero = _fill(_ZERO[code]) if code in _ZERO else UNSET
        elif code[0] == "[":
            zero = msgspec.field(default_factory=list)
        elif code[0] == "{":
            zero = msgspec.field(default_factory=dict)
        else:
            zero = _ZERO.get(code, UNSET)
    if zero is UNSET and kind is not Any:
        kind = f"{kind} | UnsetType" if isinstance(kind, str) else Union[kind, UnsetType]
    return name, kind, zero


_Plan = dict[str, Any]


@functools.cache
def _zero_plan(definition: str, above: tuple[str, ...] = ()) -> _Plan:
    """Field → its written zero in a tuple, or the plan of an object; only what can be in an empty object, through objects only."""
    plan: _Plan = {}
    always = present(schema.node(definition))
    for key, value in schema.definition(definition).f.items():
        flags, code, _ = schema.place(value)
        if "?" in flags:
            plan[key] = (None,)
        elif code[0] == "#" and code[1:] not in above and ("~" in flags or key in always):
            inner = _zero_plan(code[1:], (*above, definition))
            if inner or "~" in flags:
                plan[key] = {"": "~" in flags, **inner}
        elif ("!" in flags or "=" in flags) and "*" not in flags and code in _ZERO:
            plan[key] = (_ZERO[code],)
    return plan


def _zeros(plan: _Plan, obj: Obj) -> Obj:
    found: Obj = {}
    for key, part in plan.items():
        if key not in obj:
            continue
        value = obj[key]
        if isinstance(part, tuple):
            # an empty list that was sent differs from the null that nobody sent
            if value == part[0] or (part[0] is None and value == []):
                found[key] = part[0]
        elif isinstance(value, dict):
            inner = _zeros(part, value)
            if inner or part[""]:
                found[key] = inner
    return found


def zeros(definition: str, obj: Obj) -> Obj:
    """What an empty object would say where this one says as much: nobody owns what is the same.

    Looks through objects only, for items of lists and maps are there because somebody put them there.
    """
    plan = _zero_plan(definition)
    return _zeros(plan, obj) if plan else {}


_made: dict[str, Any] = {}
_FIRST = ("kind", "apiVersion", "metadata")


def _struct(name: str) -> Any:
    """The Struct of a definition, or its name where it is being made (a type that holds itself)."""
    known = "T_" + name.replace(".", "_").replace("-", "_")
    if name in _made:
        return _made[name] or known
    _made[name] = None
    fields = sorted(schema.definition(name).f.items(), key=lambda f: f[0] not in _FIRST)
    fields.sort(key=lambda f: _FIRST.index(f[0]) if f[0] in _FIRST else 9)
    made = msgspec.defstruct(
        known,
        [_field(at, value) for at, (_, value) in enumerate(fields)],
        rename={f"f{at}": field for at, (field, _) in enumerate(fields)},
        omit_defaults=True,
        forbid_unknown_fields=True,
        module=__name__,
        gc=False,
    )
    globals()[known] = _made[name] = made
    return made


@functools.cache
def _decoder(definition: str) -> Any:
    return msgspec.json.Decoder(_struct(definition), dec_hook=_read)


def definition_of(resource: Resource) -> str:
    """The name of the definition of a resource's kind; "" for a custom resource."""
    return str(resource.schema.name)


def decode_strict(resource: Resource, data: bytes) -> Obj:
    """The object in `data`, typed and canonical. Raises msgspec.ValidationError or DecodeError (both ValueErrors)."""
    made = _decoder(definition_of(resource)).decode(data)
    found: Obj = msgspec.to_builtins(made, enc_hook=_write)
    return found


def convert(definition: str, obj: Obj) -> Obj:
    """A dict as decode_strict would read it. Raises msgspec.ValidationError."""
    made = msgspec.convert(obj, _struct(definition), dec_hook=_read)
    found: Obj = msgspec.to_builtins(made, enc_hook=_write)
    return found


def decode(resource: Resource, data: bytes, field_validation: str = "Strict") -> tuple[Obj, list[str]]:
    """A JSON body as an object and its warnings, judged as fieldValidation (Strict, Warn, Ignore) says.

    Raises StatusError 400 in upstream's words for wrong types, and for unknown or doubled fields where Strict; msgspec.DecodeError for what is no JSON.
    """
    try:
        return _decode(resource, data, field_validation)
    except RecursionError:
        raise refused(resource.kind, resource.version, "exceeded max depth") from None


def _decode(resource: Resource, data: bytes, field_validation: str) -> tuple[Obj, list[str]]:
    try:
        obj = decode_strict(resource, data)
        if not _doubled(data):
            return obj, []
    except UnicodeDecodeError:
        return _decode(resource, data.decode(errors="replace").encode(), field_validation)
    except ValueError as error:
        if isinstance(error, msgspec.DecodeError) and not isinstance(error, msgspec.ValidationError):
            raise
    try:
        plain = msgspec.json.decode(data)
    except msgspec.ValidationError:  # an integer beyond 64 bits: the walk has words for it
        plain = _loads(data)
    found = duplicates(data)
    if found:
        plain = _loads(data)
    return read(resource, plain, field_validation, found)


def _loads(data: bytes) -> Any:
    try:
        return json.loads(data, object_pairs_hook=_joined, parse_int=_whole)
    except json.JSONDecodeError as error:
        raise msgspec.DecodeError(str(error)) from None


def _whole(text: str) -> int | float:
    return int(text) if len(text) < 64 else float(text)


def read(
    resource: Resource, obj: Any, field_validation: str = "Strict", found: list[str] | tuple[str, ...] = ()
) -> tuple[Obj, list[str]]:
    """The same for a body that is a dict already (a patched object, YAML); `found` are faults of its text, such as `duplicate field "x"`."""
    definition = definition_of(resource)
    if not found or field_validation == "Ignore":
        try:
            return convert(definition, obj), []
        except ValueError:
            pass  # the walk tells why
    return _judge(definition, resource.kind, resource.version, obj, field_validation, list(found))


def _judge(
    definition: str, kind: str, version: str, obj: Any, field_validation: str, found: list[str]
) -> tuple[Obj, list[str]]:
    walk = Walk()
    try:
        clean = walk.clean("#" + definition, obj)
        if walk.fault:
            raise TypeFault(walk.fault)
    except TypeFault as fault:
        raise refused(kind, version, str(fault)) from None
    texts = found + [f'unknown field "{path}"' for path in walk.unknown]
    if texts and field_validation == "Strict":
        raise refused(kind, version, "strict decoding error: " + ", ".join(texts))
    return convert(definition, clean), [] if field_validation == "Ignore" else texts


def refused(kind: str, version: str, why: str, wanted: str = "") -> StatusError:
    """400 for a body that is no such kind."""
    return bad_request(f'{kind} in version "{version}" cannot be handled as a {wanted or kind}: {why}')


def faults(resource: Resource, obj: Any) -> list[str]:
    """What does not fit an object's type: `unknown field "spec.x"` for each, or the one type error, in upstream's words."""
    walk = Walk()
    try:
        walk.clean("#" + definition_of(resource), obj)
    except TypeFault as fault:
        return [str(fault)]
    return [walk.fault] if walk.fault else [f'unknown field "{path}"' for path in walk.unknown]


def _doubled(data: bytes) -> bool:
    """Whether some object may name a field twice: then decoding and encoding loses quotes. Escaped quotes give a false alarm only."""
    return data.count(b'"') != msgspec.json.encode(msgspec.json.decode(data)).count(b'"')


def duplicates(data: bytes | str) -> list[str]:
    """`duplicate field "a.b"` for each field that an object of a JSON text names again, in order."""
    return [
        f'duplicate field "{path}"' for path in _doubles(json.loads(data, object_pairs_hook=_Pairs, parse_int=_whole))
    ]


def _joined(pairs: list[tuple[str, Any]]) -> Obj:
    """An object whose doubled fields are read one over the other, as Go's decoder does: objects are joined, the rest is replaced."""
    made: Obj = {}
    for key, value in pairs:
        before = made.get(key)
        made[key] = _join(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return made


def _join(before: Obj, after: Obj) -> Obj:
    return _joined([*before.items(), *after.items()])


class _Pairs(list[tuple[str, Any]]):
    """An object's fields as they stand."""


def _doubles(value: Any, path: str = "") -> list[str]:
    found: list[str] = []
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for key, item in value:
            place = f"{path}.{key}" if path else key
            found += [place] if key in seen else []
            seen.add(key)
            found += _doubles(item, place)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            found += _doubles(item, f"{path}[{at}]")
    return found

"""Answers in application/vnd.kubernetes.protobuf, which typed Go clients prefer: the dict of an object becomes a message.

The other half of kk.server.protobuf, from the same table: an encoder per type is composed on first use. What is absent is not written, which
every reader of protobuf takes for the zero value. Which form a client gets, and what is kept of it, is decided elsewhere.
"""

import base64
import struct
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from kk.base.times import parse_time
from kk.server.encoding import encode as to_json
from kk.server.protobuf import MAGIC, plan_of, type_of

Obj = dict[str, Any]
Encoder = Callable[[Any], bytes]
_MASK = (1 << 64) - 1
_VARINTS = tuple(bytes([n]) for n in range(128))


def varint(value: int) -> bytes:
    """An integer as protobuf writes it; negative ones as 64 bits."""
    if 0 <= value < 128:
        return _VARINTS[value]
    value &= _MASK
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def delimited(number: int, data: bytes) -> bytes:
    """A field that is bytes, a string or a message."""
    return b"%b%b%b" % (varint(number << 3 | 2), varint(len(data)), data)


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    """A message as it stands on the wire: magic, type, message, and an empty encoding and content type, as Go writes them."""
    named = delimited(1, api_version.encode()) + delimited(2, kind.encode())
    return b"%b%b%b\x1a\x00\x22\x00" % (MAGIC, delimited(1, named), delimited(2, raw))


def encode(obj: Obj) -> bytes:
    """An object in its envelope. Raises Malformed for a kind that has no messages."""
    api_version, kind = obj["apiVersion"], obj["kind"]
    return envelope(api_version, kind, message(type_of(api_version, kind))(obj))


def whole_list(api_version: str, kind: str, metadata: Obj, items: Iterable[bytes]) -> bytes:
    """A list in its envelope from items that are encoded already."""
    raw = [delimited(1, message(f"{_META}.ListMeta")(metadata))]
    raw.extend(delimited(2, item) for item in items)
    return envelope(api_version, kind, b"".join(raw))


def frame(what: str, obj: bytes) -> bytes:
    """An event of a watch: `obj` is an object in its envelope; its length comes first, four bytes, the highest first."""
    event = bare_event(what, obj)
    return struct.pack(">I", len(event)) + event


def bare_event(what: str, obj: bytes) -> bytes:
    """An event without its length, as messages of a WebSocket are."""
    return delimited(1, what.encode()) + delimited(2, delimited(1, obj))


_META = "apimachinery/pkg/apis/meta/v1"


@cache
def message(name: str) -> Encoder:
    """What encodes a dict as a message of a type."""
    fields: dict[str, Encoder] = {}
    spread: list[tuple[int, str]] = []
    held: dict[str, int] = {}  # JSON names of what is spread into this type → place in `spread`

    def make() -> None:
        for number, (field, code) in plan_of(name).items():
            if field == "~":
                held.update(dict.fromkeys(_names(code[1:]), len(spread)))
                spread.append((number, code[1:]))
            else:
                fields[field] = _field(number, code)

    def run(obj: Obj) -> bytes:
        if not fields and not spread:
            make()  # on first use, so that types may hold themselves
        parts: list[bytes] = []
        inner: dict[int, Obj] = {}
        for key, value in obj.items():
            if value is None:
                continue
            encoder = fields.get(key)
            if encoder is not None:
                parts.append(encoder(value))
            elif key in held:
                inner.setdefault(held[key], {})[key] = value
        for at, part in inner.items():
            number, kind = spread[at]
            parts.append(delimited(number, message(kind)(part)))
        return b"".join(parts)

    return run


def _names(name: str) -> list[str]:
    """The JSON names of a type's fields, those that are spread into it included."""
    found = []
    for field, code in plan_of(name).values():
        found += _names(code[1:]) if field == "~" else [field]
    return found


def _field(number: int, code: str) -> Encoder:
    """What encodes a field with its tag."""
    if code[0] == "[":
        one = _field(number, code[1:])
        return lambda value: b"".join([one(item) for item in value])
    if code[0] == "{":
        item = _field(2, code[1:])

        def entries(value: Obj) -> bytes:
            return b"".join(
                [
                    delimited(number, delimited(1, k.encode()) + (b"" if v is None else item(v)))
                    for k, v in value.items()
                ]
            )

        return entries
    if code[0] in "ib":
        tag = varint(number << 3)
        return lambda value: tag + varint(int(value))
    if code[0] == "d":
        double = varint(number << 3 | 1)
        return lambda value: double + struct.pack("<d", value)
    tag, scalar = varint(number << 3 | 2), _bytes(code)

    def write(value: Any) -> bytes:
        data = scalar(value)
        return b"%b%b%b" % (tag, varint(len(data)), data)

    return write


def _bytes(code: str) -> Encoder:
    """What encodes a value that has a length."""
    if code[0] == "#":
        return message(code[1:])
    if code[0] == "L":
        return _field(1, "[" + code[1:])
    return _SCALARS[code[0]]


def _int_or_string(value: Any) -> bytes:
    if isinstance(value, str):
        return b"\x08\x01\x10\x00" + delimited(3, value.encode())
    return b"\x08\x00\x10" + varint(value) + b"\x1a\x00"


def _time(value: str) -> bytes:
    moment = parse_time(value)
    return (
        b"\x08" + varint(int(moment.replace(microsecond=0).timestamp())) + b"\x10" + varint(moment.microsecond * 1000)
    )


def _schema(value: Any) -> bytes:
    return message("apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaProps")(value)


def _or_array(value: Any) -> bytes:
    if isinstance(value, list):
        return b"".join([delimited(2, _schema(item)) for item in value])
    return delimited(1, _schema(value))


def _or_bool(value: Any) -> bytes:
    if isinstance(value, dict):
        return b"\x08\x01" + delimited(2, _schema(value))
    return b"\x08" + varint(bool(value))


def _or_strings(value: Any) -> bytes:
    if isinstance(value, list):
        return b"".join([delimited(2, item.encode()) for item in value])
    return delimited(1, _schema(value))


_SCALARS: dict[str, Encoder] = {
    "s": str.encode,
    "y": base64.b64decode,
    "q": lambda value: delimited(1, str(value).encode()),
    "o": _int_or_string,
    "t": _time,
    "m": _time,
    "u": lambda value: b"\x08" + varint(value),
    "a": lambda value: delimited(1, to_json(value)),
    "A": _or_array,
    "B": _or_bool,
    "S": _or_strings,
}

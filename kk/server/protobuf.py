"""Bodies in application/vnd.kubernetes.protobuf, which Go clients send by default and without falling back.

The field numbers are facts of the wire format, kept in protobuf.gz (made by kk.server.generate). A body becomes the dict that its JSON would
be; types, defaults and faults are then judged as for JSON. Answers are encoded in kk.server.protobuf_write.
"""

import base64
import gzip
import json
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from kk.base.times import format_micro, format_time

Obj = dict[str, Any]
MEDIA = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"
_META = "apimachinery/pkg/apis/meta/v1"
#: groups whose types stand elsewhere
_ROOTS = {
    "apiextensions.k8s.io": "apiextensions-apiserver/pkg/apis/apiextensions",
    "apiregistration.k8s.io": "kube-aggregator/pkg/apis/apiregistration",
}
_SCHEMA = "apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaProps"
#: message depth that no Kubernetes type reaches
_DEEP = 100


class Malformed(ValueError):
    """The bytes are no message of the type."""


def decode(data: bytes, default_type: tuple[str, str]) -> Obj:
    """The object in an enveloped body; `default_type` is (apiVersion, kind) where the envelope names none. Raises Malformed."""
    if not data.startswith(MAGIC):
        raise Malformed("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    api_version, kind, raw = "", "", b""
    for number, value in fields(data[len(MAGIC) :]):
        if number == 1:
            named = {n: _bytes(v).decode("utf-8", "replace") for n, v in fields(_bytes(value))}
            api_version, kind = named.get(1, ""), named.get(2, "")
        elif number == 2:
            raw = _bytes(value)
    api_version, kind = api_version or default_type[0], kind or default_type[1]
    obj = message(type_of(api_version, kind), raw)
    return {"kind": kind, "apiVersion": api_version, **obj}


def type_of(api_version: str, kind: str) -> str:
    """The table's name of a kind. Raises Malformed where it has none."""
    group, _, version = api_version.rpartition("/")
    root = _ROOTS.get(group) or f"api/{group.partition('.')[0] or 'core'}"
    name = f"{root}/{version}.{kind}"
    if name not in _table():
        name = f"{_META}.{kind}"  # options are sent in every group
    if name not in _table():
        raise Malformed(f'no kind "{kind}" is registered for version "{api_version}"')
    return name


@cache
def _table() -> dict[str, str]:
    text = gzip.decompress(Path(__file__).with_name("protobuf.gz").read_bytes()).decode()
    return dict(line.split(" ", 1) for line in text.splitlines())


@cache
def plan_of(name: str) -> dict[int, tuple[str, str]]:
    """Of a type: field number → (JSON name, or "~" for what is spread into its parent; code of the type)."""
    plan = {}
    for term in _table().get(name, "").split():
        field, _, rest = term.partition("=")
        digits = len(rest) - len(rest.lstrip("0123456789"))
        plan[int(rest[:digits])] = (field, rest[digits:])
    return plan


# wire format


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Malformed("unexpected EOF")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """(number, integer or bytes) of each field of a message, in order. Raises Malformed."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == 2:
            size, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise Malformed(f"illegal wireType {wire}")
        if size > end - at:
            raise Malformed("unexpected EOF")
        yield number, data[at : at + size]
        at += size


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise Malformed("wrong wireType")
    return value


def message(name: str, data: bytes, depth: int = 0) -> Obj:
    """A message as a dict. Raises Malformed."""
    if depth > _DEEP:
        raise Malformed("exceeded max depth")
    plan, out = plan_of(name), {}
    for number, value in fields(data):
        known = plan.get(number)
        if known is None:
            continue
        field, code = known
        if field == "~":
            out.update(_value(code, value, depth))
        elif code[0] == "[":
            out.setdefault(field, []).append(_value(code[1:], value, depth))
        elif code[0] == "{":
            key, item = _entry(code[1:], _bytes(value), depth)
            out.setdefault(field, {})[key] = item
        else:
            out[field] = _value(code, value, depth)
    return out


def _entry(code: str, data: bytes, depth: int) -> tuple[str, Any]:
    key, found = "", b""
    for number, value in fields(data):
        if number == 1:
            key = _text(value)
        elif number == 2:
            found = value
    if not found and code in ("i", "b"):
        return key, _value(code, 0, depth)
    return key, _value(code, found, depth)


def _text(value: Any) -> str:
    try:
        return _bytes(value).decode()
    except UnicodeDecodeError:
        raise Malformed("a string is not UTF-8") from None


def _value(code: str, value: Any, depth: int) -> Any:
    first = code[0]
    if first == "#":
        return message(code[1:], _bytes(value), depth + 1)
    if first in "ABS":
        return _either(first, _bytes(value), depth)
    if first == "L":
        return [_value(code[1:], item, depth) for number, item in fields(_bytes(value)) if number == 1]
    return _SCALARS[first](value)


def _either(code: str, data: bytes, depth: int) -> Any:
    """A schema (1, or 2 where 1 is a boolean), several, or the names of fields: what stands at some places of a schema."""
    schemas: list[Any] = []
    others: list[Any] = []
    for number, value in fields(data):
        (schemas if (number == 2) == (code == "B") else others).append(value)
    if code == "B":
        return message(_SCHEMA, _bytes(schemas[-1]), depth + 1) if schemas else bool(others and others[-1])
    if schemas:
        return message(_SCHEMA, _bytes(schemas[-1]), depth + 1)
    return [_text(v) if code == "S" else message(_SCHEMA, _bytes(v), depth + 1) for v in others]


def _integer(value: Any) -> int:
    if isinstance(value, bytes):
        return int.from_bytes(value, "little", signed=True)
    return value - (1 << 64) if value >= 1 << 63 else value


def _number(value: Any) -> float:
    data = _bytes(value)
    return float(struct.unpack("<d" if len(data) == 8 else "<f", data)[0])


def _quantity(value: Any) -> str:
    return next((_text(v) for number, v in fields(_bytes(value)) if number == 1), "0")


def _int_or_string(value: Any) -> int | str:
    found = dict(fields(_bytes(value)))
    return _text(found.get(3, b"")) if found.get(1) else _integer32(found.get(2, 0))


def _integer32(value: Any) -> int:
    number = _integer(value)
    return number - (1 << 32) if number >= 1 << 31 else number


def _moment(value: Any) -> datetime | None:
    found = dict(fields(_bytes(value)))
    if not found:
        return None
    seconds, nanos = _integer(found.get(1, 0)), _integer(found.get(2, 0))
    try:
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanos // 1000)
    except (ValueError, OverflowError, OSError):
        raise Malformed("a time is out of range") from None


def _time(value: Any) -> str | None:
    moment = _moment(value)
    return format_time(moment) if moment else None


def _micro_time(value: Any) -> str | None:
    moment = _moment(value)
    return format_micro(moment) if moment else None


def _raw(value: Any) -> Any:
    """RawExtension, FieldsV1: JSON inside of a message."""
    text = next((_bytes(v) for number, v in fields(_bytes(value)) if number == 1), b"null")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("a raw field holds no JSON") from None


def _duration(value: Any) -> int:
    return next((_integer(v) for number, v in fields(_bytes(value)) if number == 1), 0)


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "s": _text,
    "i": _integer,
    "b": bool,
    "d": _number,
    "y": lambda value: base64.b64encode(_bytes(value)).decode(),
    "q": _quantity,
    "o": _int_or_string,
    "t": _time,
    "m": _micro_time,
    "u": _duration,
    "a": _raw,
}

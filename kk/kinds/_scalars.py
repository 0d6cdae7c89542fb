"""Scalars that the wire writes in one canonical way: quantities, times and base64; how Kubernetes reads and words faults of each.

Each `read_…` takes a decoded JSON value and returns the canonical text, or raises ValueError in upstream's words. No objects, no paths.
"""

import base64
import re
from datetime import UTC, datetime
from typing import Any

from kk.base.quantity import FORMAT_WRONG, Quantity

_PLAIN_QUANTITY = re.compile(r"[1-9]\d{0,2}(m|Ki|Mi|Gi|k|M|G)?")
_UTC = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ")
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)")
_LAYOUT = "2006-01-02T15:04:05Z07:00"
_MICRO_LAYOUT = "2006-01-02T15:04:05.000000Z07:00"
#: pieces of the layout, what matches each, for the words of a fault
_PIECES = (
    ("2006", r"\d{4}"),
    ("-", "-"),
    ("01", r"\d\d"),
    ("-", "-"),
    ("02", r"\d\d"),
    ("T", "T"),
    ("15", r"\d\d"),
    (":", ":"),
    ("04", r"\d\d"),
    (":", ":"),
    ("05", r"\d\d(?:[.,]\d+)?"),
    ("Z07:00", r"Z|[+-]\d\d:\d\d"),
)


def json_name(value: Any) -> str:
    """What Go's JSON decoder calls a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def read_quantity(value: Any) -> str:
    """The canonical text of a quantity given as a string or a number."""
    if isinstance(value, str):
        if _PLAIN_QUANTITY.fullmatch(value):
            return value
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(FORMAT_WRONG)
    return Quantity.parse(value.strip() if isinstance(value, str) else value).canonical()


def _time_fault(text: str, layout: str, pieces: tuple[tuple[str, str], ...]) -> ValueError:
    at = 0
    for shown, pattern in pieces:
        found = re.compile(pattern).match(text, at)
        if not found:
            return ValueError(f'parsing time "{text}" as "{layout}": cannot parse "{text[at:]}" as "{shown}"')
        at = found.end()
    if at < len(text):
        return ValueError(f'parsing time "{text}": extra text: "{text[at:]}"')
    for name, low, high, digits in (
        ("month", 1, 12, text[5:7]),
        ("day", 1, 31, text[8:10]),
        ("hour", 0, 23, text[11:13]),
    ):
        if not low <= int(digits) <= high:
            return ValueError(f'parsing time "{text}": {name} out of range')
    return ValueError(f'parsing time "{text}": day out of range')


def _moment(text: str, layout: str, pieces: tuple[tuple[str, str], ...]) -> datetime:
    found = _TIME.fullmatch(text)
    if not found:
        raise _time_fault(text, layout, pieces)
    micro = int((found[7] or "0")[:6].ljust(6, "0"))
    zone = "+00:00" if found[8] == "Z" else found[8]
    try:
        parsed = datetime.fromisoformat(f"{text[:19]}.{micro:06d}{zone}")
        return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _time_fault(text, layout, pieces) from None


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"json: cannot unmarshal {json_name(value)} into Go value of type string")
    return value


def read_time(value: Any) -> str:
    """RFC 3339 in UTC with whole seconds."""
    text = _string(value)
    if _UTC.fullmatch(text):
        return text
    return _moment(text, _LAYOUT, _PIECES).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


_MICRO_PIECES = (*_PIECES[:10], ("05", r"\d\d"), (".000000", r"\.\d{6}"), _PIECES[11])


def read_micro_time(value: Any) -> str:
    """RFC 3339 in UTC with six digits of a second, which upstream demands."""
    text = _string(value)
    found = _TIME.fullmatch(text)
    if not found or len(found[7] or "") != 6:
        raise _time_fault(text, _MICRO_LAYOUT, _MICRO_PIECES)
    return _moment(text, _MICRO_LAYOUT, _MICRO_PIECES).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def read_bytes(value: Any) -> str:
    """Standard base64, line breaks removed."""
    if not isinstance(value, str):
        raise TypeError("[]uint8")
    text = value.replace("\r", "").replace("\n", "")
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError(f"illegal base64 data at input byte {_bad_byte(text)}") from None
    return text


def _bad_byte(text: str) -> int:
    """Where Go's decoder stops: the first byte outside the alphabet, or the quantum that does not end well."""
    body = text.rstrip("=")
    for at, letter in enumerate(body):
        if not (letter.isascii() and (letter.isalnum() or letter in "+/")):
            return at
    padding = len(text) - len(body)
    rest = len(body) % 4
    if not padding:
        return len(body) - rest if rest == 1 else len(text)
    if rest < 2:
        return len(body)
    return min(len(text), len(body) + 4 - rest) if padding != 4 - rest else len(text)


def read_int_or_string(value: Any) -> Any:
    """A string or an int32 as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        if -(2**31) <= value < 2**31:
            return value
        raise ValueError(f"json: cannot unmarshal number {value} into Go value of type int32")
    shown = f"number {value}" if isinstance(value, float) else json_name(value)
    raise ValueError(f"json: cannot unmarshal {shown} into Go value of type int32")

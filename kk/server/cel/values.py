"""Values of CEL while an expression runs: plain Python ones, and classes for what Python lacks; equality, order, size and text.

bool, int, Uint, float, str, bytes, None, list and dict are themselves. Errors are `CelError` with the words of google/cel-go.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from kk.server.cel.syntax import Uint


class CelError(Exception):
    """Why an expression has no value."""


class CostExceeded(CelError):
    """The expression was stopped: it costs too much."""


def no_overload(name: str = "", *args: Any) -> CelError:
    """The fault of a call that no overload takes."""
    return CelError(
        f"no such overload: {name}({', '.join(type_name(a) for a in args)})" if name else "no such overload"
    )


class Timestamp:
    """A point of time, in nanoseconds since 1970."""

    __slots__ = ("ns",)
    cel_type = "google.protobuf.Timestamp"

    def __init__(self, ns: int):
        self.ns = ns

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timestamp) and self.ns == other.ns

    def __hash__(self) -> int:
        return hash(self.ns)

    @property
    def moment(self) -> datetime:
        """The same, to the microsecond."""
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.ns // 1000)


class Duration:
    """A length of time in nanoseconds."""

    __slots__ = ("ns",)
    cel_type = "google.protobuf.Duration"

    def __init__(self, ns: int):
        self.ns = ns

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and self.ns == other.ns

    def __hash__(self) -> int:
        return hash(self.ns)


class TypeValue:
    """A type as a value."""

    __slots__ = ("name",)
    cel_type = "type"

    def __init__(self, name: str):
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypeValue) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


class Optional:
    """optional.of(value), or none."""

    __slots__ = ("present", "value")
    cel_type = "optional_type"

    def __init__(self, present: bool, value: Any = None):
        self.present, self.value = present, value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Optional) or self.present != other.present:
            return False
        return not self.present or equal(self.value, other.value)

    __hash__ = None  # type: ignore[assignment]


NONE = Optional(False)


class SetList(list[Any]):
    """A list of x-kubernetes-list-type set: order does not matter to equality, and + is a union."""


class MapList(list[Any]):
    """A list of x-kubernetes-list-type map; `keys` tell its items apart."""

    keys: tuple[str, ...] = ()


class Object(dict[str, Any]):
    """A constructed message (Object{…}, JSONPatch{…}); `name` is its type."""

    name = ""


_NAMES: dict[type, str] = {
    bool: "bool",
    int: "int",
    Uint: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    type(None): "null_type",
    list: "list",
    SetList: "list",
    MapList: "list",
    dict: "map",
    Object: "map",
}


def type_name(value: Any) -> str:
    """The runtime type of a value."""
    found = _NAMES.get(type(value))
    return found if found is not None else str(getattr(value, "cel_type", type(value).__name__))


_NUMBERS = (int, float)


_PLAIN = frozenset((str, int, bool, float, bytes))


def equal(a: Any, b: Any) -> bool:
    """CEL's equality: numbers by value over their types, the rest never across types."""
    kind = type(a)
    if kind is type(b) and kind in _PLAIN:
        return bool(a == b)
    if isinstance(a, bool) or isinstance(b, bool):
        return isinstance(a, bool) and isinstance(b, bool) and a == b
    if isinstance(a, _NUMBERS):
        return isinstance(b, _NUMBERS) and a == b
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and _equal_lists(a, b)
    if isinstance(a, dict):
        if not isinstance(b, dict) or len(a) != len(b):
            return False
        return _equal_maps(a, b)
    return bool(a == b)


def _equal_maps(a: "dict[Any, Any]", b: "dict[Any, Any]") -> bool:
    for key, x in a.items():
        if key not in b:
            return False
        y, kind = b[key], type(x)
        # what is plain is compared here: a call for each would cost more than all the rest
        if not (x == y if kind is type(y) and kind in _PLAIN else equal(x, y)):
            return False
    return True


def _equal_lists(a: "list[Any]", b: "list[Any]") -> bool:
    if isinstance(a, SetList) or isinstance(b, SetList):
        return all(any(equal(x, y) for y in b) for x in a)
    if isinstance(a, MapList):
        held = {key_of(x, a.keys): x for x in b}
        return all((k := key_of(x, a.keys)) in held and equal(x, held[k]) for x in a)
    for x, y in zip(a, b, strict=True):
        kind = type(x)
        if not (x == y if kind is type(y) and kind in _PLAIN else equal(x, y)):
            return False
    return True


def key_of(item: Any, keys: "tuple[str, ...]") -> "tuple[Any, ...]":
    """What tells an item of a list of type map from the others."""
    return tuple(item.get(k) for k in keys) if isinstance(item, dict) else (id(item),)


def compare(a: Any, b: Any, name: str) -> int:
    """-1, 0 or 1. Raises CelError where there is no order."""
    ka, kb = type(a), type(b)
    if ka is kb and ka in (int, str, float, Uint, bytes, bool):
        return int(a > b) - int(a < b)
    if isinstance(a, _NUMBERS) and isinstance(b, _NUMBERS) and ka is not bool and kb is not bool:
        return int(a > b) - int(a < b)
    if ka is kb and ka in (Timestamp, Duration):
        return int(a.ns > b.ns) - int(a.ns < b.ns)
    raise no_overload(name, a, b)


def size(value: Any) -> int:
    """What costs count of a value: characters, bytes, items; 1 for what has no size."""
    return len(value) if isinstance(value, (str, bytes, list, dict)) else 1


def double_text(value: float) -> str:
    """A double as Go prints it with %g."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value and not 1e-4 <= abs(value) < 1e21:
        mantissa, _, exponent = repr(value).partition("e")
        if not exponent:
            mantissa, _, exponent = f"{value:.17e}".partition("e")
            mantissa = repr(float(mantissa))
        return f"{mantissa.removesuffix('.0')}e{exponent[0] if exponent[0] in '+-' else '+'}{exponent.lstrip('+-').zfill(2)}"
    return repr(value).removesuffix(".0") if "e" not in repr(value) else str(int(value))


def duration_text(value: Duration) -> str:
    """A duration as string() shows it: seconds."""
    sign, ns = ("-" if value.ns < 0 else ""), abs(value.ns)
    fraction = f"{ns % 10**9:09}".rstrip("0")
    return f"{sign}{ns // 10**9}{'.' + fraction if fraction else ''}s"


def timestamp_text(value: Timestamp) -> str:
    """A timestamp in RFC 3339."""
    fraction = f"{value.ns % 10**9:09}".rstrip("0")
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value.ns // 10**9)
    return moment.strftime("%Y-%m-%dT%H:%M:%S").zfill(19) + (f".{fraction}" if fraction else "") + "Z"


_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PIECE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


def parse_duration(text: str) -> "Duration | None":
    """A duration of Go ("1h30m"), or None."""
    rest = text[1:] if text[:1] in "+-" else text
    if rest == "0":
        return Duration(0)
    total, at = 0, 0
    for piece in _PIECE.finditer(rest):
        if piece.start() != at:
            return None
        number, unit = piece.groups()
        whole, _, fraction = number.partition(".")
        scale = _UNITS[unit]
        total += int(whole or 0) * scale + (int(fraction) * scale // 10 ** len(fraction) if fraction else 0)
        at = piece.end()
    if not rest or at != len(rest) or total >= 1 << 63:
        return None
    return Duration(-total if text[:1] == "-" else total)


_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?([Zz]|[+-]\d\d:\d\d)\Z")


def parse_timestamp(text: str) -> "Timestamp | None":
    """A time of RFC 3339, or None."""
    found = _TIME.match(text)
    if not found:
        return None
    *numbers, fraction, zone = found.groups()
    try:
        year, month, day, hour, minute, second = (int(n) for n in numbers)
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    if zone not in "Zz":
        offset = int(zone[1:3]) * 3600 + int(zone[4:]) * 60
        seconds -= offset if zone[0] == "+" else -offset
    return Timestamp(seconds * 10**9 + int((fraction or "0").ljust(9, "0")[:9]))

"""The standard library of CEL: operators, conversions, strings, times."""

import functools
import math
import zoneinfo
from datetime import datetime, timedelta, timezone
from typing import Any

from kk.server import regexps
from kk.server.cel import values as v
from kk.server.cel.syntax import Uint
from kk.server.cel.values import CelError, Duration, Timestamp

_COMPARED = (
    ("bool", "bool"),
    ("int64", "int"),
    ("uint64", "uint"),
    ("double", "double"),
    ("string", "string"),
    ("bytes", "bytes"),
    ("timestamp", "timestamp"),
    ("duration", "duration"),
)
_NUMBERS = (("int64", "int"), ("uint64", "uint"), ("double", "double"))


def _order(symbol: str, word: str) -> str:
    lines = [f"{symbol} {word}_{name} ({kind}, {kind}) -> bool" for name, kind in _COMPARED]
    lines += [f"{symbol} {word}_{a}_{b} ({x}, {y}) -> bool" for a, x in _NUMBERS for b, y in _NUMBERS if a != b]
    return "\n".join(lines)


_GETTERS = [
    "getFullYear",
    "getMonth",
    "getDayOfYear",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getHours",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
]

FUNCTIONS = f"""
_?_:_ conditional (bool, A, A) -> A
_&&_ logical_and (bool, bool) -> bool
_||_ logical_or (bool, bool) -> bool
!_ logical_not (bool) -> bool
@not_strictly_false not_strictly_false (bool) -> bool
_==_ equals (A, A) -> bool
_!=_ not_equals (A, A) -> bool
_+_ add_bytes (bytes, bytes) -> bytes
_+_ add_double (double, double) -> double
_+_ add_duration_duration (duration, duration) -> duration
_+_ add_duration_timestamp (duration, timestamp) -> timestamp
_+_ add_timestamp_duration (timestamp, duration) -> timestamp
_+_ add_int64 (int, int) -> int
_+_ add_list (list(A), list(A)) -> list(A)
_+_ add_string (string, string) -> string
_+_ add_uint64 (uint, uint) -> uint
_-_ subtract_double (double, double) -> double
_-_ subtract_duration_duration (duration, duration) -> duration
_-_ subtract_int64 (int, int) -> int
_-_ subtract_timestamp_duration (timestamp, duration) -> timestamp
_-_ subtract_timestamp_timestamp (timestamp, timestamp) -> duration
_-_ subtract_uint64 (uint, uint) -> uint
_*_ multiply_double (double, double) -> double
_*_ multiply_int64 (int, int) -> int
_*_ multiply_uint64 (uint, uint) -> uint
_/_ divide_double (double, double) -> double
_/_ divide_int64 (int, int) -> int
_/_ divide_uint64 (uint, uint) -> uint
_%_ modulo_int64 (int, int) -> int
_%_ modulo_uint64 (uint, uint) -> uint
-_ negate_double (double) -> double
-_ negate_int64 (int) -> int
{_order("_<_", "less")}
{_order("_<=_", "less_equals")}
{_order("_>_", "greater")}
{_order("_>=_", "greater_equals")}
_[_] index_list (list(A), int) -> A
_[_] index_map (map(A, B), A) -> B
@in in_list (A, list(A)) -> bool
@in in_map (A, map(A, B)) -> bool
size size_bytes (bytes) -> int
size size_list (list(A)) -> int
size size_map (map(A, B)) -> int
size size_string (string) -> int
size bytes_size bytes.() -> int
size list_size list(A).() -> int
size map_size map(A, B).() -> int
size string_size string.() -> int
type type (A) -> type(A)
dyn to_dyn (A) -> dyn
bool bool_to_bool (bool) -> bool
bool string_to_bool (string) -> bool
bytes bytes_to_bytes (bytes) -> bytes
bytes string_to_bytes (string) -> bytes
double double_to_double (double) -> double
double int64_to_double (int) -> double
double string_to_double (string) -> double
double uint64_to_double (uint) -> double
duration duration_to_duration (duration) -> duration
duration string_to_duration (string) -> duration
int int64_to_int64 (int) -> int
int double_to_int64 (double) -> int
int string_to_int64 (string) -> int
int timestamp_to_int64 (timestamp) -> int
int uint64_to_int64 (uint) -> int
int duration_to_int64 (duration) -> int
string string_to_string (string) -> string
string bool_to_string (bool) -> string
string bytes_to_string (bytes) -> string
string double_to_string (double) -> string
string duration_to_string (duration) -> string
string int64_to_string (int) -> string
string timestamp_to_string (timestamp) -> string
string uint64_to_string (uint) -> string
timestamp timestamp_to_timestamp (timestamp) -> timestamp
timestamp string_to_timestamp (string) -> timestamp
timestamp int64_to_timestamp (int) -> timestamp
uint uint64_to_uint64 (uint) -> uint
uint double_to_uint64 (double) -> uint
uint int64_to_uint64 (int) -> uint
uint string_to_uint64 (string) -> uint
contains contains_string string.(string) -> bool
endsWith ends_with_string string.(string) -> bool
startsWith starts_with_string string.(string) -> bool
matches matches (string, string) -> bool
matches matches_string string.(string) -> bool
""" + "\n".join(
    f"{name} timestamp_{name} timestamp.() -> int\n{name} timestamp_{name}_tz timestamp.(string) -> int"
    + (
        f"\n{name} duration_{name} duration.() -> int"
        if name[3:] in ("Hours", "Minutes", "Seconds", "Milliseconds")
        else ""
    )
    for name in _GETTERS
)

_INT = 1 << 63


def _whole(value: int, kind: type) -> int:
    if kind is Uint:
        if not 0 <= value < 1 << 64:
            raise CelError("unsigned integer overflow")
        return Uint(value)
    if not -_INT <= value < _INT:
        raise CelError("integer overflow")
    return value


def _add(a: Any, b: Any) -> Any:
    kind = type(a)
    if kind in (int, Uint):
        return _whole(int(a) + int(b), kind)
    if isinstance(a, v.SetList):
        return v.SetList([*a, *(x for x in b if not any(v.equal(x, y) for y in a))])
    if isinstance(a, v.MapList):
        new = {v.key_of(x, a.keys): x for x in b}
        merged = v.MapList(new.pop(v.key_of(x, a.keys), x) for x in a)
        merged.extend(new.values())
        merged.keys = a.keys
        return merged
    if kind is Duration:
        return type(b)(a.ns + b.ns)
    if kind is Timestamp:
        return Timestamp(a.ns + b.ns)
    return a + b


def _subtract(a: Any, b: Any) -> Any:
    kind = type(a)
    if kind in (int, Uint):
        return _whole(int(a) - int(b), kind)
    if kind is Duration:
        return Duration(a.ns - b.ns)
    if kind is Timestamp:
        return Duration(a.ns - b.ns) if isinstance(b, Timestamp) else Timestamp(a.ns - b.ns)
    return a - b


def _multiply(a: Any, b: Any) -> Any:
    return a * b if type(a) is float else _whole(int(a) * int(b), type(a))


def _divide(a: Any, b: Any) -> Any:
    if type(a) is float:
        if b:
            return a / b
        return math.nan if not a or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)
    if not b:
        raise CelError("division by zero")
    found = abs(int(a)) // abs(int(b))
    return _whole(-found if (a < 0) != (b < 0) else found, type(a))


def _modulo(a: Any, b: Any) -> Any:
    if not b:
        raise CelError("modulus by zero")
    found = abs(int(a)) % abs(int(b))
    return _whole(-found if a < 0 else found, type(a))


def _negate(a: Any) -> Any:
    return -a if type(a) is float else _whole(-int(a), int)


def _in(item: Any, holder: Any) -> bool:
    if isinstance(holder, dict):
        return isinstance(item, (str, int, float)) and item in holder
    return any(v.equal(item, x) for x in holder)


def _wrong(value: Any, target: str) -> CelError:
    return CelError(f"type conversion error from '{v.type_name(value)}' to '{target}'")


def _to_int(value: Any) -> int:
    if isinstance(value, str):
        text = value[1:] if value[:1] in "+-" else value
        if not (text.isascii() and text.isdigit() and -_INT <= int(value) < _INT):
            raise _wrong(value, "int")
        return int(value)
    if isinstance(value, Timestamp):
        return value.ns // 10**9
    if isinstance(value, Duration):
        return value.ns
    if isinstance(value, float):
        if math.isnan(value) or not -9.223372036854775e18 < value < 9.223372036854775e18:
            raise CelError("integer overflow")
        return int(value)
    return _whole(int(value), int)


def _to_uint(value: Any) -> Uint:
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and int(value) < 1 << 64):
            raise _wrong(value, "uint")
        return Uint(value)
    if isinstance(value, float) and (math.isnan(value) or not 0 <= value < 1.8446744073709552e19):
        raise CelError("unsigned integer overflow")
    return _whole(int(value), Uint)  # type: ignore[return-value]


def _to_double(value: Any) -> float:
    try:
        return float(value)
    except ValueError:
        raise _wrong(value, "double") from None


_TRUE, _FALSE = frozenset(("1", "t", "true", "TRUE", "True")), frozenset(("0", "f", "false", "FALSE", "False"))


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise _wrong(value, "bool")


def _to_bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else value


def to_string(value: Any) -> str:
    """string(value)."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise CelError("invalid UTF-8 in bytes, cannot convert to string") from None
    if isinstance(value, float):
        return v.double_text(value)
    if isinstance(value, Duration):
        return v.duration_text(value)
    if isinstance(value, Timestamp):
        return v.timestamp_text(value)
    if isinstance(value, int):
        return str(int(value))
    raise _wrong(value, "string")


def _to_duration(value: Any) -> Duration:
    found = value if isinstance(value, Duration) else v.parse_duration(value)
    if found is None:
        raise _wrong(value, "google.protobuf.Duration")
    return found


def _to_timestamp(value: Any) -> Timestamp:
    if isinstance(value, Timestamp):
        return value
    found = v.parse_timestamp(value) if isinstance(value, str) else Timestamp(int(value) * 10**9)
    if found is None:
        raise _wrong(value, "google.protobuf.Timestamp")
    return found


def matches(text: str, pattern: str) -> bool:
    """text.matches(pattern), in RE2's syntax."""
    try:
        return regexps.compile(pattern).search(text)
    except ValueError as error:
        raise CelError(str(error)) from None


def _zone(name: str) -> Any:
    if ":" in name:
        sign, hours, minutes = (-1 if name[0] == "-" else 1), *name.lstrip("+-").split(":", 1)
        try:
            return timezone(sign * timedelta(hours=int(hours), minutes=int(minutes)))
        except ValueError:
            raise CelError(f"unknown time zone {name}") from None
    try:
        return zoneinfo.ZoneInfo(name or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise CelError(f"unknown time zone {name}") from None


_PARTS: dict[str, Any] = {
    "getFullYear": lambda m: m.year,
    "getMonth": lambda m: m.month - 1,
    "getDayOfYear": lambda m: m.timetuple().tm_yday - 1,
    "getDate": lambda m: m.day,
    "getDayOfMonth": lambda m: m.day - 1,
    "getDayOfWeek": lambda m: m.isoweekday() % 7,
    "getHours": lambda m: m.hour,
    "getMinutes": lambda m: m.minute,
    "getSeconds": lambda m: m.second,
    "getMilliseconds": lambda m: m.microsecond // 1000,
}
_SPANS = {"getHours": 3600 * 10**9, "getMinutes": 60 * 10**9, "getSeconds": 10**9}


def _part(name: str, value: Any, zone: str = "UTC") -> int:
    if isinstance(value, Duration):
        if name == "getMilliseconds":
            return int(math.fmod(value.ns, 10**9)) // 10**6
        return int(value.ns / _SPANS[name])
    moment: datetime = value.moment
    return int(_PARTS[name](moment if zone == "UTC" else moment.astimezone(_zone(zone))))


def _special(*_: Any) -> Any:
    raise CelError("no such overload")


IMPLEMENTATIONS: dict[str, Any] = {
    **dict.fromkeys(("_?_:_", "_&&_", "_||_", "@not_strictly_false", "_==_", "_!=_", "_[_]"), _special),
    "!_": lambda a: not a,
    "_+_": _add,
    "_-_": _subtract,
    "_*_": _multiply,
    "_/_": _divide,
    "_%_": _modulo,
    "-_": _negate,
    "_<_": lambda a, b: v.compare(a, b, "_<_") < 0,
    "_<=_": lambda a, b: v.compare(a, b, "_<=_") <= 0,
    "_>_": lambda a, b: v.compare(a, b, "_>_") > 0,
    "_>=_": lambda a, b: v.compare(a, b, "_>=_") >= 0,
    "@in": _in,
    "size": len,
    "type": lambda a: v.TypeValue(v.type_name(a)),
    "dyn": lambda a: a,
    "bool": _to_bool,
    "bytes": _to_bytes,
    "double": _to_double,
    "duration": _to_duration,
    "int": _to_int,
    "string": to_string,
    "timestamp": _to_timestamp,
    "uint": _to_uint,
    "contains": lambda a, b: b in a,
    "endsWith": lambda a, b: a.endswith(b),
    "startsWith": lambda a, b: a.startswith(b),
    "matches": matches,
    **{name: functools.partial(_part, name) for name in _GETTERS},
}

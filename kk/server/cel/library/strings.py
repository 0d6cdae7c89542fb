"""String functions (google/cel-go `ext/strings.go`, version 2)."""

import re
from typing import Any

from kk.server.cel import values as v
from kk.server.cel.library.standard import to_string
from kk.server.cel.values import CelError

FUNCTIONS = """
charAt string_char_at_int string.(int) -> string
indexOf string_index_of_string string.(string) -> int
indexOf string_index_of_string_int string.(string, int) -> int
lastIndexOf string_last_index_of_string string.(string) -> int
lastIndexOf string_last_index_of_string_int string.(string, int) -> int
lowerAscii string_lower_ascii string.() -> string
upperAscii string_upper_ascii string.() -> string
replace string_replace_string_string string.(string, string) -> string
replace string_replace_string_string_int string.(string, string, int) -> string
split string_split_string string.(string) -> list(string)
split string_split_string_int string.(string, int) -> list(string)
substring string_substring_int string.(int) -> string
substring string_substring_int_int string.(int, int) -> string
trim string_trim string.() -> string
join list_join list(string).() -> string
join list_join_string list(string).(string) -> string
format string_format string.(list(dyn)) -> string
strings.quote strings_quote (string) -> string
"""


def _char_at(text: str, at: int) -> str:
    if not 0 <= at <= len(text):
        raise CelError(f"index out of range: {at}")
    return text[at : at + 1]


def index_of(text: Any, what: Any, start: int = 0) -> int:
    """The first place of a string in a string, or of a value in a list."""
    if isinstance(text, list):
        return next((i for i, x in enumerate(text) if v.equal(x, what)), -1)
    if what == "":
        return start
    if start < 0 or start >= max(len(text), 1):
        raise CelError(f"index out of range: {start}")
    return int(text.find(what, start))


def last_index_of(text: Any, what: Any, end: "int | None" = None) -> int:
    """The last place."""
    if isinstance(text, list):
        return next((i for i in range(len(text) - 1, -1, -1) if v.equal(text[i], what)), -1)
    if end is None:
        return int(text.rfind(what))
    if end < 0 or end >= max(len(text), 1):
        raise CelError(f"index out of range: {end}")
    return int(text.rfind(what, 0, end + len(what)))


def _ascii(text: str, lower: bool) -> str:
    return "".join((c.lower() if lower else c.upper()) if c.isascii() else c for c in text)


def _replace(text: str, old: str, new: str, times: int = -1) -> str:
    return text.replace(old, new, times if times >= 0 else -1)


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if separator == "":
        pieces = list(text)
        return pieces if limit < 0 or len(pieces) <= limit else [*pieces[: limit - 1], "".join(pieces[limit - 1 :])]
    return text.split(separator, limit - 1 if limit > 0 else -1)


def _substring(text: str, start: int, end: "int | None" = None) -> str:
    if not 0 <= start <= len(text):
        raise CelError(f"index out of range: {start}")
    if end is None:
        return text[start:]
    if not 0 <= end <= len(text):
        raise CelError(f"index out of range: {end}")
    if start > end:
        raise CelError(f"invalid substring range. start: {start}, end: {end}")
    return text[start:end]


def _join(items: "list[Any]", separator: str = "") -> str:
    for item in items:
        if not isinstance(item, str):
            raise v.no_overload()
    return separator.join(items)


_QUOTED = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": "\\\\",
    '"': '\\"',
}


def _quote(text: str) -> str:
    return '"' + "".join(_QUOTED.get(c, c) for c in text) + '"'


_CLAUSE = re.compile(r"%(?:\.(\d+))?(.)|%")


def _format(text: str, arguments: "list[Any]") -> str:
    rest = iter(arguments)
    used = 0

    def one(found: "re.Match[str]") -> str:
        nonlocal used
        precision, kind = found.group(1), found.group(2)
        if kind == "%":
            return "%"
        if kind is None:
            raise CelError("unexpected end of format string")
        used += 1
        try:
            value = next(rest)
        except StopIteration:
            raise CelError(f"index {used - 1} out of range") from None
        return _clause(kind, value, int(precision) if precision else None)

    return _CLAUSE.sub(one, text)


def _clause(kind: str, value: Any, precision: "int | None") -> str:
    if kind == "s":
        return _shown(value)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "d" and isinstance(value, int) and number:
        return str(int(value))
    if kind in "fe" and number:
        return f"{float(value):.{6 if precision is None else precision}{kind}}"
    if kind == "b" and isinstance(value, int):
        return f"{int(value):b}"
    if kind == "o" and isinstance(value, int) and number:
        return f"{int(value):o}"
    if kind in "xX":
        if isinstance(value, int) and number:
            return f"{int(value):{kind}}"
        if isinstance(value, (str, bytes)):
            text = (value.encode() if isinstance(value, str) else value).hex()
            return text if kind == "x" else text.upper()
    if kind not in "sdfeboxX":
        raise CelError(f'could not parse formatting clause: unrecognized formatting clause "{kind}"')
    raise CelError(
        f"error during formatting: {_CLAUSES[kind]} can only be used on {_FOR[kind]}, was given {v.type_name(value)}"
    )


_CLAUSES = {
    "d": "decimal clause",
    "f": "fixed-point clause",
    "e": "scientific clause",
    "b": "binary clause",
    "o": "octal clause",
    "x": "hex clause",
    "X": "hex clause",
}
_FOR = {
    "d": "integers",
    "f": "doubles",
    "e": "doubles",
    "b": "integers and bools",
    "o": "integers",
    "x": "integers, byte buffers, and strings",
    "X": "integers, byte buffers, and strings",
}


def _shown(value: Any, inner: bool = False) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return "[" + ", ".join(_shown(x, True) for x in value) + "]"
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(
                f"{_shown(k, True)}: {_shown(x, True)}" for k, x in sorted(value.items(), key=lambda p: str(p[0]))
            )
            + "}"
        )
    if isinstance(value, v.TypeValue):
        return value.name
    return to_string(value)


IMPLEMENTATIONS: dict[str, Any] = {
    "charAt": _char_at,
    "indexOf": index_of,
    "lastIndexOf": last_index_of,
    "lowerAscii": lambda a: _ascii(a, True),
    "upperAscii": lambda a: _ascii(a, False),
    "replace": _replace,
    "split": _split,
    "substring": _substring,
    "trim": str.strip,
    "join": _join,
    "format": _format,
    "strings.quote": _quote,
}

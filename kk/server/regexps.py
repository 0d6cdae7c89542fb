"""Go's regular expressions: patterns of schemas and of CEL, matched by RE2 in time that is linear in the text. Go's package has RE2's syntax.

RE2 is touched here and nowhere else: it is loaded with the first pattern, and its faults are told in Go's words. Not for the server's own
patterns, which are fixed and simple.
"""

import functools
import re
from typing import Any

#: what one compiled pattern may take, in bytes: RE2 tells of a pattern that needs more, and works within it while it matches
_MEMORY = 16 << 20
#: RE2's words and Go's, from google/re2 `re2/regexp.cc` and Go's `regexp/syntax/parse.go`
_WORDS = {
    "missing ]": "missing closing ]",
    "missing )": "missing closing )",
    "trailing \\": "trailing backslash at end of expression",
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid repetition size": "invalid repeat count",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
    "pattern too large - compile failed": "expression too large",
}
#: faults that Go tells with the whole pattern
_WHOLE = ("missing )", "unexpected )", "pattern too large - compile failed")
#: one escape, a literal text, or a bracket expression
_UNIT = re.compile(r"\\Q.*?(?:\\E|\Z)|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]", re.DOTALL)


class Pattern:
    """A compiled pattern."""

    __slots__ = ("_compiled",)

    def __init__(self, compiled: Any):
        self._compiled = compiled

    def search(self, text: str) -> bool:
        """Whether it occurs in a text."""
        return self._compiled.search(_encodable(text).encode()) is not None

    def find(self, text: str, limit: int = -1) -> list[str]:
        """What it matches in a text, from left to right, none overlapping another; at most `limit` where that is not negative."""
        found: list[str] = []
        data = _encodable(text).encode()
        for match in self._compiled.finditer(data):
            if len(found) == limit:
                break
            at = match.start()
            if at < len(data) and data[at] & 0xC0 == 0x80:
                continue  # nothing, found inside a character
            found.append(match.group().decode())
        return found


@functools.lru_cache(maxsize=256)
def compile(pattern: str) -> Pattern:
    """A pattern of Go, compiled. Raises ValueError with Go's text: "error parsing regexp: …"."""
    import re2

    options = re2.Options()
    options.log_errors, options.never_capture, options.max_mem = False, True, _MEMORY
    try:
        compiled = re2.compile(pattern.encode(), options)  # as bytes: for texts it would count characters
    except UnicodeEncodeError:
        raise ValueError(f"error parsing regexp: invalid UTF-8: `{_encodable(pattern)}`") from None
    except re2.error as error:
        raise ValueError(f"error parsing regexp: {_told(pattern, error.args[0])}") from None
    # any one byte: Go has no such thing
    if "\\C" in pattern and any(unit.group() == "\\C" for unit in _UNIT.finditer(pattern)):
        raise ValueError("error parsing regexp: invalid escape sequence: `\\C`")
    return Pattern(compiled)


def _encodable(text: str) -> str:
    """The text with Go's replacement character for each half of a surrogate pair, which UTF-8 cannot say."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", "\ufffd", text)
    return text


def _told(pattern: str, told: "bytes | str") -> str:
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
    kind, _, rest = text.partition(": ")
    if kind in _WHOLE:
        rest = pattern
    elif kind == "trailing \\":
        rest = ""
    elif kind == "invalid perl operator" and len(rest) > 3 and rest.startswith("(?<"):
        # to Go this begins a named group, if anything
        kind, rest = "invalid named capture group", pattern[pattern.find(rest) :]
        rest = rest[: rest.find(">") + 1] or rest
    return f"{_WORDS.get(kind, kind)}: `{rest}`"

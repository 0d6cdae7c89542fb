"""Go's regular expressions (RE2) as Python's: what patterns of schemas mean, and what Go says of those it refuses.

The grammar is that of github.com/google/re2 `wiki/Syntax`. Matching is Python's: of what both accept the meaning is the same, but time is
not bounded by the text's length.
"""

import functools
import re

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7F",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
#: the general categories of Unicode that one letter names, as far as Python's `re` can say them
_UNICODE = {"L": r"^\W\d_", "N": r"\d", "Lu": "A-ZÀ-ÖØ-Þ", "Ll": "a-zß-öø-ÿ", "Nd": r"\d"}
_PERL = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_LITERAL = frozenset(r".\+*?()|[]{}^$/-\"'#&~@%,:;<=>!_` ")


@functools.lru_cache(maxsize=4096)
def compile(pattern: str) -> "re.Pattern[str]":
    """A pattern of Go, compiled. Raises ValueError with Go's text: "error parsing regexp: …"."""
    try:
        return re.compile(_translated(pattern))
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"error parsing regexp: {_words(pattern, error)}") from None


def _translated(pattern: str) -> str:
    out: list[str] = []
    at, size, multiline = 0, len(pattern), False
    while at < size:
        char = pattern[at]
        if char == "\\":
            text, at = _escape(pattern, at, inside=False)
            out.append(text)
        elif char == "[":
            text, at = _class(pattern, at)
            out.append(text)
        elif char == "$":
            out.append("$" if multiline else r"\Z")
            at += 1
        elif pattern.startswith("(?", at):
            text, at, multiline = _group(pattern, at, multiline)
            out.append(text)
        else:
            out.append(char)
            at += 1
    return "".join(out)


def _group(pattern: str, at: int, multiline: bool) -> tuple[str, int, bool]:
    """What follows "(?": a name, or flags; Python takes flags for a group only, so they reach to the end of the pattern's group."""
    named = re.compile(r"\(\?P?<(\w+)>").match(pattern, at)
    if named:
        return f"(?P<{named.group(1)}>", named.end(), multiline
    flags = re.compile(r"\(\?([imsU]*)(-[imsU]+)?([:)])").match(pattern, at)
    if not flags:
        raise re.error("unknown extension", pattern, at)
    on, off, end = flags.group(1).replace("U", ""), (flags.group(2) or "").replace("U", "").strip("-"), flags.group(3)
    multiline = ("m" in on) or (multiline and "m" not in off)
    words = on + (f"-{off}" if off else "")
    if end == ":":
        return (f"(?{words}:" if words else "(?:"), flags.end(), multiline
    if at == 0 or not words:  # flags for all that follows
        return (f"(?{on})" if on else ""), flags.end(), multiline
    rest = _translated(pattern[flags.end() :])
    return f"(?{words}:{rest})", len(pattern), multiline


def _escape(pattern: str, at: int, inside: bool) -> tuple[str, int]:
    """One escape, as Python has it, and where it ends."""
    if at + 1 >= len(pattern):
        raise re.error("trailing backslash", pattern, at)
    char = pattern[at + 1]
    if char in "dws":
        return (_PERL[char] if inside else f"[{_PERL[char]}]"), at + 2
    if char in "DWS":
        low = char.lower()
        return (f"\\{char}" if inside else f"[^{_PERL[low]}]"), at + 2
    if char == "z":
        return r"\Z", at + 2
    if char in "AbBntrfva" and not (inside and char in "AbB"):
        return f"\\{char}", at + 2
    if char == "Q":
        end = pattern.find(r"\E", at)
        text = pattern[at + 2 : end if end >= 0 else len(pattern)]
        return re.escape(text), (end + 2 if end >= 0 else len(pattern))
    if char in "pP":
        return _unicode(pattern, at, inside)
    if char == "x":
        return _hexadecimal(pattern, at)
    if char.isdigit() and char == "0":
        return f"\\{char}", at + 2
    if char in _LITERAL:
        return re.escape(char), at + 2
    raise re.error("bad escape", pattern, at)


def _hexadecimal(pattern: str, at: int) -> tuple[str, int]:
    found = re.compile(r"\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})").match(pattern, at)
    if not found:
        raise re.error("bad escape", pattern, at)
    return re.escape(chr(int(found.group(1) or found.group(2), 16))), found.end()


def _unicode(pattern: str, at: int, inside: bool) -> tuple[str, int]:
    found = re.compile(r"\\([pP])(?:(\w)|\{(\^?)(\w+)\})").match(pattern, at)
    name = found and (found.group(2) or found.group(4))
    if not found or name not in _UNICODE:
        raise re.error("invalid character class range", pattern, at)
    negated = (found.group(1) == "P") != bool(found.group(3))
    members = _UNICODE[name]
    if inside:  # a class cannot hold another one: letters are told by the plain ones
        return ("A-Za-z\u00aa-\U0001ffff" if name == "L" else members), found.end()
    if negated:
        return (rf"(?:(?![{members}])[\s\S])"), found.end()
    return f"[{members}]", found.end()


def _class(pattern: str, at: int) -> tuple[str, int]:
    """A bracket expression, with POSIX names inside."""
    start, out = at, ["["]
    at += 1
    if pattern[at : at + 1] == "^":
        out.append("^")
        at += 1
    first = True
    while True:
        if at >= len(pattern):
            raise re.error("unterminated character set", pattern, start)
        char = pattern[at]
        if char == "]" and not first:
            return "".join([*out, "]"]), at + 1
        first = False
        named = re.compile(r"\[:(\^?)(\w+):\]").match(pattern, at)
        if named and named.group(2) in _CLASSES:
            out.append(_CLASSES[named.group(2)])
            at = named.end()
        elif char == "\\":
            text, at = _escape(pattern, at, inside=True)
            out.append(text)
        else:
            out.append("\\" + char if char in "[&~|]" else char)
            at += 1


def _words(pattern: str, error: Exception) -> str:
    """Go's text for a pattern that Python refuses."""
    text = str(error)
    position = getattr(error, "pos", None) or 0
    rest = pattern[position:]
    if "unterminated character set" in text:
        return f"missing closing ]: `{rest}`"
    if "missing ), unterminated" in text:
        return f"missing closing ): `{pattern}`"
    if "unbalanced parenthesis" in text:
        return f"unexpected ): `{pattern}`"
    if "nothing to repeat" in text:
        return f"missing argument to repetition operator: `{rest[:1] or pattern[:1]}`"
    if "multiple repeat" in text:
        return f"invalid nested repetition operator: `{pattern[max(0, position - 1) : position + 1]}`"
    if "trailing backslash" in text or "bad escape (end" in text:
        return "trailing backslash at end of expression: ``"
    if "bad escape" in text:
        return f"invalid escape sequence: `{rest[:2]}`"
    if "bad character range" in text:
        return f"invalid character class range: `{text.split()[3]}`"
    if "unknown extension" in text:
        return f"invalid or unsupported Perl syntax: `{rest[:3]}`"
    if "invalid character class range" in text:
        found = re.match(r"\\[pP](\{\^?\w+\}|\w)", rest)
        return f"invalid character class range: `{found.group(0) if found else rest}`"
    return f"invalid repeat count: `{pattern}`" if isinstance(error, OverflowError) else f"{text}: `{pattern}`"

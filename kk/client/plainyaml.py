"""The YAML that kubeconfigs are written in: block mappings and lists of plain words. PyYAML costs the command line 15 ms on every start.

`read` understands that much and nothing more; for anything else it gives None, and the caller asks PyYAML.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WORDS: dict[str, Any] = {
    "true": True,
    "false": False,
    "null": None,
    "~": None,
    "": None,
    "{}": {},
    "[]": [],
    '""': "",
    "''": "",
}
#: words that YAML 1.1 takes for booleans; PyYAML shall decide
_DOUBTFUL = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])
_SPECIAL = frozenset("'\"{[&*!|>%@`#,?:-+.0123456789=<~]}")


class _NotPlain(Exception):
    """Something that only a YAML parser may read."""


def read(text: str) -> dict[str, Any] | None:
    """The mapping that the text is, None where it is not plain enough to be sure."""
    try:
        lines = [_line(raw) for raw in text.splitlines() if raw.strip() and not raw.lstrip().startswith("#")]
        if lines and lines[0] == (0, "---"):
            del lines[0]
        if not lines:
            return None
        found, end = _mapping(lines, 0, 0)
    except (_NotPlain, RecursionError):
        return None
    return found if end == len(lines) else None


def _line(raw: str) -> tuple[int, str]:
    content = raw.strip(" ")
    if "\t" in raw or " #" in content or content != raw.strip():
        raise _NotPlain
    return len(raw) - len(raw.lstrip(" ")), content


def _mapping(lines: list[tuple[int, str]], at: int, indent: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    while at < len(lines) and lines[at][0] == indent and not lines[at][1].startswith("- "):
        key, colon, value = lines[at][1].partition(":")
        if not colon or not key or key[0] in _SPECIAL or key in found or key.lower() in _DOUBTFUL or " " in key:
            raise _NotPlain
        if value and value[0] != " ":
            raise _NotPlain
        at += 1
        if value.strip():
            found[key] = _scalar(value.strip())
        else:
            found[key], at = _below(lines, at, indent)
    if at < len(lines) and lines[at][0] > indent:
        raise _NotPlain
    return found, at


def _below(lines: list[tuple[int, str]], at: int, indent: int) -> tuple[Any, int]:
    """What stands under a key: a mapping, a list (which may stand as far left as the key), or nothing."""
    if at < len(lines):
        inner, content = lines[at]
        if content.startswith("- ") and inner >= indent:
            return _list(lines, at, inner)
        if inner > indent:
            return _mapping(lines, at, inner)
    return None, at


def _list(lines: list[tuple[int, str]], at: int, indent: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    while at < len(lines) and lines[at][0] == indent and lines[at][1].startswith("- "):
        rest = lines[at][1][2:]
        content = rest.lstrip(" ")
        if ": " in content or content.endswith(":"):
            inner = indent + 2 + len(rest) - len(content)
            lines[at] = (inner, content)
            item, at = _mapping(lines, at, inner)
            found.append(item)
        else:
            found.append(_scalar(content))
            at += 1
    return found, at


def _scalar(text: str) -> Any:
    if text in _WORDS:
        value = _WORDS[text]
        return type(value)() if isinstance(value, (dict, list)) else value
    if text[0] == '"' and text[-1] == '"' and len(text) > 1 and "\\" not in text and '"' not in text[1:-1]:
        return text[1:-1]
    if text[0] in _SPECIAL or ": " in text or text.endswith(":") or text.lower() in _DOUBTFUL:
        raise _NotPlain
    return text

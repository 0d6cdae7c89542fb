"""`-o kyaml`: YAML in flow style with every string quoted, the dialect that reads the same in every YAML parser."""

from __future__ import annotations

import json
import re

from ..context import Env
from . import without_managed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*\Z")
_AMBIGUOUS = re.compile(r"(?i)(y|n|yes|no|on|off|true|false|null|~)\Z")


def text(value: Any, indent: str = "", sort: bool = True) -> str:
    """The value in kyaml, without a newline at its end."""
    inner = indent + "  "
    if isinstance(value, dict):
        if not value:
            return "{}"
        lines = [f"{inner}{_key(k)}: {text(value[k], inner, sort)},\n" for k in (sorted(value) if sort else value)]
        return "{\n" + "".join(lines) + indent + "}"
    if isinstance(value, list):
        if not value:
            return "[]"
        if all(isinstance(v, dict) for v in value):
            return "[" + ", ".join(text(v, indent, sort) for v in value) + "]"
        return "[\n" + "".join(f"{inner}{text(v, inner, sort)},\n" for v in value) + indent + "]"
    if isinstance(value, str) and "\n" in value:
        return _lines(value, inner)
    return json.dumps(value, ensure_ascii=False)


def _lines(value: str, indent: str) -> str:
    """Text of several lines: each on a line of its own, the line ends escaped."""
    parts = value.split("\n")
    shown = [f" {_quoted(p)}\\n\\\n" for p in parts[:-1]]
    if parts[-1]:
        shown.append(f" {_quoted(parts[-1])}\\\n")
    return '"\\\n' + "".join(indent + s for s in shown) + indent + '"'


def _quoted(line: str) -> str:
    text = json.dumps(line, ensure_ascii=False)[1:-1]
    return "\\" + text if text[:1] in (" ", "\t") else text


def _key(key: str) -> str:
    return key if _BARE.match(key) and not _AMBIGUOUS.match(key) else json.dumps(key, ensure_ascii=False)


class KYAMLPrinter:
    """Writes objects as kyaml documents, each after `---`."""

    def __init__(self, env: Env, argument: str = ""):
        self.env, self.sort = env, True

    def show(self, obj: dict[str, Any]) -> None:
        """Write one object."""
        self.env.out("---")
        self.env.out(text(without_managed(self.env, obj), sort=self.sort))


PRINTER = KYAMLPrinter

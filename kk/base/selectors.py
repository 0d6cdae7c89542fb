"""Label and field selectors: parsing, matching, and the text form.

Grammar and error words follow k8s.io/apimachinery `pkg/labels/selector.go` and `pkg/fields/selector.go`.
Which fields may be selected is the server's to say.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from kk.base import names
from kk.base.errors import show

_TOKEN = re.compile(r"\s*(==|!=|=|!|\(|\)|,|>|<|[^\s=!(),<>]+)")
_BINARY = ("in", "notin", "=", "==", "!=", "gt", "lt")
_SYMBOLS = {"=": "=", "==": "==", "!=": "!=", ">": "gt", "<": "lt", "in": "in", "notin": "notin"}
_SPECIAL = frozenset(("==", "!=", "=", "!", "(", ")", ",", ">", "<", ""))

#: characters of a selector's text that is worth remembering
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition: `op` is =, ==, !=, in, notin, exists, !, gt or lt; values are sorted and distinct."""

    key: str
    op: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet the condition."""
        value = labels.get(self.key)
        op = self.op
        if op in ("=", "==", "in"):
            return value is not None and value in self.values
        if op in ("!=", "notin"):
            return value is None or value not in self.values
        if op == "exists":
            return value is not None
        if op == "!":
            return value is None
        number = _int(value)
        if number is None:
            return False
        bound = int(self.values[0])
        return number > bound if op == "gt" else number < bound

    def __str__(self) -> str:
        if self.op == "exists":
            return self.key
        if self.op == "!":
            return "!" + self.key
        joined = ",".join(self.values)
        if self.op in ("in", "notin"):
            return f"{self.key} {self.op} ({joined})"
        return self.key + {"gt": ">", "lt": "<"}.get(self.op, self.op) + joined


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All requirements must hold; `nothing` selectors match no labels at all."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        """Whether a label map is selected; None is an empty map."""
        if self.nothing:
            return False
        labels = labels or {}
        return all(r.matches(labels) for r in self.requirements)

    @property
    def empty(self) -> bool:
        """Whether everything is selected."""
        return not self.requirements and not self.nothing

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


EVERYTHING = LabelSelector()
NOTHING = LabelSelector(nothing=True)


def _int(text: str | None) -> int | None:
    if text is None or not re.fullmatch(r"[+-]?[0-9]+", text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


def _requirement(key: str, op: str, values: Iterable[str]) -> Requirement:
    kept = tuple(sorted(set(values)))
    faults = []
    if wrong := names.qualified_name(key):
        faults.append(f"key: Invalid value: {show(key)}: {'; '.join(wrong)}")
    if op in ("in", "notin") and not kept:
        faults.append("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty")
    if op in ("gt", "lt"):
        faults += [
            f"values[{i}]: Invalid value: {show(v)}: for 'Gt', 'Lt' operators, the value must be an integer"
            for i, v in enumerate(kept)
            if _int(v) is None
        ]
    for i, value in enumerate(kept):
        if wrong := names.label_value(value):
            faults.append(f"values[{i}][{key}]: Invalid value: {show(value)}: {'; '.join(wrong)}")
    if faults:
        faults = list(dict.fromkeys(faults))
        raise ValueError(faults[0] if len(faults) == 1 else "[" + ", ".join(faults) + "]")
    return Requirement(key, op, kept)


class _Parser:
    """Recursive descent over the tokens of a label selector; the last token is the empty string."""

    def __init__(self, text: str):
        self.tokens: list[str] = []
        position = 0
        while found := _TOKEN.match(text, position):
            self.tokens.append(found.group(1))
            position = found.end()
        self.tokens.append("")
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at]

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def parse(self) -> tuple[Requirement, ...]:
        found: list[Requirement] = []
        while (token := self.peek()) != "":
            if token in _SPECIAL and token != "!":
                raise ValueError(f"found '{token}', expected: !, identifier, or 'end of string'")
            try:
                found.append(self.requirement())
            except ValueError as error:
                raise ValueError(f"unable to parse requirement: {error}") from None
            after = self.take()
            if after == "":
                break
            if after != ",":
                raise ValueError(f"found '{after}', expected: ',' or 'end of string'")
            if self.peek() in _SPECIAL and self.peek() != "!":
                raise ValueError(f"found '{self.peek()}', expected: identifier after ','")
        return tuple(sorted(found, key=lambda r: r.key))

    def requirement(self) -> Requirement:
        negated = self.peek() == "!"
        if negated:
            self.take()
        key = self.take()
        if key in _SPECIAL:
            raise ValueError(f"found '{key}', expected: identifier")
        if wrong := names.qualified_name(key):
            raise ValueError(f"<nil>: Invalid value: {show(key)}: {'; '.join(wrong)}")
        if self.peek() in ("", ","):
            return _requirement(key, "!" if negated else "exists", ())
        token = self.take()
        if token not in _SYMBOLS:
            raise ValueError(f"found '{token}', expected: {', '.join(_BINARY)}")
        op = _SYMBOLS[token]
        return _requirement(key, op, self.values() if op in ("in", "notin") else self.exact())

    def exact(self) -> list[str]:
        if self.peek() in ("", ","):
            return [""]
        value = self.take()
        if value in _SPECIAL:
            raise ValueError(f"found '{value}', expected: identifier")
        return [value]

    def values(self) -> list[str]:
        token = self.take()
        if token != "(":
            raise ValueError(f"found '{token}' expected: '('")
        token = self.peek()
        if token == ")":
            self.take()
            return [""]
        if token in _SPECIAL and token != ",":
            raise ValueError(f"found '{token}', expected: ',', ')' or identifier")
        found: list[str] = []
        while True:
            token = self.take()
            if token == ",":
                if not found:
                    found.append("")
                if self.peek() in (")", ","):
                    found.append("")
                if self.peek() == ")":
                    break
            elif token in _SPECIAL:
                raise ValueError(f"found '{token}', expected: ',', or identifier")
            else:
                found.append(token)
                if self.peek() == ")":
                    break
                if self.peek() != ",":
                    raise ValueError(f"found '{self.peek()}', expected: ',' or ')'")
        self.take()
        return found


@lru_cache(maxsize=1024)
def _parsed(text: str) -> LabelSelector:
    return LabelSelector(_Parser(text).parse())


def parse_labels(text: str) -> LabelSelector:
    """A selector from its text (`a=b,c in (d,e),!f,g>1`); an empty text selects everything. Raises ValueError."""
    return _parsed(text) if len(text) <= _LONGEST else _parsed.__wrapped__(text)


def from_map(labels: Mapping[str, str] | None) -> LabelSelector:
    """A selector that wants exactly these labels; none at all selects everything (labels.SelectorFromSet)."""
    return LabelSelector(tuple(Requirement(k, "=", (v,)) for k, v in sorted((labels or {}).items())))


_EXPRESSIONS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}


def from_label_selector(selector: Mapping[str, Any] | None) -> LabelSelector:
    """A selector from metav1.LabelSelector: None selects nothing, an empty one everything. Raises ValueError."""
    if selector is None:
        return NOTHING
    found = [_requirement(k, "=", (v,)) for k, v in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        operator = expression.get("operator", "")
        if operator not in _EXPRESSIONS:
            raise ValueError(f"{show(operator)} is not a valid label selector operator")
        values = expression.get("values") or ()
        if operator in ("Exists", "DoesNotExist") and values:
            raise ValueError(
                "values: Invalid value: "
                + show(list(values))
                + ": values set must be empty for exists and does not exist"
            )
        found.append(_requirement(expression.get("key", ""), _EXPRESSIONS[operator], values))
    return LabelSelector(tuple(sorted(found, key=lambda r: r.key)))


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """All (field, op, value) must hold; op is = or !=."""

    requirements: list[tuple[str, str, str]] = field(default_factory=list)

    def matches(self, get: Callable[[str], str]) -> bool:
        """Whether an object is selected; `get` gives a field's value, "" where it is unset."""
        return all((get(name) == value) is (op == "=") for name, op, value in self.requirements)

    def __str__(self) -> str:
        return ",".join(f"{name}{op}{escape(value)}" for name, op, value in self.requirements)


def escape(value: str) -> str:
    """A value as it stands in a field selector."""
    return re.sub(r"([\\,=])", r"\\\1", value)


def _unescape(value: str) -> str:
    out: list[str] = []
    slash = False
    for char in value:
        if slash:
            if char not in "\\,=":
                raise ValueError(f"invalid field selector: invalid escape sequence: \\{char}")
            out.append(char)
            slash = False
        elif char == "\\":
            slash = True
        elif char in ",=":
            raise ValueError(f"invalid field selector: unescaped character in value: {ord(char)}")
        else:
            out.append(char)
    if slash:
        raise ValueError("invalid field selector: invalid escape sequence: \\")
    return "".join(out)


def parse_fields(text: str) -> FieldSelector:
    """A field selector from its text (`metadata.name=a,spec.nodeName!=b`). Raises ValueError."""
    found = []
    for term in sorted(re.findall(r"(?:[^,\\]|\\.|\\$)+", text, re.DOTALL)):
        split = re.search(r"!=|==|=", term)
        if not split:
            raise ValueError(f"invalid selector: '{text}'; can't understand '{term}'")
        op = "!=" if split.group() == "!=" else "="
        found.append((term[: split.start()], op, _unescape(term[split.end() :])))
    return FieldSelector(found)

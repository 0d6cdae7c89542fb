"""Types of CEL as tuples, how messages print them, and when one may stand for another.

A type is (kind, …): ("int",), ("list", T), ("map", K, V), ("type", T), ("object", name), ("opaque", name, …), ("param", name).
The rules of assignability are those of the CEL specification (as google/cel-go `checker/types.go` has them).
"""

from collections.abc import Callable, Iterable
from typing import Any

Type = tuple[Any, ...]

DYN: Type = ("dyn",)
ERROR: Type = ("error",)
NULL: Type = ("null",)
BOOL: Type = ("bool",)
INT: Type = ("int",)
UINT: Type = ("uint",)
DOUBLE: Type = ("double",)
STRING: Type = ("string",)
BYTES: Type = ("bytes",)
TIMESTAMP: Type = ("timestamp",)
DURATION: Type = ("duration",)
TYPE: Type = ("type",)

_NULLABLE = frozenset(("opaque", "object", "null", "timestamp", "duration"))
_NAMED = {"null": "null", "error": "!error!", "timestamp": "timestamp", "duration": "duration"}


def list_of(element: Type) -> Type:
    """list(T)."""
    return ("list", element)


def map_of(key: Type, value: Type) -> Type:
    """map(K, V)."""
    return ("map", key, value)


def optional_of(inner: Type) -> Type:
    """optional_type(T)."""
    return ("opaque", "optional_type", inner)


def show(t: Type) -> str:
    """A type as messages print it."""
    kind = t[0]
    if kind in ("list", "map"):
        return f"{kind}({', '.join(show(p) for p in t[1:])})"
    if kind == "type":
        return f"type({show(t[1])})" if len(t) > 1 else "type"
    if kind == "opaque":
        return f"{t[1]}({', '.join(show(p) for p in t[2:])})" if len(t) > 2 else str(t[1])
    if kind in ("object", "param"):
        return str(t[1])
    return str(_NAMED.get(kind, kind))


def signature(arguments: "list[Type]", member: bool) -> str:
    """The arguments of a call as messages print them."""
    if member:
        return f"{show(arguments[0])}.({', '.join(show(a) for a in arguments[1:])})"
    return f"({', '.join(show(a) for a in arguments)})"


class Mapping(dict[Type, Type]):
    """What type parameters stand for."""

    def assignable(self, a: Type, b: Type) -> bool:
        """Whether a may stand for b; learns of parameters, and forgets again where the answer is no."""
        saved = dict(self)
        if self._assignable(a, b):
            return True
        self.clear()
        self.update(saved)
        return False

    def assignable_all(self, a: "list[Type]", b: "list[Type]") -> bool:
        """The same for lists of one length."""
        if len(a) != len(b):
            return False
        saved = dict(self)
        if all(self._assignable(x, y) for x, y in zip(a, b, strict=True)):
            return True
        self.clear()
        self.update(saved)
        return False

    def _assignable(self, a: Type, b: Type) -> bool:
        if b[0] == "param":
            valid, known = self._substitute(a, b)
            if valid:
                return True
            if known:
                return False
        if a[0] == "param":
            return self._substitute(b, a)[0]
        if a[0] in ("dyn", "error") or b[0] in ("dyn", "error"):
            return True
        if a[0] == "null":
            return b[0] in _NULLABLE
        if a[0] != b[0]:
            return False
        if a[0] == "type":
            return True
        if a[0] in ("list", "map"):
            return all(self._assignable(x, y) for x, y in zip(a[1:], b[1:], strict=True))
        if a[0] == "opaque":
            return (
                a[1] == b[1]
                and len(a) == len(b)
                and all(self._assignable(x, y) for x, y in zip(a[2:], b[2:], strict=True))
            )
        return a == b

    def _substitute(self, a: Type, b: Type) -> tuple[bool, bool]:
        held = self.get(b)
        if held is not None:
            if a == held:
                return True, True
            if self._assignable(a, held):
                self[b] = most_general(a, held)
                return True, True
            return False, True
        if self._free(b, a):
            self[b] = a
            return True, False
        return False, False

    def _free(self, t: Type, within: Type) -> bool:
        if t == within:
            return False
        if within[0] == "param":
            held = self.get(within)
            return held is None or self._free(t, held)
        return all(self._free(t, p) for p in within[1:] if isinstance(p, tuple))

    def resolve(self, t: Type, to_dyn: bool = False) -> Type:
        """A type with all that is known put in; unknown parameters stay, or become dyn."""
        if t in self:
            return self.resolve(self[t], to_dyn)
        if t[0] == "param":
            return DYN if to_dyn else t
        if len(t) == 1:
            return t
        return tuple(self.resolve(p, to_dyn) if isinstance(p, tuple) else p for p in t)


def most_general(a: Type, b: Type) -> Type:
    """The wider of two that unify."""
    return a if _wider(a, b) else b


def _wider(a: Type, b: Type) -> bool:
    if a[0] in ("dyn", "param"):
        return True
    if b[0] in ("dyn", "param") or a[0] != b[0]:
        return False
    if a[0] == "type":
        return True
    if len(a) != len(b):
        return False
    return all(_wider(x, y) if isinstance(x, tuple) else x == y for x, y in zip(a[1:], b[1:], strict=True))


_SIMPLE = {t[0]: t for t in (DYN, NULL, BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION, TYPE)} | {
    "null_type": NULL
}


def parse(text: str) -> Type:
    """A type from its text: "list(A)" (one capital letter is a parameter), "map(string, int)", "optional(A)", "kubernetes.Quantity"."""
    text = text.strip()
    if text in _SIMPLE:
        return _SIMPLE[text]
    if len(text) == 1 and text.isupper():
        return ("param", text)
    if text.endswith(")"):
        head, _, inner = text[:-1].partition("(")
        parts = [parse(p) for p in split(inner)]
        if head in ("list", "map", "type"):
            return (head, *parts)
        return ("opaque", "optional_type" if head == "optional" else head, *parts)
    return ("opaque", text)


def split(text: str) -> Iterable[str]:
    """Pieces between commas that stand in no parentheses."""
    depth, piece = 0, ""
    for char in text:
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            yield piece
            piece = ""
        else:
            piece += char
    if piece.strip():
        yield piece


class Overload:
    """One signature of a function."""

    __slots__ = ("id", "arguments", "result", "member", "parameters")

    def __init__(self, id: str, arguments: "list[Type]", result: Type, member: bool):
        self.id, self.arguments, self.result, self.member = id, arguments, result, member
        found: set[Type] = set()
        for t in (*arguments, result):
            _parameters(t, found)
        self.parameters = found


def _parameters(t: Type, found: "set[Type]") -> None:
    if t[0] == "param":
        found.add(t)
    for p in t[1:]:
        if isinstance(p, tuple):
            _parameters(p, found)


def overloads(text: str, into: "dict[str, list[Overload]]") -> None:
    """Signatures, one a line: "name id (int, int) -> bool", or "name id string.(int) -> bool" for a member function."""
    for line in text.strip().splitlines():
        if not line.strip():
            continue
        name, id, rest = line.strip().split(None, 2)
        left, _, result = rest.rpartition(" -> ")
        receiver, _, inner = left.partition("(") if left.startswith("(") else left.partition(".(")
        arguments = [parse(p) for p in split(inner.rstrip()[:-1])]
        member = bool(receiver)
        if member:
            arguments.insert(0, parse(receiver))
        into.setdefault(name, []).append(Overload(id, arguments, parse(result), member))


Implementation = Callable[..., Any]

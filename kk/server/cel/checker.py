"""The type checker: gives every node a type and every call its overloads, and says what is wrong in the words of upstream's checker.

The algorithm is the CEL specification's (google/cel-go `checker/checker.go`): unification with type parameters, dyn fits everywhere.
"""

from collections.abc import Callable
from typing import Any

from kk.server.cel import types as t
from kk.server.cel.syntax import Faults, Node, Parsed, Uint
from kk.server.cel.types import Mapping, Overload, Type

#: (name of an object type, field) → the field's type, or None where there is none
Fields = Callable[[str, str], "Type | None"]

_CONSTS: dict[type, Type] = {
    bool: t.BOOL,
    int: t.INT,
    Uint: t.UINT,
    float: t.DOUBLE,
    str: t.STRING,
    bytes: t.BYTES,
    type(None): t.NULL,
}
_TYPES = {
    **{name: ("type", (name,)) for name in ("bool", "bytes", "double", "int", "string", "uint")},
    "null_type": ("type", t.NULL),
    "list": ("type", ("list", t.DYN)),
    "map": ("type", ("map", t.DYN, t.DYN)),
    "type": ("type", t.TYPE),
    "google.protobuf.Timestamp": ("type", t.TIMESTAMP),
    "google.protobuf.Duration": ("type", t.DURATION),
    "optional_type": ("type", t.optional_of(t.DYN)),
}


class Checked:
    """What the checker found out. `references`: id → overload ids of a call, or the full name of an identifier."""

    __slots__ = ("parsed", "types", "overloads", "names", "result")

    def __init__(self, parsed: Parsed):
        self.parsed = parsed
        self.types: dict[int, Type] = {}
        self.overloads: dict[int, list[str]] = {}
        #: ids of selects that are one qualified name, and of calls whose receiver is a namespace
        self.names: dict[int, str] = {}
        self.result: Type = t.DYN


class Checker:
    """See the module's docstring. `structs(name)` tells whether a message type of that name can be constructed."""

    def __init__(
        self,
        variables: dict[str, Type],
        functions: dict[str, list[Overload]],
        fields: Fields,
        structs: "Callable[[str], bool] | None" = None,
    ):
        self._scopes: list[dict[str, Type]] = [variables]
        self._functions, self._fields, self._structs = functions, fields, structs
        self._mapping, self._free = Mapping(), 0
        self._faults: list[tuple[int, int, str]] = []

    def check(self, parsed: Parsed) -> Checked:
        """Types of an expression. Raises Faults."""
        self._out = Checked(parsed)
        self._types = self._out.types
        self._check(parsed.root)
        if self._faults:
            seen = dict.fromkeys(sorted(self._faults, key=lambda f: f[:2]))
            raise Faults("\n".join(text for _, _, text in seen))
        resolve = self._mapping.resolve
        for id, found in self._types.items():
            self._types[id] = resolve(found, True)
        self._out.result = self._types[parsed.root.id]
        return self._out

    def _fault(self, id: int, message: str) -> None:
        self._faults.append(self._out.parsed.fault(id, message))

    def _undeclared(self, id: int, name: str) -> None:
        self._fault(id, f"undeclared reference to '{name}' (in container '')")

    def _fresh(self) -> Type:
        self._free += 1
        return ("param", f"_var{self._free - 1}")

    def _lookup(self, name: str) -> "Type | None":
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        found = _TYPES.get(name)
        if found is None and self._structs is not None and self._structs(name):
            return ("type", ("object", name))
        return found

    def _check(self, e: Node) -> Type:
        found = getattr(self, "_" + e.kind)(e)
        self._types[e.id] = found
        return found

    def _const(self, e: Node) -> Type:
        return _CONSTS[type(e.value)]

    def _ident(self, e: Node) -> Type:
        found = self._lookup(e.name)
        if found is None:
            self._undeclared(e.id, e.name)
            return t.ERROR
        return found

    def _select(self, e: Node) -> Type:
        name = qualified(e)
        if name and not e.test:
            found = self._lookup(name)
            if found is not None:
                self._out.names[e.id] = name
                return found
        assert e.operand is not None
        target = self._check(e.operand)
        found = self._field(e.id, target, e.name, False)
        return t.BOOL if e.test else found

    def _field(self, id: int, target: Type, field: str, optional: bool) -> Type:
        target = self._mapping.resolve(target)
        kind = target[0]
        if kind == "opaque" and target[1] == "optional_type":
            inner = self._field(id, target[2], field, optional)
            return inner if inner[:2] == ("opaque", "optional_type") else t.optional_of(inner)
        if kind in ("dyn", "error"):
            return t.DYN
        if kind == "map":
            return target[2]
        if kind == "object":
            found = self._fields(target[1], field)
            if found is None:
                self._fault(id, f"undefined field '{field}'")
                return t.ERROR
            return found
        if kind == "param":
            self._mapping.assignable(t.DYN, target)
            return t.DYN
        self._fault(id, f"type '{t.show(target)}' does not support field selection")
        return t.ERROR

    def _call(self, e: Node) -> Type:
        if e.name == "_?._":
            target, field = e.args
            inner = self._field(e.id, self._check(target), str(field.value), True)
            self._types[field.id] = t.STRING
            self._out.overloads[e.id] = ["select_optional_field"]
            return inner if inner[:2] == ("opaque", "optional_type") else t.optional_of(inner)
        if e.operand is not None:
            name = qualified(e.operand)
            if name and f"{name}.{e.name}" in self._functions and self._lookup(name) is None:
                self._out.names[e.id] = f"{name}.{e.name}"
                return self._resolve(e, f"{name}.{e.name}", [self._check(a) for a in e.args], False)
            arguments = [self._check(e.operand), *(self._check(a) for a in e.args)]
        else:
            arguments = [self._check(a) for a in e.args]
        if e.name not in self._functions:
            self._undeclared(e.id, e.name)
            return t.ERROR
        return self._resolve(e, e.name, arguments, e.operand is not None)

    def _resolve(self, e: Node, name: str, arguments: "list[Type]", member: bool) -> Type:
        result: Type | None = None
        ids: list[str] = []
        for overload in self._functions[name]:
            if overload.member != member:
                continue
            wanted, gives = overload.arguments, overload.result
            if overload.parameters:
                fresh = Mapping((p, self._fresh()) for p in overload.parameters)
                wanted, gives = [fresh.resolve(w) for w in wanted], fresh.resolve(gives)
            if not self._mapping.assignable_all(arguments, wanted):
                continue
            ids.append(overload.id)
            found = self._mapping.resolve(gives)
            result = found if result is None or result == found else t.DYN
        if result is None:
            shown = [self._mapping.resolve(a, True) for a in arguments]
            self._fault(e.id, f"found no matching overload for '{name}' applied to '{t.signature(shown, member)}'")
            return t.ERROR
        self._out.overloads[e.id] = ids
        return result

    def _join(self, id: int, previous: "Type | None", current: Type) -> Type:
        if previous is None:
            return current
        if self._mapping.assignable(previous, current):
            return t.most_general(previous, current)
        return t.DYN

    def _list(self, e: Node) -> Type:
        element: Type | None = None
        for index, item in enumerate(e.args):
            found = self._check(item)
            if index in e.optional:
                found = self._unwrapped(item.id, found)
            element = self._join(item.id, element, found)
        return t.list_of(element if element is not None else self._fresh())

    def _unwrapped(self, id: int, found: Type) -> Type:
        if found[:2] == ("opaque", "optional_type"):
            return found[2]
        if found[0] != "dyn":
            self._fault(id, f"expected type 'optional_type({t.show(found)})' but found '{t.show(found)}'")
        return found

    def _struct(self, e: Node) -> Type:
        if e.name:
            return self._message(e)
        key: Type | None = None
        value: Type | None = None
        for name, item, optional, _ in e.args:
            key = self._join(name.id, key, self._check(name))
            found = self._check(item)
            if optional:
                found = self._unwrapped(item.id, found)
            value = self._join(item.id, value, found)
        return t.map_of(key or self._fresh(), value or self._fresh())

    def _message(self, e: Node) -> Type:
        found = self._lookup(e.name)
        if found is None:
            self._undeclared(e.id, e.name)
            return t.ERROR
        if found[0] != "type":
            self._fault(e.id, f"'{e.name}' is not a type")
            return t.ERROR
        message: Type = found[1]
        if message[0] != "object":
            self._fault(e.id, f"'{e.name}' is not a message type")
            return t.ERROR
        for name, item, optional, id in e.args:
            value = self._check(item)
            field = self._fields(message[1], name)
            if field is None:
                self._fault(id, f"undefined field '{name}'")
                continue
            if optional:
                value = self._unwrapped(item.id, value)
            if not self._mapping.assignable(field, value):
                shown = t.show(self._mapping.resolve(value, True))
                text = f"expected type of field '{name}' is '{t.show(field)}' but provided type is '{shown}'"
                self._fault(id, text)
        return message

    def _fold(self, e: Node) -> Type:
        fold = e.fold
        assert fold is not None
        ranged, accu = self._mapping.resolve(self._check(fold.range)), self._check(fold.init)
        first, second = self._iterated(fold.range.id, ranged, bool(fold.var2))
        self._scopes.append({fold.accu: accu})
        self._scopes.append({fold.var: first, fold.var2: second} if fold.var2 else {fold.var: first})
        self._expect(fold.condition, t.BOOL)
        self._expect(fold.step, accu)
        self._scopes.pop()
        result = self._check(fold.result)
        self._scopes.pop()
        return self._mapping.resolve(result)

    def _iterated(self, id: int, ranged: Type, two: bool) -> tuple[Type, Type]:
        kind = ranged[0]
        if kind == "list":
            return (t.INT, ranged[1]) if two else (ranged[1], t.DYN)
        if kind == "map":
            return ranged[1], ranged[2]
        if kind == "param":
            self._mapping.assignable(t.DYN, ranged)
        elif kind not in ("dyn", "error"):
            text = f"expression of type '{t.show(ranged)}' cannot be range of a comprehension (must be list, map, or dynamic)"
            self._fault(id, text)
            return t.ERROR, t.ERROR
        return t.DYN, t.DYN

    def _expect(self, e: Node, wanted: Type) -> None:
        found = self._check(e)
        if not self._mapping.assignable(wanted, found):
            shown = t.show(self._mapping.resolve(found, True))
            self._fault(e.id, f"expected type '{t.show(self._mapping.resolve(wanted, True))}' but found '{shown}'")


def qualified(e: Node) -> str:
    """The dotted name that a chain of selections is, or ""."""
    if e.kind == "ident":
        return e.name
    if e.kind == "select" and not e.test and e.operand is not None:
        head = qualified(e.operand)
        return f"{head}.{e.name}" if head else ""
    return ""


def nothing(name: str, field: str) -> Any:
    """Fields where there are no object types."""
    return None

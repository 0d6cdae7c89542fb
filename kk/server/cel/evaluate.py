"""Runs checked expressions: a tree becomes Python closures once, which then run over plain values and count what upstream counts.

Done here and not by the CEL library, because that one converts whole objects at each run, cannot hold opaque values (quantities, IP
addresses, authorizers), has no lazy variables and counts no costs. Costs are those of google/cel-go `interpreter/runtimecost.go`.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any

from kk.server.cel import costs
from kk.server.cel.checker import Checked
from kk.server.cel.syntax import Node
from kk.server.cel.values import (
    NONE,
    CelError,
    CostExceeded,
    Object,
    Optional,
    TypeValue,
    equal,
    no_overload,
    type_name,
)

#: the variable in which macros gather their result; no expression can name it
_ACCUMULATOR = "@result"
#: seconds after which a loop is broken off: costs do not tell all of the time that a call takes
_PATIENCE = 5.0
_EXCEEDED = "operation cancelled: actual cost limit exceeded"


class Run:
    """One run: variables, what it has cost, what it may cost, and until when it may go on."""

    __slots__ = ("variables", "cost", "limit", "_until")

    def __init__(self, variables: dict[str, Any], limit: int):
        self.variables, self.cost, self.limit, self._until = variables, 0, limit, 0.0

    def spend(self, cost: int) -> None:
        """Count. Raises CostExceeded."""
        self.cost += cost
        if self.cost > self.limit:
            raise CostExceeded(_EXCEEDED)

    def go_on(self) -> None:
        """Asked now and then by loops. Raises CostExceeded after too long a time, in the words of an evaluation whose request is over."""
        now = monotonic()
        if not self._until:
            self._until = now + _PATIENCE
        elif now > self._until:
            raise CostExceeded("operation interrupted")


Code = Callable[[Run], Any]


class Compiler:
    """Makes closures of a tree. `fields` turns the name of a typed object's field into the key it is kept under."""

    def __init__(self, checked: Checked, functions: dict[str, Any], unescape: Callable[[str], str]):
        self._checked, self._functions, self._unescape = checked, functions, unescape

    def code(self, e: Node) -> Code:
        """What computes a node."""
        return getattr(self, "_" + e.kind)(e)

    def _const(self, e: Node) -> Code:
        value = e.value
        return lambda run: value

    def _ident(self, e: Node) -> Code:
        return self._name(e.name, e.id)

    def _name(self, name: str, id: int) -> Code:
        kind = self._checked.types[id]

        def code(run: Run) -> Any:
            run.spend(1)
            variables = run.variables
            if name in variables:
                value = variables[name]
                return value.cel_value() if hasattr(value, "cel_value") else value
            if kind[0] == "type":
                return TypeValue(name)
            raise CelError(f"no such attribute(s): {name}")

        return code

    def _key(self, e: Node) -> str:
        assert e.operand is not None
        kind = self._checked.types[e.operand.id]
        while kind[:2] == ("opaque", "optional_type"):
            kind = kind[2]
        return self._unescape(e.name) if kind[0] == "object" else e.name

    def _select(self, e: Node) -> Code:
        named = self._checked.names.get(e.id)
        if named is not None:
            return self._name(named, e.id)
        assert e.operand is not None
        operand, key = self.code(e.operand), self._key(e)
        if e.test:
            return lambda run: present(run, operand(run), key)

        def code(run: Run) -> Any:
            value = operand(run)
            run.spend(1)
            if type(value) is dict:
                try:
                    return value[key]
                except KeyError:
                    raise CelError(f"no such key: {key}") from None
            return select(run, value, key)

        return code

    def _list(self, e: Node) -> Code:
        items, optional = [self.code(a) for a in e.args], frozenset(e.optional)
        if not optional and all(a.kind == "const" for a in e.args):
            constant = [a.value for a in e.args]
            return lambda run: constant

        def code(run: Run) -> Any:
            found = []
            for index, item in enumerate(items):
                value = item(run)
                if index in optional:
                    if not value.present:
                        continue
                    value = value.value
                found.append(value)
            run.spend(10)
            return found

        return code

    def _struct(self, e: Node) -> Code:
        entries = [
            (name if isinstance(name, str) else self.code(name), self.code(value), optional)
            for name, value, optional, _ in e.args
        ]
        typed, cost = e.name, 40 if e.name else 30

        def code(run: Run) -> Any:
            found: dict[Any, Any] = Object() if typed else {}
            for name, item, optional in entries:
                key = name if isinstance(name, str) else name(run)
                value = item(run)
                if optional:
                    if not isinstance(value, Optional):
                        raise CelError(f"cannot initialize optional entry '{key}' from non-optional value {value}")
                    if not value.present:
                        continue
                    value = value.value
                if not typed and key in found:
                    raise CelError("Failed with repeated key")
                found[key] = value
            run.spend(cost)
            if typed:
                found.name = typed  # type: ignore[attr-defined]
            return found

        return code

    def _fold(self, e: Node) -> Code:
        fold = e.fold
        assert fold is not None
        ranged, init, condition, step, result = (
            self.code(n) for n in (fold.range, fold.init, fold.condition, fold.step, fold.result)
        )
        accu, var, var2 = fold.accu, fold.var, fold.var2

        def code(run: Run) -> Any:
            items: Any = ranged(run)
            if not isinstance(items, (list, dict)):
                raise CelError(f"got '{type_name(items)}', expected iterable type")
            outer, inner = run.variables, dict(run.variables)
            inner[accu] = init(run)
            if type(inner[accu]) is list:
                inner[accu] = list(inner[accu])  # the fold's own, to grow
            run.variables = inner
            try:
                for index, item in enumerate(items):
                    if not index & 15:
                        run.go_on()
                    if var2:
                        inner[var], inner[var2] = (item, items[item]) if isinstance(items, dict) else (index, item)
                    else:
                        inner[var] = item
                    if condition(run) is False:
                        break
                    try:
                        inner[accu] = step(run)
                    except CostExceeded:
                        raise
                    except CelError as error:
                        inner[accu] = error
                found = result(run)
                if isinstance(found, CelError):
                    raise found
                return found
            finally:
                run.variables = outer

        return code

    # calls

    def _call(self, e: Node) -> Code:
        name = self._checked.names.get(e.id, e.name)
        special = _SPECIAL.get(name)
        nodes = e.args if e.operand is None or e.id in self._checked.names else [e.operand, *e.args]
        if special is not None:
            return special(self, e, [self.code(n) for n in nodes if not (name == "_?._" and n is nodes[1])])
        arguments = [self.code(n) for n in nodes]
        if name == "_+_" and nodes[0].kind == "ident" and nodes[0].name == _ACCUMULATOR and nodes[1].kind == "list":
            return _grown(arguments[0], arguments[1])
        overloads = self._checked.overloads.get(e.id) or []
        implementation, all_overloads = self._functions[name]
        price = costs.of_call(name, overloads[0] if len(overloads) == 1 else "")
        sure = all(self._checked.types[n.id][0] not in ("dyn", "param", "list", "map", "error") for n in nodes)
        member = e.operand is not None and e.id not in self._checked.names
        known: set[Any] = set()
        afterwards = name in costs.AFTERWARDS

        def code(run: Run) -> Any:
            values = [a(run) for a in arguments]
            for value in values:
                if isinstance(value, CelError):
                    raise value
            if not sure:
                shape = tuple(map(type_name, values))
                if shape not in known:
                    if not _fits(all_overloads, shape, member):
                        raise no_overload(name, *values)
                    known.add(shape)
            if not afterwards:  # so that no call is made that nobody can pay for
                run.spend(1 if price is None else price(values, None))
                return implementation(*values)
            found = implementation(*values)
            run.spend(1 if price is None else price(values, found))
            return found

        return code


def _grown(held: Code, more: Code) -> Code:
    """What map and filter add to their result: the list grows in place, since nothing else can hold it yet."""

    def code(run: Run) -> Any:
        found, items = held(run), more(run)
        if isinstance(found, CelError):
            raise found
        for item in items:
            if isinstance(item, CelError):
                raise item
        run.spend(1)
        found.extend(items)
        return found

    return code


def _fits(overloads: Any, shape: tuple[str, ...], member: bool) -> bool:
    return any(
        o.member == member
        and len(o.arguments) == len(shape)
        and all(_takes(a, s) for a, s in zip(o.arguments, shape, strict=True))
        for o in overloads
    )


_RUNTIME = {
    "timestamp": "google.protobuf.Timestamp",
    "duration": "google.protobuf.Duration",
    "null": "null_type",
}


def _takes(wanted: tuple[Any, ...], shape: str) -> bool:
    kind = wanted[0]
    if kind in ("dyn", "param"):
        return True
    if kind == "opaque":
        return bool(wanted[1] == shape)
    return bool(_RUNTIME.get(kind, kind) == shape)


def present(run: Run, value: Any, key: str) -> bool:
    """has()."""
    if isinstance(value, CelError):
        raise value
    if isinstance(value, dict):
        return key in value
    if isinstance(value, Optional):
        return value.present and present(run, value.value, key)
    if hasattr(value, "cel_has"):
        return bool(value.cel_has(key))
    raise no_overload()


def select(run: Run, value: Any, key: str) -> Any:
    """A field of what is no plain dict."""
    if isinstance(value, CelError):
        raise value
    if isinstance(value, dict):
        if key in value:
            return value[key]
        raise CelError(f"no such key: {key}")
    if isinstance(value, Optional):
        if not value.present:
            return NONE
        found = optional_index(value.value, key)
        return found
    if hasattr(value, "cel_select"):
        return value.cel_select(run, key)
    raise no_overload()


def index(value: Any, key: Any) -> Any:
    """value[key]."""
    if isinstance(value, list):
        if isinstance(key, bool) or not isinstance(key, (int, float)) or key != int(key):
            raise CelError(f"unsupported index type '{type_name(key)}' in list")
        if not 0 <= key < len(value):
            raise CelError(f"index out of bounds: {int(key)}")
        return value[int(key)]
    if isinstance(value, dict):
        if isinstance(key, (str, int, float)) and key in value:
            return value[key]
        raise CelError(f"no such key: {key}")
    if isinstance(value, Optional):
        return optional_index(value.value, key) if value.present else NONE
    raise no_overload("_[_]", value, key)


def optional_index(value: Any, key: Any) -> Optional:
    """value[?key]."""
    if isinstance(value, Optional):
        return optional_index(value.value, key) if value.present else NONE
    try:
        return Optional(True, index(value, key))
    except CelError as error:
        if str(error).startswith(("no such key", "index out of")):
            return NONE
        raise


def _and(self: Compiler, e: Node, args: "list[Code]") -> Code:
    return _logical(args[0], args[1], False, "_&&_")


def _or(self: Compiler, e: Node, args: "list[Code]") -> Code:
    return _logical(args[0], args[1], True, "_||_")


def _logical(left: Code, right: Code, short: bool, name: str) -> Code:
    """A side that decides makes up for an error of the other."""

    def code(run: Run) -> Any:
        fault: CelError | None = None
        try:
            first = left(run)
            if first is short:
                return short
            if isinstance(first, CelError):
                fault = first
        except CostExceeded:
            raise
        except CelError as error:
            fault, first = error, None
        second = right(run)
        if second is short:
            return short
        if fault is not None:
            raise fault
        if isinstance(second, CelError):
            raise second
        if isinstance(first, bool) and isinstance(second, bool):
            return not short
        raise no_overload(name, first, second)

    return code


def _conditional(self: Compiler, e: Node, args: "list[Code]") -> Code:
    test, then, other = args

    def code(run: Run) -> Any:
        chosen = test(run)
        if chosen is True:
            return then(run)
        if chosen is False:
            return other(run)
        if isinstance(chosen, CelError):
            raise chosen
        raise no_overload("_?_:_", chosen)

    return code


def _not_strictly_false(self: Compiler, e: Node, args: "list[Code]") -> Code:
    inner = args[0]

    def code(run: Run) -> Any:
        run.spend(1)
        try:
            return inner(run) is not False
        except CostExceeded:
            raise
        except CelError:
            return True

    return code


def _equal(self: Compiler, e: Node, args: "list[Code]") -> Code:
    return _compared(args, True)


def _unequal(self: Compiler, e: Node, args: "list[Code]") -> Code:
    return _compared(args, False)


def _compared(args: "list[Code]", wanted: bool) -> Code:
    left, right = args

    def code(run: Run) -> Any:
        a, b = left(run), right(run)
        if isinstance(a, CelError):
            raise a
        if isinstance(b, CelError):
            raise b
        run.spend(costs.equality([a, b], None))
        return equal(a, b) is wanted

    return code


def _index(self: Compiler, e: Node, args: "list[Code]") -> Code:
    operand, key = args

    def code(run: Run) -> Any:
        value, at = operand(run), key(run)
        run.spend(1)
        return index(value, at)

    return code


def _optional_index(self: Compiler, e: Node, args: "list[Code]") -> Code:
    operand, key = args

    def code(run: Run) -> Any:
        value, at = operand(run), key(run)
        run.spend(1)
        return optional_index(value, at)

    return code


def _optional_select(self: Compiler, e: Node, args: "list[Code]") -> Code:
    target, field = e.args
    kind = self._checked.types[target.id]
    while kind[:2] == ("opaque", "optional_type"):
        kind = kind[2]
    key, operand = (self._unescape(field.value) if kind[0] == "object" else field.value), args[0]

    def code(run: Run) -> Any:
        value = operand(run)
        run.spend(1)
        if isinstance(value, (dict, Optional)):
            return optional_index(value, key)
        return Optional(True, select(run, value, key)) if present(run, value, key) else NONE

    return code


def _lazy_or(self: Compiler, e: Node, args: "list[Code]") -> Code:
    held, other, plain = args[0], args[1], e.name == "orValue"

    def code(run: Run) -> Any:
        value = held(run)
        if not isinstance(value, Optional):
            raise no_overload(e.name, value)
        run.spend(1)
        if value.present:
            return value.value if plain else value
        return other(run)

    return code


_SPECIAL: dict[str, Callable[[Compiler, Node, "list[Code]"], Code]] = {
    "_&&_": _and,
    "_||_": _or,
    "_?_:_": _conditional,
    "@not_strictly_false": _not_strictly_false,
    "_==_": _equal,
    "_!=_": _unequal,
    "_[_]": _index,
    "_[?_]": _optional_index,
    "_?._": _optional_select,
    "orValue": _lazy_or,
    "or": _lazy_or,
}

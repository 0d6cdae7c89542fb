"""What an expression may cost at most, told from its tree and the sizes that a schema allows.

The algorithm is google/cel-go `checker/cost.go` with the function costs of k8s.io/apiserver `pkg/cel/library/cost.go`; only the upper
bound is computed, since limits look at nothing else.
"""

import math
from typing import Any

from kk.server.cel.checker import Checked
from kk.server.cel.costs import REGEX, TRAVERSAL
from kk.server.cel.schema import Decl
from kk.server.cel.syntax import Node

MOST = (1 << 64) - 1
_SCALAR = frozenset(("bool", "double", "duration", "int", "timestamp", "uint"))
_ONE = frozenset(
    [
        "serviceAccount",
        "path",
        "group",
        "resource",
        "subresource",
        "namespace",
        "name",
        "allowed",
        "reason",
        "error",
        "errored",
        "masked",
        "prefixLength",
        "family",
        "isUnspecified",
        "isLoopback",
        "isLinkLocalMulticast",
        "isLinkLocalUnicast",
        "isGlobalUnicast",
        "sign",
        "asInteger",
        "isInteger",
        "asApproximateFloat",
        "isGreaterThan",
        "isLessThan",
        "compareTo",
        "add",
        "sub",
        "major",
        "minor",
        "patch",
    ]
)


def add(*values: int) -> int:
    """A sum that ends at 2⁶⁴-1."""
    return min(sum(values), MOST)


def times(a: int, b: int) -> int:
    """A product that ends there."""
    return min(a * b, MOST)


def scaled(size: int, factor: float) -> int:
    """A size times a factor, rounded up."""
    return MOST if size * factor >= MOST else math.ceil(size * factor)


class Estimate:
    """See the module's docstring. `roots` are the declarations of variables."""

    def __init__(self, checked: Checked, roots: dict[str, Decl]):
        self._checked, self._roots = checked, roots
        self._sizes: dict[int, int] = {}
        self._paths: dict[int, tuple[str, ...]] = {}
        self._locals: list[tuple[str, tuple[str, ...], int | None]] = []

    def most(self) -> int:
        """The highest cost."""
        return self._cost(self._checked.parsed.root)

    def _cost(self, e: Node) -> int:
        return getattr(self, "_" + e.kind)(e)

    def _local(self, name: str) -> "tuple[str, tuple[str, ...], int | None] | None":
        return next((found for found in reversed(self._locals) if found[0] == name), None)

    def _const(self, e: Node) -> int:
        return 0

    def _ident(self, e: Node) -> int:
        found = self._local(e.name)
        self._paths[e.id] = found[1] if found else (e.name,)
        return 1

    def _select(self, e: Node) -> int:
        if e.id in self._checked.names or e.operand is None:
            return 1
        cost = self._cost(e.operand)
        if e.test:
            return cost
        if self._checked.types[e.operand.id][0] in ("map", "object", "param"):
            cost = add(cost, 1)
        self._paths[e.id] = (*self._paths.get(e.operand.id, ()), e.name)
        return cost

    def _list(self, e: Node) -> int:
        return add(10, *(self._cost(a) for a in e.args))

    def _struct(self, e: Node) -> int:
        cost = 40 if e.name else 30
        for name, value, _, _ in e.args:
            cost = add(cost, self._cost(value), 0 if isinstance(name, str) else self._cost(name))
        return cost

    def _fold(self, e: Node) -> int:
        fold = e.fold
        assert fold is not None
        cost = add(self._cost(fold.range), self._cost(fold.init))
        path, kind = self._paths.get(fold.range.id, ()), self._checked.types[fold.range.id][0]
        self._locals.append((fold.accu, (), self._size(fold.init)))
        if fold.var2:
            self._locals.append((fold.var, (*path, "@indices" if kind == "list" else "@keys") if path else (), None))
            self._locals.append((fold.var2, (*path, "@items" if kind == "list" else "@values") if path else (), None))
        else:
            self._locals.append((fold.var, (*path, "@items" if kind == "list" else "@keys") if path else (), None))
        step = add(self._cost(fold.condition), self._cost(fold.step))
        del self._locals[-2 if fold.var2 else -1 :]
        cost = add(cost, self._cost(fold.result))
        self._locals.pop()
        count = self._size_or_most(fold.range)
        if fold.init.kind in ("list", "struct"):
            self._sizes[e.id] = count
        elif fold.init.kind == "const":
            self._sizes[e.id] = 1
        return add(cost, times(count, step))

    # sizes

    def _size(self, e: Node) -> "int | None":
        if e.id in self._sizes:
            return self._sizes[e.id]
        if e.kind == "const":
            return len(e.value) if isinstance(e.value, (str, bytes)) else 1
        if e.kind == "list" or e.kind == "struct" and not e.name:
            return len(e.args)
        path = self._paths.get(e.id)
        found = self._at(path) if path else None
        if found is not None:
            return found.most
        if self._scalar(self._checked.types[e.id]):
            return 1
        local = self._local(e.name) if e.kind == "ident" else None
        return local[2] if local else None

    @staticmethod
    def _scalar(kind: Any) -> bool:
        while kind[:2] == ("opaque", "optional_type"):
            kind = kind[2]
        return kind[0] in _SCALAR

    def _size_or_most(self, e: Node) -> int:
        found = self._size(e)
        return MOST if found is None else found

    def _at(self, path: "tuple[str, ...]") -> "Decl | None":
        at = self._roots.get(path[0])
        for step in path[1:]:
            if at is None:
                return None
            if step in ("@items", "@values"):
                at = at.element
            elif step in ("@keys", "@indices"):
                at = Decl(("string",), 2) if step == "@keys" else Decl(("int",), 1, 1)
            elif at.fields is not None:
                at = at.fields.get(step)
            else:
                at = at.element
        return at

    def _element(self, e: Node) -> "int | None":
        """The size of a list's items, where they are text."""
        kind = self._checked.types[e.id]
        if kind[0] != "list" or kind[1][0] not in ("string", "bytes"):
            return None
        path = self._paths.get(e.id)
        found = self._at((*path, "@items")) if path else None
        return MOST if found is None else found.most

    # calls

    def _call(self, e: Node) -> int:
        name = self._checked.names.get(e.id, e.name)
        nodes = e.args if e.operand is None or e.id in self._checked.names else [e.operand, *e.args]
        costs = [self._cost(n) for n in nodes]
        if name == "dyn":
            size = self._size(nodes[0])
            if size is not None:
                self._sizes[e.id] = size
            return add(1, *costs)
        if name == "_?_:_":
            self._sizes[e.id] = max(self._size_or_most(nodes[1]), self._size_or_most(nodes[2]))
            return add(costs[0], max(costs[1:]))
        if name in ("_&&_", "_||_"):
            return add(*costs)
        own, size = self._own(name, e, nodes)
        if size is not None:
            self._sizes[e.id] = size
        return add(own, *costs)

    def _own(self, name: str, e: Node, nodes: "list[Node]") -> "tuple[int, int | None]":
        """(cost of the call itself, size of its result)."""
        ids = self._checked.overloads.get(e.id) or [""]
        size = self._size_or_most
        if name == "check":
            return 350000, None
        if name in _ONE or not nodes:
            return 1, None
        if (
            name in ("_==_", "_!=_")
            or name in ("_<_", "_<=_", "_>_", "_>=_")
            and any(i.endswith(("_string", "_bytes")) for i in ids)
        ):
            return scaled(min(size(nodes[0]), size(nodes[1])), TRAVERSAL), None
        if name == "_+_":
            return self._added(ids, nodes)
        if name == "_[_]":
            kind = "@items" if self._checked.types[nodes[0].id][0] == "list" else "@values"
            if nodes[0].id in self._paths:
                self._paths[e.id] = (*self._paths[nodes[0].id], kind)
            return 1, None
        if name == "@in":
            return (size(nodes[1]) if "in_list" in ids else 1), None
        if name in _FIRST:
            factor, keeps = _FIRST[name]
            found = size(nodes[0])
            return scaled(found, factor), found if keeps else None
        if name in _TEXT:
            return _TEXT[name](self, nodes)
        return 1, None

    def _added(self, ids: "list[str]", nodes: "list[Node]") -> "tuple[int, int | None]":
        total = add(self._size_or_most(nodes[0]), self._size_or_most(nodes[1]))
        if any(i in ("add_string", "add_bytes") for i in ids):
            return scaled(total, TRAVERSAL), total
        return 1, total if "add_list" in ids else None

    def _prefixed(self, nodes: "list[Node]") -> "tuple[int, int | None]":
        return scaled(self._size_or_most(nodes[1]), TRAVERSAL), None

    def _contains(self, nodes: "list[Node]") -> "tuple[int, int | None]":
        a, b = (scaled(self._size_or_most(n), TRAVERSAL) for n in nodes[:2])
        return times(a, b), None

    def _matches(self, nodes: "list[Node]") -> "tuple[int, int | None]":
        text = scaled(add(self._size_or_most(nodes[0]), 1), TRAVERSAL)
        return times(text, scaled(self._size_or_most(nodes[1]), REGEX)), self._size_or_most(nodes[0])

    def _traversal(self, nodes: "list[Node]") -> "tuple[int, int | None]":
        kind = self._checked.types[nodes[0].id]
        size = self._size_or_most(nodes[0])
        if kind[0] != "list":
            return scaled(size, TRAVERSAL), None
        element = self._element(nodes[0])
        return times(size, 1 if element is None else add(1, scaled(element, TRAVERSAL))), None

    def _replace(self, nodes: "list[Node]") -> "tuple[int, int | None]":
        size = self._size_or_most(nodes[0])
        old = len(nodes[1].value) if nodes[1].kind == "const" and isinstance(nodes[1].value, str) else 0
        new = self._size_or_most(nodes[2]) if len(nodes) > 2 else 0
        if not old:
            result = add(times(add(size, 1), new), size)
        elif new <= old:
            result = size
        else:
            result = times(math.ceil(size / old), new)
        return scaled(size, 2 * TRAVERSAL), result

    def _join(self, nodes: "list[Node]") -> "tuple[int, int | None]":
        count, element = self._size_or_most(nodes[0]), self._element(nodes[0])
        total = times(count, element if element is not None else 0)
        if len(nodes) > 1:
            total = add(total, times(self._size_or_most(nodes[1]), max(count - 1, 0)))
        return scaled(total, TRAVERSAL), total

    def _contained(self, nodes: "list[Node]") -> "tuple[int, int | None]":
        text = self._checked.types[nodes[1].id][0] == "string"
        return add(4, scaled(self._size_or_most(nodes[1]), TRAVERSAL) if text else 0), None


#: functions that walk their first argument: (factor, whether the result is as long)
_FIRST = {
    **dict.fromkeys(
        ("url", "cidr", "isIP", "isCIDR", "ip", "quantity", "isQuantity", "semver", "isSemver"), (TRAVERSAL, False)
    ),
    **dict.fromkeys(("lowerAscii", "upperAscii", "substring", "trim", "string", "bytes"), (TRAVERSAL, True)),
    "split": (2 * TRAVERSAL, True),
    "ip.isCanonical": (2 * TRAVERSAL, False),
}
_TEXT = {
    "startsWith": Estimate._prefixed,
    "endsWith": Estimate._prefixed,
    "contains": Estimate._contains,
    **dict.fromkeys(("matches", "find", "findAll"), Estimate._matches),
    **dict.fromkeys(("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"), Estimate._traversal),
    "replace": Estimate._replace,
    "join": Estimate._join,
    "containsIP": Estimate._contained,
    "containsCIDR": Estimate._contained,
}

"""From text to a syntax tree: the parser is the CEL library's, its answer (a ParsedExpr on the protobuf wire) is read into small nodes here.

The library is loaded on first use. It parses and expands macros; types, values and costs are this package's (see kk.server.cel.evaluate).
"""

import re
import struct
from collections.abc import Iterator
from typing import Any


class Node:
    """An expression. kind is const, ident, select, call, list, struct or fold; the other slots depend on it."""

    __slots__ = ("id", "kind", "name", "value", "operand", "args", "optional", "test", "fold")

    def __init__(self, id: int, kind: str):
        self.id, self.kind = id, kind
        self.name = ""
        self.value: Any = None
        self.operand: Node | None = None
        #: arguments, elements, or the (key, value, optional, id) of entries
        self.args: list[Any] = []
        self.optional: list[int] = []
        self.test = False
        self.fold: Fold | None = None


class Fold:
    """What a comprehension does."""

    __slots__ = ("var", "var2", "range", "accu", "init", "condition", "step", "result")

    def __init__(self) -> None:
        self.var = self.var2 = self.accu = ""
        self.range = self.init = self.condition = self.step = self.result = Node(0, "const")


class Uint(int):
    """An unsigned integer."""

    __slots__ = ()


class Faults(Exception):
    """Why an expression does not compile; its text is what issues print."""


class Parsed:
    """A tree with the places of its nodes."""

    __slots__ = ("expression", "root", "positions")

    def __init__(self, expression: str, root: Node, positions: dict[int, int]):
        self.expression, self.root, self.positions = expression, root, positions

    def fault(self, id: int, message: str) -> tuple[int, int, str]:
        """(line, column, text) of a fault at a node."""
        offset = self.positions.get(id, -1)
        if offset < 0:
            return 0, 0, f"ERROR: <input>:-1:0: {message}"
        before = self.expression[:offset]
        line = before.count("\n") + 1
        column = offset - (before.rfind("\n") + 1)
        source = self.expression.split("\n")[line - 1].replace("\t", " ")
        dots = "".join("." if ord(c) < 128 else "．" for c in source[:column])
        mark = "^" if column >= len(source) or ord(source[column]) < 128 else "＾"
        return line, column, f"ERROR: <input>:{line}:{column + 1}: {message}\n | {source}\n | {dots}{mark}"


_parser: list[Any] = []
_CONFIG = "name: kubernetes\nextensions:\n- name: two-var-comprehensions\n- name: optional\n"


def parse(expression: str) -> Parsed:
    """The tree of an expression. Raises Faults."""
    if not _parser:
        from cel_expr_python import cel

        _parser.append(cel.NewEnv(config=cel.NewEnvConfigFromYaml(_CONFIG)))
    try:
        data = _parser[0].compile(expression, disable_check=True).serialize()
    except RuntimeError as error:
        text = str(error)
        text = text.partition(": ")[2] if not text.startswith("ERROR") else text
        raise Faults(_words(expression, text.rpartition(" [")[0] if text.endswith("]") else text)) from None
    parsed = next(v for k, v in _fields(data) if k == 2)
    root, positions = None, {}
    for key, value in _fields(parsed):
        if key == 2:
            root = _node(value)
        elif key == 3:
            for inner, entry in _fields(value):
                if inner == 4:
                    pair = dict(_fields(entry))
                    positions[pair.get(1, 0)] = pair.get(2, 0)
    assert root is not None
    if "existsOne" in expression:
        _Expansion(positions).of(root)
    return Parsed(expression, root, positions)


class _Expansion:
    """The macro existsOne(x, …), which upstream has as another name of exists_one and the library has not."""

    def __init__(self, positions: dict[int, int]):
        self._positions, self._next = positions, max(positions, default=0) + 1

    def _new(self, kind: str, at: int, name: str = "", value: Any = None, args: "list[Node] | None" = None) -> Node:
        node = Node(self._next, kind)
        self._positions[node.id] = self._positions.get(at, 0)
        self._next += 1
        node.name, node.value, node.args = name, value, args or []
        return node

    def of(self, e: Node) -> None:
        """Expand it in a tree, from the leaves up."""
        for inner in children(e):
            self.of(inner)
        if (
            e.kind != "call"
            or e.name != "existsOne"
            or e.operand is None
            or len(e.args) != 2
            or e.args[0].kind != "ident"
        ):
            return
        at, accu, fold = e.id, "@result", Fold()
        fold.var, fold.accu, fold.range = e.args[0].name, accu, e.operand
        fold.init, fold.condition = self._new("const", at, value=0), self._new("const", at, value=True)
        one = self._new("const", at, value=1)
        more = self._new("call", at, "_+_", args=[self._new("ident", at, accu), one])
        fold.step = self._new("call", at, "_?_:_", args=[e.args[1], more, self._new("ident", at, accu)])
        last = self._new("const", at, value=1)
        fold.result = self._new("call", at, "_==_", args=[self._new("ident", at, accu), last])
        e.kind, e.operand, e.args, e.fold, e.name = "fold", None, [], fold, ""


def children(e: Node) -> "list[Node]":
    """The nodes right below one."""
    found = [e.operand] if e.operand is not None else []
    if e.kind == "struct":
        for name, value, _, _ in e.args:
            found += [value] if isinstance(name, str) else [name, value]
    else:
        found += e.args
    if e.fold is not None:
        found += [e.fold.range, e.fold.init, e.fold.condition, e.fold.step, e.fold.result]
    return found


def _words(expression: str, text: str) -> str:
    """The library's words for what upstream's parser says otherwise."""
    if "recursion" in text.partition("\n")[0]:  # the library's own bound, lower than upstream's 250
        return "ERROR: <input>:-1:0: expression recursion limit exceeded: 32"
    text = text.replace("has() argument must be a field selection", "invalid argument to has() macro")
    text = re.sub(r"\w+\(\) variable name must be a simple identifier", "argument must be a simple name", text)
    if not expression:
        text = text.partition("\n")[0].replace("<input>:1:1:", "<input>:1:0:")
    return text


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    at, size = 0, len(data)
    while at < size:
        tag, at = _varint(data, at)
        wire = tag & 7
        value: Any
        if wire == 0:
            value, at = _varint(data, at)
        elif wire == 2:
            length, at = _varint(data, at)
            value = data[at : at + length]
            at += length
        elif wire == 1:
            value = data[at : at + 8]
            at += 8
        else:
            value = data[at : at + 4]
            at += 4
        yield tag >> 3, value


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _node(data: bytes) -> Node:
    id, found = 0, Node(0, "const")
    for key, value in _fields(data):
        if key == 2:
            id = value
        elif key in _READERS:
            found = _READERS[key](value)
    found.id = id
    return found


def _const(data: bytes) -> Node:
    node = Node(0, "const")
    for key, value in _fields(data):
        if key == 1:
            node.value = None
        elif key == 2:
            node.value = bool(value)
        elif key == 3:
            node.value = _signed(value)
        elif key == 4:
            node.value = Uint(value)
        elif key == 5:
            node.value = struct.unpack("<d", value)[0]
        elif key == 6:
            node.value = value.decode()
        elif key == 7:
            node.value = bytes(value)
    return node


def _ident(data: bytes) -> Node:
    node = Node(0, "ident")
    node.name = next((v.decode() for k, v in _fields(data) if k == 1), "")
    return node


def _select(data: bytes) -> Node:
    node = Node(0, "select")
    for key, value in _fields(data):
        if key == 1:
            node.operand = _node(value)
        elif key == 2:
            node.name = value.decode()
        elif key == 3:
            node.test = bool(value)
    return node


def _call(data: bytes) -> Node:
    node = Node(0, "call")
    for key, value in _fields(data):
        if key == 1:
            node.operand = _node(value)
        elif key == 2:
            node.name = value.decode()
        elif key == 3:
            node.args.append(_node(value))
    return node


def _list(data: bytes) -> Node:
    node = Node(0, "list")
    for key, value in _fields(data):
        if key == 1:
            node.args.append(_node(value))
        elif key == 2:
            node.optional.extend(_packed(value) if isinstance(value, bytes) else [value])
    return node


def _packed(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _struct(data: bytes) -> Node:
    node = Node(0, "struct")
    for key, value in _fields(data):
        if key == 1:
            node.name = value.decode()
        elif key == 2:
            entry = dict(_fields(value))
            name: Any = entry[2].decode() if 2 in entry else _node(entry.get(3, b""))
            node.args.append((name, _node(entry.get(4, b"")), bool(entry.get(5)), entry.get(1, 0)))
    return node


def _comprehension(data: bytes) -> Node:
    node, fold = Node(0, "fold"), Fold()
    for key, value in _fields(data):
        if key in (1, 3, 8):
            setattr(fold, {1: "var", 3: "accu", 8: "var2"}[key], value.decode())
        else:
            name = {2: "range", 4: "init", 5: "condition", 6: "step", 7: "result"}[key]
            setattr(fold, name, _node(value))
    node.fold = fold
    return node


_READERS = {3: _const, 4: _ident, 5: _select, 6: _call, 7: _list, 8: _struct, 9: _comprehension}

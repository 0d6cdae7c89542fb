r"""Kubernetes' dialect of JSONPath: templates such as `{range .items[*]}{.metadata.name}{"\n"}{end}`.

Grammar and words follow k8s.io/client-go `util/jsonpath`. Only reads; plain dotted paths are kk.base.paths.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

Values = list[Any]
#: from the values at hand and the path's options to the next values
Step = Callable[[Values, "JSONPath"], Values]

_TERMINATORS = frozenset(" \t\r\n.,[]$@{}")
_SLICE = re.compile(r"(-?\d*)(:-?\d*)?(:-?\d*)?\Z")
_COMPARISON = re.compile(r"([^!<>=]+)([!<>=]+)(.+)\Z", re.DOTALL)
_RELAXED = re.compile(r"\{\.?([^{}]+)\}\Z|\.?([^{}]+)\Z")
_GO_TYPES = {str: "string", bool: "bool", int: "int64", float: "float64", dict: "map[string]interface {}"}


class JSONPath:
    """A compiled template. With `allow_missing`, a name that is not there is nothing instead of a ValueError."""

    def __init__(self, template: str, allow_missing: bool = False):
        self.template, self.allow_missing = template, allow_missing
        blocks = list(_blocks(template))
        self._nodes, rest = _nest(blocks, 0, inside=False)
        del rest

    def find(self, obj: Any) -> list[Values]:
        """What each action finds, in the order of the template; text is found as itself. Raises ValueError."""
        return list(_run(self._nodes, obj, self))

    def values(self, obj: Any) -> Values:
        """All that is found, in one list."""
        return [value for found in self.find(obj) for value in found]

    def render(self, obj: Any) -> str:
        """The text that kubectl prints for `-o jsonpath`. Raises ValueError."""
        return "".join(" ".join(map(text, found)) for found in self.find(obj))


def compile(template: str, allow_missing: bool = False) -> JSONPath:
    """A template as a JSONPath. Raises ValueError for bad syntax."""
    return JSONPath(template, allow_missing)


def relaxed(path: str) -> str:
    """`{.x}` for `x`, `.x`, `{x}` or `{.x}`, as custom columns, sorting and waiting allow it. Raises ValueError."""
    if not path:
        return path
    found = _RELAXED.match(path)
    if not found:
        raise ValueError(
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'"
        )
    return "{." + (found.group(1) or found.group(2)) + "}"


def text(value: Any) -> str:
    """A found value as it is printed: maps and lists as JSON."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


# ---- structure: actions, ranges, text ----


class _Range:
    def __init__(self, steps: list[Step], body: list[Any]):
        self.steps, self.body = steps, body


def _blocks(template: str) -> Iterator[str | tuple[str, list[Step]]]:
    """Text as str; ("range" | "end" | "", steps) for each action."""
    position = 0
    while position < len(template):
        opening = template.find("{", position)
        if opening < 0:
            yield template[position:]
            return
        if opening > position:
            yield template[position:opening]
        parser = _Action(template, opening + 1)
        yield parser.parse()
        position = parser.at


def _nest(blocks: list[Any], at: int, inside: bool) -> tuple[list[Any], int]:
    nodes: list[Any] = []
    while at < len(blocks):
        block = blocks[at]
        at += 1
        if isinstance(block, str):
            nodes.append(block)
        elif block[0] == "range":
            body, at = _nest(blocks, at, inside=True)
            nodes.append(_Range(block[1], body))
        elif block[0] == "end":
            if not inside:
                raise ValueError("not in range, nothing to end")
            return nodes, at
        else:
            nodes.append(block[1])
    return nodes, at


def _run(nodes: list[Any], current: Any, path: JSONPath) -> Iterator[Values]:
    for node in nodes:
        if isinstance(node, str):
            yield [node]
        elif isinstance(node, _Range):
            for value in _walk(node.steps, [current], path):
                yield from _run(node.body, value, path)
        else:
            yield _walk(node, [current], path)


def _walk(steps: list[Step], values: Values, path: JSONPath) -> Values:
    for step in steps:
        values = step(values, path)
    return values


# ---- parsing one action ----


class _Action:
    """A parser of what stands between braces; `at` ends behind the closing one."""

    def __init__(self, source: str, at: int):
        self.source, self.at = source, at
        self.steps: list[Step] = []
        self.word = ""

    def parse(self) -> tuple[str, list[Step]]:
        source = self.source
        while True:
            if self.at >= len(source) or source[self.at] in "\r\n":
                raise ValueError("unclosed action")
            if source.startswith("[?(", self.at):
                self.filter()
                continue
            if source.startswith("..", self.at):
                self.recursive()
                continue
            char = source[self.at]
            self.at += 1
            if char == "}":
                return self.word, self.steps
            if char in " @$":
                continue
            if char == "[":
                self.array()
            elif char in "\"'":
                self.quote(char)
            elif char == ".":
                self.field()
            elif char in "+-" or char.isdigit():
                self.at -= 1
                self.number()
            elif char == "_" or char.isalpha():
                self.at -= 1
                self.identifier()
            else:
                raise ValueError(f"unrecognized character in action: U+{ord(char):04X} '{char}'")

    def identifier(self) -> None:
        start = self.at
        while self.at < len(self.source) and self.source[self.at] not in _TERMINATORS:
            self.at += 1
        word = self.source[start : self.at]
        if word in ("true", "false"):
            self.steps.append(_constant(word == "true"))
        elif word in ("range", "end"):
            self.word = word
        else:
            raise ValueError(f"unrecognized identifier {word}")

    def number(self) -> None:
        found = re.compile(r"[+-]?[0-9.]*").match(self.source, self.at)
        assert found
        self.at = found.end()
        value = found.group()
        try:
            self.steps.append(_constant(int(value)))
        except ValueError:
            try:
                self.steps.append(_constant(float(value)))
            except ValueError:
                raise ValueError(f"cannot parse number {value}") from None

    def field(self) -> None:
        start = self.at
        while self.at < len(self.source) and self.source[self.at] not in _TERMINATORS:
            self.at += 2 if self.source[self.at] == "\\" else 1
        name = self.source[start : self.at]
        self.steps.append(_wildcard if name == "*" else _field(name.replace("\\", "")))

    def recursive(self) -> None:
        if self.steps and self.steps[-1] is _recursive:
            raise ValueError("invalid multiple recursive descent")
        self.at += 2
        self.steps.append(_recursive)
        if self.at < len(self.source) and (self.source[self.at].isalnum() or self.source[self.at] == "_"):
            self.field()

    def quote(self, end: str) -> None:
        start = self.at
        while True:
            if self.at >= len(self.source) or self.source[self.at] == "\n":
                raise ValueError("unterminated quoted string")
            self.at += 1
            if self.source[self.at - 1] == end and self.source[self.at - 2] != "\\":
                break
        self.steps.append(_text(_unquote(self.source[start : self.at - 1])))

    def array(self) -> None:
        start = self.at
        while True:
            if self.at >= len(self.source) or self.source[self.at] == "\n":
                raise ValueError("unterminated array")
            self.at += 1
            if self.source[self.at - 1] == "]":
                break
        inner = self.source[start : self.at - 1]
        if "," in inner:
            self.steps.append(_union([_parse(f"[{part.strip(' ')}]") for part in inner.split(",")]))
        elif len(inner) > 1 and inner[0] == inner[-1] == "'" and "'" not in inner[1:-1]:
            self.steps += _parse("." + inner[1:-1])
        else:
            self.steps.append(_array(":" if inner == "*" else inner))

    def filter(self) -> None:
        start = self.at + 3
        self.at = start
        pair, ended = "", False
        while True:
            if self.at >= len(self.source) or self.source[self.at] == "\n":
                raise ValueError("unterminated filter")
            char = self.source[self.at]
            self.at += 1
            if char in "\"'":
                if not pair:
                    pair = char
                elif char == pair and self.source[self.at - 2] != "\\":
                    ended = True
            elif char == ")" and bool(pair) == ended:
                break
        if not self.source.startswith("]", self.at):
            raise ValueError("unclosed array expect ]")
        self.at += 1
        inner = self.source[start : self.at - 2]
        compared = _COMPARISON.match(inner)
        if compared:
            left, operator, right = compared.groups()
            self.steps.append(_filter(_parse(left), operator, _parse(right)))
        else:
            self.steps.append(_exists(_parse(inner)))


def _parse(action: str) -> list[Step]:
    return _Action(action + "}", 0).parse()[1]


def _unquote(quoted: str) -> str:
    if "\\" not in quoted:
        return quoted
    escapes = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}

    def replaced(found: re.Match[str]) -> str:
        code = found.group(1)
        return chr(int(code[1:], 16)) if code[0] in "xuU" and len(code) > 1 else escapes.get(code, code)

    return re.sub(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", replaced, quoted)


# ---- steps ----


def _constant(value: Any) -> Step:
    return lambda values, path: [value] * len(values)


def _text(value: str) -> Step:
    return lambda values, path: [value]


def _field(name: str) -> Step:
    def step(values: Values, path: JSONPath) -> Values:
        found = [value[name] for value in values if isinstance(value, dict) and name in value]
        if values and not found and not path.allow_missing:
            raise ValueError(f"{name} is not found")
        return found

    return step


def _children(value: Any) -> Values:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _wildcard(values: Values, path: JSONPath) -> Values:
    return [child for value in values for child in _children(value)]


def _recursive(values: Values, path: JSONPath) -> Values:
    found: Values = []
    for value in values:
        if isinstance(value, str) and value:
            found.append(value)
        elif children := _children(value):
            found.append(value)
            found += _recursive(children, path)
    return found


def _union(parts: list[list[Step]]) -> Step:
    return lambda values, path: [found for part in parts for found in _walk(part, values, path)]


def _not_a_list(value: Any) -> ValueError:
    return ValueError(f"{_GO_TYPES.get(type(value), type(value).__name__)} is not array or slice")


def _array(inner: str) -> Step:
    matched = _SLICE.match(inner)
    if not matched:
        raise ValueError(f"invalid array index {inner}")
    first, second, third = matched.groups()
    single = second is None
    bounds = [int(part.lstrip(":")) if part and part != ":" else None for part in (first, second, third)]
    start, end, step = bounds

    def step_of(values: Values, path: JSONPath) -> Values:
        found: Values = []
        for value in values:
            if value is None:
                continue
            if not isinstance(value, list):
                raise _not_a_list(value)
            found += _slice(value, start, end, step, single)
        return found

    return step_of


def _slice(value: list[Any], start: int | None, end: int | None, step: int | None, single: bool) -> list[Any]:
    length = len(value)
    low = start or 0
    low = low + length if low < 0 else low
    if single and start is not None:
        if not 0 <= low < length:
            raise ValueError(f"array index out of bounds: index {low}, length {length}")
        return [value[low]]
    high = length if end is None else end
    high = high + length if high < 0 else high
    if low != high and low >= length and length:
        raise ValueError(f"array index out of bounds: index {low}, length {length}")
    if high > length:
        raise ValueError(f"array index out of bounds: index {high - 1}, length {length}")
    if step is not None and step <= 0:
        raise ValueError("step must be > 0" if step < 0 else "step must be != 0")
    return value[low : max(low, high) : step]


def _items(value: Any) -> Values:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError(f"{text(value)} is not array or slice and cannot be filtered")
    return value


def _exists(inner: list[Step]) -> Step:
    def step(values: Values, path: JSONPath) -> Values:
        quiet = JSONPath("", allow_missing=True)
        return [item for value in values for item in _items(value) if _walk(inner, [item], quiet)]

    return step


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


def _filter(left: list[Step], operator: str, right: list[Step]) -> Step:
    if operator not in _OPERATORS:
        raise ValueError(f"unrecognized filter operator {operator}")

    def step(values: Values, path: JSONPath) -> Values:
        quiet = JSONPath("", allow_missing=True)
        found: Values = []
        for item in (item for value in values for item in _items(value)):
            sides = [_walk(side, [item], quiet) for side in (left, right)]
            if any(len(side) > 1 for side in sides):
                raise ValueError("can only compare one element at a time")
            if all(sides) and _compared(operator, sides[0][0], sides[1][0]):
                found.append(item)
        return found

    return step


def _compared(operator: str, left: Any, right: Any) -> bool:
    numbers = all(isinstance(side, (int, float)) and not isinstance(side, bool) for side in (left, right))
    if not numbers and type(left) is not type(right):
        raise ValueError("incompatible types for comparison")
    if not isinstance(left, (str, int, float)):
        raise ValueError("invalid type for comparison")
    return _OPERATORS[operator](left, right)

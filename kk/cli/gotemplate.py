"""Go's text/template, as much of it as templates for kubectl use: fields, variables, pipelines, if, range, with, and the functions
that kubectl offers. Nested templates (define, template, block) are not known and refused. Pure: a template and an object in, text out.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

from .printers.table import show


class TemplateFault(ValueError):
    """A template that cannot be read, or fails on an object."""


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


_ACTION = re.compile(r"\{\{(- )?(.*?)( -)?\}\}", re.S)
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:\\.|[^"\\])*"|`[^`]*`)|(?P<char>'(?:\\.|[^'\\])')|(?P<number>[-+]?\d[\w.]*)
    |(?P<field>\.[A-Za-z_]\w*)|(?P<var>\$\w*)|(?P<word>[A-Za-z_]\w*)|(?P<sign>:=|[=|(),.]))""",
    re.X,
)
_MISSING = object()


def _tokens(text: str) -> list[tuple[str, str, bool]]:
    """(kind, text, whether a space stands before it)."""
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if not match:
            raise TemplateFault(f"unexpected {text[at:].strip()[:1]!r} in command")
        kind = match.lastgroup or ""
        found.append((kind, match[kind], match.start(kind) > at or at == 0))
        at = match.end()
    return found


# ---- reading ----
class Template:
    """A template, read."""

    def __init__(self, text: str, missing_is_error: bool = False):
        self.missing_is_error = missing_is_error
        self._parts = _split(text)
        self._at = 0
        self._body, end = self._block()
        if end:
            raise TemplateFault(f"unexpected {{{{{end}}}}}")

    def render(self, obj: Any) -> str:
        """The text for an object.

        Raises TemplateFault.
        """
        out: list[str] = []
        _Run(self, obj, out).block(self._body, obj, [{"$": obj}])
        return "".join(out)

    def _block(self) -> tuple[list[Any], str]:
        """Nodes up to an `end` or `else`, and which it was (with its condition)."""
        nodes: list[Any] = []
        while self._at < len(self._parts):
            is_action, text = self._parts[self._at]
            self._at += 1
            if not is_action:
                nodes.append(("text", text))
                continue
            word = text.partition(" ")[0]
            if word in ("end", "else"):
                return nodes, text
            if word in ("if", "range", "with"):
                nodes.append(self._control(word, text[len(word) :]))
            elif word in ("define", "template", "block"):
                raise TemplateFault(f"{word} is not supported here")
            elif word in ("break", "continue"):
                nodes.append((word,))
            elif text:
                nodes.append(("show", _pipeline(text)))
        return nodes, ""

    def _control(self, word: str, rest: str) -> tuple[Any, ...]:
        names, pipeline = _declared(rest)
        body, end = self._block()
        other: list[Any] = []
        if end.startswith("else"):
            more = end[4:].strip()
            if more:
                inner = more.partition(" ")[0]
                other = [self._control(inner, more[len(inner) :])]
                return (word, names, pipeline, body, other)
            other, end = self._block()
        if end != "end":
            raise TemplateFault("unexpected EOF")
        return (word, names, pipeline, body, other)


def _split(text: str) -> list[tuple[bool, str]]:
    parts, at, trim = [], 0, False
    for match in _ACTION.finditer(text):
        before = text[at : match.start()]
        before = before.lstrip() if trim else before
        before = before.rstrip() if match[1] else before
        if before:
            parts.append((False, before))
        content = match[2].strip()
        if not (content.startswith("/*") and content.endswith("*/")):
            parts.append((True, content))
        at, trim = match.end(), bool(match[3])
    rest = text[at:]
    if "{{" in rest:
        raise TemplateFault("unclosed action")
    parts.append((False, rest.lstrip() if trim else rest))
    return parts


def _declared(text: str) -> tuple[list[str], Any]:
    """Variables that a control declares, and its pipeline."""
    match = re.match(r"\s*(\$\w*)\s*(?:,\s*(\$\w*)\s*)?:=", text)
    if not match:
        return [], _pipeline(text)
    return [n for n in match.groups() if n], _pipeline(text[match.end() :])


def _pipeline(text: str) -> Any:
    tokens = _tokens(text)
    if not tokens:
        raise TemplateFault("missing value for command")
    name, how = "", ""
    if len(tokens) > 1 and tokens[0][0] == "var" and tokens[1][1] in (":=", "="):
        name, how = tokens[0][1], tokens[1][1]
        tokens = tokens[2:]
    found, rest = _commands(tokens, 0)
    if rest != len(tokens):
        raise TemplateFault(f"unexpected {tokens[rest][1]!r} in operand")
    return ("pipe", name, how, found)


def _commands(tokens: list[tuple[str, str, bool]], at: int) -> tuple[list[list[Any]], int]:
    commands: list[list[Any]] = [[]]
    while at < len(tokens) and tokens[at][1] != ")":
        if tokens[at][0] == "sign" and tokens[at][1] == "|":
            commands.append([])
            at += 1
            continue
        operand, at = _operand(tokens, at)
        while at < len(tokens) and tokens[at][0] == "field" and not tokens[at][2]:
            operand = ("chain", operand, tokens[at][1][1:])
            at += 1
        commands[-1].append(operand)
    if not all(commands):
        raise TemplateFault("missing value for command")
    return commands, at


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'"}


def _operand(tokens: list[tuple[str, str, bool]], at: int) -> tuple[Any, int]:
    kind, text, _ = tokens[at]
    at += 1
    if kind == "string":
        value = text[1:-1]
        return ("value", value if text[0] == "`" else re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), value)), at
    if kind == "char":
        return ("value", ord(_ESCAPES.get(text[2], text[2]) if text[1] == "\\" else text[1])), at
    if kind == "number":
        try:
            return ("value", int(text, 0)), at
        except ValueError:
            return ("value", float(text)), at
    if kind == "field":
        return ("chain", ("dot",), text[1:]), at
    if kind == "var":
        return ("var", text), at
    if kind == "word":
        constants = {"true": True, "false": False, "nil": None}
        return (("value", constants[text]) if text in constants else ("call", text)), at
    if text == ".":
        return ("dot",), at
    if text == "(":
        commands, at = _commands(tokens, at)
        if at >= len(tokens):
            raise TemplateFault("unclosed left paren")
        return ("pipe", "", "", commands), at + 1
    raise TemplateFault(f"unexpected {text!r} in operand")


# ---- running ----
def _true(value: Any) -> bool:
    return bool(value) and value is not _MISSING


def _printed(value: Any) -> str:
    if value is None or value is _MISSING:
        return "<no value>"
    return value if isinstance(value, str) else show(value)


class _Run:
    """One rendering."""

    def __init__(self, template: Template, obj: Any, out: list[str]):
        self.template, self.obj, self.out = template, obj, out

    def block(self, nodes: list[Any], dot: Any, scopes: list[dict[str, Any]]) -> None:
        """Render nodes with a dot and the variables in sight."""
        scopes = [*scopes, {}]
        for node in nodes:
            getattr(self, f"_{node[0]}")(node, dot, scopes)

    def _text(self, node: Any, dot: Any, scopes: list[dict[str, Any]]) -> None:
        self.out.append(node[1])

    def _show(self, node: Any, dot: Any, scopes: list[dict[str, Any]]) -> None:
        value = self.value(node[1], dot, scopes)
        if not node[1][1]:
            self.out.append(_printed(value))

    def _break(self, node: Any, dot: Any, scopes: list[dict[str, Any]]) -> None:
        raise _Break

    def _continue(self, node: Any, dot: Any, scopes: list[dict[str, Any]]) -> None:
        raise _Continue

    def _if(self, node: Any, dot: Any, scopes: list[dict[str, Any]]) -> None:
        _, names, pipeline, body, other = node
        value = self.value(pipeline, dot, scopes)
        self.block(body if _true(value) else other, dot, [*scopes, dict.fromkeys(names, value)])

    def _with(self, node: Any, dot: Any, scopes: list[dict[str, Any]]) -> None:
        _, names, pipeline, body, other = node
        value = self.value(pipeline, dot, scopes)
        good = _true(value)
        self.block(body if good else other, value if good else dot, [*scopes, dict.fromkeys(names, value)])

    def _range(self, node: Any, dot: Any, scopes: list[dict[str, Any]]) -> None:
        _, names, pipeline, body, other = node
        value = self.value(pipeline, dot, scopes)
        if isinstance(value, dict):
            items: list[tuple[Any, Any]] = sorted(value.items())
        elif isinstance(value, list):
            items = list(enumerate(value))
        elif isinstance(value, int) and not isinstance(value, bool):
            items = [(i, i) for i in range(value)]
        elif value is None or value is _MISSING:
            items = []
        else:
            raise TemplateFault(f"range can't iterate over {_printed(value)}")
        if not items:
            self.block(other, dot, scopes)
        for key, item in items:
            named = {names[0]: item} if len(names) == 1 else dict(zip(names, (key, item)))
            try:
                self.block(body, item, [*scopes, named])
            except _Continue:
                continue
            except _Break:
                break

    def value(self, node: Any, dot: Any, scopes: list[dict[str, Any]]) -> Any:
        """What an operand or a pipeline is."""
        kind = node[0]
        if kind == "value":
            return node[1]
        if kind == "dot":
            return dot
        if kind == "var":
            for scope in reversed(scopes):
                if node[1] in scope:
                    return scope[node[1]]
            raise TemplateFault(f"undefined variable {node[1]!r}")
        if kind == "chain":
            return self._field(self.value(node[1], dot, scopes), node[2])
        if kind == "call":
            return _call(node[1], [])
        return self._piped(node, dot, scopes)

    def _piped(self, node: Any, dot: Any, scopes: list[dict[str, Any]]) -> Any:
        _, name, how, commands = node
        last: Any = _MISSING
        for number, command in enumerate(commands):
            head, *args = command
            values = [self.value(a, dot, scopes) for a in args]
            if number:
                values.append(last)
            if head[0] == "call":
                last = _call(head[1], values)
            elif values:
                raise TemplateFault("can't give argument to non-function")
            else:
                last = self.value(head, dot, scopes)
        if how == ":=":
            scopes[-1][name] = last
        elif how == "=":
            next(s for s in reversed(scopes) if name in s)[name] = last
        return last

    def _field(self, value: Any, name: str) -> Any:
        if isinstance(value, dict):
            if name in value:
                return value[name]
            if self.template.missing_is_error:
                raise TemplateFault(f'map has no entry for key "{name}"')
            return _MISSING
        if value is None or value is _MISSING:
            if value is _MISSING:
                raise TemplateFault(f"nil pointer evaluating interface {{}}.{name}")
            return _MISSING
        raise TemplateFault(f"can't evaluate field {name} in type {type(value).__name__}")


# ---- functions ----
def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, dict):
            value = value.get(key, _MISSING)
        elif isinstance(value, (list, str)) and isinstance(key, int):
            if not 0 <= key < len(value):
                raise TemplateFault(f"error calling index: reflect: slice index out of range: {key}")
            value = value[key]
        else:
            raise TemplateFault("error calling index: cannot index " + _printed(value))
    return value


def _exists(value: Any, *keys: Any) -> bool:
    try:
        return _index(value, *keys) is not _MISSING
    except TemplateFault:
        return False


def _printf(form: str, *args: Any) -> str:
    """Go's verbs: what Python's do not know is put in their words."""
    rest = list(args)

    def one(match: re.Match[str]) -> str:
        flags, verb = match[1], match[2]
        if verb == "%":
            return "%"
        value = rest.pop(0) if rest else "%!" + verb + "(MISSING)"
        if verb in "vs":
            return f"%{flags}s" % ("<nil>" if value is None or value is _MISSING else _printed(value))
        if verb == "q":
            return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
        if verb == "t":
            return "true" if value else "false"
        try:
            return f"%{flags}{verb}" % value
        except (TypeError, ValueError):
            return f"%!{verb}({_printed(value)})"

    return re.sub(r"%([-+ 0#]*\d*(?:\.\d+)?)([a-zA-Z%])", one, form)


def _compared(name: str) -> Callable[..., bool]:
    import operator

    by = {
        "eq": operator.eq,
        "ne": operator.ne,
        "lt": operator.lt,
        "le": operator.le,
        "gt": operator.gt,
        "ge": operator.ge,
    }[name]

    def compare(first: Any, *others: Any) -> bool:
        if not others:
            raise TemplateFault(f"error calling {name}: missing argument for comparison")
        for other in others:
            if first is not None and other is not None and isinstance(first, str) != isinstance(other, str):
                raise TemplateFault(f"error calling {name}: incompatible types for comparison")
        return any(by(first, other) for other in others)

    return compare


def _printed_all(*args: Any) -> str:
    """Go's Sprint: a space between two operands of which neither is a string."""
    out = ""
    for place, arg in enumerate(args):
        if place and not isinstance(arg, str) and not isinstance(args[place - 1], str):
            out += " "
        out += _printed(arg)
    return out


def _html(*args: Any) -> str:
    import html

    return html.escape(_printed_all(*args)).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "and": lambda *a: next((v for v in a if not _true(v)), a[-1]),
    "or": lambda *a: next((v for v in a if _true(v)), a[-1]),
    "not": lambda v: not _true(v),
    "len": lambda v: len(v),
    "index": _index,
    "slice": lambda v, *at: v[slice(*at)] if len(at) != 1 else v[at[0] :],
    "exists": _exists,
    "print": _printed_all,
    "println": lambda *a: " ".join(_printed(v) for v in a) + "\n",
    "printf": _printf,
    "html": _html,
    "urlquery": lambda *a: quote_plus(_printed_all(*a)),
    "base64decode": lambda v: base64.b64decode(v).decode("utf-8", "replace"),
    **{name: _compared(name) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
}


def _call(name: str, args: list[Any]) -> Any:
    function = _FUNCTIONS.get(name)
    if function is None:
        raise TemplateFault(f'function "{name}" not defined')
    try:
        return function(*args)
    except (TypeError, IndexError, ValueError) as error:
        if isinstance(error, TemplateFault):
            raise
        raise TemplateFault(f"error calling {name}: {error}") from None

"""The environment of Kubernetes 1.36: all libraries together, and `compile`, which makes a Program of an expression.

Libraries are the files of kk.server.cel.library. Memory and time for them are paid when the first expression is compiled.
"""

import functools
from collections.abc import Callable
from typing import Any

from kk.base import discover
from kk.server import regexps
from kk.server.cel import types as t
from kk.server.cel import values as v
from kk.server.cel.checker import Checked, Checker, Fields, nothing
from kk.server.cel.evaluate import Compiler, Run
from kk.server.cel.syntax import Faults, Node, Parsed, children, parse

#: what one expression may cost, and all expressions of one request
CALL_LIMIT = 1_000_000
REQUEST_LIMIT = 10_000_000


@functools.cache
def functions() -> dict[str, tuple[Any, list[t.Overload]]]:
    """All functions by name: (code, signatures)."""
    signatures: dict[str, list[t.Overload]] = {}
    code: dict[str, Any] = {}
    for text in discover.load_all("kk.server.cel.library", "FUNCTIONS").values():
        t.overloads(text, signatures)
    for implementations in discover.load_all("kk.server.cel.library", "IMPLEMENTATIONS").values():
        code.update(implementations)
    plain = code["string"]
    code["string"] = lambda a: str(a) if v.type_name(a) in ("net.IP", "net.CIDR") else plain(a)
    return {name: (code[name], found) for name, found in signatures.items()}


class Program:
    """A compiled expression."""

    __slots__ = ("expression", "checked", "code")

    def __init__(self, expression: str, checked: Checked, code: Callable[[Run], Any]):
        self.expression, self.checked, self.code = expression, checked, code

    @property
    def result(self) -> t.Type:
        """The type of its value."""
        return self.checked.result

    def run(self, variables: dict[str, Any], limit: int = CALL_LIMIT) -> tuple[Any, int]:
        """(value, cost). Raises CelError, with the cost so far as its attribute `cost`."""
        run = Run(variables, limit)
        try:
            return self.code(run), run.cost
        except v.CelError as error:
            error.cost = run.cost  # type: ignore[attr-defined]
            raise
        except RecursionError:
            raise v.CelError("evaluation is nested too deeply") from None
        except (ArithmeticError, ValueError) as error:  # times out of range, texts that no number is
            raise v.CelError(f"range error: {error}") from None
        except (TypeError, AttributeError):  # values of dyn that a function does not take, inside of lists and maps
            raise v.CelError("no such overload") from None


def compile(
    expression: str,
    variables: dict[str, t.Type],
    fields: Fields = nothing,
    structs: "Callable[[str], bool] | None" = None,
    unescape: Callable[[str], str] = str,
    more: "dict[str, tuple[Any, list[t.Overload]]] | None" = None,
) -> Program:
    """A program. Raises Faults with the issues as upstream prints them."""
    known = functions() if not more else {**functions(), **more}
    try:
        return _compiled(parse(expression), variables, known, fields, structs, unescape)
    except RecursionError:
        raise Faults("ERROR: <input>:-1:0: expression recursion limit exceeded: 250") from None


def _compiled(
    parsed: Parsed,
    variables: dict[str, t.Type],
    known: "dict[str, tuple[Any, list[t.Overload]]]",
    fields: Fields,
    structs: "Callable[[str], bool] | None",
    unescape: Callable[[str], str],
) -> Program:
    checked = Checker(variables, {n: o for n, (_, o) in known.items()}, fields, structs).check(parsed)
    _literals(parsed, checked)
    return Program(parsed.expression, checked, Compiler(checked, known, unescape).code(parsed.root))


def walk(e: Node) -> "list[Node]":
    """All nodes of a tree."""
    found, at = [e], 0
    while at < len(found):
        found += children(found[at])
        at += 1
    return found


def _literals(parsed: Parsed, checked: Checked) -> None:
    """Faults that upstream's validators find in literals: durations, timestamps, patterns, lists of mixed types."""
    faults = []
    for e in walk(parsed.root):
        if e.kind == "call" and e.args and e.args[-1].kind == "const" and isinstance(e.args[-1].value, str):
            text, at = e.args[-1].value, e.args[-1].id
            if e.name == "duration" and v.parse_duration(text) is None:
                faults.append(parsed.fault(at, "invalid duration argument"))
            elif e.name == "timestamp" and v.parse_timestamp(text) is None:
                faults.append(parsed.fault(at, "invalid timestamp argument"))
            elif e.name == "matches":
                try:
                    regexps.compile(text)
                except ValueError:
                    faults.append(parsed.fault(at, "invalid matches argument"))
        elif e.kind in ("list", "struct") and not e.name:
            faults += _mixed(parsed, checked, e)
    if faults:
        raise Faults("\n".join(text for _, _, text in sorted(faults, key=lambda f: f[:2])))


def _mixed(parsed: Parsed, checked: Checked, e: Node) -> "list[tuple[int, int, str]]":
    groups = [e.args] if e.kind == "list" else [[n[0] for n in e.args], [n[1] for n in e.args]]
    for group in groups:
        kinds = [checked.types[n.id] for n in group]
        for kind, node in zip(kinds[1:], group[1:], strict=True):
            if kind != kinds[0] and "dyn" not in (kind[0], kinds[0][0]) and not t.Mapping().assignable(kinds[0], kind):
                text = f"expected type '{t.show(kinds[0])}' but found '{t.show(kind)}'"
                return [parsed.fault(node.id, text)]
    return []

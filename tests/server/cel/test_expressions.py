"""Expressions of each library: their values, what they cost, and what the compiler and the run say of wrong ones."""

from typing import Any

import pytest

from kk.server.cel import environment as env
from kk.server.cel import estimate, schema
from kk.server.cel import types as t
from kk.server.cel.syntax import Faults
from kk.server.cel.values import CelError, CostExceeded

_TYPES: dict[str, t.Type] = {
    "d": t.DYN,
    "i": t.INT,
    "s": t.STRING,
    "l": t.list_of(t.STRING),
    "m": t.map_of(t.STRING, t.INT),
    "o": ("object", "o"),
}
_VALUES = {
    "d": {"a": {"b": 1.5}, "n": None, "l": [1, 2, 3]},
    "i": 3,
    "s": "abc",
    "l": ["a", "b", "a"],
    "m": {"a": 1, "b": 2},
    "o": {"a": 1, "x-y": "z", "l": [["q"]]},
}


def _fields(name: str, field: str) -> "t.Type | None":
    return {"a": t.INT, "x__dash__y": t.STRING, "l": t.list_of(t.list_of(t.STRING))}.get(field)


def _program(expression: str) -> env.Program:
    return env.compile(expression, _TYPES, _fields, None, schema.unescape)


def _value(expression: str) -> Any:
    return _program(expression).run(dict(_VALUES))[0]


@pytest.mark.parametrize(
    "expression",
    """
    i == 3 && i < 3.5 && dyn(1) == 1.0 && 5 / 2 == 2 && -5 % 3 == -2 && 1u + 2u == 3u
    s.startsWith('a') && s.endsWith('c') && s.contains('b') && s.matches('^a.c$') && size(s) == 3
    d.a.b == 1.5 && has(d.a) && !has(d.z) && d.n == null && 'a' in d && d['a']['b'] > 1
    o.a == 1 && o.x__dash__y == 'z' && o.l[0][0] == 'q' && o.l.all(x, x.exists(y, y == 'q'))
    d.l[9] > 0 || true
    l.all(x, x.size() == 1) && l.exists(x, x == 'b') && l.exists_one(x, x == 'b') && !l.exists_one(x, x == 'a')
    l.filter(x, x == 'a') == ['a', 'a'] && l.map(x, x + '!') == ['a!', 'b!', 'a!'] && l.map(x, x == 'b', x) == ['b']
    l.all(i, v, i < 3 && v != '') && l.transformList(i, v, i) == [0, 1, 2] && m.transformMap(k, v, v + 1) == {'a': 2, 'b': 3}
    l.existsOne(x, x == 'b') && !l.existsOne(x, x == 'a') && d.l.existsOne(x, [x].existsOne(y, y == 2))
    m.all(k, m[k] > 0) && m.exists(k, v, k == 'b' && v == 2) && m.a == 1 && m.size() == 2
    d.?a.?b.orValue(2.0) == 1.5 && d.?q.?b.orValue(2.0) == 2.0 && l[?7].hasValue() == false && optional.of(1).value() == 1
    [1, 2, 2].isSorted() && [1, 2].sum() == 3 && [3, 1].min() == 1 && [3, 1].max() == 3 && l.indexOf('b') == 1
    l.lastIndexOf('a') == 2 && l.join('-') == 'a-b-a' && sets.contains(l, ['b']) && sets.equivalent(l, ['b', 'a'])
    sets.intersects(l, ['z', 'b']) && s.find('b.') == 'bc' && 'a1b2'.findAll('[0-9]') == ['1', '2']
    'Ab'.lowerAscii() == 'ab' && 'ab'.upperAscii() == 'AB' && ' x '.trim() == 'x' && 'a,b'.split(',') == ['a', 'b']
    'abc'.substring(1) == 'bc' && 'abc'.replace('b', 'x') == 'axc' && 'abc'.charAt(1) == 'b' && '%s-%d'.format([dyn('a'), 3]) == 'a-3'
    url('https://h:8/p?a=1').getHost() == 'h:8' && url('https://h:8/p').getPort() == '8' && isURL('/a') && !isURL('a')
    ip('::1').family() == 6 && ip('127.0.0.1').isLoopback() && isIP('1.2.3.4') && !isIP('1.2.3') && ip.isCanonical('1.2.3.4')
    cidr('10.0.0.0/8').containsIP('10.1.1.1') && !cidr('10.0.0.0/8').containsCIDR('11.0.0.0/16') && cidr('10.1.0.0/8').prefixLength() == 8
    quantity('1Gi').isGreaterThan(quantity('1G')) && quantity('1').add(quantity('500m')).compareTo(quantity('1.5')) == 0
    quantity('3').asInteger() == 3 && !quantity('3.5').isInteger() && isQuantity('1k') && !isQuantity('x')
    semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.2.3').minor() == 2 && isSemver('1.0.0-a') && !isSemver('1.0')
    semver('1.0.0-alpha').isLessThan(semver('1.0.0')) && semver('v1.2', true).compareTo(semver('1.2.0')) == 0
    !format.dns1123Label().validate('a-b').hasValue() && format.named('dns1123Label').hasValue() && format.uuid().validate('x').hasValue()
    timestamp('2020-01-02T03:04:05Z').getFullYear() == 2020 && timestamp('2020-01-02T03:04:05Z').getHours('+02:00') == 5
    timestamp('2020-01-01T00:00:00Z') + duration('1h') == timestamp('2020-01-01T01:00:00Z') && duration('90m').getHours() == 1
    string(duration('90s')) == '90s' && string(1.0) == '1' && string(timestamp('2020-01-01T00:00:00Z')) == '2020-01-01T00:00:00Z'
    int('7') == 7 && double('1.5') == 1.5 && bool('true') && string(b'a') == 'a' && type(1) == int && uint(3) == 3u
    {'a': 1}.a == 1 && {'a': 1, 'b': 2}.size() == 2 && (i > 2 ? 'x' : 'y') == 'x' && !([1] == [2])
    """.strip().splitlines(),
)
def test_holds(expression: str) -> None:
    """Each is true."""
    assert _value(expression.strip()) is True


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("i == 'x'", "ERROR: <input>:1:3: found no matching overload for '_==_' applied to '(int, string)'\n | i == 'x'\n | ..^"),
        ("nope", "ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope\n | ^"),
        ("o.b", "ERROR: <input>:1:2: undefined field 'b'\n | o.b\n | .^"),
        ("s.x", "ERROR: <input>:1:2: type 'string' does not support field selection\n | s.x\n | .^"),
        ("l.map(x, x) == [1]", "ERROR: <input>:1:13: found no matching overload for '_==_' applied to '(list(string), list(int))'\n | l.map(x, x) == [1]\n | ............^"),
        ("s.startsWith(1)", "ERROR: <input>:1:13: found no matching overload for 'startsWith' applied to 'string.(int)'\n | s.startsWith(1)\n | ............^"),
        ("i.all(x, true)", "ERROR: <input>:1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n | i.all(x, true)\n | ^"),
        ("has(s)", "ERROR: <input>:1:5: invalid argument to has() macro\n | has(s)\n | ....^"),
        ("s.", "ERROR: <input>:1:3: Syntax error: no viable alternative at input '.'\n | s.\n | ..^"),
    ],
)  # fmt: skip
def test_compiler_words(expression: str, words: str) -> None:
    """What does not compile is told as upstream tells it."""
    with pytest.raises(Faults) as caught:
        _program(expression)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("d.x == 1", "no such key: x"),
        ("l[5] == 'a'", "index out of bounds: 5"),
        ("1 / (i - 3) == 0", "division by zero"),
        ("9223372036854775807 + i == 0", "integer overflow"),
        ("int(s) == 1", "type conversion error from 'string' to 'int'"),
        ("optional.none().value() == 1", "optional.none() dereference"),
        ("d + 1 == 2", "no such overload: _+_(map, int)"),
    ],
)
def test_run_words(expression: str, words: str) -> None:
    """What cannot be evaluated is told as upstream tells it."""
    with pytest.raises(CelError) as caught:
        _value(expression)
    assert str(caught.value) == words


def test_costs_are_bounded() -> None:
    """A run that costs too much is stopped on its way."""
    program = env.compile("d.all(x, d.all(y, d.all(z, x + y + z >= 0)))", {"d": t.list_of(t.INT)})
    with pytest.raises(CostExceeded):
        program.run({"d": list(range(200))}, 100_000)


@pytest.mark.parametrize(
    ("most", "expression", "cost"),
    [(10, "self.all(x, x == 'a')", 52), (10, "self.size() > 0", 3)],
)
def test_estimates(most: int, expression: str, cost: int) -> None:
    """What an expression may cost follows from the sizes of the schema."""
    decl = schema.Decls().of({"type": "array", "maxItems": most, "items": {"type": "string", "maxLength": 5}})
    assert decl is not None
    program = env.compile(expression, {"self": decl.type})
    assert estimate.Estimate(program.checked, {"self": decl}).most() == cost


def test_lists_that_macros_make_grow_in_place_and_are_their_own() -> None:
    """A hundred thousand items take no time that grows with their square; a constant list is not touched."""
    items = list(range(100_000))
    program = env.compile("object.map(x, x) == object && [1].map(x, [x]) == [[1]]", {"object": t.DYN})
    for _ in range(2):
        assert program.run({"object": items}, 10**7)[0] is True


def test_nothing_is_done_that_cannot_be_paid_for() -> None:
    """Ten thousand millions of comparisons are refused before they begin."""
    items = list(range(100_000))
    program = env.compile("sets.contains(object, object)", {"object": t.DYN})
    with pytest.raises(CostExceeded, match="actual cost limit exceeded"):
        program.run({"object": items})

"""x-kubernetes-validations over objects, and their check when a schema is written."""

from typing import Any

from kk.server.cel.rules import Rules, check

KEY = "x-kubernetes-validations"


def _schema(**more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"f": more}}


def _told(rules: Rules, obj: Any, old: Any = None) -> list[tuple[str, str]]:
    return [(f.field, f.body) for f in rules.validate(obj, old)]


def test_failures_name_the_rule_or_its_message() -> None:
    """A fixed message, an expression's message, or the rule itself."""
    rules = Rules(
        _schema(
            type="integer",
            **{
                KEY: [
                    {"rule": "self > 0"},
                    {"rule": "self > 1", "message": "too small"},
                    {"rule": "self > 2", "messageExpression": "'got ' + string(self)"},
                    {"rule": "self > 3", "reason": "FieldValueForbidden", "message": "no"},
                ]
            },
        )
    )
    assert _told(rules, {"f": 0}) == [
        ("f", "Invalid value: 0: failed rule: self > 0"),
        ("f", "Invalid value: 0: too small"),
        ("f", "Invalid value: 0: got 0"),
        ("f", "Forbidden: no"),
    ]
    assert _told(rules, {"f": 4}) == []


def test_transition_rules_and_ratcheting() -> None:
    """oldSelf needs a value before; a fault that was there already is forgiven while nothing changes."""
    rules = Rules(_schema(type="string", **{KEY: [{"rule": "self == oldSelf"}, {"rule": "self != 'bad'"}]}))
    assert _told(rules, {"f": "a"}) == []
    assert _told(rules, {"f": "b"}, {"f": "a"}) == [("f", 'Invalid value: "b": failed rule: self == oldSelf')]
    assert _told(rules, {"f": "bad"}, {"f": "bad"}) == []
    assert len(_told(rules, {"f": "bad"})) == 1


def test_items_of_map_lists_are_correlated_by_key() -> None:
    """An item's old self is the item with the same keys."""
    items = {
        "type": "object",
        "properties": {"n": {"type": "string"}, "v": {"type": "integer", KEY: [{"rule": "self >= oldSelf"}]}},
    }
    rules = Rules(
        _schema(type="array", items=items, **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"]})
    )
    old = {"f": [{"n": "a", "v": 1}, {"n": "b", "v": 5}]}
    assert _told(rules, {"f": [{"n": "b", "v": 4}, {"n": "a", "v": 2}]}, old) == [
        ("f[0].v", "Invalid value: 4: failed rule: self >= oldSelf")
    ]


def test_formats_make_values() -> None:
    """Durations, times, bytes and numbers are values of their types."""
    fields = {
        "d": {"type": "string", "format": "duration", KEY: [{"rule": "self < duration('1h')"}]},
        "n": {"type": "number", KEY: [{"rule": "self < 1.5"}]},
        "b": {"type": "string", "format": "byte", KEY: [{"rule": "self == b'hi'"}]},
    }
    rules = Rules({"type": "object", "properties": fields})
    assert _told(rules, {"d": "5m", "n": 1, "b": "aGk="}) == []
    assert [f for f, _ in _told(rules, {"d": "2h", "n": 2, "b": "aGV5"})] == ["b", "d", "n"]


def test_runtime_errors_and_budgets() -> None:
    """An error shows the type for the value; a rule that costs too much ends the validation."""
    rules = Rules(_schema(type="array", items={"type": "integer"}, **{KEY: [{"rule": "self[0] == 1"}]}))
    assert _told(rules, {"f": []}) == [
        ("f", 'Invalid value: "array": index out of bounds: 0 evaluating rule: self[0] == 1')
    ]
    dear = Rules(
        _schema(
            type="array",
            items={"type": "integer"},
            **{KEY: [{"rule": "self.all(x, self.all(y, self.all(z, x+y+z>0)))"}]},
        )
    )
    [(_, text)] = _told(dear, {"f": list(range(1, 400))})
    assert "call cost exceeds limit for rule" in text


def test_the_check_of_a_schema() -> None:
    """Compile faults, costs and places where nothing can be correlated."""
    wrong = check(_schema(type="string", maxLength=5, **{KEY: [{"rule": "self == 1"}, {"rule": "self"}]}), "s")
    assert [f.field for f in wrong] == [f"s.properties[f].{KEY}[{i}].rule" for i in (0, 1)]
    assert wrong[1].body.endswith("cel expression must evaluate to a bool")
    dear = check(
        _schema(type="array", items={"type": "string"}, **{KEY: [{"rule": "self.all(x, self.all(y, x == y))"}]}), "s"
    )
    assert len(dear) == 3 and "more than 100x" in dear[0].body
    lists = check(_schema(type="array", items={"type": "integer", KEY: [{"rule": "self > oldSelf"}]}), "s")
    assert "uncorrelatable" in lists[0].body
    assert check(_schema(type="string", maxLength=5, **{KEY: [{"rule": "self == oldSelf"}]}), "s") == []

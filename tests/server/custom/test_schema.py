"""Schemas of custom resources as tables: pruning, defaulting, values, list types, embedded objects, ratcheting. Pure."""

from typing import Any

import pytest

from kk.base.patch import fields
from kk.server.custom import embedded, formats, listtypes, nodes, structural, validation
from kk.server.custom.schema import Schema


def obj(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields}


STRING, INTEGER = {"type": "string"}, {"type": "integer"}
PRESERVE = {"x-kubernetes-preserve-unknown-fields": True}


@pytest.mark.parametrize(
    ("schema", "before", "after", "gone"),
    [
        (obj(a=STRING), {"a": "x", "b": 1}, {"a": "x"}, ["b"]),
        (obj(a=obj(b=STRING)), {"a": {"c": 1, "b": "x"}}, {"a": {"b": "x"}}, ["a.c"]),
        (obj(l={"type": "array", "items": obj(k=STRING)}), {"l": [{"j": 1}, {}]}, {"l": [{}, {}]}, ["l[0].j"]),
        (
            obj(m={"type": "object", "additionalProperties": obj(v=INTEGER)}),
            {"m": {"x": {"w": 1}}},
            {"m": {"x": {}}},
            ["m.x.w"],
        ),
        (obj(p={"type": "object", **PRESERVE}), {"p": {"q": {"r": None}}}, {"p": {"q": {"r": None}}}, []),
        (
            obj(p={**obj(k=obj(z=STRING)), **PRESERVE}),
            {"p": {"k": {"y": 1}, "q": 1}},
            {"p": {"k": {}, "q": 1}},
            ["p.k.y"],
        ),
        (obj(e={"type": "object"}), {"e": {"x": 1}}, {"e": {}}, ["e.x"]),
        (obj(a=STRING), {"a": None}, {}, []),
        (obj(a={**STRING, "nullable": True}), {"a": None}, {"a": None}, []),
        (
            obj(a=STRING),
            {"kind": "X", "apiVersion": "v1", "metadata": {"odd": 1}},
            {"kind": "X", "apiVersion": "v1", "metadata": {"odd": 1}},
            [],
        ),
    ],
)
def test_pruning(schema: Any, before: Any, after: Any, gone: list[str]) -> None:
    assert structural.prune(before, Schema(schema)) == gone
    assert before == after


@pytest.mark.parametrize(
    ("schema", "before", "after"),
    [
        (obj(a={**INTEGER, "default": 5}), {}, {"a": 5}),
        (obj(a={**INTEGER, "default": 5}), {"a": 1}, {"a": 1}),
        (obj(a={**INTEGER, "default": 5}), {"a": None}, {"a": 5}),
        (obj(a={**INTEGER, "default": 5, "nullable": True}), {"a": None}, {"a": None}),
        (obj(o={**obj(x={**STRING, "default": "q"}), "default": {}}), {}, {"o": {"x": "q"}}),
        (obj(o=obj(x={**STRING, "default": "q"})), {}, {}),
        (obj(l={"type": "array", "items": obj(p={**STRING, "default": "TCP"})}), {"l": [{}]}, {"l": [{"p": "TCP"}]}),
        (
            obj(m={"type": "object", "additionalProperties": obj(v={"type": "boolean", "default": False})}),
            {"m": {"k": {}}},
            {"m": {"k": {"v": False}}},
        ),
    ],
)
def test_defaulting(schema: Any, before: Any, after: Any) -> None:
    compiled = Schema(schema)
    structural.default(before, compiled)
    assert before == after
    structural.default(before, compiled)
    assert before == after, "defaults are idempotent"


def test_a_default_is_not_shared() -> None:
    schema = Schema(obj(a={"type": "array", "items": STRING, "default": ["x"]}))
    one: dict[str, Any] = {}
    structural.default(one, schema)
    one["a"].append("y")
    other: dict[str, Any] = {}
    structural.default(other, schema)
    assert other == {"a": ["x"]}


REQUIRED = {"required": ["a"]}


@pytest.mark.parametrize(
    ("schema", "value", "texts"),
    [
        (STRING, 1, ['v: Invalid value: "integer": v in body must be of type string: "integer"']),
        (INTEGER, 1.0, []),
        ({"type": "number"}, 1, []),
        (INTEGER, True, ['v: Invalid value: "boolean": v in body must be of type integer: "boolean"']),
        (
            INTEGER,
            1.5,
            [
                'v: Invalid value: "number": v in body must be of type integer: "number"',
                '<nil>: Invalid value: "": Checked value must be of type integer (default format) in v',
            ],
        ),
        ({**INTEGER, "minimum": 5}, 4, ["v: Invalid value: 4: v in body should be greater than or equal to 5"]),
        (
            {**INTEGER, "minimum": 5, "exclusiveMinimum": True},
            5,
            ["v: Invalid value: 5: v in body should be greater than 5"],
        ),
        ({"type": "number", "maximum": 1.5}, 2, ["v: Invalid value: 2: v in body should be less than or equal to 1.5"]),
        ({**INTEGER, "multipleOf": 3}, 7, ["v: Invalid value: 7: v in body should be a multiple of 3"]),
        ({"type": "number", "multipleOf": 0.5}, 1.5, []),
        ({**STRING, "maxLength": 1}, "éé", ["v: Too long: may not be more than 1 byte"]),
        ({**STRING, "minLength": 2}, "é", ['v: Invalid value: "é": v in body should be at least 2 chars long']),
        ({**STRING, "pattern": "^a$"}, "a\n", ["v: Invalid value: \"a\\n\": v in body should match '^a$'"]),
        ({**STRING, "enum": ["a", "b"]}, "c", ['v: Unsupported value: "c": supported values: "a", "b"']),
        (
            {**STRING, "format": "date"},
            "2020-13-01",
            ['v: Invalid value: "2020-13-01": v in body must be of type date: "2020-13-01"'],
        ),
        ({**STRING, "format": "no-such-format"}, "!", []),
        ({"type": "array", "items": STRING, "maxItems": 1}, ["a", "b"], ["v: Too many: 2: must have at most 1 item"]),
        (
            {"type": "array", "items": STRING, "minItems": 1},
            [],
            ["v: Invalid value: 0: v in body should have at least 1 items"],
        ),
        (
            {"type": "array", "items": STRING},
            [None],
            ['v[0]: Invalid value: "null": v[0] in body must be of type string: "null"'],
        ),
        ({**obj(a=STRING), **REQUIRED}, {}, ["v.a: Required value"]),
        (
            {"type": "object", "additionalProperties": STRING, "maxProperties": 1},
            {"a": "", "b": ""},
            ["v: Too many: 2: must have at most 1 item"],
        ),
        (
            {"type": "object", "minProperties": 1},
            {},
            ["v: Invalid value: 0: v in body should have at least 1 properties"],
        ),
        (
            {"type": "object", "not": REQUIRED},
            {"a": 1},
            ['<nil>: Invalid value: "": "v" must not validate the schema (not)'],
        ),
        (
            {"type": "object", "oneOf": [REQUIRED, {"required": ["b"]}]},
            {"a": 1, "b": 1},
            ['<nil>: Invalid value: "": "v" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
        ),
        (
            {"type": "object", "anyOf": [REQUIRED, {"required": ["b"]}]},
            {},
            ['<nil>: Invalid value: "": "v" must validate at least one schema (anyOf)', "v.a: Required value"],
        ),
        (
            {"type": "object", "allOf": [REQUIRED]},
            {},
            [
                "v.a: Required value",
                '<nil>: Invalid value: "": "v" must validate all the schemas (allOf). None validated',
            ],
        ),
        (
            {"x-kubernetes-int-or-string": True},
            True,
            ['v: Invalid value: "boolean": v in body must be of type integer,string: "boolean"'],
        ),
    ],
)
def test_values(schema: Any, value: Any, texts: list[str]) -> None:
    assert [str(f) for f in validation.faults({"v": value}, Schema(obj(v=schema)))] == texts


LIST_MAP = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["n"],
    "items": obj(n=STRING, v={**INTEGER, "minimum": 5}),
}


@pytest.mark.parametrize(
    ("schema", "old", "new", "fields"),
    [
        (obj(s={**STRING, "pattern": "^g"}, t=STRING), {"s": "bad"}, {"s": "bad", "t": "x"}, []),
        (obj(s={**STRING, "pattern": "^g"}), {"s": "bad"}, {"s": "bad2"}, ["s"]),
        (
            obj(l=LIST_MAP),
            {"l": [{"n": "x", "v": 1}, {"n": "y", "v": 9}]},
            {"l": [{"n": "y", "v": 8}, {"n": "x", "v": 1}]},
            [],
        ),
        (obj(l=LIST_MAP), {"l": [{"n": "x", "v": 1}]}, {"l": [{"n": "x", "v": 2}]}, ["l[0].v"]),
        (obj(a={"type": "array", "items": {**INTEGER, "minimum": 5}}), {"a": [1]}, {"a": [1, 7]}, ["a[0]"]),
        (obj(a={"type": "array", "items": {**INTEGER, "minimum": 5}}, b=STRING), {"a": [1]}, {"a": [1], "b": ""}, []),
        ({**obj(m=STRING), "required": ["y"]}, {"m": "1"}, {"m": "2"}, ["y"]),
        ({**obj(m=STRING), "required": ["y"]}, {"m": "1"}, {"m": "1"}, []),
    ],
)
def test_what_was_there_is_forgiven(schema: Any, old: Any, new: Any, fields: list[str]) -> None:
    assert [f.field for f in validation.update_faults(new, old, Schema(schema))] == fields


def test_items_of_sets_and_map_lists_stand_once() -> None:
    schema = Schema(
        obj(
            s={"type": "array", "x-kubernetes-list-type": "set", "items": STRING},
            m={
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["k", "p"],
                "items": obj(k=STRING, p={**INTEGER, "default": 1}),
            },
        )
    )
    value = {"s": ["a", "b", "a", "a"], "m": [{"k": "a"}, {"k": "a", "p": 1}, {"k": "a", "p": 2}]}
    assert [str(f) for f in listtypes.faults(value, schema)] == [
        's[2]: Duplicate value: "a"',
        'm[1]: Duplicate value: {"k":"a","p":1}',
    ]


def test_embedded_resources_are_objects() -> None:
    schema = Schema(obj(e={"type": "object", "x-kubernetes-embedded-resource": True, **PRESERVE}))
    assert [str(f) for f in embedded.faults({"e": {"kind": ""}}, schema)] == [
        "e.apiVersion: Required value",
        'e.kind: Invalid value: "": must not be empty',
    ]
    unknown: list[str] = []
    value = {"e": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n", "odd": 1}}}
    embedded.coerce(value, schema, unknown)
    assert (value["e"]["metadata"], unknown) == ({"name": "n"}, ["e.metadata.odd"])
    with pytest.raises(embedded.Malformed, match="labels"):
        embedded.coerce({"e": {"metadata": {"labels": {"k": 1}}}}, schema, [])


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date-time", "2020-01-02T03:04:05Z", "2020-01-02 03:04:05"),
        ("duration", "1h30m", "3 parsecs"),
        ("email", "a@b.cc", "!not it!"),
        ("hostname", "a.example", "a.b"),
        ("uri", "http://x/y", ""),
        ("ipv4", "1.2.3.4", "::1"),
        ("ipv6", "::1", "1.2.3.4"),
        ("cidr", "10.0.0.0/8", "1.2.3.4"),
        ("mac", "00:00:5e:00:53:01", "00:00"),
        ("uuid", "00000000-0000-1000-8000-000000000000", "x"),
        ("uuid4", "00000000-0000-4000-8000-000000000000", "00000000-0000-1000-8000-000000000000"),
        ("byte", "aGk=", "a"),
        ("isbn13", "978-3-16-148410-0", "978-3-16-148410-1"),
        ("creditcard", "4111111111111111", "4111111111111112"),
        ("hexcolor", "#ff0000", "#ff000"),
        ("rgbcolor", "rgb(1,2,3)", "rgb(1,2,300)"),
        ("k8s-short-name", "a-b", "a.b"),
        ("k8s-long-name", "a.b", "A"),
    ],
)
def test_formats(name: str, good: str, bad: str) -> None:
    check = formats.find(name)
    assert check is not None
    assert check(good) and not check(bad)


def test_apply_knows_the_types() -> None:
    node = nodes.root(
        Schema(obj(l=LIST_MAP, free={"type": "object", **PRESERVE}, at={"type": "array", "items": STRING}))
    )
    value = {"l": [{"n": "x", "v": 1}], "free": {"a": {"b": 1}}, "at": ["1"]}
    assert fields.fields_of(value, node) == {
        "f:l": {'k:{"n":"x"}': {".": {}, "f:n": {}, "f:v": {}}},
        "f:free": {"f:a": {".": {}, "f:b": {}}},
        "f:at": {},
    }

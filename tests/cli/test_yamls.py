"""YAML as Kubernetes reads and writes it, and the table's alignment."""

import pytest

from kk.cli.printers import kyaml
from kk.cli.printers.json import text
from kk.cli.printers.table import Columns, cell
from kk.cli.yamls import Fault, dump, parse, parse_all

READ = [
    ("a: yes", {"a": True}),
    ("a: y", {"a": True}),
    ("a: off", {"a": False}),
    ("a: 2024-01-01", {"a": "2024-01-01"}),
    ("a: 2024-01-01T00:00:00Z", {"a": "2024-01-01T00:00:00Z"}),
    ("a: 1:30", {"a": "1:30"}),
    ("a: 0644", {"a": 420}),
    ("a: 0o644", {"a": 420}),
    ("a: 0x1f", {"a": 31}),
    ("a: 1e3", {"a": 1000.0}),
    ("a: .5", {"a": 0.5}),
    ("a: 1_000", {"a": 1000}),
    ("a: '1'", {"a": "1"}),
    ("a: ~", {"a": None}),
    ("a:", {"a": None}),
    ("1: a", {"1": "a"}),
    ("true: a", {"true": "a"}),
    ("a: b\na: c", {"a": "c"}),
    ("p: &b {c: d}\nq: *b", {"p": {"c": "d"}, "q": {"c": "d"}}),
    ("p: &b {c: d}\nq: {<<: *b, e: f}", {"p": {"c": "d"}, "q": {"c": "d", "e": "f"}}),
]

FAULTS = [
    ("a: b: c", "yaml: mapping values are not allowed in this context"),
    ("x: y\na: b: c", "yaml: line 2: mapping values are not allowed in this context"),
    ("a: *b", "yaml: unknown anchor 'b' referenced"),
]

WRITTEN = [
    ({"a": "true"}, 'a: "true"\n'),
    ({"a": "12"}, 'a: "12"\n'),
    ({"a": "2024-01-01T00:00:00Z"}, 'a: "2024-01-01T00:00:00Z"\n'),
    ({"a": "10.0.0.0/8"}, "a: 10.0.0.0/8\n"),
    ({"a": "5Gi"}, "a: 5Gi\n"),
    ({"a": ""}, 'a: ""\n'),
    ({"a": "* * *"}, "a: '* * *'\n"),
    ({"a": "l1\nl2\n"}, "a: |\n  l1\n  l2\n"),
    ({"a": [], "b": {}}, "a: []\nb: {}\n"),
    ({"a": [{"b": 1}]}, "a:\n- b: 1\n"),
    ({"key-10": 1, "key-2": 2, "key-1": 3}, "key-1: 3\nkey-2: 2\nkey-10: 1\n"),
    ({"a": None, "b": True, "c": 1.5, "d": 1e20}, "a: null\nb: true\nc: 1.5\nd: 1e+20\n"),
]


@pytest.mark.parametrize("content, value", READ, ids=[r[0] for r in READ])
def test_reads(content, value):
    assert parse(content) == value


@pytest.mark.parametrize("content, message", FAULTS)
def test_faults_are_worded_as_upstreams(content, message):
    with pytest.raises(Fault) as raised:
        parse(content)
    assert str(raised.value) == message


def test_reads_streams():
    assert list(parse_all("a: 1\n---\n---\nb: 2\n")) == [{"a": 1}, None, {"b": 2}]


@pytest.mark.parametrize("value, content", WRITTEN, ids=[w[1] for w in WRITTEN])
def test_writes_and_reads_back(value, content):
    assert dump(value) == content
    assert parse(content) == value


def test_columns_are_aligned_and_remembered():
    columns = Columns()
    assert columns.lines([["NAME", "AGE"], ["a", "1s"]]) == "NAME   AGE\na      1s\n"
    assert columns.lines([["longer-name", "2s"]]) == "longer-name   2s\n"
    assert columns.lines([["b", "3s"]]) == "b             3s\n"


@pytest.mark.parametrize(
    "value, shown",
    [
        ("a\nb", "a..."),
        (None, ""),
        (True, "true"),
        (3, "3"),
        (["a", 1], "[a 1]"),
        ({"k": "v"}, "map[k:v]"),
        ("\x1b[0m", "^[[0m"),
    ],
)
def test_cells(value, shown):
    assert cell(value) == shown


def test_json_is_gos():
    assert text({"b": "<&>", "a": 1}) == '{\n    "a": 1,\n    "b": "\\u003c\\u0026\\u003e"\n}'


def test_kyaml():
    assert kyaml.text({"a": "b", "c": [{"d": 1}], "e": []}) == '{\n  a: "b",\n  c: [{\n    d: 1,\n  }],\n  e: [],\n}'

"""What holds for every built-in kind, workloads and all: no object that fits its type breaks a function of its kind."""

import copy
import inspect
import random
from collections.abc import Iterator
from typing import Any

import pytest

from kk.base.errors import FieldError, StatusError
from kk.base.schema import Node
from kk.kinds import types
from kk.kinds.kind import Resource
from kk.kinds.registry import registry

STORED = [r for r in registry().resources.values() if r.storage_version == r.api_version and "create" in r.verbs]
_TEXTS = [
    "",
    "a",
    "A_B",
    "a.example.com",
    "x/y",
    "*",
    "-1",
    "10.0.0.1",
    "fd00::1/64",
    "é",
    "In",
    "TCP",
    "a" * 300,
    "1Gi",
    "Always",
]
_SCALARS: dict[str, list[Any]] = {
    "string": _TEXTS,
    "integer": [0, 1, -1, 80, 70000, 2**31 - 1],
    "number": [0, 1.5, -3],
    "boolean": [True, False],
    "quantity": ["0", "1", "-1", "500m", "1Gi", "1e3"],
    "int-or-string": [0, 80, "50%", "http", "x y", "-5%"],
    "time": ["2024-01-02T03:04:05Z"],
    "micro-time": ["2024-01-02T03:04:05.000006Z"],
    "bytes": ["", "eA==", "LS0t"],
}


def made(node: Node, rng: random.Random, depth: int = 0) -> Any:
    """A random value of a type; deep down only what must be there."""
    if node.type == "object":
        keep = 0.9 if depth < 2 else 0.5 if depth < 7 else 0.1
        found = {}
        for name, child in node.fields.items():
            if rng.random() < keep:
                found[name] = made(child, rng, depth + 1)
        return found
    if node.type == "map":
        return {rng.choice(_TEXTS): made(node.items, rng, depth + 1) for _ in range(rng.randrange(3))}
    if node.type == "list":
        return [made(node.items, rng, depth + 1) for _ in range(rng.randrange(3))]
    if node.type == "any":
        return rng.choice([{}, {"a": 1}, "x", None, [1]])
    if node.enum and rng.random() < 0.7:
        return rng.choice(node.enum)
    return rng.choice(_SCALARS[node.type])


def an_object(resource: Resource, rng: random.Random | None) -> dict[str, Any]:
    """An object of a kind: the bare one, or a random one."""
    obj: dict[str, Any] = made(resource.schema, rng) if rng else {}
    obj.update(kind=resource.kind, apiVersion=resource.api_version)
    obj["metadata"] = {"name": "a", **({"namespace": "default"} if resource.namespaced else {})}
    read, _ = types.read(resource, obj, "Ignore")
    return read


def prepared(resource: Resource, obj: dict[str, Any]) -> dict[str, Any]:
    """An object as a create sees it when it is validated."""
    strategy = resource.strategy
    if strategy.default:
        strategy.default(obj)
    if strategy.prepare_create:
        strategy.prepare_create(obj)
    obj["metadata"]["creationTimestamp"] = "2024-01-02T03:04:05Z"
    return obj


def objects(resource: Resource, count: int) -> Iterator[dict[str, Any]]:
    """The bare object and some random ones, the same in every run."""
    for seed in range(count):
        try:
            yield an_object(resource, random.Random(f"{resource.kind}{seed}") if seed else None)
        except StatusError:
            continue  # a value that its type refuses


def kinds() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("resource", STORED, ids=lambda r: f"{r.plural}.{r.group}")


@kinds()
def test_no_object_breaks_its_kind(resource: Resource) -> None:
    strategy = resource.strategy
    before = None
    for obj in objects(resource, 60):
        obj = prepared(resource, obj)
        shown = copy.deepcopy(obj)
        for old in (None, before):
            faults = list(strategy.validate(obj, old))
            assert all(isinstance(fault, FieldError) and str(fault) for fault in faults)
            assert all(isinstance(text, str) for text in strategy.warnings(obj, old))
        if before is not None:
            list(strategy.validate_status(obj, before))
            if strategy.prepare_update:
                strategy.prepare_update(copy.deepcopy(obj), copy.deepcopy(before))
        assert obj == shown, "validation changes nothing"
        before = obj


@kinds()
def test_defaults_do_not_change_what_they_made(resource: Resource) -> None:
    for obj in objects(resource, 20):
        if resource.strategy.default:
            resource.strategy.default(obj)
            once = copy.deepcopy(obj)
            resource.strategy.default(obj)
            assert obj == once


@kinds()
def test_columns_have_names_of_their_own_and_show_any_object(resource: Resource) -> None:
    columns = resource.strategy.columns or ()
    assert len({c.name for c in columns}) == len(columns)
    for obj in objects(resource, 30):
        obj = prepared(resource, obj)
        for column in columns:
            if callable(column.value):
                count = len(inspect.signature(column.value).parameters)
                cell = column.value(obj, 1704164645.0) if count > 1 else column.value(obj)
                assert cell is None or isinstance(cell, (str, int, float)), column.name


class Nobody:
    """Answers a description's questions with nothing."""

    now = 1704164645.0

    def list(self, *_: str, **__: str) -> None:
        """Nothing may be read."""

    def get(self, *_: str) -> None:
        """Nothing is there."""

    def events(self, _: Any) -> None:
        """Nothing happened."""


@kinds()
def test_any_object_is_described(resource: Resource) -> None:
    describe = resource.strategy.describe or (lambda *_: ())  # others have the command line's generic layout
    for obj in objects(resource, 15):
        assert all(isinstance(line, str) for line in describe(prepared(resource, obj), Nobody()))

"""JSON, merge and strategic patches as tables."""

import pytest

from kk.base.patch import BadPatch, PatchError, Unprocessable, json_patch, merge_patch, strategic
from kk.base.schema import Node

TEXT, NUMBER = Node("string"), Node("integer")
PORT = Node("object", name="Port", fields={"port": NUMBER, "name": TEXT})
ENV = Node("object", name="Env", fields={"name": TEXT, "value": TEXT})
ITEM = Node(
    "object",
    name="Container",
    fields={
        "name": TEXT,
        "image": TEXT,
        "env": Node("list", items=ENV, merge_key="name", strategies=frozenset({"merge"})),
        "args": Node("list", items=TEXT),
    },
)
VOLUME = Node(
    "object",
    name="Volume",
    fields={"name": TEXT, "emptyDir": Node("map", items=TEXT), "hostPath": Node("map", items=TEXT)},
)
SPEC = Node(
    "object",
    name="Spec",
    fields={
        "containers": Node("list", items=ITEM, merge_key="name", strategies=frozenset({"merge"})),
        "finalizers": Node("list", items=TEXT, strategies=frozenset({"merge"})),
        "volumes": Node("list", items=VOLUME, merge_key="name", strategies=frozenset({"merge", "retainKeys"})),
        "labels": Node("map", items=TEXT),
        "replicas": NUMBER,
    },
)


@pytest.mark.parametrize(
    ("ops", "wanted"),
    [
        ([{"op": "add", "path": "/a/b", "value": 1}], {"a": {"b": 1}, "l": [1, 2]}),
        ([{"op": "add", "path": "/l/-", "value": 3}], {"a": {}, "l": [1, 2, 3]}),
        ([{"op": "add", "path": "/l/1", "value": 3}], {"a": {}, "l": [1, 3, 2]}),
        ([{"op": "add", "path": "/l/-1", "value": 3}], {"a": {}, "l": [1, 2, 3]}),
        ([{"op": "remove", "path": "/l/-1"}], {"a": {}, "l": [1]}),
        ([{"op": "replace", "path": "/l/0", "value": 9}], {"a": {}, "l": [9, 2]}),
        ([{"op": "move", "from": "/l", "path": "/a/m"}], {"a": {"m": [1, 2]}}),
        ([{"op": "copy", "from": "/l/0", "path": "/a/m"}], {"a": {"m": 1}, "l": [1, 2]}),
        ([{"op": "test", "path": "/l", "value": [1, 2]}], {"a": {}, "l": [1, 2]}),
        ([{"op": "add", "path": "/a/x~1y~0z", "value": 1}], {"a": {"x/y~z": 1}, "l": [1, 2]}),
        (None, {"a": {}, "l": [1, 2]}),
    ],
)
def test_json_patch(ops, wanted):
    doc = {"a": {}, "l": [1, 2]}
    assert json_patch.apply(doc, ops) == wanted
    assert doc == {"a": {}, "l": [1, 2]}


@pytest.mark.parametrize(
    ("ops", "fault"),
    [
        ([1], BadPatch),
        ({"op": "add"}, BadPatch),
        ([None], Unprocessable),
        ([{"op": "frob", "path": "/a"}], Unprocessable),
        ([{"op": "remove", "path": "/none"}], Unprocessable),
        ([{"op": "add", "path": "/none/x", "value": 1}], Unprocessable),
        ([{"op": "add", "path": "/l/9", "value": 1}], Unprocessable),
        ([{"op": "test", "path": "/l/0", "value": True}], Unprocessable),
        ([{"op": "copy", "path": "/a/x"}], Unprocessable),
    ],
)
def test_json_patch_faults(ops, fault):
    with pytest.raises(fault):
        json_patch.apply({"a": {}, "l": [1, 2]}, ops)


@pytest.mark.parametrize(
    ("doc", "patch", "wanted"),
    [
        ({"a": 1}, {"a": None, "b": 2}, {"b": 2}),
        ({"a": {"x": 1}}, {"a": {"y": {"z": None, "w": 1}}}, {"a": {"x": 1, "y": {"w": 1}}}),
        ({"a": [1]}, {"a": [2, {"n": None, "m": 1}]}, {"a": [2, {"m": 1}]}),
        ({"a": 1}, {"a": {"b": None}}, {"a": {}}),
    ],
)
def test_merge_patch(doc, patch, wanted):
    assert merge_patch.apply(doc, patch) == wanted


def test_merge_patch_diffs():
    old, new = {"a": 1, "b": {"c": 1, "d": 2}}, {"b": {"c": 1, "d": 3}, "e": True}
    assert merge_patch.diff(old, new) == {"a": None, "b": {"d": 3}, "e": True}
    assert merge_patch.apply(old, merge_patch.diff(old, new)) == new
    assert merge_patch.diff3({"a": 1, "b": 1}, {"b": 2}, {"a": 1, "b": 1, "live": 1}) == {"a": None, "b": 2}
    with pytest.raises(BadPatch):
        merge_patch.apply({}, [1])


def c(name, **more):
    return {"name": name, **more}


LIVE = {
    "containers": [c("a", image="i:1", env=[c("X", value="1")]), c("b", image="j")],
    "finalizers": ["p", "q"],
    "labels": {"k": "v"},
}


@pytest.mark.parametrize(
    ("patch", "wanted"),
    [
        (
            {"containers": [c("a", image="i:2")]},
            {"containers": [c("a", image="i:2", env=[c("X", value="1")]), c("b", image="j")]},
        ),
        ({"containers": [c("n", image="k")]}, {"containers": [c("n", image="k"), *LIVE["containers"]]}),
        ({"containers": [{"name": "a", "$patch": "delete"}]}, {"containers": [c("b", image="j")]}),
        ({"containers": [{"$patch": "replace"}, c("z")]}, {"containers": [c("z")]}),
        (
            {"containers": [c("a", env=[c("Y", value="2")])]},
            {"containers": [c("a", image="i:1", env=[c("Y", value="2"), c("X", value="1")]), c("b", image="j")]},
        ),
        (
            {"$setElementOrder/containers": [c("b"), c("a")]},
            {"containers": [LIVE["containers"][1], LIVE["containers"][0]]},
        ),
        ({"finalizers": ["r"]}, {"finalizers": ["r", "p", "q"]}),
        ({"$deleteFromPrimitiveList/finalizers": ["p"]}, {"finalizers": ["q"]}),
        ({"labels": {"k": None, "n": "1"}}, {"labels": {"n": "1"}}),
        ({"labels": {"$patch": "replace", "n": "1"}}, {"labels": {"n": "1"}}),
        ({"replicas": 3}, {"replicas": 3}),
    ],
)
def test_strategic(patch, wanted):
    result = strategic.apply(LIVE, patch, SPEC)
    if "finalizers" in patch:
        result["finalizers"].sort(key=["r", "p", "q"].index)
    if "containers" in patch and patch["containers"][0].get("name") == "n":
        assert [i["name"] for i in result["containers"]].count("n") == 1
        return
    assert result == {**LIVE, **wanted}


def test_retain_keys():
    doc = {"volumes": [c("v", emptyDir={})]}
    patch = {"volumes": [{"name": "v", "hostPath": {"path": "/x"}, "$retainKeys": ["name", "hostPath"]}]}
    assert strategic.apply(doc, patch, SPEC) == {"volumes": [c("v", hostPath={"path": "/x"})]}
    with pytest.raises(BadPatch, match="invalid patch format of retainKeys"):
        strategic.apply(doc, {"volumes": [{"name": "v", "hostPath": {}, "$retainKeys": ["name"]}]}, SPEC)


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ({"containers": [{"image": "x"}]}, "map: map[image:x] does not contain declared merge key: name"),
        ({"labels": {"$patch": "frob"}}, "unknown patch type: frob in map: map[$patch:frob]"),
        ({"$setElementOrder/none": [c("a")]}, 'unable to find api field in struct Spec for the json field "none"'),
    ],
)
def test_strategic_faults(patch, words):
    with pytest.raises(PatchError) as caught:
        strategic.apply(LIVE, patch, SPEC)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("original", "modified", "current"),
    [
        ({}, {"containers": [c("a", image="i:1")]}, {}),
        (
            {"containers": [c("a", image="i:1"), c("b")]},
            {"containers": [c("a", image="i:2")]},
            {"containers": [c("a", image="i:1", args=["x"]), c("b")]},
        ),
        ({"labels": {"a": "1"}}, {"labels": {"b": "2"}}, {"labels": {"a": "1", "own": "x"}}),
        ({"finalizers": ["p"]}, {"finalizers": ["q"]}, {"finalizers": ["p", "mine"]}),
        (
            {"containers": [c("a"), c("b")]},
            {"containers": [c("b"), c("a")]},
            {"containers": [c("a"), c("b"), c("side")]},
        ),
        (
            {"volumes": [c("v", emptyDir={})]},
            {"volumes": [c("v", hostPath={"path": "/"})]},
            {"volumes": [c("v", emptyDir={})]},
        ),
    ],
)
def test_three_way(original, modified, current):
    patch = strategic.diff(original, modified, current, SPEC)
    result = strategic.apply(current, patch, SPEC)
    again = strategic.diff(modified, modified, result, SPEC)
    assert strategic.apply(result, again, SPEC) == result, "what was applied stays as it is"
    for item in modified.get("containers", ()):
        assert any(item.items() <= found.items() for found in result["containers"])
    gone = {i["name"] for i in original.get("containers", ())} - {i["name"] for i in modified.get("containers", ())}
    assert not gone & {i["name"] for i in result.get("containers", ())}


def test_three_way_wording():
    patch = strategic.diff(
        {"containers": [c("a"), c("b")]},
        {"containers": [c("a", image="i")]},
        {"containers": [c("a"), c("b"), c("x")]},
        SPEC,
    )
    assert patch == {
        "containers": [c("a", image="i"), {"name": "b", "$patch": "delete"}],
        "$setElementOrder/containers": [{"name": "a"}],
    }
    with pytest.raises(strategic.DiffConflict):
        strategic.diff({"replicas": 1}, {"replicas": 2}, {"replicas": 3}, SPEC, overwrite=False)

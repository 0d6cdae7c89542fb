"""Ownership of fields: creates, updates, applies, conflicts."""

from datetime import UTC, datetime

import pytest

from kk.base.patch import apply as ssa
from kk.base.patch import fields as f
from kk.base.patch import managers
from kk.base.schema import ANY, Node

TEXT, NUMBER = Node("string"), Node("integer")
STRINGS = Node("map", items=TEXT)
META = Node(
    "object",
    fields={
        "name": TEXT,
        "labels": STRINGS,
        "annotations": STRINGS,
        "finalizers": Node("list", items=TEXT, list_type="set"),
    },
)
PORT = Node("object", fields={"port": NUMBER, "protocol": Node("string", default="TCP"), "name": TEXT})
SPEC = Node(
    "object",
    fields={
        "replicas": NUMBER,
        "selector": Node("map", items=TEXT, atomic=True),
        "ports": Node("list", items=PORT, list_type="map", map_keys=("port", "protocol")),
        "args": Node("list", items=TEXT),
        "free": ANY,
    },
)
KIND = Node(
    "object",
    fields={
        "apiVersion": TEXT,
        "kind": TEXT,
        "metadata": META,
        "spec": SPEC,
        "data": STRINGS,
        "status": Node("map", items=TEXT),
    },
)
NOW, LATER = datetime(2030, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)


def thing(**more):
    return {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "a"}, **more}


def write(old, manager, now=NOW, subresource="", **more):
    new = {**thing(**more), "metadata": {**(old or thing())["metadata"]}}
    new["metadata"]["managedFields"] = ssa.update(
        old, new, KIND, manager, api_version="v1", now=now, subresource=subresource
    )
    return new


def apply(live, manager, force=False, now=NOW, meta=None, **more):
    applied = thing(**more)
    applied["metadata"].update(meta or {})
    return ssa.apply(live, applied, KIND, manager, api_version="v1", now=now, force=force)


def owned(obj):
    return {(e["manager"], e["operation"]): e["fieldsV1"] for e in obj["metadata"].get("managedFields", [])}


def test_a_create_owns_what_it_set():
    obj = write(
        None, "m", data={"k": "v"}, spec={"replicas": 1, "selector": {"x": "y"}, "ports": [{"port": 80}], "args": ["a"]}
    )
    assert owned(obj) == {
        ("m", "Update"): {
            "f:data": {".": {}, "f:k": {}},
            "f:spec": {
                ".": {},
                "f:replicas": {},
                "f:selector": {},
                "f:args": {},
                "f:ports": {".": {}, 'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}},
            },
        }
    }


def test_who_changes_a_field_owns_it():
    first = write(None, "m", data={"k": "v", "l": "1"})
    second = write(first, "n", now=LATER, data={"k": "w", "l": "1"})
    assert owned(second) == {
        ("m", "Update"): {"f:data": {".": {}, "f:l": {}}},
        ("n", "Update"): {"f:data": {"f:k": {}}},
    }
    assert [e["time"] for e in second["metadata"]["managedFields"]] == ["2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z"]
    third = write(second, "o", data={"k": "w"})
    assert owned(third) == {("m", "Update"): {"f:data": {".": {}}}, ("n", "Update"): {"f:data": {"f:k": {}}}} or owned(
        third
    ) == {
        ("m", "Update"): {"f:data": {}},
        ("n", "Update"): {"f:data": {"f:k": {}}},
    }


def test_an_update_of_nothing_changes_nothing():
    first = write(None, "m", data={"k": "v"})
    again = write(first, "n", now=LATER, data={"k": "v"})
    assert again["metadata"]["managedFields"] == first["metadata"]["managedFields"]


def test_status_is_owned_through_status_only():
    first = write(None, "m", data={"k": "v"}, status={"p": "1"})
    assert owned(first) == {("m", "Update"): {"f:data": {".": {}, "f:k": {}}}}
    second = write(first, "ctl", subresource="status", data={"k": "v"}, status={"p": "2"})
    assert owned(second)[("ctl", "Update")] == {"f:status": {"f:p": {}}}
    assert [e.get("subresource") for e in second["metadata"]["managedFields"]] == ["status", None]


def test_managed_fields_can_be_forgotten():
    first = write(None, "m", data={"k": "v"})
    new = {**first, "metadata": {"name": "a", "managedFields": [{}]}}
    assert ssa.update(first, new, KIND, "m", api_version="v1", now=NOW) == []
    assert (
        ssa.update({**first, "metadata": {"name": "a"}}, thing(data={"k": "w"}), KIND, "m", api_version="v1", now=NOW)
        == []
    )


def test_the_oldest_of_many_updaters_are_put_together():
    obj = None
    for i in range(12):
        moment = datetime(2030, 1, 1 + i, tzinfo=UTC)
        obj = write(obj, f"m{i:02}", now=moment, data={f"k{j}": "v" for j in range(i + 1)})
    names = [e["manager"] for e in obj["metadata"]["managedFields"]]
    assert len(names) == 10 and managers.ANCIENT in names and "m00" not in names
    assert set(owned(obj)[(managers.ANCIENT, "Update")]["f:data"]) == {".", "f:k0", "f:k1", "f:k2"}


def test_apply_creates_merges_and_removes():
    first = apply(None, "alice", data={"k": "v", "l": "1"}, spec={"ports": [{"port": 80, "name": "web"}]})
    assert owned(first)[("alice", "Apply")] == {
        "f:data": {"f:k": {}, "f:l": {}},
        "f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:name": {}, "f:port": {}}}},
    }
    second = apply(first, "bob", data={"b": "2"}, spec={"ports": [{"port": 443}, {"port": 80}]})
    assert [p["port"] for p in second["spec"]["ports"]] == [443, 80]
    third = apply(second, "alice", data={"k": "v"})
    assert third["data"] == {"k": "v", "b": "2"}
    assert third["spec"]["ports"] == [{"port": 443}, {"port": 80}], (
        "bob applies the port too; its name was alice's alone"
    )


def test_conflicts_name_managers_and_paths():
    live = write(apply(None, "alice", data={"k": "v"}), "tool", data={"k": "v", "t": "1"}, spec={"replicas": 2})
    with pytest.raises(ssa.Conflicts) as caught:
        apply(live, "bob", data={"k": "w"})
    assert str(caught.value) == 'Apply failed with 1 conflict: conflict with "alice": .data.k'
    with pytest.raises(ssa.Conflicts) as caught:
        apply(live, "bob", data={"k": "w", "t": "2"}, spec={"replicas": 3})
    assert str(caught.value) == (
        'Apply failed with 3 conflicts: conflicts with "alice":\n- .data.k\nconflicts with "tool" using v1:\n- .data.t\n- .spec.replicas'
    )
    assert caught.value.causes[0] == {
        "reason": "FieldManagerConflict",
        "message": 'conflict with "alice"',
        "field": ".data.k",
    }
    forced = apply(live, "bob", force=True, data={"k": "w"})
    assert ("alice", "Apply") not in owned(forced) and forced["data"] == {"k": "w", "t": "1"}


def test_the_same_value_is_shared():
    shared = apply(apply(None, "alice", data={"k": "v"}), "bob", data={"k": "v"})
    assert owned(shared) == {("alice", "Apply"): {"f:data": {"f:k": {}}}, ("bob", "Apply"): {"f:data": {"f:k": {}}}}
    assert apply(shared, "alice")["data"] == {"k": "v"}, "bob still applies it"


def test_a_live_object_without_owners_is_owned_by_its_past():
    live = thing(data={"k": "v", "z": "1"})
    result = apply(live, "alice", data={"k": "v"})
    assert owned(result)[(managers.BEFORE_FIRST_APPLY, "Update")] == {"f:data": {".": {}, "f:k": {}, "f:z": {}}}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"bogus": 1}, ".bogus: field not declared in schema"),
        ({"spec": {"replicas": "x"}}, ".spec.replicas: expected numeric (int or float), got string"),
        (
            {"spec": {"ports": [{"port": 1}, {"port": 1}]}},
            '.spec.ports: duplicate entries for key [port=1,protocol="TCP"]',
        ),
        ({"spec": {"ports": [None]}}, ".spec.ports: element 0: associative list with keys may not have a null element"),
        ({"data": "x"}, ".data: expected map, got &{x}"),
    ],
)
def test_what_does_not_fit(more, words):
    with pytest.raises(ssa.NotTyped) as caught:
        apply(None, "alice", **more)
    assert str(caught.value) == f"failed to create typed patch object (/a; /v1, Kind=Thing): {words}"


def test_arithmetic():
    a, b = {"f:x": {".": {}, "f:y": {}}, "f:z": {}}, {"f:x": {"f:y": {}}, "f:w": {}}
    assert f.union(a, b) == {"f:x": {".": {}, "f:y": {}}, "f:z": {}, "f:w": {}}
    assert f.difference(a, b) == {"f:x": {}, "f:z": {}}
    assert f.intersection(a, b) == {"f:x": {"f:y": {}}}
    assert f.without(a, {"f:x": {}}) == {"f:z": {}}
    assert list(f.members(a)) == [".x", ".x.y", ".z"]
    assert f.valid(a) and not f.valid({"bad": {}}) and not f.valid({"k:{": {}})

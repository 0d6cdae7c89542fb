"""The garbage collector's graph: who is solid, dangling, waited for, and what blocks whom."""

import pytest

from kk.client.discovery import APIResource
from kk.control.controllers._ownership import FOREGROUND, Graph, Node, policy

MAPS = APIResource("", "v1", "configmaps", "configmap", "ConfigMap", True)
NODES = APIResource("", "v1", "nodes", "node", "Node", False)


def meta(uid, *owners, namespace="n", block=False, **more):
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": o, "uid": o, "blockOwnerDeletion": block} for o in owners
    ]
    return {"name": uid, "uid": uid, "namespace": namespace, "ownerReferences": references, **more}


def graph(*metas):
    made = Graph()
    for one in metas:
        made.set(MAPS if one.get("namespace") else NODES, one)
    return made


GOING = {"deletionTimestamp": "t", "finalizers": [FOREGROUND]}


@pytest.mark.parametrize(
    ("others", "child", "absent", "expected"),
    [
        ([meta("p")], meta("c", "p"), [], (["p"], [], [])),
        ([], meta("c", "p"), ["p"], ([], ["p"], [])),
        ([meta("p")], meta("c", "p", "q"), ["q"], (["p"], ["q"], [])),
        ([meta("p", **GOING)], meta("c", "p", block=True), [], ([], [], ["p"])),
        ([meta("p", **GOING)], meta("c", "p"), [], (["p"], [], [])),
    ],
)
def test_classify(others, child, absent, expected):
    made = graph(*others, child)
    found = made.classify(made.node("c"), absent)
    assert tuple([r["uid"] for r in rs] for rs in (found.solid, found.dangling, found.waiting)) == expected


def test_concerned_only_where_something_may_be_wrong():
    made = graph(meta("p"), meta("c", "p"))
    assert not made.concerned(made.node("c"))
    made.drop("p")
    assert made.concerned(made.node("c"))


def test_an_owner_in_another_namespace_does_not_count():
    made = graph(meta("p", namespace="other"), meta("c", "p"))
    assert made.unknown(made.node("c"))
    made = graph(meta("p", namespace=""), meta("c", "p"))
    assert not made.unknown(made.node("c"))


def test_dependents_follow_changes_of_references():
    made = graph(meta("p"), meta("c", "p"))
    made.set(MAPS, meta("c"))
    assert made.dependents("p") == []
    made.set(MAPS, meta("c", "p", block=True))
    assert [n.uid for n in made.blocking(made.node("p"))] == ["c"]
    made.drop("c")
    assert made.dependents("p") == []


@pytest.mark.parametrize(
    ("finalizers", "how"), [([], "Background"), (["orphan"], "Orphan"), ([FOREGROUND], "Foreground")]
)
def test_policy(finalizers, how):
    assert policy(Node(MAPS, meta("a", finalizers=finalizers))) == how

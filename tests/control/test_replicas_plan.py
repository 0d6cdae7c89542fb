"""ReplicaSet's decisions as tables: how many pods to make, and which to delete first."""

from datetime import UTC, datetime, timedelta

import pytest

from kk.base.times import format_time
from kk.control.controllers import _replicas as r
from kk.control.owners import claim

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def rs(replicas=3, **spec):
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {}}
    meta = {"name": "rs", "namespace": "n", "uid": "rs", "generation": 1}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": meta,
        "spec": {"replicas": replicas, "template": template, **spec},
    }


def pod(name, phase="Running", ready=True, node="node1", age=60, ready_for=50, restarts=0, **meta):
    metadata = {"name": name, "namespace": "n", "uid": name, "labels": {"a": "b"}, **meta}
    metadata["creationTimestamp"] = format_time(NOW - timedelta(seconds=age))
    condition = {
        "type": "Ready",
        "status": "True" if ready else "False",
        "lastTransitionTime": format_time(NOW - timedelta(seconds=ready_for)),
    }
    status = {"phase": phase, "conditions": [condition], "containerStatuses": [{"restartCount": restarts}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"nodeName": node} if node else {},
        "status": status,
    }


@pytest.mark.parametrize(
    "replicas,pods,create,delete",
    [
        (3, [], 3, 0),
        (3, [pod("a"), pod("b")], 1, 0),
        (1, [pod("a"), pod("b"), pod("c")], 0, 2),
        (2, [pod("a"), pod("b", phase="Failed"), pod("c", phase="Succeeded")], 1, 0),
        (2, [pod("a"), pod("b", deletionTimestamp=format_time(NOW))], 1, 0),
        (0, [pod("a")], 0, 1),
        (1000, [], 500, 0),
    ],
)
def test_how_many(replicas, pods, create, delete):
    todo = r.plan(rs(replicas), pods, pods, NOW)
    assert (todo.create, len(todo.delete)) == (create, delete)


def test_a_dying_set_makes_nothing():
    one = rs(3)
    one["metadata"]["deletionTimestamp"] = format_time(NOW)
    assert r.plan(one, [], [], NOW).create == 0


COST = "controller.kubernetes.io/pod-deletion-cost"


@pytest.mark.parametrize(
    "first,second",
    [
        (pod("x", node=""), pod("y")),
        (pod("x", phase="Pending", ready=False), pod("y", phase="Running", ready=False)),
        (pod("x", ready=False), pod("y")),
        (pod("x", annotations={COST: "-1"}), pod("y")),
        (pod("x"), pod("y", annotations={COST: "5"})),
        (pod("x", ready_for=10), pod("y", ready_for=50)),
        (pod("x", restarts=3), pod("y", restarts=0)),
        (pod("x", age=10), pod("y", age=90)),
    ],
)
def test_which_goes_first(first, second):
    for pods in ([first, second], [second, first]):
        assert [p["metadata"]["name"] for p in r.plan(rs(1), pods, pods, NOW).delete] == ["x"]


def test_crowded_nodes_lose_a_pod_first():
    mine = [pod("x", node="node1"), pod("y", node="node2")]
    sibling = pod("z", node="node1")
    assert [p["metadata"]["name"] for p in r.plan(rs(1), mine, [*mine, sibling], NOW).delete] == ["x"]


def test_status_counts():
    pods = [
        pod("a"),
        pod("b", ready=False),
        pod("c", deletionTimestamp=format_time(NOW)),
        pod("d", labels={"a": "other"}),
    ]
    status = r.status(rs(3), pods, None, NOW)
    assert status == {
        "replicas": 3,
        "fullyLabeledReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "terminatingReplicas": 1,
        "observedGeneration": 1,
    }


def test_availability_takes_min_ready_seconds_and_is_looked_at_again():
    one = rs(1, minReadySeconds=60)
    pods = [pod("a", ready_for=50)]
    assert "availableReplicas" not in r.status(one, pods, None, NOW)
    assert r.plan(one, pods, pods, NOW).again == 10


def test_a_failure_is_a_condition_until_it_is_over():
    one = rs(1)
    one["status"] = r.status(one, [], ("FailedCreate", "no"), NOW)
    assert [(c["type"], c["reason"]) for c in one["status"]["conditions"]] == [("ReplicaFailure", "FailedCreate")]
    assert r.status(one, [], ("FailedCreate", "no again"), NOW)["conditions"] == one["status"]["conditions"]
    assert "conditions" not in r.status(one, [], None, NOW)


def test_claims():
    owner = rs()
    mine = pod("mine", ownerReferences=[{"uid": "rs", "controller": True}])
    stray = pod("stray", ownerReferences=[{"uid": "rs", "controller": True}], labels={"a": "other"})
    orphan, other = pod("orphan"), pod("other", ownerReferences=[{"uid": "else", "controller": True}])
    found = claim(owner, [mine, stray, orphan, other], lambda p: p["metadata"]["labels"]["a"] == "b")
    assert [[p["metadata"]["name"] for p in group] for group in (found.owned, found.adopt, found.release)] == [
        ["mine"],
        ["orphan"],
        ["stray"],
    ]
    owner["metadata"]["deletionTimestamp"] = format_time(NOW)
    assert claim(owner, [orphan, stray], lambda p: True).adopt == []

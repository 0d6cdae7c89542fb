"""Deployment's decisions as tables: what a rollout does next in each state, without a cluster."""

from datetime import UTC, datetime, timedelta

import pytest

from kk.base.times import format_time
from kk.control.controllers import _rollout as r
from kk.control.controllers._deployment import World, plan

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def template(version):
    return {"metadata": {"labels": {"a": "web"}}, "spec": {"containers": [{"name": "c", "image": f"i:{version}"}]}}


def deployment(replicas=4, surge="25%", unavailable="25%", version=2, kind="RollingUpdate", **spec):
    strategy = {"type": kind}
    if kind == "RollingUpdate":
        strategy["rollingUpdate"] = {"maxSurge": surge, "maxUnavailable": unavailable}
    whole = {
        "replicas": replicas,
        "selector": {"matchLabels": {"a": "web"}},
        "template": template(version),
        "strategy": strategy,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        **spec,
    }
    meta = {"name": "web", "namespace": "n", "uid": "d", "generation": 2, "creationTimestamp": format_time(NOW)}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": whole}


def rs(name, size, available=None, version=1, revision=1, desired=4, maximum=5, age=0):
    available = size if available is None else available
    hashed = template(version)
    hashed["metadata"]["labels"] = {**hashed["metadata"]["labels"], r.HASH: name}
    notes = {r.REVISION: str(revision), r.DESIRED: str(desired), r.MAXIMUM: str(maximum)}
    meta = {"name": name, "namespace": "n", "uid": name, "generation": 1, "annotations": notes}
    meta["creationTimestamp"] = format_time(NOW - timedelta(seconds=age))
    status = {"replicas": size, "readyReplicas": available, "availableReplicas": available, "observedGeneration": 1}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": meta,
        "spec": {"replicas": size, "template": hashed},
        "status": status,
    }


def decide(d, *sets, old_pods=False):
    return plan(World(d, list(sets), old_pods, "hash", NOW))


def reasons(status):
    return {c["type"]: c["reason"] for c in status.get("conditions", ())}


def test_the_first_set_takes_everything():
    todo = decide(deployment())
    assert todo.create["metadata"]["name"] == "web-hash"
    assert todo.create["spec"]["replicas"] == 4
    assert todo.create["metadata"]["labels"] == {"a": "web", r.HASH: "hash"}
    assert todo.create["spec"]["selector"]["matchLabels"] == {"a": "web", r.HASH: "hash"}
    assert todo.revision == "1"
    assert reasons(todo.status)["Progressing"] == "NewReplicaSetCreated"


ROLLING = [
    # surge, unavailable, old (size, available), new (size, available) → sizes
    ("25%", "25%", (4, 4), (0, 0), {"new": 1}),
    ("25%", "25%", (4, 4), (1, 0), {"old": 3}),
    ("25%", "25%", (3, 3), (1, 0), {"new": 2}),
    ("25%", "25%", (3, 3), (2, 0), {}),
    ("25%", "25%", (3, 3), (2, 2), {"old": 1}),
    ("25%", "25%", (0, 0), (4, 4), {}),
    (1, 0, (4, 4), (1, 0), {}),
    (1, 0, (4, 4), (1, 1), {"old": 3}),
    (0, 1, (4, 4), (0, 0), {"old": 3}),
    (0, 1, (3, 3), (0, 0), {"new": 1}),
    ("100%", 0, (4, 4), (0, 0), {"new": 4}),
    ("25%", "25%", (4, 1), (1, 0), {"old": 3}),  # what is not available is given up first
    (0, 0, (4, 4), (0, 0), {"old": 3}),  # both 0 can only come of rounding: one may be missing then
]


@pytest.mark.parametrize("surge,unavailable,old,new,sizes", ROLLING)
def test_rolling_update(surge, unavailable, old, new, sizes):
    d = deployment(surge=surge, unavailable=unavailable)
    todo = decide(d, rs("old", *old, age=9), rs("new", *new, version=2, revision=2))
    assert todo.sizes == sizes
    assert todo.create is None


def test_a_rolling_update_always_ends():
    """Played to its end by a kubelet that makes every pod available: never fewer than allowed, never more."""
    d = deployment(replicas=10, surge=2, unavailable=1)
    sets = {
        "old": rs("old", 10, age=9, desired=10, maximum=12),
        "new": rs("new", 0, version=2, revision=2, desired=10, maximum=12),
    }
    for _ in range(40):
        todo = decide(d, *sets.values())
        if not todo.sizes:
            break
        for name, size in todo.sizes.items():
            sets[name]["spec"]["replicas"] = size
        for one in sets.values():
            size = one["spec"]["replicas"]
            one["status"].update(replicas=size, readyReplicas=size, availableReplicas=size)
        total = sum(s["spec"]["replicas"] for s in sets.values())
        assert 9 <= total <= 12
    assert [s["spec"]["replicas"] for s in sets.values()] == [0, 10]
    assert reasons(todo.status) == {"Available": "MinimumReplicasAvailable", "Progressing": "NewReplicaSetAvailable"}


@pytest.mark.parametrize(
    "old,old_pods,sizes,creates",
    [((4, 4), True, {"old": 0}, False), ((0, 0), True, {}, False), ((0, 0), False, {}, True)],
)
def test_recreate_waits_for_old_pods(old, old_pods, sizes, creates):
    todo = decide(deployment(kind="Recreate"), rs("old", *old), old_pods=old_pods)
    assert (todo.sizes, todo.create is not None) == (sizes, creates)


def test_rollback_takes_the_old_set_and_a_new_number():
    d = deployment(version=1)
    todo = decide(d, rs("old", 0, version=1, revision=1, age=9), rs("new", 4, version=2, revision=2))
    assert todo.create is None
    assert todo.notes["old"][r.REVISION] == "3"
    assert todo.notes["old"][r.HISTORY] == "1"
    assert todo.revision == "3"


@pytest.mark.parametrize(
    "replicas,old,new,sizes",
    [
        (10, (4, 4), (1, 0), {"old": 10, "new": 3}),
        (2, (3, 3), (2, 2), {"old": 2, "new": 1}),
        (0, (3, 3), (2, 2), {"old": 0, "new": 0}),
    ],
)
def test_scaling_in_the_middle_of_a_rollout_is_proportional(replicas, old, new, sizes):
    d = deployment(replicas=replicas)
    assert decide(d, rs("old", *old, age=9), rs("new", *new, version=2, revision=2)).sizes == sizes


def test_a_paused_rollout_scales_but_does_not_roll():
    d = deployment(paused=True)
    todo = decide(d, rs("old", 4, age=9))
    assert (todo.create, todo.sizes) == (None, {"old": 4})
    assert reasons(todo.status)["Progressing"] == "DeploymentPaused"


def test_the_deadline():
    d = deployment()
    stamp = format_time(NOW - timedelta(seconds=601))
    condition = {
        "type": "Progressing",
        "status": "True",
        "reason": "ReplicaSetUpdated",
        "message": "",
        "lastUpdateTime": stamp,
        "lastTransitionTime": stamp,
    }
    d["status"] = {
        "replicas": 5,
        "updatedReplicas": 1,
        "readyReplicas": 4,
        "availableReplicas": 4,
        "conditions": [condition],
    }
    todo = decide(d, rs("old", 3, age=9), rs("new", 2, 0, version=2, revision=2))
    d["status"].update(updatedReplicas=2, replicas=5, readyReplicas=3, availableReplicas=3)
    todo = decide(d, rs("old", 3, age=9), rs("new", 2, 0, version=2, revision=2))
    assert reasons(todo.status)["Progressing"] == "ProgressDeadlineExceeded"
    assert 'ReplicaSet "new" has timed out progressing.' in str(todo.status)


def test_the_deadline_is_looked_at_when_it_is_due():
    d = deployment()
    stamp = format_time(NOW - timedelta(seconds=100))
    condition = {
        "type": "Progressing",
        "status": "True",
        "reason": "ReplicaSetUpdated",
        "message": "",
        "lastUpdateTime": stamp,
        "lastTransitionTime": stamp,
    }
    d["status"] = {
        "replicas": 5,
        "updatedReplicas": 2,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "conditions": [condition],
    }
    assert decide(d, rs("old", 3, age=9), rs("new", 2, 0, version=2, revision=2)).again == pytest.approx(501)


def test_old_sets_beyond_the_history_go():
    d = deployment(revisionHistoryLimit=1)
    old = [rs(f"old{n}", 0, version=f"x{n}", revision=n, age=20 - n) for n in range(1, 4)]
    todo = decide(d, *old, rs("new", 4, version=2, revision=4))
    assert [s["metadata"]["name"] for s in todo.delete] == ["old1", "old2"]


@pytest.mark.parametrize(
    "value,of,up,want",
    [("25%", 10, True, 3), ("25%", 10, False, 2), (3, 10, True, 3), ("0%", 5, True, 0), (None, 5, True, 0)],
)
def test_percentages(value, of, up, want):
    assert r.percent(value, of, up) == want

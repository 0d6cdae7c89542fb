"""Nodes: conditions to taints, labels, tolerations and when a pod has to leave."""

from datetime import UTC, datetime, timedelta

import pytest

from kk.base.times import format_time
from kk.control.controllers import _nodes
from kk.control.controllers.ttl import seconds

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def node(conditions=None, taints=(), labels=None, **spec):
    status = {"conditions": [{"type": t, "status": s} for t, s in (conditions or {}).items()]}
    return {
        "metadata": {"name": "n", "labels": labels or {}},
        "spec": {**spec, "taints": list(taints)},
        "status": status,
    }


@pytest.mark.parametrize(
    ("conditions", "spec", "taints"),
    [
        ({}, {}, [("not-ready", "NoSchedule")]),
        ({"Ready": "True"}, {}, []),
        ({"Ready": "False"}, {}, [("not-ready", "NoSchedule"), ("not-ready", "NoExecute")]),
        ({"Ready": "Unknown"}, {}, [("unreachable", "NoSchedule"), ("unreachable", "NoExecute")]),
        ({"Ready": "True", "DiskPressure": "True"}, {}, [("disk-pressure", "NoSchedule")]),
        ({"Ready": "True"}, {"unschedulable": True}, [("unschedulable", "NoSchedule")]),
    ],
)
def test_taints(conditions, spec, taints):
    assert _nodes.wanted_taints(node(conditions, **spec)) == [(f"node.kubernetes.io/{k}", e) for k, e in taints]


def test_corrected_keeps_foreign_taints_and_mirrors_labels():
    foreign = {"key": "mine", "effect": "NoSchedule"}
    stale = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    found = _nodes.corrected(node({"Ready": "True"}, [foreign, stale], {"kubernetes.io/os": "linux"}), "now")
    assert found["spec"]["taints"] == [foreign]
    assert found["metadata"]["labels"]["beta.kubernetes.io/os"] == "linux"
    assert _nodes.corrected(found, "now") is None


def test_unknown_conditions():
    found = _nodes.unknown_conditions(node({"Ready": "True"}), "now")
    assert [(c["type"], c["status"], c["reason"]) for c in found][0] == ("Ready", "Unknown", "NodeStatusUnknown")
    assert {c["reason"] for c in found[1:]} == {"NodeStatusNeverUpdated"}
    assert _nodes.unknown_conditions({**node(), "status": {"conditions": found}}, "now") is None


@pytest.mark.parametrize(
    ("tolerations", "after"),
    [
        ([], 0),
        ([{"key": "k", "operator": "Exists"}], None),
        ([{"key": "k", "operator": "Exists", "tolerationSeconds": 60}], 60),
        ([{"key": "k", "value": "v", "tolerationSeconds": 60}, {"operator": "Exists", "tolerationSeconds": 20}], 20),
        ([{"key": "k", "value": "other"}], 0),
        ([{"key": "k", "operator": "Exists", "effect": "NoSchedule"}], 0),
    ],
)
def test_eviction_time(tolerations, after):
    taint = {"key": "k", "value": "v", "effect": "NoExecute", "timeAdded": format_time(NOW)}
    found = _nodes.eviction_time({"spec": {"tolerations": tolerations}}, [taint], NOW)
    assert found == (None if after is None else NOW + timedelta(seconds=after))


@pytest.mark.parametrize(("nodes", "ttl"), [(1, 0), (100, 0), (101, 15), (1001, 60), (5000, 300)])
def test_ttl(nodes, ttl):
    assert seconds(nodes) == ttl

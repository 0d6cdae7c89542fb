"""Decisions as tables: which node, or which sentence."""

import random

import pytest

from kk.base.discover import load_all
from kk.scheduler.cycle import decide, wanted
from kk.scheduler.framework import NodeInfo, PodInfo, pod_requests

PLUGINS = list(load_all("kk.scheduler.plugins", "PLUGIN").values())


def node(name, cpu="4", memory="8Gi", pods="110", **more):
    labels = more.pop("labels", {})
    status = {"allocatable": {"cpu": cpu, "memory": memory, "pods": pods}}
    return NodeInfo({"metadata": {"name": name, "labels": labels}, "spec": more, "status": status})


def pod(name="p", requests=None, owner="", **spec):
    container = {"name": "c", "resources": {"requests": requests or {}}, "ports": spec.pop("ports", [])}
    meta = {"name": name, "namespace": "n", "uid": name}
    if owner:
        meta["ownerReferences"] = [{"uid": owner, "controller": True}]
    return PodInfo({"metadata": meta, "spec": {"containers": [container], **spec}})


def choose(p, *nodes):
    return decide(p, nodes, PLUGINS, choose=random.Random(1))


NO_VICTIMS = "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
NOT_HELPFUL = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."


@pytest.mark.parametrize(
    "p,n,message",
    [
        (pod(requests={"cpu": "5"}), node("a"), f"0/1 nodes are available: 1 Insufficient cpu. {NOT_HELPFUL}"),
        (
            pod(requests={"cpu": "1000", "memory": "1Ti"}),
            node("a"),
            f"0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. {NOT_HELPFUL}",
        ),
        (pod(), node("a", pods="0"), f"0/1 nodes are available: 1 Too many pods. {NOT_HELPFUL}"),
        (pod(), node("a", unschedulable=True), f"0/1 nodes are available: 1 node(s) were unschedulable. {NOT_HELPFUL}"),
        (
            pod(),
            node("a", taints=[{"key": "k", "value": "v", "effect": "NoSchedule"}]),
            f"0/1 nodes are available: 1 node(s) had untolerated taint {{k: v}}. {NOT_HELPFUL}",
        ),
        (
            pod(nodeSelector={"disk": "ssd"}),
            node("a"),
            f"0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. {NOT_HELPFUL}",
        ),
    ],
)
def test_message_of_one_node(p, n, message):
    assert choose(p, n).message() == message


def test_no_nodes():
    assert choose(pod()).message() == "no nodes available to schedule pods"


def test_what_others_hold_could_be_freed():
    full = node("a")
    full.put(pod("other", {"cpu": "3"}))
    assert (
        choose(pod(requests={"cpu": "2"}), full).message()
        == f"0/1 nodes are available: 1 Insufficient cpu. {NO_VICTIMS}"
    )


def test_reasons_are_counted_over_nodes():
    nodes = [node("a", unschedulable=True), node("b", cpu="1"), node("c", cpu="1")]
    told = choose(pod(requests={"cpu": "2"}), *nodes).message()
    assert told.startswith("0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. preemption: 0/3")


@pytest.mark.parametrize(
    "spec",
    [
        {"tolerations": [{"operator": "Exists"}]},
        {"tolerations": [{"key": "k", "operator": "Exists"}]},
        {"tolerations": [{"key": "k", "value": "v", "effect": "NoSchedule"}]},
    ],
)
def test_tolerations(spec):
    assert choose(pod(**spec), node("a", taints=[{"key": "k", "value": "v", "effect": "NoSchedule"}])).node == "a"


def test_host_ports_clash_by_protocol_and_address():
    def port(number, ip="", protocol="TCP"):
        return [{"containerPort": 80, "hostPort": number, "hostIP": ip, "protocol": protocol}]

    busy = node("a")
    busy.put(pod("other", ports=port(80, "10.0.0.1")))
    assert "didn't have free ports" in choose(pod(ports=port(80)), busy).message()
    assert choose(pod(ports=port(80, "10.0.0.2")), busy).node == "a"
    assert choose(pod(ports=port(80, protocol="UDP")), busy).node == "a"
    assert choose(pod(ports=port(81)), busy).node == "a"


@pytest.mark.parametrize(
    "expression,fits",
    [
        ({"key": "zone", "operator": "In", "values": ["x", "y"]}, True),
        ({"key": "zone", "operator": "NotIn", "values": ["x"]}, False),
        ({"key": "other", "operator": "NotIn", "values": ["x"]}, True),
        ({"key": "zone", "operator": "Exists"}, True),
        ({"key": "zone", "operator": "DoesNotExist"}, False),
        ({"key": "size", "operator": "Gt", "values": ["3"]}, True),
        ({"key": "size", "operator": "Lt", "values": ["3"]}, False),
    ],
)
def test_required_affinity(expression, fits):
    term = {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    }
    decision = choose(pod(affinity={"nodeAffinity": term}), node("a", labels={"zone": "x", "size": "4"}))
    assert bool(decision.node) is fits


def test_preferred_affinity_and_soft_taints_decide():
    weight = {"weight": 100, "preference": {"matchExpressions": [{"key": "zone", "operator": "Exists"}]}}
    preferred = {"preferredDuringSchedulingIgnoredDuringExecution": [weight]}
    nodes = [node("a"), node("b", labels={"zone": "x"})]
    assert choose(pod(affinity={"nodeAffinity": preferred}), *nodes).node == "b"
    soft = node("a", taints=[{"key": "k", "effect": "PreferNoSchedule"}])
    assert choose(pod(), soft, node("b")).node == "b"


def test_pods_of_one_controller_spread():
    nodes = [node("a"), node("b"), node("c")]
    for number in range(9):
        p = pod(f"p{number}", owner="set")
        chosen = choose(p, *nodes).node
        next(n for n in nodes if n.name == chosen).put(p)
    assert [len(n.pods) for n in nodes] == [3, 3, 3]


def test_requests_of_init_containers_and_sidecars():
    def container(cpu, **more):
        return {"name": "c", "resources": {"requests": {"cpu": cpu}}, **more}

    spec = {
        "containers": [container("1"), container("500m")],
        "initContainers": [container("200m", restartPolicy="Always"), container("3")],
        "overhead": {"cpu": "10m"},
    }
    assert pod_requests({"metadata": {"name": "p"}, "spec": spec})["cpu"] == 3210


@pytest.mark.parametrize("nodes,enough", [(1, 1), (100, 100), (200, 100), (1000, 420), (5000, 500), (10000, 500)])
def test_a_large_cluster_is_not_searched_whole(nodes, enough):
    assert wanted(nodes) == enough


def test_counting_in_and_out_balances():
    n = node("a")
    p = pod("p", {"cpu": "1"}, ports=[{"containerPort": 80, "hostPort": 80}])
    n.put(p)
    n.put(p)
    assert n.requested["cpu"] == 1000
    assert n.drop("p")
    assert not n.drop("p")
    assert (n.requested["cpu"], n.ports, n.pods) == (0, {}, {})

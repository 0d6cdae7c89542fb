"""A scheduler of one's own in thirty lines: the API is enough, and the default scheduler leaves its pods alone."""

import pytest

from kk.client.http import Client
from kk.client.kubeconfig import load
from kk.scheduler.main import Scheduler
from tests.servers import APIServer

pytestmark = pytest.mark.cluster


def cheapest(nodes):
    """The node with the lowest hourly-cost annotation."""
    return min(nodes, key=lambda n: float(n["metadata"]["annotations"]["hourly-cost"]))["metadata"]["name"]


def schedule_one(client, namespace):
    """Wait for one pod that asks for us, and bind it."""
    pods = client.resource("v1", "pods", namespace)
    chosen = {"fieldSelector": "spec.schedulerName=mine,spec.nodeName="}
    listed = pods.list(**chosen)
    waiting = listed["items"] or [o for _, o in zip(range(1), watched(pods, listed, chosen), strict=False)]
    pod = waiting[0]["metadata"]["name"]
    node = cheapest(client.resource("v1", "nodes").list()["items"])
    target = {"apiVersion": "v1", "kind": "Node", "name": node}
    pods.create({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod}, "target": target}, "binding")
    return pod, node


def watched(pods, listed, chosen):
    version = listed["metadata"]["resourceVersion"]
    for event, obj in pods.watch(version, timeoutSeconds=60, **chosen):
        if event == "ADDED":
            yield obj


def test_it_binds_by_the_cost_of_nodes(tmp_path):
    with APIServer(tmp_path / "data") as server:
        client = Client(load(str(server.kubeconfig)).resolve(), timeout=60)
        for name, cost in (("dear", "1.6"), ("cheap", "0.2"), ("middling", "0.8")):
            client.resource("v1", "nodes").create({"metadata": {"name": name, "annotations": {"hourly-cost": cost}}})
        accounts = client.resource("v1", "serviceaccounts", "default")
        if not accounts.list()["items"]:
            accounts.create({"metadata": {"name": "default"}})
        default = Scheduler(Client(load(str(server.data_dir / "kubeconfig" / "scheduler.conf")).resolve()))
        default.start()
        pods = client.resource("v1", "pods", "default")
        spec = {"schedulerName": "mine", "containers": [{"name": "c", "image": "i"}]}
        pods.create({"metadata": {"name": "p"}, "spec": spec})
        assert schedule_one(client, "default") == ("p", "cheap")
        bound = pods.get("p")
        assert bound["spec"]["nodeName"] == "cheap"
        assert [c["status"] for c in bound["status"]["conditions"] if c["type"] == "PodScheduled"] == ["True"]
        default.stop()

"""Controllers at work on a real API server; nobody runs pods, the test plays scheduler and kubelet."""

import itertools
import threading

import pytest

from kk.base.errors import StatusError
from kk.client.http import Client
from kk.client.kubeconfig import load
from kk.control.main import Options, all_controllers
from kk.control.manager import Manager
from tests.servers import APIServer

pytestmark = pytest.mark.cluster
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with APIServer(tmp_path_factory.mktemp("control") / "data") as server:
        admin = Client(load(str(server.kubeconfig)).resolve(), timeout=60)
        own = Client(load(str(server.data_dir / "kubeconfig" / "controller-manager.conf")).resolve())
        manager = Manager(own, all_controllers(), options=Options())
        manager.start()
        yield admin
        manager.stop()
        assert not [t.name for t in threading.enumerate() if t.name.startswith(("control-", "informers"))]


@pytest.fixture
def ns(client):
    name = f"c{next(_numbers)}"
    client.resource("v1", "namespaces").create({"metadata": {"name": name}})
    return name


def until(resource, holds, **params):
    """The items of a resource as soon as they satisfy `holds`, by a list and a watch."""
    listed = resource.list(**params)
    items = {i["metadata"]["uid"]: i for i in listed.get("items") or []}
    if holds(list(items.values())):
        return list(items.values())
    for event, obj in resource.watch(listed["metadata"]["resourceVersion"], timeoutSeconds=60, **params):
        if event == "BOOKMARK":
            continue
        items[obj["metadata"]["uid"]] = obj
        if event == "DELETED":
            del items[obj["metadata"]["uid"]]
        if holds(list(items.values())):
            return list(items.values())
    raise AssertionError(f"{resource.path} never got there: {[i['metadata']['name'] for i in items.values()]}")


TEMPLATE = {"metadata": {"labels": {"a": "x"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}


def workload(kind, name, **spec):
    version = {"Job": "batch/v1"}.get(kind, "apps/v1")
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": {"template": TEMPLATE, **spec}}


def settle(pods, items, phase="Running", ready="True"):
    for item in items:
        status = {"phase": phase, "podIP": "10.1.0.1", "podIPs": [{"ip": "10.1.0.1"}]}
        status["conditions"] = [{"type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:00:00Z"}]
        pods.patch(item["metadata"]["name"], {"status": status}, "merge", "status")


def test_a_namespace_gets_its_account_and_ca(client, ns):
    assert until(
        client.resource("v1", "serviceaccounts", ns), lambda i: [x["metadata"]["name"] for x in i] == ["default"]
    )
    maps = until(client.resource("v1", "configmaps", ns), bool)
    assert "BEGIN CERTIFICATE" in maps[0]["data"]["ca.crt"]


def test_a_deployment_rolls_and_goes_with_all_it_owns(client, ns):
    deployments, sets = client.resource("apps/v1", "deployments", ns), client.resource("apps/v1", "replicasets", ns)
    pods = client.resource("v1", "pods", ns)
    deployments.create(workload("Deployment", "web", replicas=2, selector={"matchLabels": {"a": "x"}}))
    settle(pods, until(pods, lambda i: len(i) == 2))
    until(deployments, lambda i: (i[0].get("status") or {}).get("availableReplicas") == 2)
    deployments.patch("web", {"spec": {"template": {"metadata": {"labels": {"v": "2"}}}}}, "merge")
    both = until(sets, lambda i: len(i) == 2)
    assert {s["metadata"]["annotations"]["deployment.kubernetes.io/revision"] for s in both} == {"1", "2"}
    until(pods, lambda i: any("v" in p["metadata"]["labels"] for p in i))
    deployments.delete("web", propagationPolicy="Foreground")
    until(deployments, lambda i: not i)
    until(pods, lambda i: not i)
    assert not sets.list()["items"]


def test_an_orphan_is_kept_and_adopted(client, ns):
    sets, pods = client.resource("apps/v1", "replicasets", ns), client.resource("v1", "pods", ns)
    body = workload("ReplicaSet", "rs", replicas=1, selector={"matchLabels": {"a": "x"}})
    sets.create(body)
    pod = until(pods, bool)[0]["metadata"]["name"]
    sets.delete("rs", propagationPolicy="Orphan")
    until(sets, lambda i: not i)
    assert "ownerReferences" not in pods.get(pod)["metadata"]
    uid = sets.create(body)["metadata"]["uid"]
    found = until(pods, lambda i: any(o["uid"] == uid for o in i[0]["metadata"].get("ownerReferences") or ()))
    assert [p["metadata"]["name"] for p in found] == [pod]


def test_the_owner_that_never_was(client, ns):
    maps = client.resource("v1", "configmaps", ns)
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "nobody", "uid": "00000000-0000-0000-0000-000000000000"}
    maps.create({"metadata": {"name": "lost", "ownerReferences": [owner]}})
    until(maps, lambda i: "lost" not in [x["metadata"]["name"] for x in i] and i)


def test_a_job_completes(client, ns):
    jobs, pods = client.resource("batch/v1", "jobs", ns), client.resource("v1", "pods", ns)
    template = {**TEMPLATE, "spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}
    jobs.create(workload("Job", "j", template=template, completions=2, parallelism=2))
    settle(pods, until(pods, lambda i: len(i) == 2), "Succeeded", "False")
    done = until(
        jobs, lambda i: any(c["type"] == "Complete" for c in (i[0].get("status") or {}).get("conditions") or ())
    )
    assert done[0]["status"]["succeeded"] == 2
    assert all("finalizers" not in p["metadata"] for p in pods.list()["items"])


def test_a_service_leads_to_ready_pods(client, ns):
    pods = client.resource("v1", "pods", ns)
    slices = client.resource("discovery.k8s.io/v1", "endpointslices", ns)
    client.resource("v1", "services", ns).create(
        {"metadata": {"name": "s"}, "spec": {"selector": {"a": "x"}, "ports": [{"port": 80}]}}
    )
    pods.create({"metadata": {"name": "p", "labels": {"a": "x"}}, "spec": TEMPLATE["spec"]})
    settle(pods, until(pods, bool))
    found = until(slices, lambda i: any(s.get("endpoints") for s in i))
    assert found[0]["endpoints"][0]["addresses"] == ["10.1.0.1"]
    ends = until(client.resource("v1", "endpoints", ns), lambda i: any(s.get("subsets") for s in i))
    assert ends[0]["subsets"][0]["addresses"][0]["ip"] == "10.1.0.1"


def test_a_namespace_goes_with_all_that_is_in_it(client, ns):
    maps = client.resource("v1", "configmaps", ns)
    maps.create({"metadata": {"name": "a"}})
    client.resource("v1", "pods", ns).create({"metadata": {"name": "p"}, "spec": TEMPLATE["spec"]})
    spaces = client.resource("v1", "namespaces")
    spaces.delete(ns)
    until(spaces, lambda i: ns not in [x["metadata"]["name"] for x in i])
    with pytest.raises(StatusError, match="not found"):
        maps.get("a")


def test_a_node_that_says_nothing_is_tainted_and_mirrored(client):
    nodes = client.resource("v1", "nodes")
    nodes.create({"metadata": {"name": "quiet", "labels": {"kubernetes.io/os": "linux"}}})
    nodes.patch("quiet", {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}, "merge", "status")
    found = until(nodes, lambda i: any(len(x["spec"].get("taints") or ()) == 2 for x in i))
    assert {(t["key"], t["effect"]) for t in found[0]["spec"]["taints"]} == {
        ("node.kubernetes.io/not-ready", "NoSchedule"),
        ("node.kubernetes.io/not-ready", "NoExecute"),
    }
    until(nodes, lambda i: i[0]["metadata"]["labels"].get("beta.kubernetes.io/os") == "linux")
    nodes.delete("quiet")

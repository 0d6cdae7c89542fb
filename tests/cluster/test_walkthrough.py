"""The Kubernetes architecture walkthrough, typed with kk and again with the real kubectl, on a real cluster."""

import json
import re
import textwrap
import urllib.request

import pytest

from tests import kubectl
from tests.cluster.lab import Lab, until

pytestmark = pytest.mark.cluster

NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: hello\n"


@pytest.fixture(params=["kk", "kubectl"])
def lab(request, tmp_path):
    if request.param == "kubectl" and not kubectl.path():
        pytest.skip("no kubectl: set $KUBECTL or put one on the PATH")
    one = Lab(tmp_path, request.param)
    yield one
    one.close()


def test_walkthrough(lab):
    nodes_are_ready(lab)
    a_namespace_from_standard_input(lab)
    a_watch_in_another_terminal(lab)
    changes_and_a_stale_update(lab)
    a_pod_that_runs_once(lab)
    a_deployment(lab)
    a_rollout(lab)
    scheduling(lab)
    the_namespace_goes(lab)
    two_versions(lab)


def nodes_are_ready(lab):
    table = lab.run("get", "nodes").splitlines()
    assert table[0].split() == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    assert [line.split()[1] for line in table[1:]] == ["Ready"]


def a_namespace_from_standard_input(lab):
    assert lab.run("create", "-f", "-", stdin=NAMESPACE) == "namespace/hello created\n"
    text = lab.run("get", "namespace", "hello", "-o", "yaml")
    for line in (
        "kubernetes.io/metadata.name: hello",
        "phase: Active",
        "  - kubernetes",
        "resourceVersion:",
        "uid:",
        "creationTimestamp:",
    ):
        assert line in text
    assert "managedFields" not in text


def a_watch_in_another_terminal(lab):
    watch = lab.terminal("get", "namespaces", "--show-labels", "-w")
    watch.expect("hello.*Active")
    lab.run("label", "namespace", "hello", "color=purple")
    watch.expect("color=purple")
    watch.sendintr()
    watch.expect(pytest.importorskip("pexpect").EOF)
    watch.close()


def changes_and_a_stale_update(lab):
    stale = lab.run("get", "namespace", "hello", "-o", "json")
    manifest = NAMESPACE + "  labels:\n    step: apply\n"
    lab.run("apply", "-f", "-", stdin=manifest)
    lab.run("patch", "namespace", "hello", "-p", '{"metadata":{"labels":{"step":"patch"}}}')
    lab.run("annotate", "namespace", "hello", "note=seen")
    editor = lab.folder / "editor"
    editor.write_text("#!/bin/sh\nsed -i s/purple/green/ $1\n")
    editor.chmod(0o755)
    lab.env["KUBE_EDITOR"] = str(editor)
    assert "namespace/hello edited" in lab.run("edit", "namespace", "hello")
    now = lab.get("namespace", "hello")["metadata"]
    assert (now["labels"]["color"], now["labels"]["step"], now["annotations"]["note"]) == ("green", "patch", "seen")
    told = lab.fails("replace", "-f", "-", stdin=stale)
    assert "the object has been modified; please apply your changes to the latest version and try again" in told


def a_pod_that_runs_once(lab):
    with lab.background("get", "pods", "--watch", "--output-watch-events") as watch:
        once = lab.terminal("run", "pause", "--image=alpine", "--rm", "-ti", "--restart=Never", "--", "sleep", "2")
        once.expect('pod "pause" deleted')
        once.close()
        lines = [watch.stdout.readline().split()[0]]
        while lines[-1] != "DELETED":
            lines.append(watch.stdout.readline().split()[0])
    assert lines[:2] == ["EVENT", "ADDED"]
    assert set(lines[2:-1]) == {"MODIFIED"}


def a_deployment(lab):
    lab.run("create", "deployment", "web", "--image=nginx", "-n", "hello")
    lab.run("config", "set-context", "--current", "--namespace=hello")
    lab.wait("deployment/web", "--for=condition=Available")
    pods = lab.get("pods", "-l", "app=web")["items"]
    sets = lab.get("replicasets", "-l", "app=web")["items"]
    assert pods[0]["metadata"]["ownerReferences"][0]["name"] == sets[0]["metadata"]["name"]
    assert sets[0]["metadata"]["ownerReferences"][0]["kind"] == "Deployment"
    first = pods[0]["metadata"]["name"]
    lab.run("delete", "pod", first)
    lab.wait("deployment/web", "--for=condition=Available")
    second = until(
        lambda: [
            p["metadata"]["name"] for p in lab.get("pods", "-l", "app=web")["items"] if p["metadata"]["name"] != first
        ]
    )
    lab.wait(f"pod/{second[0]}", "--for=condition=Ready")
    page_through_port_forward(lab, "deployment/web")
    assert "GET / HTTP/1.1" in lab.run("logs", "deployment/web")


def page_through_port_forward(lab, target):
    with lab.background("port-forward", target, ":80") as forward:
        found = re.search(r"127\.0\.0\.1:(\d+) -> 80", forward.stdout.readline())
        assert found
        with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/", timeout=20) as answer:
            assert "Welcome to nginx!" in answer.read().decode()


def a_rollout(lab):
    lab.run("scale", "deployment", "web", "--replicas=5")
    lab.run("rollout", "status", "deployment/web", "--timeout=60s")
    assert lab.get("deployment", "web")["status"]["readyReplicas"] == 5
    lab.run("set", "image", "deployment/web", "nginx=nginx:1.27")
    assert 'deployment "web" successfully rolled out' in lab.run("rollout", "status", "deployment/web", "--timeout=60s")
    lab.run("set", "image", "deployment/web", "nginx=nginx:this-tag-does-not-exist")
    until(lambda: "ImagePullBackOff" in lab.run("get", "pods") or "ErrImagePull" in lab.run("get", "pods"))
    assert "timed out" in lab.fails("rollout", "status", "deployment/web", "--timeout=1s")
    assert lab.get("deployment", "web")["status"]["availableReplicas"] >= 4
    page_through_port_forward(lab, "deployment/web")
    lab.run("rollout", "undo", "deployment/web")
    lab.run("rollout", "status", "deployment/web", "--timeout=60s")
    images = {
        p["spec"]["containers"][0]["image"]
        for p in lab.get("pods", "-l", "app=web")["items"]
        if not p["metadata"].get("deletionTimestamp")
    }
    assert images == {"nginx:1.27"}
    assert "REVISION" in lab.run("rollout", "history", "deployment/web")


def scheduling(lab):
    lab.run("run", "huge", "--image=pause", "--restart=Never", "--overrides", json.dumps(huge()))
    lab.wait("pod/huge", "--for=jsonpath={.status.conditions[0].reason}=Unschedulable")
    told = lab.get("pod", "huge")["status"]["conditions"][0]["message"]
    assert told.startswith("0/1 nodes are available: 1 Insufficient cpu.")
    assert "FailedScheduling" in until(lambda: lab.run("get", "events", "--field-selector", "involvedObject.name=huge"))
    lab.run(
        "run",
        "other",
        "--image=pause",
        "--restart=Never",
        "--overrides",
        '{"apiVersion":"v1","spec":{"schedulerName":"mine"}}',
    )
    node = lab.get("nodes")["items"][0]["metadata"]["name"]
    assert not lab.get("pod", "other")["spec"].get("nodeName")
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": "other"},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    }
    lab.run("create", "--raw", "/api/v1/namespaces/hello/pods/other/binding", "-f", "-", stdin=json.dumps(binding))
    lab.wait("pod/other", "--for=condition=Ready")
    lab.kk("up", "--controllers", "*,-scheduler")
    lab.run("run", "late", "--image=pause", "--restart=Never")
    lab.fails("wait", "pod/late", "--for=condition=PodScheduled", "--timeout=1s")
    lab.kk("up", "--controllers", "*")
    lab.wait("pod/late", "--for=condition=Ready")


def huge():
    container = {"name": "huge", "image": "pause", "resources": {"requests": {"cpu": "1000"}}}
    return {"apiVersion": "v1", "spec": {"containers": [container]}}


def the_namespace_goes(lab):
    lab.run("delete", "namespace", "hello", "--timeout=90s")
    assert 'namespaces "hello" not found' in lab.fails("get", "namespace", "hello")
    lab.run("config", "set-context", "--current", "--namespace=default")
    assert "No resources found" in lab._run([lab.program, "get", "pods"], None, True).stderr


def two_versions(lab):
    lab.run("create", "deployment", "busy", "--image=nginx")
    lab.run("apply", "-f", "-", stdin=HPA)
    path = "namespaces/default/horizontalpodautoscalers/busy"
    v1 = json.loads(lab.run("get", "--raw", f"/apis/autoscaling/v1/{path}"))
    v2 = json.loads(lab.run("get", "--raw", f"/apis/autoscaling/v2/{path}"))
    assert v1["spec"]["targetCPUUtilizationPercentage"] == 50
    assert v2["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 50
    assert v1["metadata"]["uid"] == v2["metadata"]["uid"]
    event = until(lambda: lab.get("events")["items"])[0]["metadata"]["name"]
    old = json.loads(lab.run("get", "--raw", f"/api/v1/namespaces/default/events/{event}"))
    new = json.loads(lab.run("get", "--raw", f"/apis/events.k8s.io/v1/namespaces/default/events/{event}"))
    assert old["involvedObject"] == new["regarding"]
    assert old["message"] == new["note"]


HPA = textwrap.dedent("""\
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata:
      name: busy
    spec:
      scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: busy}
      maxReplicas: 3
      metrics:
      - type: Resource
        resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}
    """)

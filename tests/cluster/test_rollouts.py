"""Rollouts end to end, typed with kk: a new image, its history, back again, a restart, a pause."""

import pytest

from tests.cluster.lab import Lab

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    one = Lab(tmp_path_factory.mktemp("rollouts"))
    try:
        one.kk("wait", "--for=create", "serviceaccount/default", "--timeout=60s")
        one.kk("create", "deployment", "web", "--image=nginx", "--replicas=2")
        one.kk("rollout", "status", "deployment/web", "--timeout=60s")
        yield one
    finally:
        one.close()


def image(lab):
    return lab.run("get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}")


def test_a_new_image_and_back(lab):
    lab.run("set", "image", "deployment/web", "nginx=httpd")
    said = lab.run("rollout", "status", "deployment/web", "--timeout=60s").splitlines()
    assert said[-1] == 'deployment "web" successfully rolled out'
    assert image(lab) == "httpd"
    history = lab.run("rollout", "history", "deployment/web").splitlines()
    assert [line.split()[0] for line in history[2:] if line] == ["1", "2"]
    assert "    Image:\tnginx\n" in lab.run("rollout", "history", "deployment/web", "--revision=1")
    assert lab.run("rollout", "undo", "deployment/web") == "deployment.apps/web rolled back\n"
    assert image(lab) == "nginx"
    lab.run("rollout", "status", "deployment/web", "--timeout=60s")
    assert "skipped rollback" in lab.run("rollout", "undo", "deployment/web", "--to-revision=3")


def test_a_service_has_its_pods_as_endpoints(lab):
    lab.run("expose", "deployment", "web", "--port=80")
    pods = sorted(lab.run("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].status.podIP}").split())
    lab.run("wait", "--for=jsonpath={.subsets[0].addresses[1].ip}", "endpoints/web", "--timeout=60s")
    assert sorted(lab.run("get", "ep", "web", "-o", "jsonpath={.subsets[*].addresses[*].ip}").split()) == pods
    lab.run("wait", "--for=jsonpath={.endpoints[1].conditions.ready}=true", "endpointslices",
            "-l", "kubernetes.io/service-name=web", "--timeout=60s")  # fmt: skip
    told = lab.run("describe", "service", "web")
    assert all(f"{ip}:80" in told.split("Endpoints:")[1].splitlines()[0] for ip in pods)
    lab.run("delete", "service", "web")


def test_a_restart_replaces_the_pods(lab):
    before = set(lab.run("get", "pods", "-l", "app=web", "-o", "name").split())
    lab.run("rollout", "restart", "deployment/web")
    lab.run("rollout", "status", "deployment/web", "--timeout=60s")
    for name in before:
        lab.wait("--for=delete", name)
    assert len(lab.run("get", "pods", "-l", "app=web", "-o", "name").split()) == 2


def test_a_paused_rollout_waits(lab):
    lab.run("rollout", "pause", "deployment/web")
    lab.run("set", "env", "deployment/web", "A=1")
    assert "can't restart paused deployment" in lab.fails("rollout", "restart", "deployment/web")
    lab.run("rollout", "resume", "deployment/web")
    assert "successfully rolled out" in lab.run("rollout", "status", "deployment/web", "--timeout=60s")
    pod = lab.run("get", "pods", "-l", "app=web", "-o", "name").split()[0]
    assert lab.run("exec", pod, "--", "sh", "-c", "echo $A") == "1\n"


def test_scale_waits_for_its_size(lab):
    assert lab.run("scale", "deployment/web", "--replicas=3", "--timeout=60s") == "deployment.apps/web scaled\n"
    assert lab.run("get", "deployment", "web", "-o", "jsonpath={.status.replicas}") == "3"


def test_a_node_is_drained_of_a_workload(lab):
    node = lab.run("get", "nodes", "-o", "name").split()[0].removeprefix("node/")
    said = lab.run("drain", node, "--pod-selector=app=web", "--timeout=60s")
    assert said.count("evicting pod default/web-") == 3 and said.endswith(f"node/{node} drained\n")
    lab.run("uncordon", node)
    assert "successfully rolled out" in lab.run("rollout", "status", "deployment/web", "--timeout=60s")

"""A local cluster's life: up, twice, down, up again; what is killed comes back; nothing is left behind."""

import json
import os
import signal

import psutil
import pytest

from kk.cli.cluster import processes
from tests.cluster.lab import Lab, until

pytestmark = pytest.mark.cluster


@pytest.fixture
def lab(tmp_path):
    one = Lab(tmp_path)
    yield one
    one.close()
    assert ours(one) == [], "kk down left processes behind"


def ours(lab):
    """Every process that has this cluster's folder in its environment or command line."""
    found, mark = [], str(lab.folder)
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and (
                mark in " ".join(process.cmdline()) or process.environ().get("KK_HOME", "").startswith(mark)
            ):
                found.append(f"{process.pid} {' '.join(process.cmdline())}")
        except psutil.Error:
            continue
    return found


def pid(lab, daemon):
    path = lab.folder / "kk" / "clusters" / "default" / "run" / f"{daemon}.pid"
    return until(lambda: processes.read_pid(path).get("pid"))


def restarted(lab, daemon, old):
    return until(lambda: (new := pid(lab, daemon)) != old and new)


def container_runs_again(pod):
    """Running and ready in a later life than the first; the status of before `kk down` says otherwise."""
    status = pod["status"]["containerStatuses"][0]
    return status["restartCount"] == 1 and status["ready"] and "running" in status["state"]


def container(lab, name):
    return lab.get("pod", name)["status"]["containerStatuses"][0]


def test_twice_up_changes_nothing(lab):
    before, config = (
        {d: pid(lab, d) for d in ("supervisor", "api", "control", "agent-node1")},
        (lab.folder / "config").read_text(),
    )
    assert "is up already" in lab.kk("up")
    assert {d: pid(lab, d) for d in before} == before
    assert (lab.folder / "config").read_text() == config
    assert [line.split()[2] for line in lab.kk("status").splitlines()[1:6]] == ["Running"] * 5


def test_down_and_up_keeps_objects_and_runs_pods_again(lab):
    lab.run("create", "configmap", "kept", "--from-literal=a=1")
    lab.run("create", "deployment", "web", "--image=nginx", "--replicas=2")
    lab.wait("deployment/web", "--for=condition=Available")
    uid = lab.get("configmap", "kept")["metadata"]["uid"]
    lab.kk("down")
    assert ours(lab) == []
    assert "refused" in lab.fails("get", "nodes")
    lab.kk("up")
    assert lab.get("configmap", "kept")["metadata"]["uid"] == uid
    until(lambda: all(container_runs_again(p) for p in lab.get("pods", "-l", "app=web")["items"]))
    assert "listening on" in lab.run("logs", "deployment/web")


def test_pods_go_on_while_the_agent_is_killed(lab):
    lab.run("run", "steady", "--image=pause", "--restart=Always")
    lab.wait("pod/steady", "--for=condition=Ready")
    before = container(lab, "steady")
    old = pid(lab, "agent-node1")
    os.kill(old, signal.SIGKILL)
    restarted(lab, "agent-node1", old)
    lab.run("run", "next", "--image=pause")
    lab.wait("pod/next", "--for=condition=Ready")
    after = container(lab, "steady")
    assert (after["containerID"], after["restartCount"]) == (before["containerID"], 0)


@pytest.mark.parametrize("daemon", ["api", "control", "supervisor", "guard"])
def test_a_killed_daemon_comes_back_and_the_cluster_works(lab, daemon):
    old = pid(lab, daemon)
    os.kill(old, signal.SIGKILL)
    restarted(lab, daemon, old)
    until(lambda: lab._run([lab.program, "get", "--raw", "/readyz"], None, False).returncode == 0)
    lab.run("create", "deployment", "web", "--image=pause")
    until(lambda: lab.get("deployment", "web")["status"].get("readyReplicas") == 1)


def test_clusters_side_by_side_and_reset(lab):
    from tests.cluster.lab import free_port

    lab.kk("up", "--cluster", "second", "--nodes", "0", "--controllers", "", "--port", str(free_port()))
    try:
        assert lab.run("config", "current-context").strip() == "kk-second"
        assert lab.run("get", "nodes", "--context", "kk-default").count("Ready") == 1
        assert lab.get("nodes")["items"] == []
        config = lab.folder / "exported"
        config.write_text(lab.kk("kubeconfig", "--cluster", "second"))
        assert json.loads(lab.run("get", "--raw", "/version", "--kubeconfig", str(config)))["major"] == "1"
        assert "needs an answer" in lab._run([lab.program, "reset", "--cluster", "second"], None, False).stderr
    finally:
        lab.kk("reset", "--cluster", "second", "--yes")
    assert "kk-second" not in (lab.folder / "config").read_text()
    assert not (lab.folder / "kk" / "clusters" / "second").exists()
    lab.run("get", "nodes", "--context", "kk-default")


def test_without_controllers_without_agent(lab):
    lab.kk("up", "--nodes", "0", "--controllers", "*,-deployment")
    lab.run("create", "deployment", "web", "--image=pause")
    lab.run("create", "-f", "-", stdin=REPLICASET)
    until(lambda: lab.get("pods")["items"])
    assert lab.get("replicasets", "-l", "app=web")["items"] == [], "the deployment controller is off"
    lab.kk("up", "--controllers", "*")
    until(lambda: lab.get("replicasets", "-l", "app=web")["items"])


REPLICASET = """
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: alone}
spec:
  replicas: 1
  selector: {matchLabels: {app: alone}}
  template:
    metadata: {labels: {app: alone}}
    spec: {containers: [{name: c, image: pause}]}
"""


def test_the_api_server_stopped_under_load_loses_nothing(lab):
    """Step 11 of the walkthrough: watches resume and nothing that was acknowledged is missing."""
    watch = lab.terminal("get", "configmaps", "-w", "-o", "name")
    watch.expect("kube-root-ca.crt")
    made = []
    for n in range(30):
        done = lab._run([lab.program, "create", "configmap", f"load-{n}"], None, False)
        if done.returncode == 0:
            made.append(f"load-{n}")
        if n == 10:
            os.kill(pid(lab, "api"), signal.SIGKILL)
    assert len(made) > 10
    until(lambda: lab._run([lab.program, "get", "--raw", "/readyz"], None, False).returncode == 0)
    names = {m["metadata"]["name"] for m in lab.get("configmaps")["items"]}
    assert set(made) <= names
    watch.close()
    lab.run("create", "deployment", "web", "--image=pause")
    until(lambda: lab.get("deployment", "web")["status"].get("readyReplicas") == 1)

"""The official Python client with running pods: exec, attach, port-forward, logs, and a pod that reaches the API from inside."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client, config, watch
from kubernetes.config import incluster_config
from kubernetes.stream import portforward, stream

from tests.agent.cluster import Cluster, phase, sh

pytestmark = pytest.mark.cluster

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"hello from the pod")
server = http.server.HTTPServer(("127.0.0.1", 8123), Handler)
print("ready")
server.serve_forever()
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One node."""
    one = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        one.start()
        yield one
    finally:
        one.stop()


@pytest.fixture(scope="module")
def core(cluster: Cluster) -> Iterator[client.CoreV1Api]:
    """The core group; streams patch their client, so each use makes one of its own."""
    with config.new_client_from_config(str(cluster.admin)) as made:
        yield client.CoreV1Api(made)


def streaming(cluster: Cluster) -> client.CoreV1Api:
    """A client for one stream."""
    return client.CoreV1Api(config.new_client_from_config(str(cluster.admin)))


def running(cluster: Cluster, name: str, script: str, **more: object) -> None:
    """A pod that runs a script."""
    cluster.create(name, {**sh(script), **more})
    cluster.wait(name, phase("Running"))


def test_exec(cluster: Cluster) -> None:
    running(cluster, "exec", "sleep 600")
    core = streaming(cluster)
    said = stream(
        core.connect_get_namespaced_pod_exec, "exec", "default", command=["sh", "-c", "echo out; echo err >&2"],
        stdout=True, stderr=True, stdin=False, tty=False,
    )  # fmt: skip
    assert sorted(said.split()) == ["err", "out"]
    talk = stream(
        streaming(cluster).connect_get_namespaced_pod_exec, "exec", "default",
        command=["sh", "-c", "read line; echo got $line; exit 7"],
        stdout=True, stderr=True, stdin=True, tty=False, _preload_content=False,
    )  # fmt: skip
    talk.write_stdin("word\n")
    talk.run_forever(timeout=30)
    assert talk.read_stdout() == "got word\n"
    assert talk.returncode == 7


def test_attach(cluster: Cluster) -> None:
    running(cluster, "attach", "while read line; do echo got $line; done", stdin=True)
    talk = stream(
        streaming(cluster).connect_get_namespaced_pod_attach, "attach", "default",
        stdin=True, stdout=True, stderr=True, tty=False, _preload_content=False,
    )  # fmt: skip
    talk.write_stdin("a\n")
    assert talk.readline_stdout(timeout=30) == "got a"
    talk.close()


def test_port_forward(cluster: Cluster) -> None:
    cluster.create("web", {"name": "main", "image": "busybox", "command": [sys.executable, "-uc", SERVER]})
    cluster.wait("web", phase("Running"))
    cluster.until(lambda: "ready" in cluster.log("web"))
    forward = portforward(streaming(cluster).connect_get_namespaced_pod_portforward, "web", "default", ports="8123")
    wire = forward.socket(8123)
    wire.setblocking(True)
    wire.settimeout(30)
    wire.sendall(b"GET / HTTP/1.0\r\n\r\n")
    said = b"".join(iter(lambda: wire.recv(4096), b""))
    wire.close()
    assert said.endswith(b"hello from the pod"), forward.error(8123)


def test_logs_and_their_end(cluster: Cluster, core: client.CoreV1Api) -> None:
    cluster.create("logs", sh("echo one; echo two; sleep 1; echo three"), restartPolicy="Never")
    cluster.wait("logs", lambda pod: pod.get("status", {}).get("phase") in ("Running", "Succeeded"))
    lines: list[str] = []

    def follow() -> None:
        lines.extend(watch.Watch().stream(core.read_namespaced_pod_log, "logs", "default"))

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    thread.join(60)
    assert lines[:3] == ["one", "two", "three"]
    assert core.read_namespaced_pod_log("logs", "default", tail_lines=1).strip() == "three"
    stamped = core.read_namespaced_pod_log("logs", "default", timestamps=True, limit_bytes=20)
    assert stamped[4] == "-"


def test_the_config_of_a_pod(cluster: Cluster, tmp_path: Path) -> None:
    """What the library reads inside of a pod, taken out of a running one."""
    cluster.create("inside", sh("sleep 600"), serviceAccountName="default")
    pod = cluster.wait("inside", phase("Running"))
    mounts = pod["spec"]["containers"][0]["volumeMounts"]
    assert mounts[0]["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"
    uid = pod["metadata"]["uid"]
    found = [p.parent for p in cluster.root.rglob("token") if "kube-api-access" in str(p) and uid in str(p)]
    folder = min(found, key=lambda path: len(path.parts))
    loader = incluster_config.InClusterConfigLoader(
        token_filename=str(folder / "token"),
        cert_filename=str(folder / "ca.crt"),
        environ={"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(cluster.port)},
    )
    settings = client.Configuration()
    loader.load_and_set(settings)
    with client.ApiClient(settings) as made:
        me = client.AuthenticationV1Api(made).create_self_subject_review(client.V1SelfSubjectReview())
    assert me.status.user_info.username == "system:serviceaccount:default:default"
    assert me.status.user_info.extra["authentication.kubernetes.io/pod-name"] == ["inside"]
    assert (folder / "namespace").read_text() == "default"

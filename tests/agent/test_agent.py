"""Pods end to end: a real API server, a real agent, real processes."""

import json
import signal
import urllib.request

import psutil
import pytest

from kk.agent.main import stop_pods
from kk.client import kubeconfig, websocket
from tests.agent.cluster import Cluster, phase, sh, waiting

READY = lambda pod: any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))  # noqa: E731


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def channels(cluster, path, query, frames=(), protocol="v5.channel.k8s.io"):
    """What a WebSocket brought, by channel, until it closed; `frames` are sent first."""
    got = {}
    connection = kubeconfig.load(str(cluster.admin)).resolve()
    base = "/api/v1/namespaces/default/pods/"
    with websocket.connect(connection, base + path, query, [protocol]) as web:
        assert web.subprotocol == protocol
        for frame in frames:
            web.send(frame)
        while (message := web.recv()) is not None:
            if message:
                got[message[0]] = got.get(message[0], b"") + message[1:]
    return got


def status_of(got):
    status = json.loads(got[3])
    causes = status.get("details", {}).get("causes", [{}])
    return status["status"], causes[0].get("message")


def test_node(cluster):
    node = cluster.client.resource("v1", "nodes").get("n1")
    status = node["status"]
    assert status["nodeInfo"]["kubeletVersion"].startswith("v1.36.")
    assert {"type": "InternalIP", "address": "127.0.0.1"} in status["addresses"]
    assert {c["type"]: c["status"] for c in status["conditions"]}["Ready"] == "True"
    assert node["metadata"]["labels"]["kubernetes.io/hostname"] == "n1"
    leases = cluster.client.resource("coordination.k8s.io/v1", "leases", "kube-node-lease")
    # the agent takes its lease after it has told its status, which is all that the fixture waits for
    cluster.until(lambda: leases.list(fieldSelector="metadata.name=n1")["items"])
    assert leases.get("n1")["spec"]["holderIdentity"] == "n1"


def test_a_job_like_pod(cluster):
    env = [
        {"name": "A", "value": "x"},
        {"name": "B", "value": "$(A)y"},
        {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]
    cluster.create("job", sh("echo $(B) $N $POD_IP; exit 3", env=env), restartPolicy="Never")
    pod = cluster.wait("job", phase("Failed"))
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (3, "Error")
    assert cluster.log("job") == f"xy job {pod['status']['podIP']}\n"
    cluster.saw("job", "Pulled", "Created", "Started")
    cluster.delete("job")


def test_nginx_serves_and_port_forward_reaches_it(cluster):
    volumes = [
        {"name": "html", "configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "index.html"}]}}
    ]
    mounts = [{"name": "html", "mountPath": "/usr/share/nginx/html"}]
    cluster.create(
        "plain", {"name": "c", "image": "nginx", "readinessProbe": {"httpGet": {"port": 80}, "periodSeconds": 1}}
    )
    cluster.create("mounted", {"name": "c", "image": "nginx:alpine", "volumeMounts": mounts}, volumes=volumes)
    for name, words in (("plain", b"Welcome to nginx!"), ("mounted", b"BEGIN CERTIFICATE")):
        pod = cluster.wait(name, READY)
        with urllib.request.urlopen(f"http://{pod['status']['podIP']}/", timeout=20) as answer:
            assert words in answer.read()
    connection = kubeconfig.load(str(cluster.admin)).resolve()
    path = "/api/v1/namespaces/default/pods/plain/portforward"
    with websocket.connect(connection, path, {"ports": "80"}, ["v4.channel.k8s.io"]) as web:
        assert [web.recv(), web.recv()] == [b"\x00\x50\x00", b"\x01\x50\x00"]
        web.send(b"\x00GET / HTTP/1.0\r\n\r\n")
        data = b""
        while b"</html>" not in data:
            data += web.recv()[1:]
    assert data.startswith(b"HTTP/1.1 200 OK")
    for name in ("plain", "mounted"):
        cluster.delete(name)


def test_exec_and_attach(cluster):
    cluster.create(
        "shell",
        sh("while read line; do echo got $line; done; exit 4", stdin=True, stdinOnce=True),
        restartPolicy="Never",
    )
    cluster.wait("shell", phase("Running"))
    query = {"command": ["sh", "-c", "cat; echo err >&2; exit 6"], "stdin": "true", "stdout": "true", "stderr": "true"}
    got = channels(cluster, "shell/exec", query, [b"\x00in\n", b"\xff\x00"])
    assert (got[1], got[2], status_of(got)) == (b"in\n", b"err\n", ("Failure", "6"))
    tty = {"command": ["sh", "-c", "read go; stty size"], "stdin": "true", "stdout": "true", "tty": "true"}
    got = channels(cluster, "shell/exec", tty, [b'\x04{"Width":91,"Height":33}', b"\x00\n"], "v4.channel.k8s.io")
    assert b"33 91" in got[1] and status_of(got)[0] == "Success"
    got = channels(cluster, "shell/exec", {"command": "no-such", "stdout": "true"})
    assert "executable file not found in $PATH" in json.loads(got[3])["message"]
    got = channels(cluster, "shell/attach", {"stdin": "true", "stdout": "true"}, [b"\x00one\ntwo\n", b"\xff\x00"])
    assert got[1] == b"got one\ngot two\n" and status_of(got)[0] == "Success"
    pod = cluster.wait("shell", phase("Failed"))
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 4
    got = channels(cluster, "shell/exec", {"command": "ls", "stdout": "true"})
    assert json.loads(got[3])["message"] == 'unable to upgrade connection: container not found ("main")'
    cluster.delete("shell")


def test_clients_that_leave_hold_nothing(cluster):
    cluster.create("left", sh("sleep 1000"))
    cluster.wait("left", phase("Running"))
    agent = psutil.Process(cluster.processes["agent"].pid)
    connection = kubeconfig.load(str(cluster.admin)).resolve()

    def leave(path, **query):
        with websocket.connect(
            connection, f"/api/v1/namespaces/default/pods/left/{path}", query, ["v4.channel.k8s.io"]
        ) as web:
            web.recv()

    leave("exec", command="true", stdout="true")  # what is loaded with the first one stays
    before = (agent.num_threads(), agent.num_fds())
    for _ in range(3):
        leave("exec", command=["sleep", "1000"], stdout="true", stderr="true", stdin="true")
        leave("exec", command=["sleep", "1000"], stdout="true", stdin="true", tty="true")
        leave("attach", stdout="true", stderr="true")
    with cluster.client.stream("GET", "/api/v1/namespaces/default/pods/left/log", query={"follow": True}, timeout=5):
        pass
    cluster.until(lambda: agent.num_threads() <= before[0] and agent.num_fds() <= before[1])
    cluster.delete("left")


def test_logs(cluster):
    script = "for i in 1 2 3 4 5; do echo line $i; done; printf rest; sleep 1; exit 1"
    cluster.create("talker", sh(script))
    cluster.wait("talker", phase("Running"))
    path = "/api/v1/namespaces/default/pods/talker/log"
    follow = cluster.client.stream("GET", path, query={"follow": True}, timeout=40)
    with follow:
        assert follow.read() == b"line 1\nline 2\nline 3\nline 4\nline 5\nrest"
    cluster.wait("talker", lambda p: p["status"]["containerStatuses"][0]["restartCount"] == 1)
    assert cluster.log("talker", previous=True, tailLines=3) == "line 4\nline 5\nrest"
    assert cluster.log("talker", previous=True, limitBytes=4) == "line"
    stamped = cluster.log("talker", previous=True, timestamps=True).splitlines()
    assert stamped[0].endswith("Z line 1") and stamped[0][10] == "T"
    assert cluster.log("talker", previous=True, sinceTime="2100-01-01T00:00:00Z") == ""
    cluster.wait("talker", waiting("CrashLoopBackOff"))
    cluster.delete("talker")


def test_images_that_cannot_be_had(cluster):
    cluster.create("typo", {"name": "c", "image": "nginx:nosuchtag"})
    cluster.create("unknown", {"name": "c", "image": "no/such"})
    cluster.create("command", {"name": "c", "image": "no/such", "command": ["sleep", "1000"]})
    for name in ("typo", "unknown"):
        pod = cluster.wait(name, waiting("ImagePullBackOff"))
        assert pod["status"]["phase"] == "Pending"
        cluster.saw(name, "Pulling", "Failed", "BackOff")
    cluster.wait("command", phase("Running"))
    cluster.saw("command", "ImageNotInCatalog")
    for name in ("typo", "unknown", "command"):
        cluster.delete(name)


def test_configuration_that_comes_late(cluster):
    ref = {"configMapKeyRef": {"name": "late", "key": "k"}}
    cluster.create("late", sh("echo $K", env=[{"name": "K", "valueFrom": ref}]), restartPolicy="Never")
    pod = cluster.wait("late", waiting("CreateContainerConfigError"))
    assert pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"] == 'configmap "late" not found'
    cluster.client.resource("v1", "configmaps", "default").create({"metadata": {"name": "late"}, "data": {"k": "v"}})
    cluster.wait("late", phase("Succeeded"))
    assert cluster.log("late") == "v\n"
    cluster.delete("late")


def test_init_containers_and_a_sidecar(cluster):
    side = {**sh("sleep 1000", "side"), "restartPolicy": "Always"}
    cluster.create("init", sh("echo main"), initContainers=[sh("echo first", "first"), side], restartPolicy="Never")
    pod = cluster.wait("init", phase("Succeeded"))
    assert cluster.log("init", container="first") == "first\n"
    cluster.wait("init", lambda p: "terminated" in p["status"]["initContainerStatuses"][1]["state"])
    assert pod["status"]["initContainerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
    cluster.delete("init")


def test_liveness_and_grace(cluster):
    probe = {"exec": {"command": ["sh", "-c", "echo sick; exit 1"]}, "periodSeconds": 1, "failureThreshold": 1}
    cluster.create(
        "sick", sh("trap '' TERM; while :; do sleep 0.1; done", livenessProbe=probe), terminationGracePeriodSeconds=1
    )
    pod = cluster.wait("sick", lambda p: p["status"].get("containerStatuses", [{}])[0].get("restartCount") == 1)
    assert pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 137
    cluster.saw("sick", "Killing", "Unhealthy")
    events = cluster.events("sick")
    assert ("Killing", "Container main failed liveness probe, will be restarted") in events
    assert ("Unhealthy", "Liveness probe failed: sick\n") in events
    cluster.delete("sick")


def test_the_agent_dies_and_comes_back(cluster):
    cluster.create("lives", sh("echo begun; sleep 1000"))
    cluster.create("ends", sh("read line; exit 5", stdin=True, stdinOnce=True), restartPolicy="Never")
    before = cluster.wait("lives", phase("Running"))
    cluster.wait("ends", phase("Running"))
    channels_query = {"stdin": "true", "stdout": "true"}
    cluster.kill("agent")
    cluster.start_agent()
    channels(cluster, "ends/attach", channels_query, [b"\x00go\n"])
    assert (
        cluster.wait("ends", phase("Failed"))["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 5
    )
    after = cluster.pods.get("lives")
    assert after["status"]["containerStatuses"] == before["status"]["containerStatuses"]
    cluster.kill("agent", signal.SIGTERM)
    assert stop_pods(cluster.root, 1) == 1
    assert not [p for p in psutil.process_iter(["cwd"]) if str(cluster.root) in (p.info["cwd"] or "")]
    cluster.start_agent()
    pod = cluster.wait("lives", lambda p: p["status"]["containerStatuses"][0]["restartCount"] == 1 and READY(p))
    assert pod["status"]["podIP"] == before["status"]["podIP"]
    for name in ("lives", "ends"):
        cluster.delete(name)
    cluster.until(lambda: not list((cluster.root / "pods").iterdir()))


def test_a_pod_deleted_while_the_agent_is_down_is_ended(cluster):
    cluster.create("orphan", sh("sleep 1000"))
    pod = cluster.wait("orphan", phase("Running"))
    pid = int(
        (cluster.root / "pods" / pod["metadata"]["uid"] / "containers/main/0/state.json")
        .read_text()
        .split('"pid": ')[1]
        .split(",")[0]
    )
    cluster.kill("agent")
    cluster.pods.delete("orphan", gracePeriodSeconds=0)
    cluster.start_agent()
    cluster.until(lambda: not psutil.pid_exists(pid))


def test_strangers_are_not_let_in(cluster):
    import http.client
    import ssl

    context = ssl._create_unverified_context()
    client = http.client.HTTPSConnection("127.0.0.1", cluster.kubelet_port(), context=context, timeout=20)
    client.request("GET", "/pods")
    assert client.getresponse().status == 401
    client.close()
    context.load_cert_chain(
        cluster.data / "pki/apiserver-kubelet-client.crt", cluster.data / "pki/apiserver-kubelet-client.key"
    )
    client = http.client.HTTPSConnection("127.0.0.1", cluster.kubelet_port(), context=context, timeout=20)
    for path, status in (
        ("/healthz", 200),
        ("/pods", 200),
        ("/stats/summary", 200),
        ("/nothing", 404),
        ("/exec/default/no/no", 400),
    ):
        client.request("GET", path)
        answer = client.getresponse()
        answer.read()
        assert answer.status == status, path


def test_changes_of_mounted_objects_reach_the_files(cluster):
    maps = cluster.client.resource("v1", "configmaps", "default")
    maps.create({"metadata": {"name": "page"}, "data": {"index.html": "one"}})
    mounts = [{"name": "html", "mountPath": "/usr/share/nginx/html"}]
    sources = [{"configMap": {"name": "page"}}, {"secret": {"name": "later", "optional": True}}]
    volumes = [{"name": "html", "projected": {"sources": sources}}]
    cluster.create("page", {"name": "c", "image": "nginx", "volumeMounts": mounts}, volumes=volumes)
    ip = cluster.wait("page", READY)["status"]["podIP"]

    def get(path):
        try:
            with urllib.request.urlopen(f"http://{ip}/{path}", timeout=20) as answer:
                return answer.read()
        except OSError:
            return b""

    cluster.until(lambda: get("") == b"one")
    maps.patch("page", {"data": {"index.html": "two"}}, "merge")
    cluster.until(lambda: get("") == b"two")
    secret = {"metadata": {"name": "later"}, "data": {"k": "aGlkZGVu"}}
    cluster.client.resource("v1", "secrets", "default").create(secret)
    cluster.until(lambda: get("k") == b"hidden")
    cluster.delete("page")


def test_containers_restart_while_the_api_server_is_away(cluster):
    cluster.create("alone", sh("sleep 1000", env=[{"name": "A", "value": "b"}]))
    uid = cluster.wait("alone", phase("Running"))["metadata"]["uid"]
    attempts = cluster.root / "pods" / uid / "containers/main"
    pid = json.loads((attempts / "0/state.json").read_text())["pid"]
    cluster.kill("server")
    psutil.Process(pid).kill()
    cluster.until(lambda: (attempts / "1/state.json").exists())
    cluster.start_server()
    pod = cluster.wait("alone", lambda p: p["status"]["containerStatuses"][0]["restartCount"] == 1 and READY(p))
    assert pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 137
    cluster.delete("alone")

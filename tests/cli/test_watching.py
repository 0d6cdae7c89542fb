"""`get -w` beside the real kubectl, and how kk ends: Ctrl-C, a closed pipe, a server that is gone."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import kubectl
from tests.cli.beside import KK, same
from tests.servers import APIServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[APIServer]:
    with APIServer(tmp_path_factory.mktemp("watching") / "api") as running:
        yield running


def start(program: list[str], line: str, server: APIServer, home: Path) -> subprocess.Popen[str]:
    home.mkdir(exist_ok=True)
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "KUBECONFIG": str(server.kubeconfig), "TZ": "UTC"}
    return subprocess.Popen(
        [*program, *line.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, cwd=home
    )


CASES = [
    ("get cm -n {ns} -w", 2, 4),
    ("get cm -n {ns} -w --no-headers -L color", 1, 4),
    ("get cm -n {ns} --watch --output-watch-events", 2, 4),
    ("get cm -n {ns} -w --show-labels -o wide", 2, 4),
    ("get cm -n {ns} -w -o name", 1, 4),
    ("get cm -n {ns} -w --output-watch-events -o json", 1, 4),
    ("get cm -n {ns} -w -o jsonpath={.metadata.name}/{.data}{'\\n'}", 1, 4),
    ("get cm -n {ns} -w -o custom-columns=N:.metadata.name,D:.data", 2, 4),
    ("get cm one -n {ns} -w", 2, 2),
    ("get cm -n {ns} --watch-only", 0, 5),
    ("get cm -n {ns} -w -l color=purple", 0, 3),
]


def changes(server: APIServer, namespace: str) -> None:
    """Four changes of config maps: a label, a new one, data, a deletion."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    merge = {"Content-Type": "application/merge-patch+json"}
    body = {"metadata": {"labels": {"color": "purple"}}}
    assert server.request("PATCH", f"{path}/one", body, merge)[0] == 200
    assert server.request("POST", path, {"metadata": {"name": "a-much-longer-name"}, "data": {"k": "v"}})[0] == 201
    assert server.request("PATCH", f"{path}/one", {"data": {"x": "y", "z": "1"}}, merge)[0] == 200
    assert server.request("DELETE", f"{path}/a-much-longer-name")[0] == 200


def watched(program: list[str], line: str, before: int, after: int, server: APIServer, home: Path, ns: str) -> str:
    """What a watch prints: `before` lines, then the changes, then `after` lines."""
    server.request("DELETE", f"/api/v1/namespaces/{ns}")
    assert server.request("POST", "/api/v1/namespaces", {"metadata": {"name": ns}})[0] == 201
    path = f"/api/v1/namespaces/{ns}/configmaps"
    assert server.request("POST", path, {"metadata": {"name": "one"}, "data": {"x": "y"}})[0] == 201
    started = start(program, line.replace("{ns}", ns), server, home)
    assert started.stdout and started.stderr
    try:
        lines = [started.stdout.readline() for _ in range(before)]
        if not before:
            probe(server, ns, started)
        changes(server, ns)
        lines += [started.stdout.readline() for _ in range(after)]
    finally:
        started.send_signal(signal.SIGINT)
        started.wait(20)
        errors = started.stderr.read()
        started.stdout.close()
        started.stderr.close()
    return same("".join(lines).replace(ns, "NS")) + errors


def probe(server: APIServer, namespace: str, started: subprocess.Popen[str]) -> None:
    """Return when the server counts one watch more: a watch that prints nothing at first has begun."""
    import time

    def watches() -> int:
        _, _, text = server.raw("GET", "/metrics")
        wanted = b"apiserver_longrunning_requests"
        return sum(int(float(row.split()[-1])) for row in text.splitlines() if row.startswith(wanted))

    end = time.monotonic() + 10
    while time.monotonic() < end and started.poll() is None and watches() < 1:
        time.sleep(0.05)


@pytest.mark.skipif(kubectl.path() is None, reason="no kubectl to compare with")
@pytest.mark.parametrize("line, before, after", CASES, ids=[c[0] for c in CASES])
def test_watches_as_kubectl_does(line, before, after, server, tmp_path, request):
    number = request.node.callspec.indices["line"]
    theirs = watched([str(kubectl.path())], line, before, after, server, tmp_path / "their", f"th-{number:02}")
    ours = watched(KK, line, before, after, server, tmp_path / "our", f"us-{number:02}")
    assert ours == theirs


@pytest.mark.parametrize(
    "shell", [[], ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]], ids=["foreground", "background job"]
)
def test_ctrl_c_is_quiet(server, tmp_path, shell):
    started = start([*shell, *KK], "get namespaces -w", server, tmp_path)
    assert started.stdout and started.stdout.readline()
    started.send_signal(signal.SIGINT)
    out, errors = started.communicate(timeout=20)
    assert (started.returncode, errors) == (130, "")


def test_a_closed_pipe_is_quiet(server, tmp_path):
    started = start(KK, "get clusterroles -o yaml", server, tmp_path)
    assert started.stdout and started.stderr
    started.stdout.close()
    assert started.stderr.read() == ""
    started.wait(20)


def test_without_a_cluster_one_line_says_how_to_get_one(tmp_path):
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    for line in (["get", "pods"], ["apply", "-f", "-"], ["create", "namespace", "x"], ["version"]):
        done = subprocess.run(
            [*KK, *line], capture_output=True, text=True, env=environ, input="kind: x\napiVersion: v1\n"
        )
        assert done.returncode == 1
        assert "kk up" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_server_that_is_gone(server, tmp_path):
    with APIServer(tmp_path / "gone") as gone:
        pass
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECONFIG": str(gone.kubeconfig)}
    done = subprocess.run([*KK, "get", "pods"], capture_output=True, text=True, env=environ)
    assert done.returncode == 1
    host = f"127.0.0.1:{gone.port}"
    assert done.stderr == f"The connection to the server {host} was refused - did you specify the right host or port?\n"


def test_verbosity_tells_each_request(server, tmp_path):
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECONFIG": str(server.kubeconfig)}
    done = subprocess.run([*KK, "get", "namespaces", "-v=6"], capture_output=True, text=True, env=environ)
    assert done.returncode == 0
    assert f"GET {server.url}/api/v1/namespaces?limit=500 200 in " in done.stderr

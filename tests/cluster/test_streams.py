"""Sessions with pods, typed with kk and with the real kubectl: terminals, exit codes, logs, copies, forwarded ports."""

import socket
import urllib.request

import pexpect
import pytest

from tests import kubectl
from tests.cluster.lab import Lab, until

pytestmark = pytest.mark.cluster

POD = """
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - {name: a, image: busybox, command: [sh, -c, "echo one; echo two; sleep 3600"]}
  - {name: b, image: busybox, command: [sh, -c, "echo b; sleep 3600"]}
"""


@pytest.fixture(scope="module", params=["kk", "kubectl"])
def lab(request, tmp_path_factory):
    if request.param == "kubectl" and kubectl.path() is None:
        pytest.skip("no kubectl to compare with")
    one = Lab(tmp_path_factory.mktemp(request.param), request.param)
    try:
        one.kk("wait", "--for=create", "serviceaccount/default", "--timeout=60s")
        one.kk("apply", "-f", "-", stdin=POD)
        one.kk("wait", "--for=condition=Ready", "pod/p", "--timeout=60s")
        yield one
    finally:
        one.close()


def test_exec_passes_streams_and_exit_codes(lab):
    assert lab.run("exec", "p", "-c", "a", "-i", "--", "cat", stdin="through\n") == "through\n"
    said = lab.fails("exec", "p", "-c", "a", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert "out" in said and "err" in said and "command terminated with exit code 7" in said


def test_exec_on_a_terminal_knows_its_size(lab):
    session = lab.terminal("exec", "-it", "p", "-c", "a", "--", "sh")
    session.expect("[#$] ")
    session.sendline("stty size")
    session.expect("40 200\r\n")
    session.setwinsize(33, 101)

    def resized():
        session.sendline("stty size")
        return session.expect([r"33 101\r\n", r"\d+ \d+\r\n"]) == 0

    until(resized)
    session.sendline("exit 3")
    session.expect(pexpect.EOF)
    session.close()
    assert session.exitstatus == 3


def test_run_on_a_terminal_removes_its_pod(lab):
    session = lab.terminal("run", "box", "-it", "--rm", "--restart=Never", "--image=busybox", "--", "sh")
    session.expect("try pressing enter")
    session.sendline("echo sum $((20+3))")
    session.expect("sum 23\r\n")
    session.sendline("exit 5")
    session.expect('pod "box" deleted from default namespace')
    session.expect(pexpect.EOF)
    session.close()
    assert session.exitstatus == 5
    assert 'pods "box" not found' in lab.fails("get", "pod", "box")


def test_run_takes_the_output_of_a_command(lab):
    assert "hello\n" in lab.run(
        "run", "once", "-i", "--rm", "-q", "--restart=Never", "--image=busybox", "--", "sh", "-c", "sleep 1; echo hello"
    )


def test_a_session_can_be_left_and_taken_up_again(lab):
    if lab.program.endswith("kubectl"):
        return  # the real one waits for the other side to end where standard input stays open
    session = lab.terminal("run", "stay", "-it", "--leave-stdin-open", "--image=busybox", "--", "sh")
    session.expect("try pressing enter")
    session.sendline("x=before; echo ready$((1))")
    session.expect("ready1\r\n")
    session.sendcontrol("p")
    session.sendcontrol("q")
    session.expect("Session ended, resume using")
    session.expect(pexpect.EOF)
    session.close()
    session = lab.terminal("attach", "-it", "stay")
    session.expect("try pressing enter")
    session.sendline("echo again $x")
    session.expect("again before\r\n")
    session.close()
    lab.run("delete", "pod", "stay", "--now", "--wait=false")


def test_logs(lab):
    assert lab.run("logs", "p", "-c", "a") == "one\ntwo\n"
    assert lab.run("logs", "p", "-c", "a", "--tail=1") == "two\n"
    assert sorted(lab.run("logs", "p", "--all-containers", "--prefix").splitlines()) == [
        "[pod/p/a] one",
        "[pod/p/a] two",
        "[pod/p/b] b",
    ]
    with lab.background("logs", "-f", "p", "-c", "a") as following:
        assert [following.stdout.readline() for _ in range(2)] == ["one\n", "two\n"]


def test_a_port_leads_into_a_pod_until_it_is_gone(lab):
    lab.run("run", "site", "--image=nginx", "--port=80", "--expose")
    lab.wait("--for=condition=Ready", "pod/site")
    with lab.background("port-forward", "svc/site", ":80") as forwarding:
        line = forwarding.stdout.readline()
        port = int(line.split("127.0.0.1:")[1].split()[0])
        assert line == f"Forwarding from 127.0.0.1:{port} -> 80\n"
        for _ in range(3):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
                assert b"<html" in page.read()
        lab.run("delete", "pod/site", "svc/site", "--now")
        if lab.program.endswith("kubectl"):
            return  # it notices at the next connection
        assert forwarding.wait(10) == 1
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_files_are_copied_both_ways(lab):
    (lab.folder / "d").mkdir(exist_ok=True)
    (lab.folder / "d" / "f").write_text("content\n")
    there = lab.run("exec", "p", "-c", "a", "--", "pwd").strip() + "/in"
    lab.run("cp", "d", f"p:{there}", "-c", "a")
    assert lab.run("exec", "p", "-c", "a", "--", "cat", f"{there}/f") == "content\n"
    lab.run("cp", f"p:{there}", "back", "-c", "a")
    assert (lab.folder / "back" / "f").read_text() == "content\n"


def test_a_node_is_drained(lab):
    node = lab.run("get", "nodes", "-o", "name").split()[0].removeprefix("node/")
    lab.run("run", "goes", "--image=busybox", "--labels=goes=yes", "--", "sleep", "100")
    lab.wait("--for=condition=Ready", "pod/goes")
    said = lab.run("drain", node, "--pod-selector=goes=yes", "--force", "--grace-period=1")
    assert said.splitlines() == [
        f"node/{node} cordoned",
        "evicting pod default/goes",
        "pod/goes evicted",
        f"node/{node} drained",
    ]
    lab.run("uncordon", node)

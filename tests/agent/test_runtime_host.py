"""Containers as processes under shims: exit codes, logs, exec, attach, stop, an agent that comes back, nothing left behind."""

import os
import signal

import psutil
import pytest

from kk.agent.runtime.api import RuntimeFault
from kk.agent.runtime.host import MARK, HostRuntime, stop_all
from kk.agent.runtime.shim_client import Channel
from tests.agent.conftest import config, wait_for_output


def run(runtime, *args, uid="u1", **more):
    runtime.run_sandbox(uid, "pod", "default")
    container = runtime.create(uid, config(*args, **more))
    runtime.launch(container)
    return container


def ended(container):
    return lambda: container.state == "exited"


def marked(container):
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == container.id and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def lines(container):
    return [line.split(" ", 3)[1:] for line in container.log_path.read_text().splitlines()]


def test_exit_code_and_log(runtime, changes):
    container = run(runtime, "sh", "-c", "echo out; echo err >&2; printf tail; exit 7")
    changes.wait(ended(container))
    assert (container.exit_code, container.signal) == (7, 0)
    assert sorted(lines(container)) == [["stderr", "F", "err"], ["stdout", "F", "out"], ["stdout", "P", "tail"]]
    assert container.finished_at >= container.started_at > 0


@pytest.mark.parametrize(
    "args, words",
    [
        (["no-such-program"], 'exec: "no-such-program": executable file not found in $PATH'),
        (["/no/such"], 'exec: "/no/such": stat /no/such: no such file or directory'),
        (["/etc/passwd"], 'exec: "/etc/passwd": fork/exec /etc/passwd: permission denied'),
    ],
)
def test_program_that_cannot_start(runtime, args, words):
    with pytest.raises(RuntimeFault) as caught:
        run(runtime, *args)
    assert words in str(caught.value)
    container = runtime.containers("u1")[0]
    assert (container.state, container.exit_code, container.reason) == ("exited", 128, "StartError")


def test_long_lines_are_cut_and_logs_rotate(runtime, changes):
    script = "head -c 40000 /dev/zero | tr '\\0' x; echo; i=0; while [ $i -lt 3 ]; do head -c 4500000 /dev/zero | tr '\\0' 'y' | fold -w 1000; i=$((i+1)); done"
    container = run(runtime, "sh", "-c", script)
    changes.wait(ended(container))
    first = (container.path / "log.1").read_text().splitlines()[:3]
    assert [(line.split(" ")[2], len(line.split(" ", 3)[3])) for line in first] == [
        ("P", 16384),
        ("P", 16384),
        ("F", 7232),
    ]
    assert container.log_path.stat().st_size <= 10 << 20


def test_stop_is_term_then_kill(runtime, changes):
    polite = run(runtime, "sh", "-c", "trap 'exit 5' TERM; echo up; while :; do sleep 0.05; done", uid="u1")
    rude = run(runtime, "sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done", uid="u2")
    for container in (polite, rude):
        wait_for_output(runtime, container, "up")
    runtime.stop(polite, 30)
    runtime.stop(rude, 0.3)
    changes.wait(lambda: ended(polite)() and ended(rude)())
    assert polite.exit_code == 5
    assert (rude.exit_code, rude.signal) == (137, 9)


def test_daemonised_children_end_with_the_container(runtime, changes):
    script = "setsid sleep 1000 & (setsid sh -c 'setsid sleep 1000 & echo up; sleep 1000' &) ; sleep 1000"
    container = run(runtime, "bash", "-c", script)
    wait_for_output(runtime, container, "up")
    assert len(marked(container)) >= 4
    runtime.stop(container, 0)
    changes.wait(ended(container))
    assert marked(container) == []


def test_a_new_runtime_finds_running_and_ended_containers(root, changes):
    first = HostRuntime(root)
    first.start(changes)
    lives = run(first, "sleep", "1000", uid="u1")
    dies = run(first, "sh", "-c", "read line; exit 9", uid="u2", stdin=True, stdin_once=True)
    ip = first.run_sandbox("u1", "pod", "default").ip
    first.close()
    second = HostRuntime(root)
    second.start(changes)
    try:
        found = {uid: second.containers(uid)[0] for uid in second.sandboxes()}
        assert second.run_sandbox("u1", "pod", "default").ip == ip
        assert found["u1"].state == "running" and found["u1"].pid == lives.pid and found["u1"].id == lives.id
        stream = second.attach(found["u2"], True, True, True)
        stream.write(b"go\n")
        changes.wait(ended(found["u2"]))
        stream.close()
        assert found["u2"].exit_code == 9 and found["u2"].id == dies.id
        second.remove_sandbox("u1")
        changes.wait(lambda: not marked(lives))
        assert not (root / "pods" / "u1").exists()
    finally:
        second.close()


def test_exit_while_no_agent_runs_is_kept(root, changes):
    first = HostRuntime(root)
    first.start(changes)
    container = run(first, "sh", "-c", "exit 4")
    psutil.Process(os.getpid())
    first.close()
    shim = root / "pods/u1/containers/main/0"
    second = HostRuntime(root)
    second.start(changes)
    try:
        found = second.containers("u1")[0]
        changes.wait(ended(found))
        assert found.exit_code == 4 and found.id == container.id and (shim / "exit.json").exists()
    finally:
        second.close()


def test_a_killed_shim_takes_its_programs_along(runtime, changes):
    container = run(runtime, "bash", "-c", "setsid sleep 1000 & echo up; sleep 1000")
    wait_for_output(runtime, container, "up")
    os.kill(psutil.Process(container.pid).ppid(), signal.SIGKILL)
    changes.wait(ended(container))
    assert (container.exit_code, container.reason) == (255, "Unknown")
    assert marked(container) == []


def test_containers_that_a_machine_took_down_with_it(root, changes):
    first = HostRuntime(root)
    first.start(changes)
    container = run(first, "sleep", "1000")
    first.close()
    os.kill(psutil.Process(container.pid).ppid(), signal.SIGKILL)
    second = HostRuntime(root)
    second.start(changes)
    try:
        found = second.containers("u1")[0]
        changes.wait(ended(found))
        assert (found.exit_code, found.reason, found.id) == (255, "Unknown", container.id)
        assert marked(container) == []
    finally:
        second.close()


def test_a_start_that_the_agents_death_cut_short(root, changes):
    first = HostRuntime(root)
    first.start(changes)
    first.run_sandbox("u1", "pod", "default")
    never = first.create("u1", config("sleep", "1000", name="never"))
    begun = first.create("u1", config("sleep", "1000", name="begun"))
    first._zygote.fork(begun.path / "spec.json")  # and the agent dies before it hears of it
    (begun.path / "state.json").unlink()
    first.close()
    second = HostRuntime(root)
    second.start(changes)
    try:
        (found,) = second.containers("u1")
        assert (found.id, found.state) == (begun.id, "running") and psutil.pid_exists(found.pid)
        assert "ended at once" in second._zygote.fork(never.path / "spec.json")["error"]
    finally:
        second.close()
    assert stop_all(root, 0) == 1 and marked(begun) == []


def test_a_killed_zygote_is_replaced(runtime, changes):
    before = run(runtime, "sleep", "1000", uid="u1")
    os.kill(runtime._zygote.pid, signal.SIGKILL)
    after = run(runtime, "sh", "-c", "exit 2", uid="u2")
    changes.wait(ended(after))
    assert after.exit_code == 2 and before.state == "running" and marked(before)


def test_exec_streams_and_exit_code(runtime):
    container = run(runtime, "sleep", "1000", env={"A": "b"})
    reader, writer = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    process = runtime.exec(container, ["sh", "-c", "echo $A; exit 6"], [null, writer, null])
    os.close(writer)
    os.close(null)
    with open(reader, "rb") as output:
        assert output.read() == b"b\n"
    assert process.wait(20) == 6
    process.close()
    with pytest.raises(RuntimeFault, match="executable file not found"):
        runtime.exec(container, ["no-such"], [0, 1, 2])


def test_attach_to_a_terminal(runtime, changes):
    container = run(
        runtime, "sh", "-c", "read a; stty size; echo got $a; exit 3", tty=True, stdin=True, stdin_once=True
    )
    stream = runtime.attach(container, True, True, True)
    assert stream.tty
    stream.resize(91, 33)
    stream.write(b"hello\n")
    output = b"".join(data for _, data in iter(stream.read, None))
    stream.close()
    assert b"33 91\r\n" in output and b"got hello\r\n" in output
    changes.wait(ended(container))
    assert container.exit_code == 3


def test_input_reaches_its_end(runtime, changes):
    container = run(runtime, "wc", "-c", stdin=True, stdin_once=True)
    stream = runtime.attach(container, True, True, True)
    stream.write(b"x" * 300000)
    stream.end_input()
    assert [data for _, data in iter(stream.read, None)] == [b"300000\n"]
    stream.close()
    changes.wait(ended(container))


def test_stop_all_works_without_a_runtime(root, changes):
    runtime = HostRuntime(root)
    runtime.start(changes)
    quiet = run(runtime, "bash", "-c", "setsid sleep 1000 & echo up; sleep 1000", uid="u1")
    rude = run(runtime, "bash", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done", uid="u2")
    for container in (quiet, rude):
        wait_for_output(runtime, container, "up")
    runtime.close()
    assert stop_all(root, 0.5) == 2
    assert marked(quiet) == [] and marked(rude) == []
    assert stop_all(root, 0.5) == 0


def test_addresses_are_the_nodes_own(root, tmp_path_factory, changes, runtime):
    other = HostRuntime(tmp_path_factory.mktemp("other"))
    other.start(changes)
    try:
        ips = [r.run_sandbox(uid, "p", "d").ip for r in (runtime, other) for uid in ("a", "b", "c")]
        assert len(set(ips)) == 6 and all(ip.startswith("127.") for ip in ips)
    finally:
        other.close()


@pytest.mark.parametrize(
    "request_",
    [b"{", b'{"op":"nothing"}', b'{"op":"exec"}', b'{"op":"resize"}', b"[]", b'{"op":"signal","signal":"x"}'],
)
def test_a_bad_request_does_not_end_the_program(runtime, request_):
    container = run(runtime, "sleep", "1000")
    channel = Channel(container.path)
    channel.send(b"R", request_)
    kind, answer = channel.receive()
    assert kind == b"J" and (b"error" in answer or request_ == b'{"op":"resize"}')
    assert channel.request("watch")["pid"] == container.pid
    channel.close()

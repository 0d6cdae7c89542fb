"""The supervisor with real processes: whatever is killed comes back, what ran goes on, TERM leaves nothing."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from kk.cli.cluster import processes, supervisor_command


def until(condition, within=20.0):
    """Wait for a state of other processes that gives no event to a test."""
    end = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.02)
    return found


class Running:
    def __init__(self, folder: Path, daemons: dict):
        self.folder = folder
        for name in ("run", "log"):
            (folder / name).mkdir()
        self.want(daemons)
        self.process = subprocess.Popen(supervisor_command(folder), start_new_session=True)

    def want(self, daemons: dict) -> None:
        part = self.folder / "daemons.part"
        part.write_text(json.dumps(daemons))
        part.replace(self.folder / "daemons.json")

    def pid(self, name: str) -> int:
        return until(lambda: processes.read_pid(self.folder / "run" / f"{name}.pid").get("pid"))

    def another(self, name: str, old: int) -> int:
        return until(
            lambda: (p := processes.read_pid(self.folder / "run" / f"{name}.pid").get("pid", old)) != old and p
        )

    def stop(self) -> None:
        for name in ("guard", "supervisor"):
            record = processes.read_pid(self.folder / "run" / f"{name}.pid")
            if record:
                processes.stop(record["pid"], 0.0 if name == "guard" else 20.0)
        self.process.wait(10)


SLEEP = ["/bin/sleep", "600"]


@pytest.fixture
def start(tmp_path):
    started = []

    def factory(daemons):
        started.append(Running(tmp_path, daemons))
        return started[0]

    yield factory
    for one in started:
        one.stop()


def test_a_killed_daemon_comes_back(start):
    cluster = start({"api": SLEEP, "control": SLEEP})
    old, other = cluster.pid("api"), cluster.pid("control")
    os.kill(old, signal.SIGKILL)
    cluster.another("api", old)
    assert cluster.pid("control") == other


def test_a_killed_supervisor_comes_back_and_takes_over(start):
    cluster = start({"api": SLEEP})
    daemon, supervisor = cluster.pid("api"), cluster.pid("supervisor")
    guard = cluster.pid("guard")
    os.kill(supervisor, signal.SIGKILL)
    cluster.process.wait(10)
    cluster.another("supervisor", supervisor)
    cluster.another("guard", guard)
    assert cluster.pid("api") == daemon
    os.kill(daemon, signal.SIGKILL)
    cluster.another("api", daemon)


def test_a_killed_guard_comes_back(start):
    cluster = start({"api": SLEEP})
    guard, supervisor = cluster.pid("guard"), cluster.pid("supervisor")
    os.kill(guard, signal.SIGKILL)
    cluster.another("guard", guard)
    assert cluster.pid("supervisor") == supervisor


def test_hup_starts_and_stops_what_changed(start):
    cluster = start({"api": SLEEP, "control": SLEEP})
    api, control = cluster.pid("api"), cluster.pid("control")
    cluster.want({"api": SLEEP, "agent-node1": SLEEP})
    os.kill(cluster.pid("supervisor"), signal.SIGHUP)
    cluster.pid("agent-node1")
    assert processes.ended(control, 10)
    assert cluster.pid("api") == api


def test_term_leaves_nothing(start):
    cluster = start({"api": SLEEP, "control": ["/bin/sh", "-c", "trap '' TERM; exec sleep 600"]})
    pids = [cluster.pid(n) for n in ("api", "control", "guard")]
    os.kill(cluster.pid("supervisor"), signal.SIGTERM)
    assert cluster.process.wait(30) == 0
    assert [processes.started(p) for p in pids] == ["", "", ""]
    assert list((cluster.folder / "run").iterdir()) == []


def test_a_daemon_that_cannot_run_waits_longer_each_time(start):
    cluster = start({"api": ["/bin/sh", "-c", "echo started; exit 1"]})
    log = cluster.folder / "log" / "api.log"
    until(lambda: log.exists() and log.read_text().count("started") >= 4)
    assert processes.read_pid(cluster.folder / "run" / "supervisor.pid")


def test_a_pid_that_was_given_again_is_not_taken_for_ours(tmp_path):
    path = tmp_path / "x.pid"
    processes.write_pid(path, os.getpid())
    assert processes.read_pid(path)["pid"] == os.getpid()
    path.write_text(json.dumps({"pid": os.getpid(), "started": "another boot:1"}))
    assert processes.read_pid(path) == {}

"""Processes by pid without mistaking one for another: a pid file names the pid, when that process started, and the boot.

Standard library only: the supervisor runs without site-packages, so that it costs little memory.
"""

import contextlib
import json
import os
import select
import signal
from pathlib import Path


def started(pid: int) -> str:
    """When a process started: boot id and clock ticks after it; "" where there is no such process (a zombie is none)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def write_pid(path: Path, pid: int, **more: object) -> None:
    """Record a process; readers never see half a file."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(json.dumps({"pid": pid, "started": started(pid), **more}))
    part.replace(path)


def read_pid(path: Path) -> dict:
    """The record of a process that is still the same one, else {}."""
    try:
        record = json.loads(path.read_text())
        same = record["started"] and record["started"] == started(int(record["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return record if same else {}


def ended(pid: int, within: float) -> bool:
    """Wait until a process is gone, children of ours or not; False where it still runs after `within` seconds."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        gone = bool(poll.poll(within * 1000))
    finally:
        os.close(handle)
    if gone:
        reap(pid)
    return gone


def reap(pid: int) -> None:
    """Take the exit status of a child that ended; nothing where it was never ours (adopted daemons are init's)."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def stop(pid: int, grace: float = 10.0) -> None:
    """TERM, then KILL after `grace` seconds; returns when the process is gone."""
    for number, wait in ((signal.SIGTERM, grace), (signal.SIGKILL, 10.0)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if ended(pid, wait):
            return

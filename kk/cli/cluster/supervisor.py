"""Keeps a cluster's daemons running: starts what cluster.json asks for, starts again what dies, stops it all on TERM.

Two processes: the supervisor, and a guard that does nothing but start a new supervisor should this one be killed; each watches the
other by pidfd, so that killing any one process with -9 brings it back. A new supervisor takes over the daemons that still run.
Standard library only, and run as `python -I -S supervisor.py DIR`: an idle supervisor should cost neither time nor memory.
HUP makes it read cluster.json again. It knows nothing of what the daemons do; `daemons.json`, written by `kk up`, gives their command lines.
"""

import contextlib
import json
import os
import selectors
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # run as a file, without site-packages

import processes

#: a daemon that ran this long is started again at once; one that dies sooner waits, twice as long each time
STEADY, FIRST_WAIT, LONGEST_WAIT = 5.0, 0.1, 5.0


class Daemon:
    """One process that is to run: its command line, and the process that is it now."""

    def __init__(self, name: str, argv: list[str]):
        self.name, self.argv = name, argv
        self.pid = self.handle = -1
        self.since, self.wait, self.due = 0.0, 0.0, 0.0
        self.restarts = 0


class Supervisor:
    """The loop over pidfds, signals and due restarts."""

    def __init__(self, folder: Path):
        self.folder, self.run = folder, folder / "run"
        self.selector = selectors.DefaultSelector()
        self.daemons: dict[str, Daemon] = {}
        self.guard = -1
        self.stopping = self.reload = False
        self.wake, wake_in = os.pipe()
        for end in (self.wake, wake_in):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_in)
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "stopping", True))
        signal.signal(signal.SIGINT, lambda *_: setattr(self, "stopping", True))
        signal.signal(signal.SIGHUP, lambda *_: setattr(self, "reload", True))
        self.selector.register(self.wake, selectors.EVENT_READ, None)

    def main(self) -> None:
        """Run until TERM."""
        processes.write_pid(self.run / "supervisor.pid", os.getpid())
        self.keep_guard()
        self.load()
        while not self.stopping:
            self.start_due()
            for key, _ in self.selector.select(self.next_due()):
                if key.data is None:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self.wake, 64)
                elif key.data == "guard":
                    self.forget(key.fd)
                    processes.reap(self.guard)
                    self.keep_guard()
                else:
                    self.died(self.daemons.get(key.data), key.fd)
            if self.reload:
                self.reload = False
                self.load()
        self.shutdown()

    def load(self) -> None:
        """Make what runs what `daemons.json` says: stop what is no longer wanted or has another command line, adopt or start the rest."""
        wanted = json.loads((self.folder / "daemons.json").read_text())
        for name, daemon in list(self.daemons.items()):
            if wanted.get(name) != daemon.argv:
                self.end([daemon])
                del self.daemons[name]
        for name, argv in wanted.items():
            if name not in self.daemons:
                self.daemons[name] = daemon = Daemon(name, argv)
                self.adopt(daemon)
        for path in self.run.glob("*.pid"):
            if path.stem not in (*wanted, "supervisor", "guard"):
                record = processes.read_pid(path)
                if record:
                    processes.stop(record["pid"])
                path.unlink(missing_ok=True)

    def adopt(self, daemon: Daemon) -> None:
        """Take over a running process of an earlier supervisor, if it is what is wanted."""
        record = processes.read_pid(self.run / f"{daemon.name}.pid")
        if not record:
            return
        if record.get("argv") != daemon.argv:
            processes.stop(record["pid"])
            return
        daemon.restarts = record.get("restarts", 0)
        self.watch(daemon, record["pid"])

    def watch(self, daemon: Daemon, pid: int) -> None:
        """Learn of the process's end from its pidfd."""
        daemon.pid, daemon.since = pid, time.monotonic()
        daemon.handle = os.pidfd_open(pid)
        self.selector.register(daemon.handle, selectors.EVENT_READ, daemon.name)

    def start_due(self) -> None:
        """Start every daemon that does not run and has waited long enough."""
        now = time.monotonic()
        for daemon in self.daemons.values():
            if daemon.pid < 0 and daemon.due <= now:
                pid = spawn(daemon.argv, self.folder / "log" / f"{daemon.name}.log")
                processes.write_pid(self.run / f"{daemon.name}.pid", pid, argv=daemon.argv, restarts=daemon.restarts)
                self.watch(daemon, pid)

    def next_due(self) -> float | None:
        """Seconds until the next restart; None where all run (then only a pidfd or a signal wakes this process)."""
        due = [d.due for d in self.daemons.values() if d.pid < 0]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def died(self, daemon: Daemon | None, handle: int) -> None:
        """Note the end of a daemon and when it is due again."""
        self.forget(handle)
        if daemon is None or daemon.handle != handle:
            return
        processes.reap(daemon.pid)
        steady = time.monotonic() - daemon.since >= STEADY
        daemon.wait = FIRST_WAIT if steady or not daemon.wait else min(LONGEST_WAIT, daemon.wait * 2)
        daemon.due = 0.0 if steady else time.monotonic() + daemon.wait
        daemon.pid = daemon.handle = -1
        daemon.restarts += 1

    def forget(self, handle: int) -> None:
        """Stop watching a pidfd."""
        self.selector.unregister(handle)
        os.close(handle)

    def keep_guard(self) -> None:
        """Start the guard, or take over one that an earlier supervisor left."""
        record = processes.read_pid(self.run / "guard.pid")
        self.guard = record.get("pid", -1)
        if record.get("of") != os.getpid():
            self.guard = spawn(
                [sys.executable, "-I", "-S", os.path.abspath(__file__), "--guard", str(os.getpid()), str(self.folder)],
                self.folder / "log" / "supervisor.log",
            )
            processes.write_pid(self.run / "guard.pid", self.guard, of=os.getpid())
        self.selector.register(os.pidfd_open(self.guard), selectors.EVENT_READ, "guard")

    def end(self, daemons: list[Daemon]) -> None:
        """Stop daemons, all at once, KILL for those that do not go."""
        for daemon in daemons:
            if daemon.pid > 0:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(daemon.pid, signal.SIGTERM)
        for daemon in daemons:
            if daemon.pid > 0:
                if not processes.ended(daemon.pid, 10.0):
                    processes.stop(daemon.pid, 0.0)
                self.forget(daemon.handle)
                daemon.pid = daemon.handle = -1
            (self.run / f"{daemon.name}.pid").unlink(missing_ok=True)

    def shutdown(self) -> None:
        """The guard first, or it would start a new supervisor; the API server last, so that the others can say good-bye."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.guard, signal.SIGKILL)
        self.end([d for d in self.daemons.values() if d.name != "api"])
        self.end([d for d in self.daemons.values() if d.name == "api"])
        for name in ("guard.pid", "supervisor.pid"):
            (self.run / name).unlink(missing_ok=True)


def spawn(argv: list[str], log: Path) -> int:
    """Start a program in a session of its own, its output appended to a log; returns its pid."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    rotate(log)
    files = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.fspath(log), flags & ~os.O_CLOEXEC, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    reset = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE]
    return os.posix_spawn(argv[0], argv, os.environ, file_actions=files, setsid=True, setsigdef=reset)


def rotate(log: Path, most: int = 5_000_000) -> None:
    """Keep one older log, so that a daemon that restarts for days fills no disk."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > most:
            log.replace(log.with_suffix(".log.1"))


def guard(pid: int, folder: Path) -> None:
    """Wait for the supervisor's end and start another; this process ends then, the new supervisor starts its own guard."""
    record = processes.read_pid(folder / "run" / "supervisor.pid")
    if record.get("pid") == pid:
        while not processes.ended(pid, 86_400.0):
            pass
    # the new one is recorded before this guard ends: `kk down` at this moment finds it
    new = spawn(command(folder), folder / "log" / "supervisor.log")
    processes.write_pid(folder / "run" / "supervisor.pid", new)


def command(folder: Path) -> list[str]:
    """The supervisor's command line."""
    return [sys.executable, "-I", "-S", os.path.abspath(__file__), str(folder)]


if __name__ == "__main__":
    if sys.argv[1] == "--guard":
        guard(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        Supervisor(Path(sys.argv[1])).main()

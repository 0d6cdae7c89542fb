"""What a runtime is: sandboxes, containers, exec and attach, as plain data and one protocol. Levels: `host` now, `sandbox` beside it.

Modelled on the CRI's split (RunPodSandbox, CreateContainer, StartContainer …). All calls are quick: waiting is told by `on_change`.
Times are POSIX seconds; ids are 64 hex digits.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class RuntimeFault(Exception):
    """A container could not be created or started: `reason` is the status reason, the text its message."""

    def __init__(self, reason: str, message: str):
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A pod's place: its address and its folder (volumes and containers live below)."""

    uid: str
    ip: str
    path: Path
    created_at: float


@dataclass(frozen=True, slots=True)
class ContainerConfig:
    """All that starting a container needs; env is complete, args[0] is the program. `user` is (uid, gid, groups) or None."""

    name: str
    attempt: int
    args: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    image: str
    image_id: str
    tty: bool = False
    stdin: bool = False
    stdin_once: bool = False
    user: "tuple[int, int, list[int]] | None" = None
    stop_signal: int = 15
    mounts: tuple[tuple[str, str], ...] = ()  # (mount path, folder or file on the node)
    termination_log: str = ""
    notes: dict[str, Any] = field(default_factory=dict)  # kept with the container: spec hash and the like


@dataclass(slots=True)
class Container:
    """One attempt of a container as the runtime knows it. state: created, running or exited."""

    id: str
    pod_uid: str
    config: ContainerConfig
    path: Path
    created_at: float
    state: str = "created"
    pid: int = 0
    started_at: float = 0.0
    finished_at: float = 0.0
    exit_code: int = 0
    signal: int = 0
    reason: str = ""
    message: str = ""

    @property
    def log_path(self) -> Path:
        """The current log file; older ones are NAME.1 and so on."""
        return self.path / "log"


class Process(Protocol):
    """A program started by exec, next to a container's own."""

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit code; None when `timeout` (seconds) passed first."""

    def close(self) -> None:
        """Let go; a program started with kill_on_close is ended."""


class Stream(Protocol):
    """A container's own input and output, attached."""

    tty: bool

    def read(self) -> "tuple[str, bytes] | None":
        """(stdout or stderr, data), None at the end."""

    def write(self, data: bytes) -> None:
        """Bytes for the program's stdin."""

    def end_input(self) -> None:
        """No more input from here."""

    def resize(self, width: int, height: int) -> None:
        """The terminal's size in characters."""

    def close(self) -> None:
        """Detach; may be called from another thread."""


class Runtime(Protocol):
    """A level of isolation. `level` and `reason` stand on the Node."""

    level: str
    reason: str

    def start(self, on_change: Callable[[str], None]) -> None:
        """Find what runs already; `on_change(pod uid)` is called from a thread of the runtime when a container ends."""

    def close(self) -> None:
        """Stop watching; containers go on."""

    def run_sandbox(self, uid: str, name: str, namespace: str) -> Sandbox:
        """Make the pod's place, or give the one that exists."""

    def sandboxes(self) -> dict[str, Sandbox]:
        """All sandboxes by pod uid."""

    def remove_sandbox(self, uid: str) -> None:
        """Kill what is left, remove containers, logs, volumes and the address."""

    def create(self, uid: str, config: ContainerConfig) -> Container:
        """A container that is not started; RuntimeFault (CreateContainerError)."""

    def launch(self, container: Container) -> None:
        """Start it; RuntimeFault (RunContainerError) when the program cannot run."""

    def stop(self, container: Container, grace: float) -> None:
        """The stop signal now, everything of it killed after `grace` seconds; returns at once."""

    def remove(self, container: Container) -> None:
        """Forget an ended container and its logs."""

    def containers(self, uid: str) -> list[Container]:
        """The pod's containers, oldest attempt first."""

    def exec(
        self,
        container: Container,
        args: list[str],
        fds: list[int],
        tty: bool = False,
        kill_on_close: bool = False,
    ) -> Process:
        """Start another program in the container on these descriptors (the runtime does not close them); RuntimeFault when it cannot start."""

    def attach(self, container: Container, stdin: bool, stdout: bool, stderr: bool) -> Stream:
        """The container's own streams."""

    def log_feed(self, container: Container) -> "socket.socket | None":
        """A socket that becomes readable when the log grows and ends with the container; None when it has ended."""

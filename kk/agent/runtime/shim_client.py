"""The agent's end of a shim's socket, and of the zygote that forks shims. The frames are described in shim.py."""

import json
import os
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

SHIM = Path(__file__).with_name("shim.py")


class ShimGone(OSError):
    """The shim does not answer: it has ended, or was killed."""


def connect(folder: Path) -> socket.socket:
    """A connection to the shim of a container's folder. The path of a unix socket may have 108 bytes only, so on Linux it goes through the folder's descriptor."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if len(os.fsencode(folder)) < 90 or not os.path.isdir("/proc/self/fd"):
            sock.connect(str(folder / "sock"))
        else:
            directory = os.open(folder, os.O_RDONLY)
            try:
                sock.connect(f"/proc/self/fd/{directory}/sock")
            finally:
                os.close(directory)
    except OSError as error:
        sock.close()
        raise ShimGone(str(error)) from None
    return sock


class Channel:
    """Frames over one connection."""

    def __init__(self, folder: Path):
        self.sock = connect(folder)
        self._inbox = b""
        self._lock = threading.Lock()

    def send(self, kind: bytes, payload: bytes = b"", fds: "list[int] | None" = None) -> None:
        """One frame, with descriptors beside it."""
        data = kind + struct.pack(">I", len(payload)) + payload
        try:
            with self._lock:
                if fds:
                    sent = socket.send_fds(self.sock, [data], fds)
                    data = data[sent:]
                self.sock.sendall(data)
        except OSError as error:
            raise ShimGone(str(error)) from None

    def receive(self) -> "tuple[bytes, bytes] | None":
        """The next frame, None at the end."""
        while True:
            if len(self._inbox) >= 5:
                (length,) = struct.unpack(">I", self._inbox[1:5])
                if len(self._inbox) >= 5 + length:
                    kind, payload = self._inbox[:1], self._inbox[5 : 5 + length]
                    self._inbox = self._inbox[5 + length :]
                    return kind, payload
            try:
                data = self.sock.recv(65536)
            except OSError as error:
                if isinstance(error, TimeoutError):
                    raise
                return None
            if not data:
                return None
            self._inbox += data

    def request(self, op: str, fds: "list[int] | None" = None, **fields: Any) -> dict[str, Any]:
        """Ask and wait for the answer (the first J frame)."""
        self.send(b"R", json.dumps({"op": op, **fields}).encode(), fds)
        while received := self.receive():
            if received[0] == b"J":
                answer: dict[str, Any] = json.loads(received[1])
                return answer
        raise ShimGone("the shim ended before it answered")

    def close(self) -> None:
        """Let go; wakes a reader in another thread."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


def tell(folder: Path, op: str, **fields: Any) -> dict[str, Any]:
    """One request on a connection of its own."""
    channel = Channel(folder)
    try:
        return channel.request(op, **fields)
    finally:
        channel.close()


class ShimProcess:
    """A program started by exec."""

    def __init__(self, channel: Channel):
        self._channel = channel

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit code; None at the timeout (seconds); 137 when the whole container ended under it."""
        self._channel.sock.settimeout(timeout)
        try:
            while received := self._channel.receive():
                if received[0] == b"J":
                    answer = json.loads(received[1])
                    if "exit" in answer:
                        return int(answer["exit"])
        except TimeoutError:
            return None
        return 137

    def close(self) -> None:
        """Let go of it."""
        self._channel.close()


class ShimStream:
    """A container's own streams, through its shim."""

    def __init__(self, channel: Channel, tty: bool):
        self._channel, self.tty = channel, tty

    def read(self) -> "tuple[str, bytes] | None":
        """The next piece of output, None at the end."""
        while received := self._channel.receive():
            kind, payload = received
            if kind in (b"O", b"E"):
                return ("stdout" if kind == b"O" else "stderr"), payload
        return None

    def write(self, data: bytes) -> None:
        """Input; silently lost when the program is gone."""
        for at in range(0, len(data), 65536):
            self._frame(b"I", data[at : at + 65536])

    def end_input(self) -> None:
        """No more input."""
        self._frame(b"C", b"")

    def resize(self, width: int, height: int) -> None:
        """The terminal's size."""
        self._frame(b"R", json.dumps({"op": "resize", "width": width, "height": height}).encode())

    def _frame(self, kind: bytes, payload: bytes) -> None:
        try:
            self._channel.send(kind, payload)
        except ShimGone:
            pass

    def close(self) -> None:
        """Detach."""
        self._channel.close()


class Zygote:
    """The warm process that forks shims; started on first use and again when it is gone. Shims do not depend on it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id, 0 before the first use."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Have it warm; does not wait for it."""
        with self._lock:
            self._ensure()

    def _ensure(self) -> socket.socket:
        if self._control is not None:
            return self._control
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            command = [sys.executable, "-I", "-S", str(SHIM), "--zygote", str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        self._control = mine
        return mine

    def fork(self, spec: Path) -> dict[str, Any]:
        """Start a shim for a spec; its first report: {shim, pid, startedAt} or {error}."""
        report = self._report(spec)
        if not report and self._died():
            report = self._report(spec)  # the zygote was killed with the request in its hands
        if not report:
            return {"error": f"the shim of {spec.parent} ended at once"}
        answer: dict[str, Any] = json.loads(report)
        return answer

    def _report(self, spec: Path) -> bytes:
        reader, writer = os.pipe()
        try:
            try:
                self._ask(spec, writer)
            finally:
                os.close(writer)
            report = b""
            while chunk := os.read(reader, 65536):
                report += chunk
            return report
        finally:
            os.close(reader)

    def _died(self) -> bool:
        with self._lock:
            if self._process is None:
                return True
            try:
                self._process.wait(0.5)
            except subprocess.TimeoutExpired:
                return False
            self._forget()
            return True

    def _ask(self, spec: Path, writer: int) -> None:
        message = os.fsencode(spec)
        with self._lock:
            for last in (False, True):
                try:
                    socket.send_fds(self._ensure(), [struct.pack(">H", len(message)) + message], [writer])
                    return
                except OSError:
                    self._forget()
                    if last:
                        raise

    def _forget(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            try:
                self._process.wait(2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def close(self) -> None:
        """End it; shims go on."""
        with self._lock:
            self._forget()

"""exec and attach over a WebSocket: channels 0 stdin, 1 stdout, 2 stderr, 3 the final Status, 4 resize, 255 close (v5)."""

import fcntl
import json
import os
import select
import struct
import termios
import threading
from collections.abc import Callable
from typing import Any

from kk.agent.runtime.api import Container, Process, Runtime, RuntimeFault
from kk.agent.runtime.api import Stream as Attached
from kk.agent.server.listener import Closed, Refusal, Request
from kk.agent.server.websocket import WebSocket, accept

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
DRAIN_SECONDS = 2.0  # for output of what a command leaves running behind it
SUCCESS = {"metadata": {}, "status": "Success"}


def exit_status(code: int) -> dict[str, Any]:
    """The Status that tells an exit code."""
    if code == 0:
        return SUCCESS
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def failure(message: str) -> dict[str, Any]:
    """The Status of a command that could not be run."""
    text = f"Internal error occurred: error executing command in container: {message}"
    return {
        "metadata": {},
        "status": "Failure",
        "message": text,
        "reason": "InternalError",
        "details": {"causes": [{"message": text.removeprefix("Internal error occurred: ")}]},
        "code": 500,
    }


def refuse(request: Request, refusal: Refusal) -> None:
    """Tell on the error channel why there is no stream: an answer before the handshake would send kubectl looking for SPDY."""
    web = accept(request, PROTOCOLS)
    message = f"unable to upgrade connection: {refusal}"
    finish(web, {"metadata": {}, "status": "Failure", "message": message, "reason": "NotFound", "code": refusal.status})
    while web.recv() is not None:
        pass


def open_channels(request: Request) -> WebSocket:
    """The handshake; an empty message tells the client that the streams are there, as kubelet does."""
    web = accept(request, PROTOCOLS)
    first = STDOUT if request.flag("output") else STDERR if request.flag("error") else ERROR
    web.send(bytes([first]))
    return web


def finish(web: WebSocket, status: dict[str, Any]) -> None:
    """The final Status, then the end."""
    try:
        web.send(bytes([ERROR]) + json.dumps(status).encode())
    except Closed:
        pass
    web.close()


def pump_input(
    web: WebSocket, write: Callable[[bytes], None], end: Callable[[], None], resize: Callable[[int, int], None]
) -> None:
    """Messages of the client until it leaves."""
    while (message := web.recv()) is not None:
        if not message:
            continue
        channel, data = message[0], message[1:]
        if channel == STDIN and data:
            write(data)
        elif channel == RESIZE:
            try:
                size = json.loads(data)
                resize(int(size.get("Width", 0)), int(size.get("Height", 0)))
            except (ValueError, AttributeError):
                continue
        elif channel == CLOSE and data[:1] == bytes([STDIN]):
            end()


def pump_output(web: WebSocket, fd: int, channel: int, stop: int) -> None:
    """What a descriptor gives, to a channel, until its end or until `stop` is readable; closes the descriptor."""
    prefix = bytes([channel])
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    poll.register(stop, select.POLLIN)
    try:
        while not any(ready == stop for ready, _ in poll.poll()):
            data = os.read(fd, 32768)
            if not data:
                break
            web.send(prefix + data)
    except OSError:  # the other end of a pty closed, or the client left
        pass
    finally:
        os.close(fd)


class Command:
    """The descriptors of one exec on both sides."""

    def __init__(self, request: Request):
        self.tty = request.flag("tty")
        self.theirs: list[int] = []
        self.outputs: list[tuple[int, int]] = []  # (fd, channel)
        self.input = -1
        self._lock = threading.Lock()
        if self.tty:
            master, slave = os.openpty()
            self.theirs, self.outputs = [slave], [(os.dup(master), STDOUT)]
            self.input = master
        else:
            self._pipes(request)

    def _pipes(self, request: Request) -> None:
        if request.flag("input"):
            reader, self.input = os.pipe()
        else:
            reader = os.open(os.devnull, os.O_RDONLY)
        self.theirs.append(reader)
        for name, channel in (("output", STDOUT), ("error", STDERR)):
            if request.flag(name):
                reader, writer = os.pipe()
                self.outputs.append((reader, channel))
            else:
                writer = os.open(os.devnull, os.O_WRONLY)
            self.theirs.append(writer)

    def handed_over(self) -> None:
        """The program has its ends."""
        for fd in self.theirs:
            os.close(fd)
        self.theirs = []

    def write(self, data: bytes) -> None:
        """Input; lost when the program no longer reads."""
        while data:
            with self._lock:
                fd = self.input
            if fd < 0:
                return
            try:
                data = data[os.write(fd, data) :]
            except OSError:
                self.end()
                return

    def end(self) -> None:
        """No more input: end of file, or of a terminal's line."""
        if self.tty:
            try:
                os.write(self.input, b"\x04")
            except OSError:
                pass
        else:
            self.close_input()

    def close_input(self) -> None:
        """Close the input side; of a terminal that hangs it up."""
        with self._lock:
            if self.input >= 0:
                os.close(self.input)
                self.input = -1

    def resize(self, width: int, height: int) -> None:
        """The terminal's size; the kernel tells the program."""
        with self._lock:
            if self.tty and self.input >= 0:
                fcntl.ioctl(self.input, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def abandon(self) -> None:
        """Nothing was started."""
        self.handed_over()
        self.close_input()
        for fd, _ in self.outputs:
            os.close(fd)


def serve_exec(request: Request, runtime: Runtime, container: Container, args: list[str]) -> None:
    """Run a command in a container for a client."""
    web = open_channels(request)
    command = Command(request)
    try:
        process = runtime.exec(container, args, command.theirs, tty=command.tty)
    except RuntimeFault as fault:
        command.abandon()
        finish(web, failure(f"failed to exec in container: {fault}"))
        return
    command.handed_over()
    stop_r, stop_w = os.pipe()
    readers = []
    for fd, channel in command.outputs:
        thread = threading.Thread(target=pump_output, args=(web, fd, channel, stop_r), name="exec-output", daemon=True)
        thread.start()
        readers.append(thread)
    threading.Thread(target=_end_of_exec, args=(web, process, readers), name="exec-end", daemon=True).start()
    pump_input(web, command.write, command.end, command.resize)
    # the client has left; a command that still runs goes on, as upstream, but nobody reads its output
    command.close_input()
    process.close()
    os.close(stop_w)
    for thread in readers:
        thread.join(5)
    os.close(stop_r)


def _end_of_exec(web: WebSocket, process: Process, readers: list[threading.Thread]) -> None:
    code = process.wait()
    for thread in readers:
        thread.join(DRAIN_SECONDS)
    finish(web, exit_status(137 if code is None else code))
    # a client that does not answer the close must not hold the thread that reads
    web.linger()


def serve_attach(request: Request, runtime: Runtime, container: Container) -> None:
    """Join a client with a container's own streams."""
    if request.flag("input") and not container.config.stdin:
        request.query.pop("input", None)  # as upstream: nothing reads what is sent
    try:
        attached = runtime.attach(container, request.flag("input"), request.flag("output"), request.flag("error"))
    except RuntimeFault as fault:
        raise Refusal(404, str(fault)) from None
    web = open_channels(request)
    thread = threading.Thread(target=_attached_output, args=(web, attached), name="attach-output", daemon=True)
    thread.start()
    try:
        pump_input(web, attached.write, attached.end_input, attached.resize)
    finally:
        attached.close()
        thread.join(5)


def _attached_output(web: WebSocket, attached: Attached) -> None:
    try:
        while (piece := attached.read()) is not None:
            web.send(bytes([STDOUT if piece[0] == "stdout" else STDERR]) + piece[1])
    except Closed:
        return
    finish(web, SUCCESS)
    web.linger()

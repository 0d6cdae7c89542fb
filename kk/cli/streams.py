"""The streams of a process in a pod over a WebSocket: stdin, output, terminal size, and how it ended.

Messages begin with their channel: 0 stdin, 1 stdout, 2 stderr, 3 the final Status, 4 the terminal's size, 255 (v5) the end of a channel.
Which pod and which command is the verb's business.
"""

from __future__ import annotations

import json
import os
import queue
import threading

from . import terminal
from .context import Env
from .errors import CommandError, Plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from kk.client.websocket import WebSocket

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
STDIN, STDOUT, STDERR, STATUS, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
_CHUNK = 32 * 1024


class Wanted:
    """Which streams, and their file numbers here. `detach` is the bytes that end the session from this side."""

    def __init__(self, stdin: bool, tty: bool, detach: bytes = b"", numbers: tuple[int, int, int] = (0, 1, 2)):
        self.stdin, self.tty, self.detach, self.numbers = stdin, tty, detach, numbers


def exit_of(status: dict[str, Any]) -> Exception | None:
    """The error that a final Status tells; None for success. A command's own exit code becomes ours."""
    if status.get("status") != "Failure":
        return None
    if status.get("reason") == "NonZeroExitCode":
        for cause in (status.get("details") or {}).get("causes") or ():
            if cause.get("reason") == "ExitCode" and str(cause.get("message", "")).isdigit():
                code = int(cause["message"])
                return Plain(f"command terminated with exit code {code}", code)
    from kk.base.errors import StatusError

    if status.get("reason") in ("InternalError", "") or "code" not in status:
        return CommandError(str(status.get("message") or "the command failed"))
    return StatusError.from_status(status)


def detach_keys(text: str) -> bytes:
    """`ctrl-p,ctrl-q` as the bytes that the keys send.

    Raises CommandError.
    """
    out = b""
    for key in filter(None, text.split(",")):
        low = key.lower()
        if low.startswith("ctrl-") and len(low) == 6:
            sign = low[5]
            if not (sign.isalpha() or sign in "@[\\]^_"):
                raise CommandError(f"invalid detach keys: {key}")
            out += bytes([ord(sign.upper()) & 0x1F])
        elif len(key) == 1:
            out += key.encode()
        else:
            raise CommandError(f"invalid detach keys: {key}")
    return out


class Session:
    """One running exec or attach."""

    def __init__(self, env: Env, path: str, query: dict[str, Any], wanted: Wanted):
        from kk.client.websocket import connect

        self.wanted = wanted
        self.detached = False
        terminal.flush()
        self._web: WebSocket = connect(env.client, path, query, (V5, V4))
        self._keys = b""

    def run(self) -> None:
        """Until the process ends; raises what `exit_of` makes of its end, and Plain for a connection that broke."""
        screen = terminal.Terminal(self.wanted.numbers[0])
        with self._web:
            if self.wanted.tty:
                with screen:
                    self._resizes(screen)
                    ended = self._pump()
            else:
                ended = self._pump()
        if self.detached:
            return
        if ended is None:
            raise CommandError("unexpected EOF")
        if fault := exit_of(ended):
            raise fault

    def _pump(self) -> dict[str, Any] | None:
        """Copy until the other side ends; the final Status."""
        if self.wanted.stdin:
            threading.Thread(target=self._input, name="stdin", daemon=True).start()
        status = b""
        while (message := self._web.recv()) is not None:
            if not message:
                continue
            channel, data = message[0], message[1:]
            if channel == STDOUT and data:
                terminal.write_all(self.wanted.numbers[1], data)
            elif channel == STDERR and data:
                terminal.write_all(self.wanted.numbers[2], data)
            elif channel == STATUS:
                status += data
        try:
            return json.loads(status) if status else None
        except ValueError:
            return {"status": "Failure", "message": status.decode("utf-8", "replace")}

    def _input(self) -> None:
        from kk.client.transport import Unreachable

        number = self.wanted.numbers[0]
        try:
            while data := os.read(number, _CHUNK):
                if self._leaves(data):
                    self.detached = True
                    self._web.close()
                    return
                self._web.send(bytes([STDIN]) + data)
            if self._web.subprotocol == V5:
                self._web.send(bytes([CLOSE, STDIN]))
        except (OSError, Unreachable):
            return

    def _leaves(self, data: bytes) -> bool:
        """Whether the keys that end the session were pressed."""
        if not (self.wanted.detach and self.wanted.tty):
            return False
        self._keys = (self._keys + data)[-len(self.wanted.detach) :]
        return self._keys == self.wanted.detach

    def _resizes(self, screen: terminal.Terminal) -> None:
        """Tell the other side of the terminal's size, now and whenever it changes."""
        changes: queue.SimpleQueue[None] = queue.SimpleQueue()

        def tell() -> None:
            from kk.client.transport import Unreachable

            while True:
                size = screen.size()
                if size:
                    message = json.dumps({"Width": size[0], "Height": size[1]}).encode()
                    try:
                        self._web.send(bytes([RESIZE]) + message)
                    except Unreachable:
                        return
                changes.get()

        screen.on_resize(lambda: changes.put(None))
        threading.Thread(target=tell, name="resize", daemon=True).start()

"""Forwarding of local TCP ports into a pod: listening here, one WebSocket (v4.channel.k8s.io) for each connection.

Channel 0 carries data, 1 an error text; each begins with the port in two bytes, little endian. That form has no half-close: a client
that ends its half first is answered until the other side closes. Which pod and which ports is the verb's business.
"""

from __future__ import annotations

import socket
import threading

from .context import Env
from .errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kk.client.websocket import WebSocket

CHANNELS = "v4.channel.k8s.io"
_CHUNK = 32 * 1024


class Forwarder:
    """Listeners for some ports of one pod. `lost` is set when there is no use in going on; `why` says it."""

    def __init__(self, env: Env, path: str, ports: list[tuple[int, int]], addresses: list[str]):
        self.env, self.path, self.ports, self.addresses = env, path, ports, addresses
        self.lost = threading.Event()
        self.why: Exception | None = None
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()

    def listen(self) -> None:
        """Open every listener, and tell of it.

        Raises CommandError where a port could not be had on any address.
        """
        for local, remote in self.ports:
            opened = 0
            for address in self.addresses:
                opened += self._open(address, local, remote)
            if not opened:
                raise CommandError(f"unable to listen on any of the requested ports: [{{{local} {remote}}}]")

    def _open(self, address: str, local: int, remote: int) -> int:
        hosts = [("127.0.0.1", "tcp4"), ("::1", "tcp6")] if address == "localhost" else [(address, "tcp4")]
        opened = 0
        port = local
        for host, kind in hosts:
            try:
                listener = _bind(host, port)
            except OSError as error:
                if address != "localhost" or kind == "tcp4":
                    shown = f"[{host}]" if ":" in host else host
                    why = (error.strerror or str(error)).lower()
                    self._say_error(
                        f"Unable to listen on port {local}: Listeners failed to create with the following errors: "
                        f"[unable to create listener: Error listen {kind} {shown}:{local}: bind: {why}]"
                    )
                continue
            port = listener.getsockname()[1]
            opened += 1
            self._sockets.append(listener)
            self.env.out(f"Forwarding from {f'[{host}]' if ':' in host else host}:{port} -> {remote}")
            threading.Thread(target=self._accept, args=(listener, port, remote), daemon=True).start()
        self.env.stdout.flush()
        return opened

    def _say_error(self, text: str) -> None:
        with self._lock:
            self.env.err(text)

    def _accept(self, listener: socket.socket, local: int, remote: int) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, local, remote), daemon=True).start()

    def _serve(self, connection: socket.socket, local: int, remote: int) -> None:
        from kk.base.errors import StatusError
        from kk.client.websocket import connect

        with self._lock:
            self.env.out(f"Handling connection for {local}")
            self.env.stdout.flush()
        with connection:
            try:
                web = connect(self.env.client, self.path, {"ports": remote}, (CHANNELS,))
            except (StatusError, OSError) as error:
                self._say_error(f"error: an error occurred forwarding {local} -> {remote}: {error}")
                if isinstance(error, StatusError) and error.code in (404, 410):
                    self.fail(CommandError("lost connection to pod"))
                return
            with web:
                threading.Thread(target=_upload, args=(connection, web), daemon=True).start()
                fault = _download(connection, web)
        if fault:
            self._say_error(f"error: an error occurred forwarding {local} -> {remote}: {fault}")

    def fail(self, error: Exception) -> None:
        """End the forwarding with an error."""
        self.why = self.why or error
        self.lost.set()

    def close(self) -> None:
        """Close all listeners."""
        for listener in self._sockets:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


def _upload(connection: socket.socket, web: WebSocket) -> None:
    """From here to the pod, until the client ends."""
    try:
        while data := connection.recv(_CHUNK):
            web.send(b"\x00" + data)
    except OSError:
        web.close()


def _download(connection: socket.socket, web: WebSocket) -> str:
    """From the pod to here, until it ends; the error that it told, "" for none."""
    begun: set[int] = set()
    fault = b""
    while (message := web.recv()) is not None:
        if not message:
            continue
        channel, data = message[0], message[1:]
        if channel not in begun:
            begun.add(channel)
            data = data[2:]
        if channel == 1:
            fault += data
            if fault:
                break
        elif data:
            try:
                connection.sendall(data)
            except OSError:
                break
    return fault.decode("utf-8", "replace")

"""WebSockets to the API server (exec, attach, port-forward): binary messages both ways over one connection of its own.

send() may be called from several threads, recv() from one. Channels inside the messages are the caller's business.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError

from .http import Client, status_error
from .kubeconfig import Connection
from .transport import SocketTransport, Unreachable, Wire


class WebSocket:
    """An open WebSocket; a context manager.

    subprotocol   the one the server chose, "" for none
    close_code    the code with which the other side closed, None before
    """

    def __init__(self, wire: Wire, protocol: WSConnection, subprotocol: str, early: list[Any]):
        self._wire = wire
        self._protocol = protocol
        self._lock = threading.Lock()
        self._events = early
        self._parts: list[bytes] = []
        self._over = False
        self.subprotocol = subprotocol
        self.close_code: int | None = None

    def __enter__(self) -> "WebSocket":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """The socket, for a selector; TLS may hold more than it shows, so read until recv would block is the caller's care."""
        return self._wire.socket.fileno()

    def send(self, data: bytes) -> None:
        """Send one binary message; raises Unreachable when the connection is gone."""
        self._send(BytesMessage(data=data))

    def _send(self, event: Any) -> None:
        try:
            with self._lock:
                self._wire.send(self._protocol.send(event))
        except (OSError, ProtocolError) as error:
            raise Unreachable(str(error)) from None

    def recv(self) -> bytes | None:
        """The next message; None when the other side, or close() here, has ended it."""
        while True:
            while self._events:
                message = self._handle(self._events.pop(0))
                if message is not None:
                    return message
            if self._over:
                return None
            try:
                data = self._wire.receive()
            except (OSError, ValueError):
                self._over = True
                return None
            with self._lock:
                try:
                    self._protocol.receive_data(data or None)
                    self._events.extend(self._protocol.events())
                except ProtocolError:
                    self._over = True
            if not data:
                self._over = True

    def _handle(self, event: Any) -> bytes | None:
        if isinstance(event, (BytesMessage, TextMessage)):
            data = event.data
            self._parts.append(data.encode() if isinstance(data, str) else bytes(data))
            if event.message_finished:
                whole, self._parts = b"".join(self._parts), []
                return whole
        elif isinstance(event, Ping):
            self._quietly(event.response())
        elif isinstance(event, CloseConnection):
            self.close_code = event.code
            self._quietly(event.response())
            self._over = True
        return None

    def _quietly(self, event: Any) -> None:
        try:
            self._send(event)
        except Unreachable:
            pass

    def close(self, code: int = 1000) -> None:
        """Close; a reader in another thread gets None."""
        if not self._over:
            self._over = True
            self._quietly(CloseConnection(code=code))
        self._wire.close()


def connect(
    connection: Connection | Client,
    path: str,
    query: Mapping[str, Any] | None = None,
    subprotocols: Sequence[str] = (),
    timeout: float | None = None,
) -> WebSocket:
    """Open a WebSocket.

    Raises StatusError where the server answers with something else (its Status), Unreachable without an answer.
    """
    client = connection if isinstance(connection, Client) else Client(connection)
    transport = client.transport
    if not isinstance(transport, SocketTransport):
        transport = SocketTransport(client.connection)
    wire = transport.dial(timeout)
    try:
        wire.socket.settimeout(timeout)
        protocol = WSConnection(ConnectionType.CLIENT)
        headers = [(k.encode(), v.encode("latin-1")) for k, v in client.headers().items()]
        wire.send(
            protocol.send(
                Request(
                    host=transport.address,
                    target=client.target(path, query),
                    subprotocols=list(subprotocols),
                    extra_headers=headers,
                )
            )
        )
        accepted, early = _answer(wire, protocol)
        wire.socket.settimeout(None)
        return WebSocket(wire, protocol, accepted.subprotocol or "", early)
    except OSError as error:
        wire.close()
        raise error if isinstance(error, Unreachable) else Unreachable(str(error)) from None
    except BaseException:
        wire.close()
        raise


def _answer(wire: Wire, protocol: WSConnection) -> tuple[AcceptConnection, list[Any]]:
    rejected: RejectConnection | None = None
    body = b""
    while True:
        data = wire.receive()
        try:
            protocol.receive_data(data or None)
            events = list(protocol.events())
        except ProtocolError as error:
            raise Unreachable(f"unable to upgrade connection: {error}") from None
        for number, event in enumerate(events):
            if isinstance(event, AcceptConnection):
                return event, events[number + 1 :]
            if isinstance(event, RejectConnection):
                rejected = event
                if not event.has_body:
                    raise status_error(event.status_code, b"")
            elif isinstance(event, RejectData):
                body += event.data
                if event.body_finished:
                    raise status_error(rejected.status_code if rejected else 500, body)
        if not data:
            raise status_error(rejected.status_code, body) if rejected else Unreachable("EOF")

"""uvicorn's HTTP and WebSocket protocols with two things more: the client's certificate reaches the app, in scope["kk"], and a whole
answer goes out in one write (uvicorn writes head and body apart, which over TLS costs as much as all the rest of a read).

Knows nothing of Kubernetes.
"""

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

from kk.server.context import Connection


def _connection(transport: Any) -> Connection:
    tls = transport.get_extra_info("ssl_object")
    return Connection(tls.getpeercert(binary_form=True) if tls is not None else None)


class HTTPProtocol(HttpToolsProtocol):
    """One connection; `kk` is shared by all requests on it."""

    kk: Connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the certificate once, when the handshake is done."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self.kk = _connection(transport)
        self.access_log = False

    def on_message_begin(self) -> None:
        """Put the connection into the scope of each request."""
        super().on_message_begin()
        self.scope["kk"] = self.kk  # type: ignore[typeddict-unknown-key]


class WebSocketProtocol(WSProtocol):
    """The same for a connection that became a WebSocket."""

    kk: Connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the certificate."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self.kk = _connection(transport)

    async def run_asgi(self) -> None:
        """Put the connection into the scope before the app sees it."""
        self.scope["kk"] = self.kk  # type: ignore[typeddict-unknown-key]
        await super().run_asgi()


class _Date:
    """The Date header of this second."""

    second = 0
    line = b""

    @classmethod
    def now(cls) -> bytes:
        second = int(time.time())
        if second != cls.second:
            cls.second, cls.line = second, b"date: %b\r\n" % formatdate(second, usegmt=True).encode()
        return cls.line


def write_whole(send: Any, status: int, head: bytes, body: bytes) -> bool:
    """Write an answer at once where the ASGI `send` is that of an idle uvicorn cycle; False: the caller sends it the ordinary way.

    `head` are header lines; content-length is added here.
    """
    cycle = getattr(send, "__self__", None)
    if type(cycle) is not RequestResponseCycle or cycle.response_started or cycle.disconnected:
        return False
    if cycle.flow.write_paused or not cycle.keep_alive or cycle.scope["method"] == "HEAD":
        return False
    cycle.response_started = True
    cycle.waiting_for_100_continue = False
    length = b"content-length: %d\r\n\r\n" % len(body)
    cycle.transport.write(b"".join((STATUS_LINE[status], _Date.now(), head, length, body)))
    cycle.response_complete = True
    cycle.message_event.set()
    cycle.on_response()
    return True


def framed(data: bytes) -> bytes:
    """Data as one chunk of a chunked answer."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def chunk_writer(send: Any) -> Callable[[bytes], bool] | None:
    """A function that writes a framed chunk of a started answer at once, and says False where the connection is not idle; None: there is none."""
    cycle = getattr(send, "__self__", None)
    if type(cycle) is not RequestResponseCycle or not cycle.chunked_encoding:
        return None

    def write(chunk: bytes) -> bool:
        if cycle.flow.write_paused or cycle.disconnected or cycle.response_complete:
            return False
        cycle.transport.write(chunk)
        return True

    return write

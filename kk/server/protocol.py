"""uvicorn's HTTP and WebSocket protocols with one thing more: the client's certificate reaches the app, in scope["kk"].

Also turns off Nagle's delay and access logging. Knows nothing of Kubernetes.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
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

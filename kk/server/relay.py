"""Carries bytes between a client and a backend: WebSocket messages both ways untouched, HTTP answers as they come.

Ends when either side ends, and leaves no task behind.
"""

import asyncio
from typing import Any

from kk.base.errors import StatusError, bad_request
from kk.server import backend
from kk.server.backend import Refused, Target, WebSocket
from kk.server.context import Request

#: headers that belong to one connection, not to a message
HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
_BEARER = "base64url.bearer.authorization.k8s.io."
_NEEDS_WEBSOCKET = "Upgrade request required"
_SPDY = (
    "unable to upgrade: this server speaks WebSocket, not SPDY "
    "(subprotocols v5.channel.k8s.io and v4.channel.k8s.io; kubectl 1.31 and newer use them by themselves)"
)


def need_websocket(request: Request) -> None:
    """Raises StatusError 400 for a request that is no WebSocket: SPDY has gone out of use, and plain requests cannot stream both ways."""
    if request.scope["type"] == "websocket":
        return
    if request.header("upgrade").upper().startswith("SPDY"):
        raise bad_request(_SPDY)
    raise bad_request(_NEEDS_WEBSOCKET)


async def websocket(
    request: Request,
    target: Target,
    path: str,
    told_as: tuple[str, str],
    headers: list[tuple[bytes, bytes]] | None = None,
) -> None:
    """Join the client's WebSocket with one of the backend. Raises StatusError before the client's is accepted."""
    offered = [p for p in request.scope.get("subprotocols") or () if not p.startswith(_BEARER)]
    try:
        other = await backend.websocket(request.server, target, path, offered, headers)
    except Refused as error:
        raise backend.told(error.status, error.body, *told_as) from None
    try:
        message = await request.receive()
        if message["type"] != "websocket.connect":
            return
        await request.send({"type": "websocket.accept", "subprotocol": other.subprotocol, "headers": []})
        await _join(request, other)
    finally:
        other.close()


async def _join(request: Request, other: WebSocket) -> None:
    down = asyncio.ensure_future(_down(request, other))
    up = asyncio.ensure_future(_up(request, other))
    try:
        await asyncio.wait((down, up), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (down, up):
            task.cancel()
        await asyncio.gather(down, up, return_exceptions=True)


async def _down(request: Request, other: WebSocket) -> None:
    """Backend to client, and the backend's farewell."""
    async for data in other.messages():
        key = "text" if isinstance(data, str) else "bytes"
        await request.send({"type": "websocket.send", key: data})
    code = other.code if other.code not in (1005, 1006) else 1000
    await request.send({"type": "websocket.close", "code": code, "reason": other.reason})


async def _up(request: Request, other: WebSocket) -> None:
    """Client to backend, until the client leaves."""
    while True:
        message: dict[str, Any] = await request.receive()
        if message["type"] != "websocket.receive":
            return
        data = message.get("bytes")
        try:
            await other.send(data if data is not None else message.get("text") or "")
        except OSError:
            return


async def stream(request: Request, found: backend.Exchange, headers: list[tuple[bytes, bytes]], status: int) -> None:
    """Send a backend's answer to the client as it comes, until either side leaves."""
    await request.send({"type": "http.response.start", "status": status, "headers": headers})
    down = asyncio.ensure_future(_pieces(request, found))
    gone = asyncio.ensure_future(left(request))
    try:
        await asyncio.wait((down, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (down, gone):
            task.cancel()
        await asyncio.gather(down, gone, return_exceptions=True)


async def _pieces(request: Request, found: backend.Exchange) -> None:
    if request.method != "HEAD":
        async for piece in found.pieces():
            await request.send({"type": "http.response.body", "body": piece, "more_body": True})
    await request.send({"type": "http.response.body", "body": b""})


async def left(request: Request) -> None:
    """Wait until the client leaves."""
    while (await request.receive())["type"] != "http.disconnect":
        continue


def status_error(message: str, code: int) -> StatusError:
    """A fault of a proxied request that has no reason of its own."""
    return StatusError(code, "", message)

"""Watches over WebSocket, as browsers make them: each event is a message, text in JSON and bytes in protobuf.

What the messages are and when they end is kk.server.watching's; this carries them, as k8s.io/apiserver `pkg/endpoints/handlers/watch.go` does.
"""

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kk.server.context import Request
from kk.server.negotiate import PROTOBUF, Form

if TYPE_CHECKING:
    from kk.server.watching import Watcher

_BEARER = "base64url.bearer.authorization.k8s.io."


async def serve(request: Request, watcher: "Watcher", form: Form, first: bytes) -> None:
    """Accept, send the events that there are and those that come, and close. The caller ends the watcher when the client leaves."""
    offered = [p for p in request.scope.get("subprotocols") or () if not p.startswith(_BEARER)]
    if len(offered) > 1:  # upstream's library speaks one or none
        await request.send({"type": "websocket.http.response.start", "status": 400, "headers": []})
        await request.send({"type": "websocket.http.response.body", "body": b""})
        return
    await request.send({"type": "websocket.accept", "subprotocol": (offered or [None])[0], "headers": []})
    try:
        await _send(request, form, first)
        while True:
            if watcher.buffer:
                await _send(request, form, watcher.taken())
            elif watcher.over:
                break
            else:
                watcher.waiter = request.server.loop.create_future()
                await watcher.waiter
                watcher.waiter = None
        await request.send({"type": "websocket.close", "code": 1000})
    except (OSError, RuntimeError):  # uvicorn's words for a client that left
        return


async def _send(request: Request, form: Form, data: bytes) -> None:
    for message in messages(form, data):
        await request.send({"type": "websocket.send", **message})


def messages(form: Form, data: bytes) -> Iterator[dict[str, Any]]:
    """Events that lie one after another as messages: a line each, or bytes without their length."""
    if form.media != PROTOBUF:
        for line in data.split(b"\n")[:-1]:
            yield {"text": line.decode() + "\n"}
        return
    at = 0
    while at < len(data):
        size = struct.unpack_from(">I", data, at)[0]
        yield {"bytes": data[at + 4 : at + 4 + size]}
        at += 4 + size

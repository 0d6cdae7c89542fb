"""Requests for a group that another server serves: carried there as the front proxy, with who asks in headers.

All verbs, watches as they come, WebSockets. What was authorized here is asked there again. Faults are plain text, as kube-aggregator has them.
"""

from kk.base.errors import StatusError
from kk.server import forward, relay
from kk.server.aggregation.remote import Remote, identity
from kk.server.context import Request, Response

_TEXT = b"text/plain; charset=utf-8"
_NO_SNIFF = ((b"x-content-type-options", b"nosniff"),)


def _plain(text: str, status: int = 503) -> Response:
    return Response(f"{text}\n".encode(), status, _TEXT, _NO_SNIFF)


async def handle(request: Request, found: Remote) -> Response | None:
    """Answer one request."""
    if not found.available:
        return _plain("service unavailable")
    try:
        target = found.target(request.server)
    except StatusError:
        return _plain("service unavailable")
    except ValueError as error:
        return _plain(str(error), 500)
    path = request.scope["raw_path"].decode("latin-1") + forward.query_of(request)
    who = identity(request.user)
    if request.scope["type"] == "websocket":
        headers = [*forward.headers_of(request), *who]
        await relay.websocket(request, target, path, (found.name, found.service), headers)
        return None
    try:
        await forward.carry(request, target, path, who)
    except StatusError as error:
        return _plain(error.message)
    return None

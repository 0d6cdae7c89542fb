"""Carries a client's request to another server and the answer back, both as they come: proxies of pods, services and nodes, and aggregated servers.

Whom to ask, as whom, and how a fault is told decides who calls. Places that answers lead to are rewritten as k8s.io/apimachinery
`pkg/util/proxy/transport.go` does.
"""

import asyncio
import posixpath
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import Any
from urllib.parse import quote, urlsplit

import httptools

from kk.base.errors import StatusError, service_unavailable
from kk.server import backend, links, relay
from kk.server.backend import Target
from kk.server.context import Request

Headers = list[tuple[bytes, bytes]]
#: what of the client's request is not for the other side
_DROPPED = relay.HOP | {b"host", b"authorization", b"content-length"}
#: bytes of a page whose links are moved at most
_PAGE = 4 * 1024 * 1024
_NOT_CARRIED = (b"impersonate-", b"x-remote-", b"sec-websocket-")


def headers_of(request: Request) -> Headers:
    """The client's headers as far as they are for the other side, and who it is."""
    found = [(k, v) for k, v in request.scope["headers"] if k not in _DROPPED and not k.startswith(_NOT_CARRIED)]
    client = request.scope.get("client")
    if client is not None:
        before = b", ".join(v for k, v in found if k == b"x-forwarded-for")
        found = [(k, v) for k, v in found if k != b"x-forwarded-for"]
        address = str(client[0]).encode()
        found.append((b"x-forwarded-for", b"%b, %b" % (before, address) if before else address))
    return found


async def carry(
    request: Request, target: Target, path: str, more: Iterable[tuple[bytes, bytes]] = (), prefix: str = ""
) -> None:
    """Carry one request. `path` has the query; `prefix` is what the client's path has before it. Raises StatusError 503 where nobody answers."""
    headers = [*headers_of(request), *more]
    body = _body(request, headers)
    streams = await _dial(request, target)
    found = backend.Exchange(*streams)
    try:
        asking = _ask(found, target, request.method, path, headers, body)
        await (asking if body is not None else _while_here(request, asking))
        kept = [(k, v) for k, v in found.headers if k.lower() not in relay.HOP]
        kept = [(k, relocated(v, request, target, prefix) if k.lower() == b"location" else v) for k, v in kept]
        if prefix and request.method != "HEAD" and _is_page(found):
            await _send_page(request, found, kept, lambda link: relocated(link, request, target, prefix))
        else:
            await relay.stream(request, found, kept, found.status)
    finally:
        found.close()


def _header(found: backend.Exchange, name: bytes) -> bytes:
    return next((v.strip().lower() for k, v in found.headers if k.lower() == name), b"")


def _is_page(found: backend.Exchange) -> bool:
    """Whether an answer is HTML whose links can be moved."""
    media = _header(found, b"content-type").partition(b";")[0].strip()
    return media == b"text/html" and links.can_read(_header(found, b"content-encoding"))


async def _send_page(request: Request, found: backend.Exchange, headers: Headers, move: links.Move) -> None:
    """Send a page with its links moved; one that is too long for that goes as it comes."""
    page = bytearray()
    pieces = found.pieces()
    async for piece in pieces:
        page += piece
        if len(page) > _PAGE:
            break
    whole = len(page) <= _PAGE
    data = links.rewritten(bytes(page), move, _header(found, b"content-encoding")) if whole else bytes(page)
    if whole:
        headers = [(k, v) for k, v in headers if k.lower() != b"content-length"]
        headers.append((b"content-length", str(len(data)).encode()))
    await request.send({"type": "http.response.start", "status": found.status, "headers": headers})
    await request.send({"type": "http.response.body", "body": data, "more_body": not whole})
    if not whole:
        async for piece in pieces:
            await request.send({"type": "http.response.body", "body": piece, "more_body": True})
        await request.send({"type": "http.response.body", "body": b""})


async def _dial(request: Request, target: Target) -> backend.Streams:
    try:
        return await backend.connect_plainly(request.server, target)
    except (OSError, TimeoutError) as error:
        raise unreachable(error, target) from None


async def _ask(
    found: backend.Exchange, target: Target, method: str, path: str, headers: Headers, body: AsyncIterator[bytes] | None
) -> None:
    try:
        if not await found.ask_plainly(method, path, [(b"host", target.authority.encode()), *headers], body):
            raise service_unavailable("error trying to reach service: EOF")
    except (OSError, httptools.HttpParserError) as error:
        raise unreachable(error, target) from None


async def _while_here(request: Request, asking: Coroutine[Any, Any, None]) -> None:
    """Wait for the head of an answer as long as the client does. Raises ConnectionResetError where it left."""
    task, gone = asyncio.ensure_future(asking), asyncio.ensure_future(relay.left(request))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ConnectionResetError("the client left")
        await task
    finally:
        for one in (task, gone):
            one.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


def unreachable(error: BaseException, target: Target) -> StatusError:
    """503 for a server that does not answer."""
    from kk.server.hooks.client import words

    return service_unavailable(
        f"error trying to reach service: {words(error, target.host, target.port, target.server_name)}"
    )


def relocated(location: bytes, request: Request, target: Target, prefix: str) -> bytes:
    """Where an answer leads, as the client must ask for it: places on the other server are below the prefix here."""
    try:
        url = urlsplit(location.decode("latin-1"))
    except ValueError:
        return location
    elsewhere = url.netloc and url.netloc not in (target.authority, request.header("host"))
    if elsewhere or not url.path.startswith("/"):
        return location
    path = url.path
    if prefix and not path.startswith(prefix):
        path = posixpath.join(prefix, path.lstrip("/"))
    return url._replace(scheme="", netloc="", path=path).geturl().encode("latin-1")


def _body(request: Request, headers: Headers) -> AsyncIterator[bytes] | None:
    """The client's body as it comes; adds the header that tells its length. None where there is none."""
    length = request.headers.get(b"content-length")
    if length is not None and length != b"0":
        headers.append((b"content-length", length))
    elif b"transfer-encoding" in request.headers:
        headers.append((b"transfer-encoding", b"chunked"))
    else:
        if length is not None:
            headers.append((b"content-length", b"0"))
        return None
    return _pieces(request)


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client left while sending")
        if message.get("body"):
            yield message["body"]
        more = message.get("more_body", False)


def query_of(request: Request) -> str:
    """The client's query with its question mark, or ""."""
    raw = request.info.raw_query
    return f"?{raw.decode('latin-1')}" if raw else ""


def quoted(parts: Iterable[str]) -> str:
    """Pieces of a path as a path."""
    return "/".join(quote(p, safe=":@!$&'()*+,;=~") for p in parts)

"""Answers on the wire: a whole response in two sends, Status objects, objects in the form that was asked for, compression.

Decides nothing about resources.
"""

import asyncio
import gzip
from typing import Any

from kk.base.errors import StatusError
from kk.server import protobuf_write
from kk.server.cache import Item
from kk.server.context import Request, Response
from kk.server.encoding import Obj, decode, encode
from kk.server.negotiate import JSON, PLAIN, PROTOBUF, YAML, Form, dump, is_pretty
from kk.server.protocol import write_whole
from kk.server.views import View, clock

_PLAIN_HEADERS = ((b"cache-control", b"no-cache, private"), (b"content-type", b"application/json"))
_PLAIN_HEAD = b"cache-control: no-cache, private\r\ncontent-type: application/json\r\n"
_CACHE = (b"cache-control", b"no-cache, private")
#: upstream compresses from here on
LARGE = 128 * 1024
_LOCAL = ("127.0.0.1", "::1")


def plain_at_once(request: Request, response: Response) -> bool:
    """Write JSON without any extra header in one go: the hot path. False where the answer is another one, or the connection is not idle."""
    if response.status >= 300 or request.warnings or response.headers or len(response.body) >= 65536:
        return False
    if response.content_type != b"application/json":
        return False
    return write_whole(request.send, response.status, _PLAIN_HEAD, response.body)


async def send_pieces(send: Any, pieces: tuple[bytes, ...]) -> None:
    """Large JSON that lies in pieces: nothing is copied to join them."""
    size = b"%d" % sum(map(len, pieces))
    headers = (*_PLAIN_HEADERS, (b"content-length", size))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for piece in pieces[:-1]:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": pieces[-1]})


async def send_response(request: Request, response: Response) -> None:
    """Any whole response, with the request's warnings."""
    headers = [_CACHE, (b"content-type", response.content_type), *response.headers]
    headers.extend((b"warning", warning_header(text)) for text in request.warnings)
    body = response.body
    if len(body) >= LARGE and worth_compressing(request):
        # zlib lets go of the interpreter lock, so that other requests go on meanwhile
        body = await asyncio.get_running_loop().run_in_executor(None, gzip.compress, body, 1)
        headers += [(b"content-encoding", b"gzip"), (b"vary", b"accept-encoding")]
    headers.append((b"content-length", b"%d" % len(body)))
    await request.send({"type": "http.response.start", "status": response.status, "headers": headers})
    await request.send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})


def worth_compressing(request: Request) -> bool:
    """Whether a client wants a large answer compressed, and is far enough away.

    Over loopback, compressing costs twenty times what it saves: 7 MB take 60 ms to compress and 3 ms to send.
    """
    client = request.scope.get("client")
    if client is None or client[0] in _LOCAL:
        return False
    return b"gzip" in request.headers.get(b"accept-encoding", b"")


def warning_header(text: str) -> bytes:
    """A Warning header's value; what may not stand in a header is left out."""
    clean = "".join(c for c in text if c >= " " and c != "\x7f").replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{clean}"'.encode()


def status_response(error: StatusError, form: Form = PLAIN) -> Response:
    """A Status as an answer."""
    headers: list[tuple[bytes, bytes]] = []
    if error.code in (429, 503, 504) or error.details.get("retryAfterSeconds"):
        seconds = error.details.get("retryAfterSeconds")
        if seconds:
            headers.append((b"retry-after", str(seconds).encode()))
    if error.code == 401:
        headers.append((b"www-authenticate", b'Basic realm="kubernetes-master"'))
    if form.media == YAML:
        return Response(dump(error.status, form, False), error.code, YAML.encode(), headers)
    if form.media == PROTOBUF:
        return Response(protobuf_write.encode(error.status), error.code, PROTOBUF.encode(), headers)
    return Response(encode(error.status) + b"\n", error.code, JSON.encode(), headers)


def pretty(request: Request) -> bool:
    """Whether this client wants indented JSON."""
    return is_pretty(request.info.param("pretty"), request.headers.get(b"user-agent", b""))


def encoded(request: Request, body: bytes, form: Form, status: int = 200) -> Response:
    """Encoded JSON as a response in a form's media type."""
    if form.media == PROTOBUF:
        return Response(protobuf_write.encode(decode(body)), status, PROTOBUF.encode())
    if form.media == YAML:
        return Response(dump(decode(body), form, False), status, YAML.encode())
    if pretty(request):
        return Response(dump(decode(body), form, True), status)
    return Response(body, status)


def item_response(request: Request, view: View, item: Item, form: Form, status: int = 200) -> Response:
    """An object in the form that was asked for."""
    if form.kind == "Table":
        row = view.row(item, request.info.param("includeObject") or "Metadata", form.version, clock())
        body = view.table([row], {"resourceVersion": str(item.revision)}, form.version)
    elif form.kind:
        body = view.partial(item, form.version)
    elif form.media == PROTOBUF:
        return Response(view.message(item), status, PROTOBUF.encode())
    else:
        body = view.whole(item)
    return encoded(request, body, form, status)


def object_response(request: Request, obj: Obj, form: Form = PLAIN, status: int = 200) -> Response:
    """A decoded object, such as a Scale or a Status, as it is."""
    return encoded(request, encode(obj), form, status)

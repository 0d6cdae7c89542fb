"""The server as a client: HTTP/1.1 requests and WebSockets to kubelets (over TLS, with a client certificate), pods, services and aggregated servers.

One connection a request; nothing is pooled (kk.server.hooks.client does that on the same pieces) and nothing interpreted.
A kubelet must show a certificate of the cluster's CA that names its node.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httptools
from wsproto import ConnectionType, WSConnection, events
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from kk.base.errors import StatusError, service_unavailable
from kk.server.context import Server

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_CHUNK = 64 * 1024
#: seconds that a connection may take to be made
_CONNECT = 10
#: bytes of an error's body that are told on
_TOLD = 2000


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: `node` is the name that a kubelet's certificate must bear, "" for plain HTTP or unchecked TLS.

    context, server_name    TLS as somebody set it up, and the name that the other side's certificate must bear then
    """

    host: str
    port: int
    node: str = ""
    tls: bool = False
    context: ssl.SSLContext | None = None
    server_name: str = ""

    @property
    def authority(self) -> str:
        """host:port as a URL has it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Refused(Exception):
    """A WebSocket that the other side answered with an ordinary response."""

    def __init__(self, status: int, body: str):
        super().__init__(body)
        self.status, self.body = status, body


def _kubelet_context(server: Server) -> ssl.SSLContext:
    held = server.state.get(__name__)
    if held is None:
        pki = Path(server.config.data_dir) / "pki"
        held = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        held.check_hostname = False  # the certificate's subject is checked instead: addresses of nodes change
        held.load_verify_locations(pki / "ca.crt")
        held.load_cert_chain(pki / "apiserver-kubelet-client.crt", pki / "apiserver-kubelet-client.key")
        server.state[__name__] = held
    return held


async def connect(server: Server, target: Target) -> Streams:
    """A connection to a target. Raises StatusError 503 where nobody answers, or somebody else does."""
    try:
        return await connect_plainly(server, target)
    except (OSError, TimeoutError) as error:
        raise service_unavailable(f"error dialing backend: {target.authority}: {_words(error)}") from None


async def connect_plainly(server: Server, target: Target) -> Streams:
    """The same with faults as they come: OSError, TimeoutError; StatusError 503 for another node's kubelet."""
    context = target.context
    if target.node:
        context = _kubelet_context(server)
    elif target.tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    async with asyncio.timeout(_CONNECT):
        reader, writer = await dial(target.host, target.port, context, target.server_name)
    if target.node and _subject(writer) != f"system:node:{target.node}":
        writer.close()
        raise service_unavailable(f"error dialing backend: {target.authority} is not node {target.node}")
    return reader, writer


async def dial(host: str, port: int, context: ssl.SSLContext | None, server_name: str = "") -> Streams:
    """A connection, over TLS where there is a context. Raises OSError."""
    name = server_name or None if context is not None else None
    return await asyncio.open_connection(host, port, ssl=context, server_hostname=name, limit=_CHUNK)


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLError):
        return error.reason or "TLS failed"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _subject(writer: asyncio.StreamWriter) -> str:
    """The common name of the other side's certificate."""
    cert: Any = writer.get_extra_info("peercert") or {}
    for part in cert.get("subject", ()):
        for key, value in part:
            if key == "commonName":
                return str(value)
    return ""


class Exchange:
    """One request on a connection of its own, and its answer as it comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader, self._writer = reader, writer
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: deque[bytes] = deque()
        self._headed = self._whole = self._bodiless = False
        self.status = 0
        self.reusable = False  # whether the connection may carry another request, once the body is whole
        self.headers: list[tuple[bytes, bytes]] = []

    # what the parser tells

    def on_message_begin(self) -> None:
        """A head begins; the one before it, if any, only said that more comes."""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self.status = self._parser.get_status_code()
        self._headed = self.status >= 200
        self._whole = self._headed and self._bodiless

    def on_body(self, data: bytes) -> None:
        """Some of the body."""
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        """The body is whole."""
        self._whole = self._headed
        self.reusable = self._whole and self._parser.should_keep_alive()

    # what the server asks

    async def ask(
        self, method: str, path: str, headers: Iterable[tuple[bytes, bytes]], body: AsyncIterator[bytes] | None = None
    ) -> None:
        """Send the request and wait for the head of the answer. Raises StatusError 503 where the other side breaks off."""
        try:
            headed = await self.ask_plainly(method, path, headers, body)
        except (OSError, httptools.HttpParserError) as error:
            raise service_unavailable(f"error trying to reach the backend: {_words(error)}") from None
        if not headed:
            raise service_unavailable("error trying to reach the backend: it closed the connection")

    async def ask_plainly(
        self, method: str, path: str, headers: Iterable[tuple[bytes, bytes]], body: AsyncIterator[bytes] | None = None
    ) -> bool:
        """The same with faults as they come: OSError, HttpParserError, or False where the other side closed without an answer."""
        self._bodiless = method == "HEAD"
        sent = list(headers)
        chunked = (b"transfer-encoding", b"chunked") in sent
        head = f"{method} {path} HTTP/1.1".encode("latin-1")
        lines = [head, *(name + b": " + value for name, value in sent), b"", b""]
        self._writer.write(b"\r\n".join(lines))
        if body is not None:
            await self._send(body, chunked)
        await self._writer.drain()
        while not self._headed and await self._read():
            continue
        return self._headed

    async def _send(self, body: AsyncIterator[bytes], chunked: bool) -> None:
        async for piece in body:
            self._writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            await self._writer.drain()
        if chunked:
            self._writer.write(b"0\r\n\r\n")

    async def _read(self) -> bool:
        """Feed the parser; False where the other side has nothing more to say."""
        data = await self._reader.read(_CHUNK)
        if data:
            self._parser.feed_data(data)
        return bool(data)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes; ends early where the other side breaks off."""
        while True:
            while self._pieces:
                yield self._pieces.popleft()
            if self._whole:
                return
            try:
                more = await self._read()
            except (OSError, httptools.HttpParserError):
                return
            if not more and not self._pieces:
                return

    async def text(self) -> str:
        """The beginning of the body, for telling a fault."""
        found = b""
        async for piece in self.pieces():
            found += piece
            if len(found) > _TOLD:
                break
        return found[:_TOLD].decode("utf-8", "replace").strip()

    def close(self) -> None:
        """Let go of the connection."""
        self._writer.close()


class WebSocket:
    """The client's end of a WebSocket: whole messages both ways."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader, self._writer = reader, writer
        self._ws = WSConnection(ConnectionType.CLIENT)
        self.subprotocol: str | None = None
        self.code, self.reason = 1000, ""

    async def handshake(
        self, target: Target, path: str, subprotocols: list[str], headers: list[tuple[bytes, bytes]]
    ) -> None:
        """Ask for the upgrade. Raises Refused, or StatusError 503 where the other side breaks off."""
        asked = events.Request(
            host=target.authority, target=path, subprotocols=subprotocols, extra_headers=list(headers)
        )
        self._writer.write(self._ws.send(asked))
        status, body = 0, b""
        try:
            async for event in self._events():
                if isinstance(event, events.AcceptConnection):
                    self.subprotocol = event.subprotocol
                    return
                if isinstance(event, events.RejectConnection):
                    status = event.status_code
                    if not event.has_body:
                        break
                elif isinstance(event, events.RejectData):
                    body += event.data
                    if event.body_finished:
                        break
        except (OSError, RemoteProtocolError) as error:
            raise service_unavailable(f"error trying to reach the backend: {_words(error)}") from None
        raise Refused(status or 502, body[:_TOLD].decode("utf-8", "replace").strip())

    async def _events(self) -> AsyncIterator[Any]:
        while True:
            for event in self._ws.events():
                yield event
            data = await self._reader.read(_CHUNK)
            self._ws.receive_data(data or None)
            if not data:
                for event in self._ws.events():
                    yield event
                return

    async def messages(self) -> AsyncIterator[bytes | str]:
        """Messages until the other side closes; how it closed stands in `code` and `reason` then."""
        held: list[Any] = []
        try:
            async for event in self._events():
                if isinstance(event, (events.BytesMessage, events.TextMessage)):
                    held.append(event.data)
                    if event.message_finished:
                        whole: bytes | str = (
                            b"".join(bytes(h) for h in held)
                            if isinstance(event, events.BytesMessage)
                            else "".join(held)
                        )
                        held = []
                        yield whole
                elif isinstance(event, events.Ping):
                    self._writer.write(self._ws.send(event.response()))
                elif isinstance(event, events.CloseConnection):
                    self.code, self.reason = event.code, event.reason or ""
                    self._answer_close(event)
                    return
        except (OSError, RemoteProtocolError):
            self.code = 1011

    def _answer_close(self, event: events.CloseConnection) -> None:
        try:
            self._writer.write(self._ws.send(event.response()))
        except LocalProtocolError:
            return

    async def send(self, data: bytes | str) -> None:
        """Send one message. Raises OSError where the other side is gone."""
        event = events.TextMessage(data=data) if isinstance(data, str) else events.BytesMessage(data=data)
        try:
            self._writer.write(self._ws.send(event))
        except LocalProtocolError:
            raise ConnectionResetError("the other side has closed") from None
        await self._writer.drain()

    def close(self, code: int = 1000) -> None:
        """Say goodbye and let go of the connection."""
        try:
            self._writer.write(self._ws.send(events.CloseConnection(code=code)))
        except (LocalProtocolError, OSError):
            pass
        self._writer.close()


async def exchange(
    server: Server,
    target: Target,
    method: str,
    path: str,
    headers: Iterable[tuple[bytes, bytes]] = (),
    body: AsyncIterator[bytes] | None = None,
) -> Exchange:
    """Ask a target; the caller closes the exchange. Raises StatusError 503."""
    reader, writer = await connect(server, target)
    found, asked = Exchange(reader, writer), False
    try:
        await found.ask(method, path, [(b"host", target.authority.encode()), *headers], body)
        asked = True
        return found
    finally:
        if not asked:
            found.close()


async def websocket(
    server: Server, target: Target, path: str, subprotocols: list[str], headers: list[tuple[bytes, bytes]] | None = None
) -> WebSocket:
    """A WebSocket to a target; the caller closes it. Raises Refused or StatusError 503."""
    reader, writer = await connect(server, target)
    found, joined = WebSocket(reader, writer), False
    try:
        await found.handshake(target, path, subprotocols, headers or [])
        joined = True
        return found
    finally:
        if not joined:
            writer.close()


def told(status: int, body: str, resource: str, name: str) -> StatusError:
    """An error answer of a kubelet as a Status."""
    if status == 400:
        return StatusError(400, "BadRequest", body)
    if status == 404:
        message = f"the server could not find the requested resource ( {resource} {name})"
        causes = [{"reason": "UnexpectedServerResponse", "message": body}]
        return StatusError(404, "NotFound", message, {"name": name, "kind": resource, "causes": causes})
    if status == 500:
        return StatusError(500, "InternalError", f"Internal error occurred: {body}", {"causes": [{"message": body}]})
    reason = {401: "Unauthorized", 403: "Forbidden", 503: "ServiceUnavailable"}.get(status, "")
    return StatusError(status, reason, body or f"the backend answered {status}")

"""uvicorn's HTTP and WebSocket protocols with two things more: the client's certificate reaches the app, in scope["kk"], and a whole
answer goes out in one write (uvicorn writes head and body apart, which over TLS costs as much as all the rest of a read).

Knows nothing of Kubernetes.
"""

import asyncio
import re
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

from kk.server.context import Connection
from kk.server.limits import Limits

#: `_ssl.ENCODING_DER`
_DER = 2


def _connection(transport: Any) -> Connection:
    tls = transport.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True) if tls is not None else None
    return Connection(certificate, _root(tls) if certificate else None)


def _root(tls: Any) -> bytes:
    """The CA certificate in which the client's chain ends, DER. Only Python 3.13 shows the chain in the open."""
    if hasattr(tls, "get_verified_chain"):
        return bytes(tls.get_verified_chain()[-1])
    return bytes(tls._sslobj.get_verified_chain()[-1].public_bytes(_DER))


#: what httptools takes for a method; others are given to it under the name of one that no resource has
_METHODS = frozenset(
    b"DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND ACL "
    b"REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK SOURCE QUERY PRI".split()
)
#: bytes of a URL beyond which httptools does not look into it
_LONG = 65_000
_STAND_IN = b"MKCALENDAR"
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) [^ ]+ HTTP/1\.[01]\r\n")
#: how a request is refused before it is one, in the words of Go's server
_BAD, _NO_HOST, _HOSTS = (
    "400 Bad Request",
    "400 Bad Request: missing required Host header",
    "400 Bad Request: too many Host headers",
)
_VERSIONS = ("1.1", "1.0")
_HEAD_TOO_LARGE = "431 Request Header Fields Too Large"
_VERSION, _EXPECTATION = "505 HTTP Version Not Supported: unsupported protocol version", "417 Expectation Failed"


class HTTPProtocol(HttpToolsProtocol):
    """One connection; `kk` is shared by all requests on it. It waits for heads and bodies as long as its limits say, and no longer."""

    kk: Connection
    #: of all connections of the process
    limits = Limits()
    most_connections = 1_000_000

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the certificate once, when the handshake is done."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self.kk = _connection(transport)
        self.access_log = False
        self._heading, self._unread = True, False  # a head is coming; some of a body is
        self._head_size = self._hosts = 0
        self._real_method = self._refusal = ""
        self._stall: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        if len(self.connections) > self.most_connections:
            self.transport.abort()
        else:
            self._deadline = self.loop.call_later(self.limits.header, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """No timers after this."""
        self._no_deadline()
        if self._stall is not None:
            self._stall.cancel()
        super().connection_lost(exc)

    def _no_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        """A head or a body did not come in time. Whoever reads the body tells the client; without one there is nobody to tell."""
        self._deadline = None
        if self._heading or self.cycle is None or self.cycle.response_complete:
            self.transport.abort()

    # what comes

    def data_received(self, data: bytes) -> None:
        """Feed the parser; afterwards see what is still to come, and by when."""
        between = not self._unread and not self._head_size
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._no_deadline()
            if self._should_upgrade():
                self.handle_websocket_upgrade()
            else:
                self._unsupported_upgrade_warning()
            return
        except httptools.HttpParserError as error:
            if not (between and isinstance(error, httptools.HttpParserInvalidMethodError) and self._stand_in(data)):
                self._refuse(self._refusal or _BAD)
            return
        if self._heading or self._unread:
            self._wait_on(len(data))
        elif self._deadline is not None:
            self._no_deadline()

    def _wait_on(self, size: int) -> None:
        if self._heading:
            self._head_size += size
            if self._head_size > self.limits.head:
                self._refuse(_HEAD_TOO_LARGE)
                return
        if self._deadline is None:
            seconds = self.limits.header if self._heading else self.limits.request
            self._deadline = self.loop.call_later(seconds, self._give_up)

    def _stand_in(self, data: bytes) -> bool:
        """Parse a request whose method httptools does not know: any word is a method, which the app then refuses."""
        line = _REQUEST_LINE.match(data)
        if line is None or line[1] in _METHODS:
            return False
        self._real_method = line[1].decode()
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(_STAND_IN + data[line.end(1) :])
        return True

    def _refuse(self, text: str) -> None:
        """Answer what is no request, after those that were, and close."""
        self._no_deadline()
        self._refusal = text
        if self.cycle is not None and not self.cycle.response_complete:
            if not self.cycle.more_body or self.pipeline:
                self.flow.pause_reading()
                return
            self.cycle.disconnected = True  # what is broken is the body that the app waits for
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.close()
                return
        line, _, _ = text.partition(":")
        head = f"HTTP/1.1 {line}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
        self.transport.write((head + text).encode())
        self.transport.close()

    def on_message_begin(self) -> None:
        """Put the connection into the scope of each request."""
        super().on_message_begin()
        self.scope["kk"] = self.kk  # type: ignore[typeddict-unknown-key]
        self._heading, self._hosts = True, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; trailers, which come after a body, are nobody's."""
        if not self._heading:
            return
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"expect":
            self.expect_100_continue = value.lower() == b"100-continue"
            if not self.expect_100_continue:
                self._refusal = _EXPECTATION
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """A request is there, unless Go's server would not have it."""
        if self._hosts != 1 or self._head_size or self._refusal or self.parser.get_http_version() not in _VERSIONS:
            self._check()
        whole = self.url
        if len(whole) > _LONG:
            self.url = b"/"
        super().on_headers_complete()
        if len(whole) > _LONG:
            raw, _, query = whole.partition(b"?")
            self.scope["raw_path"], self.scope["query_string"] = raw, query
            self.scope["path"] = unquote(raw.decode("latin-1"))
        if self._real_method:
            self.scope["method"], self._real_method = self._real_method, ""
        if self._deadline is not None:
            self._no_deadline()
        self._heading, self._unread, self._head_size = False, True, 0

    def _check(self) -> None:
        version = self.parser.get_http_version()
        if version not in _VERSIONS:
            self._refusal = _VERSION
        elif self._hosts > 1:
            self._refusal = _HOSTS
        elif not self._hosts and version == "1.1":
            self._refusal = _NO_HOST
        if self._head_size and len(self.url) + sum(len(k) + len(v) + 4 for k, v in self.headers) > self.limits.head:
            self._refusal = _HEAD_TOO_LARGE
        if self._refusal:
            raise ValueError(self._refusal)  # the parser tells data_received that it stopped

    def on_message_complete(self) -> None:
        """The body is whole; what comes next begins a head."""
        self._unread = False
        super().on_message_complete()

    # what goes

    def on_response_complete(self) -> None:
        """The next request of the connection, or the refusal that was waiting behind this one."""
        super().on_response_complete()
        if self._refusal and not self.transport.is_closing() and self.cycle.response_complete:
            self._refuse(self._refusal)

    def pause_writing(self) -> None:
        """The client does not read: an answer of known length has a request's time to go out; streams have bounds of their own."""
        super().pause_writing()
        if self._stall is None:
            self._stall = self.loop.call_later(self.limits.request, self._stalled)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _stalled(self) -> None:
        self._stall = None
        if self.cycle is None or not self.cycle.chunked_encoding or self.cycle.response_complete:
            self.transport.abort()


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
    cycle.transport.write(
        b"".join((STATUS_LINE[status], _Date.now(), cycle.__dict__.get("stamp", b""), head, length, body))
    )
    cycle.response_complete = True
    cycle.message_event.set()
    cycle.on_response()
    return True


def stamp(send: Any, lines: bytes, pairs: list[tuple[bytes, bytes]]) -> None:
    """Give the answer of an ASGI `send` more headers, whoever writes it: the same as lines and as pairs."""
    cycle = getattr(send, "__self__", None)
    if cycle is not None:
        cycle.stamp = lines
        before = cycle.__dict__.setdefault("unstamped", cycle.default_headers)
        cycle.default_headers = [*before, *pairs]


def framed(data: bytes) -> bytes:
    """Data as one chunk of a chunked answer."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def breaker(send: Any) -> Callable[[], None]:
    """A function that breaks the connection of an ASGI `send`, whatever waits on it."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    return transport.abort if transport is not None else lambda: None


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

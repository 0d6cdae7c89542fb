"""The seam under the HTTP client: `Transport.open()` sends one request and gives an `Answer` that is read as it comes.

`SocketTransport` is a light HTTP/1.1 over TLS sockets with a keep-alive pool: it imports nothing dear and costs little per request.
Proxies are served by `kk.client.proxied` (requests) behind the same seam. Neither knows Kubernetes, retries or parses bodies.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping

from .kubeconfig import Connection
from .urls import split

TYPE_CHECKING = False  # typing costs milliseconds at start-up
if TYPE_CHECKING:
    from typing import Any, Protocol
else:
    Protocol = object

CONNECT_TIMEOUT = 30.0
_BLOCK = 65536
_MOST_HEAD = 1 << 20


class Unreachable(OSError):
    """No answer: the server cannot be reached, or the connection broke before a whole answer came."""


class Answer(Protocol):
    """A response whose body is read piece by piece; header names are lower case, repeated ones joined by commas."""

    status: int
    headers: dict[str, str]

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes."""

    def read(self) -> bytes:
        """The whole body."""

    def close(self) -> None:
        """Let go, from any thread; a reader blocked in pieces() ends."""


class Transport(Protocol):
    """Sends requests to one server."""

    def open(self, method: str, target: str, headers: Mapping[str, str], body: bytes, timeout: float | None) -> Answer:
        """Send, and return when the head of the response is there. Raises Unreachable."""

    def close(self) -> None:
        """Close what is idle."""


def tls_context(connection: Connection) -> ssl.SSLContext:
    """A client's TLS settings: the cluster's CA (else the system's), and the client certificate.

    Raises ValueError for certificates that cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if connection.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if not connection.insecure:
            if connection.ca_data:
                context.load_verify_locations(cadata=connection.ca_data.decode("latin-1"))
            else:
                context.load_default_certs()
        if connection.cert_data and connection.key_data:
            _load_pair(context, connection.cert_data + b"\n" + connection.key_data)
    except ssl.SSLError as error:
        raise ValueError(f"tls: cannot use the certificates of the kubeconfig: {error.reason or error}") from None
    return context


def _load_pair(context: ssl.SSLContext, pem: bytes) -> None:
    """The ssl module reads certificates from files only; the key stays in memory where the system allows it."""
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        handle = os.memfd_create("kk-client", os.MFD_CLOEXEC)
        try:
            os.write(handle, pem)
            context.load_cert_chain(f"/proc/self/fd/{handle}")
        finally:
            os.close(handle)
        return
    import tempfile  # dear, and only needed here

    with tempfile.NamedTemporaryFile(prefix="kk-client-") as file:  # mode 0600
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)


class Head:
    """A parsed response head."""

    __slots__ = ("headers", "keep", "status")

    def __init__(self, raw: bytes):
        lines = raw.decode("latin-1").split("\r\n")
        version, _, rest = lines[0].partition(" ")
        if not version.startswith("HTTP/1."):
            raise Unreachable(f"malformed HTTP response {lines[0][:60]!r}")
        self.status = int(rest[:3])
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name, value = name.lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        self.headers = headers
        said = headers.get("connection", "").lower()
        self.keep = said != "close" and (version != "HTTP/1.0" or said == "keep-alive")


class Body:
    """A push parser of one response body: feed() what came, get what it means; `done` when it is whole, `rest` what came after."""

    __slots__ = ("_buffer", "_chunked", "_left", "_trailers", "done", "rest", "until_close")

    def __init__(self, method: str, head: Head):
        self._buffer = b""
        self._chunked = head.headers.get("transfer-encoding", "").lower() == "chunked"
        length = head.headers.get("content-length")
        empty = method == "HEAD" or head.status in (204, 304)
        self._left = 0 if self._chunked else int(length or 0)
        self._trailers = False
        self.until_close = not empty and not self._chunked and length is None
        self.done = empty or (not self._chunked and not self.until_close and self._left == 0)
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """The payload in `data`."""
        if self.until_close:
            return data
        if not self._chunked:
            taken, self.rest = data[: self._left], data[self._left :]
            self._left -= len(taken)
            self.done = self._left == 0
            return taken
        return self._dechunk(self._buffer + data if self._buffer else data)

    def _dechunk(self, data: bytes) -> bytes:
        out: list[bytes] = []
        at, size = 0, len(data)
        while not self.done:
            if self._left > 0:  # inside a chunk; its closing CRLF counts as 2 more
                take = min(self._left, size - at)
                payload = min(take, self._left - 2)
                if payload > 0:
                    out.append(data[at : at + payload])
                at += take
                self._left -= take
                if self._left:
                    break
            end = data.find(b"\r\n", at)
            if end < 0:
                break
            line, at = data[at:end], end + 2
            if self._trailers:
                self.done = not line
            else:
                length = int(line.split(b";", 1)[0], 16)
                self._trailers, self._left = length == 0, length + 2 if length else 0
        if self.done:
            self.rest, self._buffer = data[at:], b""
        else:
            self._buffer = data[at:]
        return b"".join(out)


class Wire:
    """One connection to the server, used by one request at a time."""

    __slots__ = ("_early", "fresh", "socket")

    def __init__(self, sock: socket.socket):
        self.socket = sock
        self.fresh = True
        self._early = b""

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.socket.sendall(data)

    def head(self) -> Head:
        """Read up to the end of the response head, skipping interim (1xx) ones except 101."""
        data = self._early
        while True:
            end = data.find(b"\r\n\r\n")
            if end >= 0:
                head = Head(data[:end])
                data = data[end + 4 :]
                if head.status < 200 and head.status != 101:
                    continue
                self._early = data
                return head
            if len(data) > _MOST_HEAD:
                raise Unreachable("response head too long")
            more = self.socket.recv(_BLOCK)
            if not more:
                raise Unreachable("EOF")
            data += more

    def receive(self) -> bytes:
        """What comes next; b"" at the end of the connection."""
        if self._early:
            early, self._early = self._early, b""
            return early
        return self.socket.recv(_BLOCK)

    def idle_closed(self) -> bool:
        """Whether the server has closed this idle connection (anything readable now is a close or nonsense)."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Close; a reader in another thread is woken first."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


class SocketAnswer:
    """An answer on a wire; when the body is read whole the wire goes back to its pool."""

    __slots__ = ("_body", "_transport", "headers", "keep", "status", "wire")

    def __init__(self, transport: SocketTransport, wire: Wire, method: str, head: Head):
        self._transport = transport
        self.wire: Wire | None = wire
        self.status = head.status
        self.headers = head.headers
        self.keep = head.keep
        self._body = Body(method, head)
        if self._body.done:
            self._finish()

    def _finish(self) -> None:
        wire, self.wire = self.wire, None
        if wire is None:
            return
        if self.keep and not self._body.until_close and not self._body.rest:
            self._transport.give(wire)
        else:
            wire.close()

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes; raises Unreachable where the connection breaks in it."""
        while not self._body.done:
            wire = self.wire
            if wire is None:
                return
            try:
                data = wire.receive()
            except (OSError, ValueError) as error:
                closed = self.wire is None
                self.close()
                if closed:
                    return
                raise Unreachable(str(error)) from error
            if not data:
                closed, whole = self.wire is None, self._body.until_close
                self.close()
                if closed or whole:
                    return
                raise Unreachable("unexpected EOF")
            piece = self._body.feed(data)
            if self._body.done:
                self._finish()
            if piece:
                yield piece

    def read(self) -> bytes:
        """The whole body."""
        return b"".join(self.pieces())

    def feed(self, data: bytes) -> bytes:
        """For owners of a selector loop, who read `wire.socket` themselves: the payload in `data`."""
        return self._body.feed(data)

    @property
    def done(self) -> bool:
        """Whether the body is complete."""
        return self._body.done

    def close(self) -> None:
        """Drop the connection (what is left of the body is unread)."""
        wire, self.wire = self.wire, None
        if wire is not None:
            wire.close()


def _plain(host: str) -> Any:
    """A name of plain letters as bytes, which spares the import of the IDNA codec; others as they are."""
    return host.encode() if host.isascii() else host


class SocketTransport:
    """HTTP/1.1 over sockets to the server of one connection; thread-safe, at most `keep` idle connections are kept."""

    def __init__(self, connection: Connection, keep: int = 16):
        url = split(connection.server if "://" in connection.server else f"https://{connection.server}")
        self.secure = url.scheme == "https"
        self.host = url.host or "localhost"
        self.port = url.port or (443 if self.secure else 80)
        self.name = connection.tls_server_name or self.host
        self.address = url.netloc.rpartition("@")[2]
        self._connection = connection
        self._context: ssl.SSLContext | None = None
        self._idle: list[Wire] = []
        self._keep = keep
        self._lock = threading.Lock()

    def dial(self, timeout: float | None = None) -> Wire:
        """A new connection; raises Unreachable. The timeout is for connecting only."""
        try:
            sock = socket.create_connection((_plain(self.host), self.port), timeout or CONNECT_TIMEOUT)
        except OSError as error:
            raise Unreachable(f"dial tcp {self.host}:{self.port}: {_why(error)}") from None
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.secure:
                sock = self._secured(sock)
        except (OSError, ValueError) as error:
            sock.close()
            if isinstance(error, OSError):
                raise Unreachable(f"tls: {_why(error)}") from None
            raise
        return Wire(sock)

    def _secured(self, sock: socket.socket) -> ssl.SSLSocket:
        if self._context is None:
            self._context = tls_context(self._connection)
        return self._context.wrap_socket(sock, server_hostname=_plain(self.name))

    def take(self, timeout: float | None = None) -> Wire:
        """An idle connection that is still open, else a new one."""
        while True:
            with self._lock:
                wire = self._idle.pop() if self._idle else None
            if wire is None:
                return self.dial(timeout)
            if not wire.idle_closed():
                wire.fresh = False
                return wire
            wire.close()

    def give(self, wire: Wire) -> None:
        """Put a connection back that is fit for another request."""
        with self._lock:
            if len(self._idle) < self._keep:
                self._idle.append(wire)
                return
        wire.close()

    def open(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, timeout: float | None
    ) -> SocketAnswer:
        """Send one request. One that reads only is sent again where a kept connection turns out to be closed."""
        lines = [f"{method} {target} HTTP/1.1\r\nHost: {self.address}\r\n"]
        lines += [f"{name}: {value}\r\n" for name, value in headers.items()]
        if body or method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(body)}\r\n")
        lines.append("\r\n")
        data = "".join(lines).encode("latin-1") + body
        while True:
            wire = self.take(timeout)
            try:
                wire.socket.settimeout(timeout)
                wire.send(data)
                head = wire.head()
                return SocketAnswer(self, wire, method, head)
            except TimeoutError:
                wire.close()
                raise Unreachable(
                    "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
                ) from None
            except OSError as error:
                wire.close()
                if not wire.fresh and method in ("GET", "HEAD"):
                    continue
                raise Unreachable(_why(error)) from None
            except BaseException:
                wire.close()
                raise

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for wire in idle:
            wire.close()


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"failed to verify certificate: x509: {error.verify_message}"
    if isinstance(error, ConnectionRefusedError):
        return "connect: connection refused"
    if isinstance(error, TimeoutError):
        return "i/o timeout"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower() if not isinstance(error, ssl.SSLError) else str(error.reason or error)
    return str(error)


def choose(connection: Connection, env: Mapping[str, str] | None = None) -> Any:
    """The transport for a connection: sockets, or requests where a proxy stands between."""
    environ = os.environ if env is None else env
    proxy = connection.proxy or _proxy_of(connection.server, environ)
    if proxy:
        from .proxied import RequestsTransport

        return RequestsTransport(connection, proxy)
    return SocketTransport(connection)


def _proxy_of(server: str, env: Mapping[str, str]) -> str | None:
    scheme = "http" if server.startswith("http://") else "https"
    proxy = env.get(f"{scheme.upper()}_PROXY") or env.get(f"{scheme}_proxy")
    if not proxy:
        return None
    host = split(server).host
    if host in ("localhost", "::1") or host.startswith("127."):
        return None
    for rule in (env.get("NO_PROXY") or env.get("no_proxy") or "").lower().split(","):
        rule = rule.strip().split(":")[0] if rule.count(":") == 1 else rule.strip()
        if rule == "*" or (rule and (host == rule.lstrip(".") or host.endswith("." + rule.lstrip(".")))):
            return None
        if "/" in rule and _in_network(host, rule):
            return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _in_network(host: str, rule: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(rule, strict=False)
    except ValueError:
        return False

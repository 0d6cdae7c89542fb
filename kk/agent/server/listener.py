"""HTTPS in threads: one request a connection, client certificates of the cluster's CA, streams in both directions.

A small HTTP/1.1 of our own: the only client is the API server. It routes nothing (routes.py does).
"""

import logging
import os
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

log = logging.getLogger("kk.agent")
HEAD_LIMIT = 64 * 1024
HANDSHAKE_SECONDS = 10
HEAD_SECONDS = 10
REASONS = {
    101: "Switching Protocols",
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    426: "Upgrade Required",
    500: "Internal Server Error",
}


class Closed(OSError):
    """The client is gone."""


class Stream:
    """A TLS connection that one thread may read while others write: OpenSSL's state is used by one at a time."""

    def __init__(self, sock: ssl.SSLSocket):
        self._sock = sock
        self._sock.setblocking(False)
        self._fd = os.dup(sock.fileno())  # closing it wakes whoever waits, and the number is not used again meanwhile
        self._raw = socket.socket(fileno=self._fd)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._closed = False
        self.left = False

    def fileno(self) -> int:
        """For select: readable when there is something to read, mostly."""
        return self._fd

    def pending(self) -> bool:
        """Whether bytes are decoded already, which select does not see."""
        with self._lock:
            return not self._closed and self._sock.pending() > 0

    def recv(self, size: int = 65536, seconds: float | None = None) -> bytes:
        """Some bytes, b"" at the end (or when none came for so many seconds)."""
        while not self._closed:
            wait_write = False
            try:
                with self._lock:
                    return self._sock.recv(size)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLWantWriteError:
                wait_write = True
            except (OSError, ValueError):
                return b""
            if not self._wait(wait_write, seconds):
                break
        return b""

    def sendall(self, data: bytes) -> None:
        """All of it; Closed when the client is gone."""
        view = memoryview(data)
        with self._writing:
            while view:
                wait_write = True
                try:
                    with self._lock:
                        view = view[self._sock.send(view) :]
                    continue
                except ssl.SSLWantReadError:
                    wait_write = False
                except ssl.SSLWantWriteError:
                    pass
                except (OSError, ValueError) as error:
                    raise Closed(str(error)) from None
                self._wait(wait_write)
                if self._closed:
                    raise Closed("closed")

    def _wait(self, write: bool, seconds: float | None = None) -> bool:
        poll = select.poll()
        try:
            poll.register(self._fd, select.POLLOUT if write else select.POLLIN)
            return bool(poll.poll(None if seconds is None else seconds * 1000))
        except (OSError, ValueError):
            self._closed = True
            return False

    def gone(self) -> bool:
        """Called when select says readable while nothing is expected: True when the client has left."""
        try:
            with self._lock:
                self.left = self._sock.recv(4096) == b""
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except (OSError, ValueError):
            self.left = True
        return self.left

    def interrupt(self) -> None:
        """End reads and writes of all threads."""
        self._closed = True
        try:
            self._raw.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        """Say goodbye, let go."""
        if not self._closed:
            try:
                with self._lock:
                    self._sock.unwrap()
            except (OSError, ValueError):
                pass
        self.interrupt()
        self._sock.close()
        self._raw.close()


@dataclass(slots=True)
class Request:
    """A request's head, and the stream it came on; `rest` are bytes that followed the head."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    stream: Stream
    rest: bytes = b""
    answered: bool = field(default=False)

    def param(self, name: str) -> str:
        """The first value of a query parameter, "" when there is none."""
        return (self.query.get(name) or [""])[0]

    def flag(self, name: str) -> bool:
        """A boolean query parameter."""
        return self.param(name) in ("1", "true", "True", "t", "T")

    def answer(self, status: int, body: bytes = b"", kind: str = "text/plain; charset=utf-8") -> None:
        """A whole response."""
        self.answered = True
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}", f"Content-Type: {kind}"]
        lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
        self.stream.sendall("\r\n".join(lines).encode() + (b"" if self.method == "HEAD" else body))

    def chunks(self, parts: Iterable[bytes], kind: str = "text/plain; charset=utf-8") -> None:
        """A response of unknown length, sent as it comes."""
        self.answered = True
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        self.stream.sendall(head.encode())
        for part in parts:
            if part:
                self.stream.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        self.stream.sendall(b"0\r\n\r\n")


class Refusal(Exception):
    """An answer that is not a success, as plain text."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


def parse(head: bytes, stream: Stream, rest: bytes) -> Request:
    """A request from its head; Refusal 400."""
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise Refusal(400, "malformed request")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            key = name.strip().lower()
            headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    url = urlsplit(parts[1])
    query = parse_qs(url.query, keep_blank_values=True)
    return Request(parts[0], unquote(url.path), query, headers, stream, rest)


class Server:
    """Listens; `route(request)` is called in a thread for each request of a known client."""

    def __init__(self, address: str, port: int, cert: str, key: str, client_ca: str, route: Callable[[Request], None]):
        self._files = (cert, key, client_ca)
        self._route = route
        self._listener = socket.create_server((address, port), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._context: ssl.SSLContext | None = None
        self._streams: set[Stream] = set()
        self._lock = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._accept, name="kubelet-api", daemon=True)

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()

    def close(self) -> None:
        """Stop accepting and end all connections."""
        self._closing = True
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        with self._lock:
            for stream in self._streams:
                stream.interrupt()
        self._thread.join(5)

    def _accept(self) -> None:
        while not self._closing:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), name="kubelet-request", daemon=True).start()

    def _tls(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                cert, key, client_ca = self._files
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.minimum_version = ssl.TLSVersion.TLSv1_2
                context.load_cert_chain(cert, key)
                context.load_verify_locations(client_ca)
                context.verify_mode = ssl.CERT_OPTIONAL
                self._context = context
            return self._context

    def _serve(self, sock: socket.socket) -> None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(HANDSHAKE_SECONDS)
            secure = self._tls().wrap_socket(sock, server_side=True)
        except OSError as error:
            log.debug("TLS: %s", error)
            sock.close()
            return
        known = known_client(secure.getpeercert())
        stream = Stream(secure)
        with self._lock:
            self._streams.add(stream)
        try:
            self._request(stream, known)
        finally:
            with self._lock:
                self._streams.discard(stream)
            stream.close()

    def _request(self, stream: Stream, known: bool) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = stream.recv(seconds=HEAD_SECONDS)
            if not more or len(data) > HEAD_LIMIT:
                return
            data += more
        head, _, rest = data.partition(b"\r\n\r\n")
        request: Request | None = None
        try:
            request = parse(head, stream, rest)
            if not known:
                raise Refusal(401, "Unauthorized")
            self._route(request)
        except Refusal as refusal:
            self._refuse(stream, request, refusal)
        except Closed:
            pass
        except Exception as error:
            log.exception("kubelet API: %s", request.path if request else "")
            self._refuse(stream, request, Refusal(500, f"{type(error).__name__}: {error}"))

    @staticmethod
    def _refuse(stream: Stream, request: Request | None, refusal: Refusal) -> None:
        if request is None:
            request = Request("GET", "/", {}, {}, stream)
        if not request.answered:
            try:
                request.answer(refusal.status, str(refusal).encode())
            except Closed:
                pass


def known_client(certificate: "dict[str, Any] | None") -> bool:
    """Whether a verified certificate is the API server's (or an administrator's)."""
    if not certificate:
        return False
    names: dict[str, set[str]] = {}
    for part in certificate.get("subject", ()):
        for key, value in part:
            names.setdefault(key, set()).add(value)
    common = names.get("commonName", set())
    return "kube-apiserver-kubelet-client" in common or "system:masters" in names.get("organizationName", set())

"""A client that sends exactly the bytes it is told, over TLS or not, and reads answers leniently: for requests no library would send."""

import http.client
import io
import socket
import ssl
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """What came back: status 0 where the server closed without a word."""

    status: int
    headers: dict[str, str]
    body: bytes


class _Kept:
    """A socket whose file outlives HTTPResponse."""

    def __init__(self, file: Any):
        self._file = file

    def makefile(self, *_: Any) -> Any:
        return self._file


class _Unclosed(io.BufferedReader):
    def close(self) -> None:
        """HTTPResponse closes what it has read; the connection goes on."""


class Wire:
    """One connection to a server."""

    def __init__(self, port: int, tls: ssl.SSLContext | None, timeout: float = 30):
        plain = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = tls.wrap_socket(plain, server_hostname="127.0.0.1") if tls is not None else plain
        self._file = _Unclosed(socket.SocketIO(self.sock, "r"))

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go."""
        self.sock.close()

    def send(self, data: bytes) -> None:
        """Send bytes; that the other side has closed is found out by reading."""
        try:
            self.sock.sendall(data)
        except OSError:
            return

    def read(self, method: str = "GET", body: bool = True) -> Answer:
        """The next answer. `body`: False reads the head only, and the connection is of no use afterwards."""
        response = http.client.HTTPResponse(_Kept(self._file), method=method)  # type: ignore[arg-type]
        try:
            response.begin()
        except (OSError, http.client.HTTPException):
            return Answer(0, {}, b"")
        headers = {k.lower(): v for k, v in response.headers.items()}
        if not body:
            return Answer(response.status, headers, b"")
        try:
            return Answer(response.status, headers, response.read())
        except http.client.IncompleteRead as cut:
            return Answer(response.status, headers, cut.partial)

    def ask(self, data: bytes, method: str = "GET") -> Answer:
        """Send and read one answer."""
        self.send(data)
        return self.read(method)

    def closed(self) -> bool:
        """Whether the server has closed: nothing more comes. Waits for it."""
        try:
            return self._file.read(1) in (b"", None)
        except OSError:
            return True


def request(method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
    """A request as bytes, with a right Content-Length."""
    sent = {"Host": "127.0.0.1", "Accept": "application/json", **(headers or {})}
    if body is not None:
        sent.setdefault("Content-Type", "application/json")
        sent["Content-Length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in sent.items()), "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + (body or b"")

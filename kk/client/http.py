"""The HTTP client of one API server: credentials, queries, JSON bodies, errors as StatusError, warnings, streams.

Thread-safe; connections are kept alive in a pool. It knows the protocol's envelope and no resource: see kk.client.resources.
"""

from __future__ import annotations

import base64
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from kk.base.errors import StatusError

from . import codec
from .kubeconfig import Connection
from .transport import Answer, Transport, Unreachable, choose
from .urls import quote, split, urlencode

TYPE_CHECKING = False  # typing costs milliseconds at start-up
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Client", "Response", "Stream", "Unreachable", "path_segment"]

JSON = "application/json"
_MOST_RETRIES = 10
_WORDS = {
    400: ("BadRequest", "the server rejected our request for an unknown reason"),
    401: ("Unauthorized", "the server has asked for the client to provide credentials"),
    403: ("Forbidden", "the server does not allow access to the requested resource"),
    404: ("NotFound", "the server could not find the requested resource"),
    405: ("MethodNotAllowed", "the server does not allow this method on the requested resource"),
    406: ("NotAcceptable", "the server was unable to respond with a content type that the client supports"),
    409: ("Conflict", "the server reported a conflict"),
    410: ("Gone", "the server says that this is gone"),
    415: ("UnsupportedMediaType", "the server does not support the content type of the request"),
    422: ("Invalid", "the server rejected our request due to an error in our request"),
    429: ("TooManyRequests", "the server has received too many requests and has asked us to try again later"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: (
        "Timeout",
        "the server was unable to return a response in the time allotted, but may still be processing the request",
    ),
}


def path_segment(text: str) -> str:
    """One segment of a path, escaped."""
    return quote(text, safe="~!$&'()*+,;=:@")


class Response:
    """A whole answer; header names are lower case."""

    __slots__ = ("data", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], data: bytes):
        self.status = status
        self.headers = headers
        self.data = data

    def json(self) -> Any:
        """The body, parsed; raises ValueError."""
        return codec.loads(self.data)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.data.decode("utf-8", "replace")


class Stream:
    """An answer that is read as it comes; a context manager. close() may be called from any thread and ends the reader."""

    def __init__(self, answer: Answer):
        self.answer = answer
        self.status = answer.status
        self.headers = answer.headers
        self.closed = False

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes."""
        return self.answer.pieces()

    def read(self) -> bytes:
        """All that is left."""
        return b"".join(self.answer.pieces())

    def lines(self) -> Iterator[bytes]:
        """The body by lines, without their ends."""
        rest = b""
        for piece in self.answer.pieces():
            *whole, rest = (rest + piece).split(b"\n") if rest else piece.split(b"\n")
            yield from whole
        if rest:
            yield rest

    def close(self) -> None:
        """Drop the connection."""
        self.closed = True
        self.answer.close()


class Client:
    """Speaks with the API server of a connection.

    timeout     seconds to wait for an answer and between its pieces; None waits for ever
    on_warning  called with the text of each Warning header
    retries     how often a request is sent again when the server says Retry-After (429 and 5xx)
    """

    def __init__(
        self,
        connection: Connection,
        user_agent: str = "kk",
        timeout: float | None = None,
        transport: Transport | None = None,
        retries: int = _MOST_RETRIES,
    ):
        self.connection = connection
        self.timeout = timeout
        self.retries = retries
        self.on_warning: Callable[[str], None] | None = None
        self.transport: Any = transport or choose(connection)
        self.prefix = split(connection.server).path
        self._headers = {"User-Agent": user_agent, **credentials(connection)}
        self._token_stamp = 0.0
        self._lock = threading.Lock()

    # ---- requests ----
    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Response:
        """Send a request and read the whole answer.

        query values that are None are left out, booleans become true and false, lists repeat the name; a dict or list as body is
        sent as JSON. Raises StatusError for 400 and more, Unreachable without an answer.
        """
        for attempt in range(self.retries + 1):
            answer = self._open(method, path, query, body, content_type, accept, headers, timeout)
            try:
                data = answer.read()
            except BaseException:
                answer.close()
                raise
            if answer.status < 400:
                return Response(answer.status, answer.headers, data)
            wait = self._retry_after(answer, attempt)
            if wait is None:
                raise status_error(answer.status, data)
            time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def stream(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Stream:
        """Send a request whose answer is read as it comes (watch, logs).

        `timeout` is for the wait between pieces too: None, the default here, waits for ever. Raises StatusError, Unreachable.
        """
        answer = self._open(method, path, query, body, content_type, accept, headers, timeout, streaming=True)
        if answer.status >= 400:
            try:
                data = answer.read()
            finally:
                answer.close()
            raise status_error(answer.status, data)
        return Stream(answer)

    def get(self, path: str, **query: Any) -> Any:
        """GET a path, parsed."""
        return self.request("GET", path, query=query).json()

    def resource(self, api_version: str, plural: str, namespace: str | None = None) -> Any:
        """Typed access to one resource: kk.client.resources.ResourceClient."""
        from .resources import ResourceClient

        return ResourceClient(self, api_version, plural, namespace)

    def close(self) -> None:
        """Close idle connections."""
        self.transport.close()

    # ---- pieces ----
    def target(self, path: str, query: Mapping[str, Any] | None = None) -> str:
        """The request target: the server's own path prefix, the path, the query."""
        full = self.prefix + path
        if query:
            text = encode_query(query)
            if text:
                full += ("&" if "?" in path else "?") + text
        return full

    def headers(self) -> dict[str, str]:
        """Headers with the credentials of now: a token file is read again when it changes."""
        path = self.connection.token_file
        if path:
            with self._lock:
                try:
                    stamp = os.stat(path).st_mtime
                    if stamp != self._token_stamp:
                        with open(path, encoding="utf-8") as file:
                            self._headers["Authorization"] = f"Bearer {file.read().strip()}"
                        self._token_stamp = stamp
                except OSError:
                    pass  # the token that was read before may still be good; the server will say
        return dict(self._headers)

    def _open(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: Any,
        content_type: str,
        accept: str,
        headers: Mapping[str, str] | None,
        timeout: float | None,
        streaming: bool = False,
    ) -> Answer:
        if not self.connection.server:
            raise Unreachable("no server is named: there is no kubeconfig with a current context")
        sent = self.headers()
        sent["Accept"] = accept
        data = b""
        if body is not None:
            data = body if isinstance(body, bytes) else codec.dumps(body)
            sent["Content-Type"] = content_type
        if headers:
            sent.update(headers)
        limit = timeout if timeout is not None or streaming else self.timeout
        answer: Answer = self.transport.open(method, self.target(path, query), sent, data, limit)
        if "warning" in answer.headers and self.on_warning is not None:
            for text in warnings(answer.headers["warning"]):
                self.on_warning(text)
        return answer

    def _retry_after(self, answer: Answer, attempt: int) -> float | None:
        """Seconds to wait before the next attempt, None for none."""
        said = answer.headers.get("retry-after", "")
        if attempt >= self.retries or not said.isdigit() or (answer.status != 429 and answer.status < 500):
            return None
        return float(said)


def encode_query(query: Mapping[str, Any]) -> str:
    """A query string; see Client.request for the values."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        if value is None:
            continue
        for one in value if isinstance(value, (list, tuple)) else (value,):
            pairs.append((name, ("true" if one else "false") if isinstance(one, bool) else str(one)))
    return urlencode(pairs)


def credentials(connection: Connection) -> dict[str, str]:
    """The headers that say who asks, and as whom."""
    found: dict[str, str] = {}
    if connection.token:
        found["Authorization"] = f"Bearer {connection.token}"
    elif connection.username:
        pair = f"{connection.username}:{connection.password or ''}".encode()
        found["Authorization"] = "Basic " + base64.b64encode(pair).decode()
    if connection.impersonate:
        found["Impersonate-User"] = connection.impersonate
    if connection.impersonate_uid:
        found["Impersonate-Uid"] = connection.impersonate_uid
    # repeated headers: one entry each, made distinct by the case of the name, which HTTP ignores
    for name, value in _repeated("Impersonate-Group", connection.impersonate_groups):
        found[name] = value
    extra: dict[str, list[str]] = {}
    for key, value in connection.impersonate_extra:
        extra.setdefault("Impersonate-Extra-" + quote(key, safe="!#$&'*+-.^_`|~"), []).append(value)
    for header, values in extra.items():
        found.update(_repeated(header, values))
    return found


def _repeated(name: str, values: Any) -> Iterator[tuple[str, str]]:
    letters = [i for i, c in enumerate(name) if c.isalpha()]
    for number, value in enumerate(values):
        chars = list(name)
        for bit, at in enumerate(letters):
            if number >> bit & 1:
                chars[at] = chars[at].swapcase()
        yield "".join(chars), value


def warnings(header: str) -> list[str]:
    """The texts of a Warning header (RFC 7234 section 5.5): code, agent, quoted text, comma separated."""
    out, at = [], 0
    while (start := header.find('"', at)) >= 0:
        text, at = [], start + 1
        while at < len(header) and header[at] != '"':
            if header[at] == "\\" and at + 1 < len(header):
                at += 1
            text.append(header[at])
            at += 1
        out.append("".join(text).encode("latin-1", "replace").decode("utf-8", "replace"))
        at = header.find(",", at)
        if at < 0:
            break
    return out


def status_error(code: int, data: bytes) -> StatusError:
    """The error that an answer tells: its Status body, else one made of the code (words as client-go's)."""
    try:
        body = codec.loads(data)
    except ValueError:
        body = None
    if isinstance(body, dict) and body.get("kind") == "Status":
        body.setdefault("code", code)
        return StatusError.from_status(body)
    text = data[:2048].decode("utf-8", "replace").strip()
    reason, message = _WORDS.get(code, ("", ""))
    if not message:
        reason = "InternalError" if code >= 500 else ""
        message = f'an error on the server ("{text or "unknown"}") has prevented the request from succeeding'
    elif code == 403 and text:
        message = text
    details = {"causes": [{"reason": "UnexpectedServerResponse", "message": text or "unknown"}]}
    return StatusError(code, reason, message, details)

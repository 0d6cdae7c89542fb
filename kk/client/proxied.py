"""The transport for servers behind a proxy, on requests: its import is dear, so only those connections pay for it."""

from collections.abc import Iterator, Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from .kubeconfig import Connection
from .transport import CONNECT_TIMEOUT, Unreachable, tls_context


class _Adapter(HTTPAdapter):
    """Trusts exactly what our TLS context trusts."""

    def __init__(self, context: Any):
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing to add: requests would add its own bundle of public CAs."""
        del conn, url, verify, cert


class RequestsAnswer:
    """An answer of requests, read as it comes."""

    def __init__(self, response: requests.Response):
        self._response = response
        self.status = response.status_code
        self.headers = {k.lower(): v for k, v in response.headers.items()}

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes."""
        try:
            while piece := self._response.raw.read1(65536, decode_content=True):
                yield piece
        except (OSError, requests.RequestException, ValueError, AttributeError) as error:
            if self._response.raw.closed:
                return
            raise Unreachable(str(error)) from None

    def read(self) -> bytes:
        """The whole body."""
        try:
            return self._response.content
        except requests.RequestException as error:
            raise Unreachable(str(error)) from None

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()


class RequestsTransport:
    """Requests through one proxy."""

    def __init__(self, connection: Connection, proxy: str):
        self._base = connection.server if "://" in connection.server else f"https://{connection.server}"
        parts = self._base.split("/", 3)
        self._base = "/".join(parts[:3])  # the target of a request has the path of the server in it
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.proxies = {"http": proxy, "https": proxy}
        self._session.verify = not connection.insecure
        if self._base.startswith("https:"):
            self._session.mount("https://", _Adapter(tls_context(connection)))

    def open(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, timeout: float | None
    ) -> RequestsAnswer:
        """Send one request."""
        try:
            return RequestsAnswer(
                self._session.request(
                    method,
                    self._base + target,
                    headers=dict(headers),
                    data=body or None,
                    stream=True,
                    timeout=(timeout or CONNECT_TIMEOUT, timeout),
                    allow_redirects=False,
                )
            )
        except requests.RequestException as error:
            raise Unreachable(str(error)) from None

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

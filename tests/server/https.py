"""HTTPS servers of the tests' own on loopback, with certificates made on the spot: webhooks and aggregated API servers are played by them."""

import base64
import json
import ssl
import tempfile
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from kk.server import pki

Obj = dict[str, Any]
Answer = Callable[[Obj], "tuple[int, Obj]"]


class Authority:
    """A CA for one test."""

    def __init__(self) -> None:
        pair = pki._new_authority("test-ca")
        with tempfile.TemporaryDirectory() as directory:
            Path(directory, "ca.crt").write_bytes(pair.cert)
            Path(directory, "ca.key").write_bytes(pair.key)
            self._authority = pki.read_authority(Path(directory), "ca")
        self.bundle = base64.b64encode(pair.cert).decode()

    def context(self, names: Sequence[str], clients: bytes | None = None) -> ssl.SSLContext:
        """TLS of a server with these names; `clients` is the CA (PEM) that clients' certificates must come from."""
        pair = pki.server_pair(self._authority, names[0], list(names))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as directory:
            cert, key = Path(directory, "tls.crt"), Path(directory, "tls.key")
            cert.write_bytes(pair.cert)
            key.write_bytes(pair.key)
            context.load_cert_chain(cert, key)
        if clients is not None:
            context.load_verify_locations(cadata=clients.decode())
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    tls: ssl.SSLContext
    connections = 0

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake in the connection's own thread: a client that fails it stops nobody else."""
        try:
            wrapped = self.tls.wrap_socket(request, server_side=True)
        except OSError:
            return
        self.connections += 1
        try:
            super().finish_request(wrapped, client_address)
        except OSError:
            return
        finally:
            wrapped.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is no fault."""


class HTTPSServer:
    """Serves with a handler class until the `with` block ends."""

    def __init__(self, context: ssl.SSLContext, handler: type[BaseHTTPRequestHandler], host: str = "127.0.0.1"):
        self._server = _Server((host, 0), handler)
        self._server.tls = context
        self.host = host
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def connections(self) -> int:
        """TLS connections so far."""
        return self._server.connections

    def __enter__(self) -> "HTTPSServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Webhook(HTTPSServer):
    """A webhook: `answer(review)` returns the HTTP status and the body; what was asked stands in `asked` as (path, body)."""

    def __init__(
        self,
        authority: Authority,
        answer: Answer,
        names: Sequence[str] = ("127.0.0.1", "localhost"),
        host: str = "127.0.0.1",
    ):
        self.asked: list[tuple[str, Obj]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            """Answers POSTs."""

            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """One review."""
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                hook.asked.append((self.path, body))
                code, value = answer(body)
                data = json.dumps(value).encode() if not isinstance(value, bytes) else value
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        super().__init__(authority.context(names), Handler, host)
        self.client = {"url": f"https://127.0.0.1:{self.port}/hook", "caBundle": authority.bundle}


def review(body: Obj, **response: Any) -> tuple[int, Obj]:
    """An AdmissionReview that answers one."""
    return 200, {
        "apiVersion": body["apiVersion"],
        "kind": "AdmissionReview",
        "response": {"uid": body["request"]["uid"], "allowed": True, **response},
    }


def patch(*operations: Obj) -> Obj:
    """The fields of a response that patches."""
    return {"patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(operations).encode()).decode()}

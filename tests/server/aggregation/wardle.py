"""A small aggregated API server: flunders of wardle.example.com/v1alpha1, kept in memory, over HTTPS, behind the front proxy's certificate.

Serves what such a server must: discovery, OpenAPI version 2, tables, get, list, watch, create, delete, and WebSockets that echo.
What was asked stands in `asked` as (method, path, headers).
"""

import base64
import hashlib
import json
import queue
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import CloseConnection, TextMessage

from tests.server.https import Authority, HTTPSServer, Obj

GROUP, VERSION = "wardle.example.com", "v1alpha1"
ROOT = f"/apis/{GROUP}/{VERSION}"
_KIND = {"group": GROUP, "version": VERSION, "kind": "Flunder"}
_FLUNDER = {
    "name": "flunders",
    "singularName": "flunder",
    "namespaced": True,
    "kind": "Flunder",
    "verbs": ["create", "delete", "get", "list", "watch"],
    "shortNames": ["fl"],
}
_STRING = {"type": "string"}
_SPEC = {"type": "object", "properties": {"reference": {**_STRING, "description": "What the flunder refers to."}}}
_DEFINITION = {
    "description": "Flunder is an example of an aggregated type.",
    "type": "object",
    "properties": {"apiVersion": _STRING, "kind": _STRING, "metadata": {"type": "object"}, "spec": _SPEC},
    "x-kubernetes-group-version-kind": [_KIND],
}
_PLACE = ROOT + "/namespaces/{namespace}/flunders"
_LISTED = {
    "x-kubernetes-action": "list",
    "x-kubernetes-group-version-kind": _KIND,
    "produces": ["application/json"],
    "responses": {"200": {"description": "OK", "schema": {"$ref": "#/definitions/com.example.Flunder"}}},
}
OPENAPI = {
    "swagger": "2.0",
    "info": {"title": "wardle", "version": "v1"},
    "paths": {_PLACE: {"get": _LISTED}, "/version/": {"get": {"responses": {"200": {"description": "OK"}}}}},
    "definitions": {"com.example.Flunder": _DEFINITION, "unrelated": {"type": "object"}},
}


class Wardle(HTTPSServer):
    """See the module's docstring. `healthy` False: discovery answers 503."""

    def __init__(self, authority: Authority, names: list[str], clients: bytes):
        self.asked: list[tuple[str, str, list[tuple[str, str]]]] = []
        self.flunders: dict[str, Obj] = {}
        self.events: queue.Queue[Obj | None] = queue.Queue()
        self.healthy = True
        self.begun, self.ended = threading.Event(), threading.Event()  # a request for ROOT/slow, and its connection
        outer = self

        class Handler(_Handler):
            """Bound to its server."""

            wardle = outer

        super().__init__(authority.context(names, clients), Handler)

    def seen(self, path: str) -> list[tuple[str, str]]:
        """The headers of the newest request for a path."""
        return next(headers for _, asked, headers in reversed(self.asked) if asked.partition("?")[0] == path)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wardle: Wardle

    def answer(self, value: Any, code: int = 200) -> None:
        """A JSON answer."""
        data = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        """Reads."""
        self.wardle.asked.append((self.command, self.path, list(self.headers.items())))
        path = urlsplit(self.path).path
        if not self.wardle.healthy:
            self.answer({}, 503)
        elif self.headers.get("Upgrade", "").lower() == "websocket":
            self.echo()
        elif path == ROOT:
            self.answer(
                {
                    "kind": "APIResourceList",
                    "apiVersion": "v1",
                    "groupVersion": f"{GROUP}/{VERSION}",
                    "resources": [_FLUNDER],
                }
            )
        elif path == "/openapi/v2":
            self.answer(OPENAPI)
        elif path == f"{ROOT}/slow":
            self.wardle.begun.set()
            self.close_connection = True
            self.connection.recv(1)  # until the other side closes
            self.wardle.ended.set()
        elif path == f"{ROOT}/moved":
            self.send_response(302)
            self.send_header("Location", f"https://{self.headers['host']}{ROOT}/flunders")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path.endswith("/flunders"):
            self.watch() if "watch=" in self.path else self.list()
        elif path.rpartition("/")[2] in self.wardle.flunders:
            self.answer(self.wardle.flunders[path.rpartition("/")[2]])
        else:
            self.answer(
                {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}, 404
            )

    def list(self) -> None:
        """All of them, as a Table where the client wants one."""
        items = list(self.wardle.flunders.values())
        if "as=Table" in self.headers.get("Accept", ""):
            columns = [
                {"name": n, "type": "string", "format": "", "description": "", "priority": 0}
                for n in ("Name", "Reference")
            ]
            rows = [{"cells": [i["metadata"]["name"], i["spec"]["reference"]], "object": i} for i in items]
            self.answer(
                {
                    "kind": "Table",
                    "apiVersion": "meta.k8s.io/v1",
                    "metadata": {},
                    "columnDefinitions": columns,
                    "rows": rows,
                }
            )
            return
        head = {"kind": "FlunderList", "apiVersion": f"{GROUP}/{VERSION}", "metadata": {"resourceVersion": "1"}}
        self.answer({**head, "items": items})

    def echo(self) -> None:
        """A WebSocket that sends back what it gets, until the client closes."""
        digest = hashlib.sha1(
            self.headers["Sec-WebSocket-Key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        ).digest()
        self.send_response(101)
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade")):
            self.send_header(name, value)
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.end_headers()
        self.close_connection = True
        ws = Connection(ConnectionType.SERVER)
        while data := self.connection.recv(65536):
            ws.receive_data(data)
            for event in ws.events():
                if isinstance(event, TextMessage):
                    self.wfile.write(ws.send(TextMessage(data=event.data.upper())))
                elif isinstance(event, CloseConnection):
                    self.wfile.write(ws.send(event.response()))
                    return

    def watch(self) -> None:
        """Events as they come, until a None."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while (event := self.wardle.events.get()) is not None:
            line = json.dumps(event).encode() + b"\n"
            self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
        self.wfile.write(b"0\r\n\r\n")

    def do_POST(self) -> None:
        """A new one."""
        self.wardle.asked.append((self.command, self.path, list(self.headers.items())))
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.wardle.flunders[body["metadata"]["name"]] = body
        self.answer(body, 201)

    def do_DELETE(self) -> None:
        """One goes."""
        self.wardle.asked.append((self.command, self.path, list(self.headers.items())))
        self.rfile.read(int(self.headers.get("content-length") or 0))
        gone = self.wardle.flunders.pop(urlsplit(self.path).path.rpartition("/")[2], None)
        self.answer({"kind": "Status", "apiVersion": "v1", "status": "Success"}, 200 if gone else 404)

    def log_message(self, *_: Any) -> None:
        """Quiet."""

"""Probes: counting results, and each way of asking against a real server."""

import http.server
import socket
import struct
import threading

import pytest

from kk.agent.pods.execute import http as ask_http
from kk.agent.pods.execute import run, tcp
from kk.agent.pods.grpc_health import ACK, DATA, END_STREAM, HEADERS, SETTINGS, check, frame
from kk.agent.pods.probes import Watched
from tests.agent.conftest import config


def watched(kind, value, **probe):
    return Watched({}, {f"{kind}Probe": probe}, None, kind, "127.0.0.1", value)


def test_thresholds():
    ready = watched("readiness", False, successThreshold=2, failureThreshold=3)
    assert [ready.take(ok) for ok in (True, False, True, True)] == [False, False, False, True] and ready.value
    assert [ready.take(ok) for ok in (False, False, True, False, False, False)] == [False] * 5 + [
        True
    ] and not ready.value


@pytest.fixture
def web():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/ok" and self.headers.get("X") == "y" else 404)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_http_and_tcp(web):
    spec = {"ports": [{"name": "http", "containerPort": web}]}
    headers = [{"name": "X", "value": "y"}]
    assert ask_http(spec, {"port": "http", "path": "/ok", "httpHeaders": headers}, "127.0.0.1", 5) == (True, "")
    assert ask_http(spec, {"port": web, "path": "no"}, "127.0.0.1", 5) == (
        False,
        "HTTP probe failed with statuscode: 404",
    )
    assert ask_http(spec, {"port": "none"}, "127.0.0.1", 5) == (False, "couldn't find port: none")
    assert tcp(spec, {"port": "http"}, "127.0.0.1", 5) == (True, "")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert tcp(spec, {"port": port}, "127.0.0.1", 5) == (
        False,
        f"dial tcp 127.0.0.1:{port}: connect: connection refused",
    )
    refused = f'Get "http://127.0.0.1:{port}/": dial tcp 127.0.0.1:{port}: connection refused'
    assert ask_http(spec, {"port": port}, "127.0.0.1", 5) == (False, refused)


def test_exec(runtime):
    runtime.run_sandbox("u1", "pod", "default")
    container = runtime.create("u1", config("sleep", "1000"))
    runtime.launch(container)
    assert run(runtime, container, ["sh", "-c", "echo fine"], 10) == (True, "fine\n")
    assert run(runtime, container, ["sh", "-c", "echo bad; exit 1"], 10) == (False, "bad\n")
    assert run(runtime, container, ["sh", "-c", "echo slow; sleep 1000"], 0.5) == (False, "command timed out: slow\n")
    assert "executable file not found" in run(runtime, container, ["no-such"], 10)[1]


@pytest.fixture
def grpc():
    """A server that answers one health check with the status that the service's name spells."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                sock, _ = server.accept()
            except OSError:
                return
            with sock:
                answer(sock)

    def answer(sock):
        file = sock.makefile("rb")
        assert file.read(24).startswith(b"PRI * HTTP/2.0")
        sock.sendall(frame(SETTINGS, 0, 0, b""))
        while True:
            head = file.read(9)
            payload = file.read(int.from_bytes(head[:3], "big"))
            if head[3] == DATA:
                break
        status = int(payload[7:].decode())
        message = bytes([8, status])
        sock.sendall(frame(HEADERS, 4, 1, b"\x88") + frame(DATA, 0, 1, b"\0" + struct.pack(">I", 2) + message))
        sock.sendall(frame(HEADERS, 4 | END_STREAM, 1, b""))
        while (head := file.read(9)) and not (head[3] == SETTINGS and head[4] & ACK):
            file.read(int.from_bytes(head[:3], "big"))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


def test_grpc(grpc):
    assert check("127.0.0.1", grpc, "1", 5) == (True, "")
    assert check("127.0.0.1", grpc, "2", 5) == (False, 'service unhealthy (responded with "NOT_SERVING")')
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "context deadline exceeded" in check("127.0.0.1", silent.getsockname()[1], "", 0.3)[1]

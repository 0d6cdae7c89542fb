"""port-forward over SPDY in WebSocket messages: a real TCP server behind, a hand-made client in front."""

import queue
import socket
import threading

import pytest

from kk.agent.server.forward import Tunnel
from tests.agent.test_spdy import Peer, data


class Messages:
    """What the tunnel uses of a WebSocket."""

    def __init__(self):
        self.incoming, self.sent = queue.Queue(), queue.Queue()

    def recv(self):
        return self.incoming.get()

    def send(self, message):
        self.sent.put(message)

    def close(self):
        self.sent.put(None)


@pytest.fixture
def echo():
    """A server that answers in capitals until its client ends; yields its port."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                sock, _ = server.accept()
            except OSError:
                return
            with sock:
                while received := sock.recv(4096):
                    sock.sendall(received.upper())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


@pytest.fixture
def tunnel():
    web, peer = Messages(), Peer()
    thread = threading.Thread(target=Tunnel(web, "127.0.0.1", ("pod", "uid")).run, daemon=True)
    thread.start()
    yield web, peer
    web.incoming.put(None)
    thread.join(5)
    assert not thread.is_alive()


def frames(web, number, until=b"\x01"):
    """The payloads of a stream until its end."""
    got = b""
    while True:
        message = web.sent.get(timeout=20)
        if message[0] & 0x80 or int.from_bytes(message[:4], "big") != number:
            continue
        got += message[8:]
        if message[4] & 1:
            return got


def test_a_connection_both_ways(echo, tunnel):
    web, peer = tunnel
    web.incoming.put(peer.open(1, flags=1, streamtype="error", port=str(echo), requestid="0"))
    web.incoming.put(peer.open(3, streamtype="data", port=str(echo), requestid="0") + data(3, b"hel"))
    web.incoming.put(data(3, b"lo", 1))
    assert frames(web, 3) == b"HELLO"
    assert frames(web, 1) == b""


def test_a_port_where_nobody_listens(tunnel):
    web, peer = tunnel
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    web.incoming.put(peer.open(1, flags=1, streamtype="error", port=port, requestid="0"))
    web.incoming.put(peer.open(3, streamtype="data", port=port, requestid="0"))
    text = b""
    ended = set()
    while ended != {1, 3}:
        message = web.sent.get(timeout=20)
        if not message[0] & 0x80:
            number = int.from_bytes(message[:4], "big")
            text += message[8:]
            ended |= {number} if message[4] & 1 else set()
    assert b"error forwarding port" in text and b"connection refused" in text

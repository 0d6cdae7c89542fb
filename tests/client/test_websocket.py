"""WebSockets against a small server: subprotocol, messages both ways, closing from either side, refusals, credentials."""

import socket
import threading

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, RejectConnection, RejectData, Request

from kk.base.errors import StatusError
from kk.client.kubeconfig import Connection
from kk.client.transport import Unreachable
from kk.client.websocket import connect


class Echo:
    """Accepts one connection; answers each message with itself, `refuse` with a Status."""

    def __init__(self, refuse=None):
        self.refuse, self.request, self.closed = refuse, None, threading.Event()
        self.said_bye = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        sock, _ = self.listener.accept()
        ws = WSConnection(ConnectionType.SERVER)
        with sock:
            while data := sock.recv(65536):
                ws.receive_data(data)
                for event in ws.events():
                    for answer in self.answers(event):
                        sock.sendall(ws.send(answer))
                    if isinstance(event, CloseConnection) or self.refuse:
                        self.closed.set()
                        return

    def answers(self, event):
        if isinstance(event, Request):
            self.request = event
            if self.refuse:
                code, body = self.refuse
                yield RejectConnection(
                    status_code=code, headers=[(b"content-length", b"%d" % len(body))], has_body=True
                )
                yield RejectData(data=body, body_finished=True)
            else:
                yield AcceptConnection(subprotocol=event.subprotocols[-1] if event.subprotocols else None)
        elif isinstance(event, BytesMessage) and bytes(event.data) == b"bye":
            self.said_bye = True
            yield CloseConnection(code=1000)
        elif isinstance(event, BytesMessage):
            yield BytesMessage(data=bytes(event.data), message_finished=event.message_finished)
        elif isinstance(event, CloseConnection) and not self.said_bye:
            yield event.response()


def test_both_ways():
    server = Echo()
    connection = Connection(server.url, token="secret")
    with connect(
        connection, "/exec", {"command": ["a", "b"]}, ["v4.channel.k8s.io", "v5.channel.k8s.io"], timeout=20
    ) as ws:
        assert ws.subprotocol == "v5.channel.k8s.io"
        for message in (b"one", b"x" * 200_000, b""):
            ws.send(message)
            assert ws.recv() == message
        ws.send(b"bye")
        assert ws.recv() is None
        assert ws.close_code == 1000
    assert server.request.target == "/exec?command=a&command=b"
    assert (b"authorization", b"Bearer secret") in [(k.lower(), v) for k, v in server.request.extra_headers]


def test_closing_here_ends_the_reader():
    server = Echo()
    ws = connect(Connection(server.url), "/", timeout=20)
    got = []
    thread = threading.Thread(target=lambda: got.append(ws.recv()))
    thread.start()
    ws.close()
    thread.join(20)
    assert got == [None]
    assert server.closed.wait(20)


def test_a_refusal_is_a_status():
    body = b'{"kind":"Status","code":403,"reason":"Forbidden","message":"no"}'
    with pytest.raises(StatusError, match="no") as caught:
        connect(Connection(Echo((403, body)).url), "/", timeout=20)
    assert caught.value.reason == "Forbidden"
    with pytest.raises(StatusError) as caught:
        connect(Connection(Echo((404, b"not here")).url), "/", timeout=20)
    assert caught.value.code == 404


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(Unreachable):
        connect(Connection(url), "/")

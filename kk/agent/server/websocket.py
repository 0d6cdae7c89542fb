"""The server's end of a WebSocket on a kubelet connection: handshake, whole messages, close. Framing by wsproto."""

import base64
import hashlib
import threading

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from kk.agent.server.listener import Closed, Refusal, Request

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def is_upgrade(request: Request) -> bool:
    """Whether the client asks for a WebSocket."""
    return request.headers.get("upgrade", "").lower() == "websocket"


class WebSocket:
    """Messages both ways; `send` from any thread, `recv` from one."""

    def __init__(self, request: Request, subprotocol: str):
        self.subprotocol = subprotocol
        self._stream = request.stream
        self._connection = Connection(ConnectionType.SERVER)
        self._lock = threading.Lock()
        self._messages: list[bytes] = []
        self._partial = b""
        self._closed = False
        self._done = threading.Event()  # the reader has seen the end
        if request.rest:
            self._feed(request.rest)

    def recv(self) -> bytes | None:
        """The next message, None when the client has closed or is gone."""
        while not self._messages and not self._closed:
            data = self._stream.recv()
            if not data:
                self._closed = True
                break
            try:
                self._feed(data)
            except RemoteProtocolError:
                self._closed = True
        if self._messages:
            return self._messages.pop(0)
        self._done.set()
        return None

    def _feed(self, data: bytes) -> None:
        answers = []
        with self._lock:
            self._connection.receive_data(data)
            for event in self._connection.events():
                if isinstance(event, BytesMessage | TextMessage):
                    self._partial += event.data.encode() if isinstance(event.data, str) else bytes(event.data)
                    if event.message_finished:
                        self._messages.append(self._partial)
                        self._partial = b""
                elif isinstance(event, Ping):
                    answers.append(self._connection.send(event.response()))
                elif isinstance(event, CloseConnection):
                    self._closed = True
                    try:
                        answers.append(self._connection.send(event.response()))
                    except LocalProtocolError:
                        pass
        for answer in answers:
            try:
                self._stream.sendall(answer)
            except Closed:
                self._closed = True

    def send(self, data: bytes) -> None:
        """One binary message; Closed when the client is gone."""
        try:
            with self._lock:
                frame = self._connection.send(BytesMessage(data=data))
                self._stream.sendall(frame)
        except LocalProtocolError as error:
            raise Closed(str(error)) from None

    def close(self, code: int = 1000) -> None:
        """The closing handshake from this side; wakes the reader when the client does not answer."""
        try:
            with self._lock:
                self._stream.sendall(self._connection.send(CloseConnection(code=code)))
        except (LocalProtocolError, Closed):
            pass

    def linger(self, seconds: float = 5.0) -> None:
        """After close: wait for the client's answer, read by another thread, then end it in any case."""
        self._done.wait(seconds)
        self.drop()

    def drop(self) -> None:
        """End it at once, whoever reads or writes."""
        self._closed = True
        self._stream.interrupt()


def accept(request: Request, offered_here: tuple[str, ...]) -> WebSocket:
    """Answer the handshake with the first subprotocol of ours that the client offers; Refusal."""
    if not is_upgrade(request):
        given = request.headers.get("upgrade", "")
        what = f"Upgrade to {given} is not served here" if given else "an upgrade is needed"
        raise Refusal(400, f"unable to upgrade: {what}: use a WebSocket client (kubectl 1.31 or newer)")
    offered = [p.strip() for p in request.headers.get("sec-websocket-protocol", "").split(",") if p.strip()]
    chosen = next((p for p in offered_here if p in offered), "")
    if not chosen:
        raise Refusal(
            400,
            f"unable to upgrade: none of the subprotocols [{' '.join(offered)}] is served here: [{' '.join(offered_here)}]",
        )
    key = request.headers.get("sec-websocket-key", "").encode()
    digest = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
    request.answered = True
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    lines += [f"Sec-WebSocket-Accept: {digest}", f"Sec-WebSocket-Protocol: {chosen}", "", ""]
    request.stream.sendall("\r\n".join(lines).encode())
    return WebSocket(request, chosen)

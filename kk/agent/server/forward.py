"""portForward: TCP connections into a pod over one WebSocket, in both forms that clients speak.

SPDY/3.1+portforward.k8s.io   kubectl 1.31 and newer: SPDY streams (an error and a data stream a connection) inside binary messages
v4.channel.k8s.io             channels: 2n data and 2n+1 error of the n-th port of the query, one connection each
"""

import socket
import struct
import threading
from typing import Any

from kk.agent.pods.reach import dial
from kk.agent.server.listener import Closed, Refusal, Request
from kk.agent.server.spdy import ProtocolError, Session, Stream
from kk.agent.server.websocket import WebSocket, accept

Obj = dict[str, Any]
TUNNEL, CHANNELS = "SPDY/3.1+portforward.k8s.io", "v4.channel.k8s.io"
DIAL_SECONDS = 10


def serve(request: Request, pod: Obj, ip: str) -> None:
    """Forward for one client until it leaves."""
    ports = _ports(request)
    web = accept(request, (TUNNEL, CHANNELS))
    who = (pod["metadata"]["name"], pod["metadata"]["uid"])
    if web.subprotocol == TUNNEL:
        Tunnel(web, ip, who).run()
    else:
        Channels(web, ip, who, ports).run()


def _ports(request: Request) -> list[int]:
    try:
        found = [int(p) for name in ("port", "ports") for v in request.query.get(name, ()) for p in v.split(",") if p]
    except ValueError:
        raise Refusal(400, "ports must be numbers") from None
    if any(not 0 < p < 65536 for p in found):
        raise Refusal(400, "ports must be between 1 and 65535")
    return found


def fault(port: int, who: tuple[str, str], error: OSError) -> str:
    """The text for a connection that fails, as kubelet words it."""
    why = error.strerror.lower() if error.strerror else str(error)
    return f"error forwarding port {port} to pod {who[0]}, uid {who[1]}: failed to connect to localhost:{port} inside the pod: connect: {why}"


class Link:
    """One TCP connection: a thread copies what the pod sends; what the client sends is written by its reader."""

    def __init__(self, sock: socket.socket):
        self.sock = sock
        self.sock.settimeout(None)

    def write(self, data: bytes) -> None:
        """To the pod; lost when it has closed."""
        try:
            self.sock.sendall(data)
        except OSError:
            self.close()

    def end(self) -> None:
        """The client sends no more."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self) -> None:
        """Both directions."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Tunnel:
    """The SPDY form."""

    def __init__(self, web: WebSocket, ip: str, who: tuple[str, str]):
        self._web, self._ip, self._who = web, ip, who
        self._session = Session(web.send, self._on_stream)
        self._errors: dict[str, Stream] = {}
        self._links: set[Link] = set()

    def run(self) -> None:
        """Until the client leaves."""
        try:
            while (message := self._web.recv()) is not None:
                self._session.feed(message)
        except (ProtocolError, Closed):
            pass
        finally:
            for link in list(self._links):
                link.close()
            self._web.close()

    def _on_stream(self, stream: Stream) -> None:
        request_id = stream.headers.get("requestid", "")
        if stream.headers.get("streamtype") == "error":
            self._errors[request_id] = stream
            stream.listen(lambda data: None, lambda: None)
            return
        threading.Thread(target=self._connect, args=(stream, request_id), name="forward", daemon=True).start()

    def _connect(self, stream: Stream, request_id: str) -> None:
        """One data stream: dial, copy, tell how it ended on its error stream."""
        error = self._errors.pop(request_id, None)
        try:
            try:
                port = int(stream.headers.get("port", ""))
                link = Link(dial(self._ip, port, DIAL_SECONDS))
            except (OSError, ValueError) as problem:
                if error is not None:
                    text = fault(port, self._who, problem) if isinstance(problem, OSError) else "a bad port header"
                    self._session.write(error, text.encode())
                return
            self._links.add(link)
            stream.listen(link.write, link.end)
            try:
                while data := link.sock.recv(65536):
                    self._session.write(stream, data)
            except OSError:
                pass
            finally:
                self._links.discard(link)
                link.sock.close()
        except Closed:
            pass
        finally:
            self._end(stream, error)

    def _end(self, *streams: Stream | None) -> None:
        for stream in streams:
            if stream is not None:
                try:
                    self._session.end(stream)
                except Closed:
                    pass


class Channels:
    """The channel form: each channel begins with its port in two bytes, little endian."""

    def __init__(self, web: WebSocket, ip: str, who: tuple[str, str], ports: list[int]):
        self._web, self._ip, self._who, self._ports = web, ip, who, ports
        self._links: dict[int, Link] = {}

    def run(self) -> None:
        """Until the client leaves."""
        threads = []
        try:
            for number, port in enumerate(self._ports):
                for channel in (2 * number, 2 * number + 1):
                    self._web.send(bytes([channel]) + struct.pack("<H", port))
                try:
                    link = Link(dial(self._ip, port, DIAL_SECONDS))
                except OSError as error:
                    self._web.send(bytes([2 * number + 1]) + fault(port, self._who, error).encode())
                    continue
                self._links[2 * number] = link
                threads.append(
                    threading.Thread(target=self._copy, args=(link, 2 * number), name="forward", daemon=True)
                )
                threads[-1].start()
            while (message := self._web.recv()) is not None:
                if message and (found := self._links.get(message[0])):
                    found.write(message[1:])
        except Closed:
            pass
        finally:
            for link in self._links.values():
                link.close()
            for thread in threads:
                thread.join(5)
            self._web.close()

    def _copy(self, link: Link, channel: int) -> None:
        try:
            while data := link.sock.recv(32768):
                self._web.send(bytes([channel]) + data)
        except (OSError, Closed):
            pass
        finally:
            link.sock.close()
        self._web.drop()  # this form has no other way to say that a connection ended

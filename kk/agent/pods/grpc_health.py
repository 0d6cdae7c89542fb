"""The grpc probe: one call of grpc.health.v1.Health/Check, in just as much HTTP/2 as that needs (RFC 9113; headers literal, never decoded)."""

import socket
import struct
import time

from kk.agent.pods.reach import dial

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, ACK, END_HEADERS = 1, 1, 4
STATUSES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_FRAME_LIMIT = 1 << 20


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One HTTP/2 frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name: str, value: str) -> bytes:
    """A header field without indexing or Huffman coding; both texts are shorter than 127 bytes."""
    return b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def request(authority: str, service: str) -> bytes:
    """The whole call."""
    fields = (
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", authority[:120]),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    )
    name = service.encode()[:120]
    message = b"\x0a" + bytes([len(name)]) + name if name else b""
    block = b"".join(literal(*field) for field in fields)
    body = b"\x00" + struct.pack(">I", len(message)) + message
    return (
        _PREFACE + frame(SETTINGS, 0, 0, b"") + frame(HEADERS, END_HEADERS, 1, block) + frame(DATA, END_STREAM, 1, body)
    )


def _exactly(sock: socket.socket, size: int, deadline: float) -> bytes:
    data = b""
    while len(data) < size:
        sock.settimeout(max(0.001, deadline - time.monotonic()))
        more = sock.recv(size - len(data))
        if not more:
            raise ConnectionError("the connection ended")
        data += more
    return data


def answer(sock: socket.socket, deadline: float) -> bytes:
    """The message of the first response, b"" when there is none; OSError."""
    body = b""
    while True:
        head = _exactly(sock, 9, deadline)
        length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        if length > _FRAME_LIMIT:
            raise ConnectionError("a frame is too long")
        payload = _exactly(sock, length, deadline)
        if kind == SETTINGS and not flags & ACK:
            sock.sendall(frame(SETTINGS, ACK, 0, b""))
        elif kind == PING and not flags & ACK:
            sock.sendall(frame(PING, ACK, 0, payload))
        elif kind in (RST_STREAM, GOAWAY):
            return body[5:]
        elif kind == DATA:
            body += payload
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            return body[5:]


def check(ip: str, port: int, service: str, timeout: float) -> tuple[bool, str]:
    """(healthy, why not), worded as kubelet does."""
    deadline = time.monotonic() + timeout
    try:
        with dial(ip, port, timeout) as sock:
            sock.sendall(request(f"{ip}:{port}", service))
            message = answer(sock, deadline)
    except TimeoutError:
        return False, f'timeout: failed to connect service "{ip}:{port}" within {timeout:g}s: context deadline exceeded'
    except OSError as error:
        return False, f'error: failed to connect service "{ip}:{port}": {error.strerror or error}'
    status = message[1] if len(message) >= 2 and message[0] == 8 else 0
    if status == 1:
        return True, ""
    return False, f'service unhealthy (responded with "{STATUSES.get(status, status)}")'

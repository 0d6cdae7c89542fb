"""SPDY/3.1 frames as kubectl's tunnel sends them: streams over one byte pipe. Only what port-forward needs, and no flow control,
which the Go library on the other side has not either. Source: the SPDY Protocol draft 3.1; the dictionary is the draft's.
"""

import struct
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9
FIN = 1
_CHUNK = 32 * 1024
_FRAME_LIMIT = 16 << 20

_WORDS = [
    "options",
    "head",
    "post",
    "put",
    "delete",
    "trace",
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "age",
    "allow",
    "authorization",
    "cache-control",
    "connection",
    "content-base",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-md5",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expect",
    "expires",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-modified",
    "location",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "referer",
    "retry-after",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "warning",
    "www-authenticate",
    "method",
    "get",
]
_PAIRS = ("status", "200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin")
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized"
    "403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
    "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY = b"".join(struct.pack(">I", len(w)) + w.encode() for w in (*_WORDS, *_PAIRS)) + _TAIL.encode()


class ProtocolError(Exception):
    """Bytes that are no SPDY/3.1."""


@dataclass(slots=True)
class Stream:
    """One stream that the client opened; `on_data(bytes)` and `on_end()` are called from the reader's thread."""

    id: int
    headers: dict[str, str]
    on_data: Callable[[bytes], None] | None = None
    on_end: Callable[[], None] | None = None
    early: list[bytes] = field(default_factory=list)
    ended: bool = False
    closed_here: bool = False

    def listen(self, on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        """Take what came and what comes."""
        self.on_data, self.on_end = on_data, on_end
        for data in self.early:
            on_data(data)
        self.early = []
        if self.ended:
            on_end()


class Session:
    """The server's side. `send(bytes)` writes to the pipe; `on_stream(stream)` is told of each new stream."""

    def __init__(self, send: Callable[[bytes], None], on_stream: Callable[[Stream], None]):
        self._send, self._on_stream = send, on_stream
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._deflate = zlib.compressobj(zdict=DICTIONARY)
        self._lock = threading.Lock()
        self._buffer = b""
        self.streams: dict[int, Stream] = {}

    # from the client

    def feed(self, data: bytes) -> None:
        """Bytes of the pipe, cut anywhere; ProtocolError."""
        self._buffer += data
        while len(self._buffer) >= 8:
            length = int.from_bytes(self._buffer[5:8], "big")
            if length > _FRAME_LIMIT:
                raise ProtocolError("a frame is too long")
            if len(self._buffer) < 8 + length:
                return
            head, payload = self._buffer[:8], self._buffer[8 : 8 + length]
            self._buffer = self._buffer[8 + length :]
            if head[0] & 0x80:
                self._control(head, payload)
            else:
                self._data(int.from_bytes(head[:4], "big") & 0x7FFFFFFF, head[4], payload)

    def _control(self, head: bytes, payload: bytes) -> None:
        kind, flags = int.from_bytes(head[2:4], "big"), head[4]
        if int.from_bytes(head[:2], "big") & 0x7FFF != 3:
            raise ProtocolError("not SPDY version 3")
        if kind == SYN_STREAM:
            self._syn_stream(payload, flags)
        elif kind == HEADERS:
            self._headers(payload[4:])  # read, so that the decompressor stays in step
        elif kind == RST_STREAM:
            self._ended(int.from_bytes(payload[:4], "big") & 0x7FFFFFFF)
        elif kind == PING:
            self._write(struct.pack(">HHI", 0x8003, PING, 4) + payload[:4])

    def _syn_stream(self, payload: bytes, flags: int) -> None:
        if len(payload) < 10:
            raise ProtocolError("a short SYN_STREAM")
        stream = Stream(int.from_bytes(payload[:4], "big") & 0x7FFFFFFF, self._headers(payload[10:]))
        stream.ended = bool(flags & FIN)
        self.streams[stream.id] = stream
        self._reply(stream.id)
        self._on_stream(stream)

    def _headers(self, block: bytes) -> dict[str, str]:
        try:
            data = self._inflate.decompress(block, _FRAME_LIMIT)
            (count,) = struct.unpack_from(">I", data)
            at, found = 4, {}
            for _ in range(count):
                pair = []
                for _ in range(2):
                    (size,) = struct.unpack_from(">I", data, at)
                    pair.append(data[at + 4 : at + 4 + size].decode("latin-1"))
                    at += 4 + size
                found[pair[0].lower()] = pair[1]
            return found
        except (zlib.error, struct.error) as error:
            raise ProtocolError(f"a bad header block: {error}") from None

    def _data(self, number: int, flags: int, payload: bytes) -> None:
        stream = self.streams.get(number)
        if stream is None:
            return
        if payload:
            if stream.on_data is not None:
                stream.on_data(payload)
            else:
                stream.early.append(payload)
        if flags & FIN:
            self._ended(number)

    def _ended(self, number: int) -> None:
        stream = self.streams.get(number)
        if stream is None or stream.ended:
            return
        stream.ended = True
        if stream.on_end is not None:
            stream.on_end()
        self._forget(stream)

    def _forget(self, stream: Stream) -> None:
        if stream.ended and stream.closed_here:
            self.streams.pop(stream.id, None)

    # to the client

    def _reply(self, number: int) -> None:
        with self._lock:  # the header blocks of one direction share one compressor, so their order counts
            block = self._deflate.compress(struct.pack(">I", 0)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
            length = struct.pack(">I", len(block) + 4)
            self._send(struct.pack(">HH", 0x8003, SYN_REPLY) + length + struct.pack(">I", number) + block)

    def _write(self, frame: bytes) -> None:
        with self._lock:
            self._send(frame)

    def write(self, stream: Stream, data: bytes) -> None:
        """Data of a stream."""
        for at in range(0, len(data), _CHUNK):
            piece = data[at : at + _CHUNK]
            self._write(struct.pack(">II", stream.id, len(piece)) + piece)

    def end(self, stream: Stream) -> None:
        """No more data from here."""
        if not stream.closed_here:
            stream.closed_here = True
            self._write(struct.pack(">II", stream.id, FIN << 24))
            self._forget(stream)

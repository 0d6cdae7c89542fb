"""SPDY/3.1 framing against a client of our own that builds its frames by hand."""

import struct
import zlib

import pytest

from kk.agent.server.spdy import DICTIONARY, ProtocolError, Session


class Peer:
    """The other side: builds frames, reads frames."""

    def __init__(self):
        self.out, self.streams, self.got = [], [], {}
        self.session = Session(self.out.append, self.on_stream)
        self.deflate = zlib.compressobj(zdict=DICTIONARY)
        self.inflate = zlib.decompressobj(zdict=DICTIONARY)

    def on_stream(self, stream):
        self.streams.append(stream)
        self.got[stream.id] = []
        stream.listen(self.got[stream.id].append, lambda: self.got[stream.id].append("end"))

    def open(self, number, flags=0, **headers):
        block = struct.pack(">I", len(headers))
        for name, value in headers.items():
            block += struct.pack(">I", len(name)) + name.encode() + struct.pack(">I", len(value)) + value.encode()
        block = self.deflate.compress(block) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        payload = struct.pack(">IIBB", number, 0, 0, 0) + block
        return struct.pack(">HH", 0x8003, 1) + struct.pack(">I", flags << 24 | len(payload)) + payload


def data(number, content, flags=0):
    return struct.pack(">II", number, flags << 24 | len(content)) + content


def test_the_dictionary_is_the_drafts():
    assert (len(DICTIONARY), zlib.adler32(DICTIONARY)) == (1423, 0xE3C6A7C2)


def test_streams_in_pieces_of_any_size():
    peer = Peer()
    wire = peer.open(1, streamtype="error", port="80", requestid="0") + peer.open(3, streamtype="data", port="80")
    wire += data(3, b"hello") + data(1, b"", 1) + data(3, b"world", 1) + data(9, b"nobody")
    for at in range(0, len(wire), 3):
        peer.session.feed(wire[at : at + 3])
    assert [s.headers["streamtype"] for s in peer.streams] == ["error", "data"]
    assert peer.got == {1: ["end"], 3: [b"hello", b"world", "end"]}
    replies = b"".join(peer.out)
    assert replies[:4] == b"\x80\x03\x00\x02" and struct.unpack(">I", replies[8:12]) == (1,)
    assert peer.inflate.decompress(replies[12 : 8 + int.from_bytes(replies[5:8], "big")]) == bytes(4)


def test_answers_reset_and_ping():
    peer = Peer()
    peer.session.feed(peer.open(1, streamtype="data") + peer.open(3, streamtype="data"))
    peer.out.clear()
    peer.session.write(peer.streams[0], b"x" * 40000)
    peer.session.end(peer.streams[0])
    peer.session.end(peer.streams[0])
    assert [len(frame) - 8 for frame in peer.out] == [32768, 7232, 0]
    peer.session.feed(struct.pack(">HHIII", 0x8003, 3, 8, 3, 5))
    assert peer.got[3] == ["end"]
    peer.session.feed(data(1, b"", 1))
    assert 1 not in peer.session.streams
    peer.out.clear()
    peer.session.feed(struct.pack(">HHII", 0x8003, 6, 4, 7))
    assert peer.out == [struct.pack(">HHII", 0x8003, 6, 4, 7)]


@pytest.mark.parametrize(
    "wire",
    [
        struct.pack(">HHI", 0x8002, 1, 0),
        struct.pack(">HHI", 0x8003, 1, 4) + b"abcd",
        struct.pack(">HHI", 0x8003, 1, 14) + b"x" * 14,
        struct.pack(">HHI", 0x8003, 8, 0xFFFFFF),
    ],
)
def test_what_is_no_spdy(wire):
    peer = Peer()
    with pytest.raises(ProtocolError):
        peer.session.feed(wire + bytes(17 << 20 if wire[2:4] == b"\x00\x08" else 0))

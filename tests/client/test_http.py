"""The client against a small HTTPS server: bodies, errors, warnings, keep-alive, streams, certificates."""

import select
import socket
import threading

import pytest

from kk.base.errors import StatusError
from kk.client.http import Client, Unreachable, encode_query, warnings
from kk.client.kubeconfig import Connection
from kk.client.transport import Body, Head


def test_get_json(server, client):
    server.route("GET", "/api")(lambda h: h.reply(200, {"ok": True}))
    assert client.get("/api", a=True, b=None, c=["x", "y"]) == {"ok": True}
    assert server.seen[0][1] == "/api?a=true&c=x&c=y"


def test_connections_are_kept(server, client):
    ports = []

    @server.route("GET", "/x")
    def x(h):
        ports.append(h.client_address[1])
        h.reply(200, b"{}")

    for _ in range(3):
        client.get("/x")
    assert len(set(ports)) == 1


def test_a_closed_kept_connection_is_replaced(server, client):
    closed = threading.Event()

    @server.route("POST", "/x")
    def x(h):
        h.reply(200, b"{}")
        h.close_connection = True
        h.connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    for _ in range(3):
        closed.clear()
        client.request("POST", "/x", body={})
        assert closed.wait(10)
        assert select.select([client.transport._idle[0].socket], [], [], 10)[0]


def test_status_body_becomes_error(server, client):
    status = {
        "kind": "Status",
        "code": 404,
        "reason": "NotFound",
        "message": 'pods "x" not found',
        "details": {"name": "x"},
    }
    server.route("GET", "/x")(lambda h: h.reply(404, status))
    with pytest.raises(StatusError) as caught:
        client.get("/x")
    assert (caught.value.code, caught.value.reason, caught.value.details) == (404, "NotFound", {"name": "x"})


def test_other_body_becomes_error(server, client):
    with pytest.raises(StatusError) as caught:
        client.get("/nowhere")
    assert caught.value.message == "the server could not find the requested resource"
    server.route("GET", "/x")(lambda h: h.reply(500, b"oops"))
    with pytest.raises(StatusError) as caught:
        client.get("/x")
    assert caught.value.message == 'an error on the server ("oops") has prevented the request from succeeding'


def test_warnings(server, client):
    said = []
    client.on_warning = said.append
    server.route("GET", "/x")(lambda h: h.reply(200, b"{}", Warning=['299 - "a \\"b\\", c"', '299 - "d"']))
    client.get("/x")
    assert said == ['a "b", c', "d"]
    assert warnings("nonsense") == []


def test_retry_after(server, client):
    answers = [429, 200]
    server.route("GET", "/x")(lambda h: h.reply(answers.pop(0), b"{}", Retry_After="0"))
    assert client.get("/x") == {}


def test_unreachable():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    with pytest.raises(Unreachable, match="connection refused"):
        Client(Connection(f"https://127.0.0.1:{port}")).get("/")


def test_unknown_authority(server):
    with pytest.raises(Unreachable, match="failed to verify certificate"):
        Client(Connection(server.url)).get("/")


def test_insecure_and_plain(server, make_server):
    server.route("GET", "/x")(lambda h: h.reply(200, b"{}"))
    assert Client(Connection(server.url, insecure=True)).get("/x") == {}
    plain = make_server(secure=False)
    plain.route("GET", "/prefix/x")(lambda h: h.reply(200, b"{}"))
    assert Client(Connection(plain.url + "/prefix")).get("/x") == {}


def test_client_certificate(make_server, authority):
    server = make_server(client_certs=True)
    server.route("GET", "/x")(lambda h: h.reply(200, {"cn": h.connection.getpeercert()["subject"][0][0][1]}))
    cert, key = authority.issue("me")
    connection = Connection(server.url, ca_data=authority.pem, cert_data=cert, key_data=key)
    assert Client(connection).get("/x") == {"cn": "me"}


def test_credentials_and_impersonation(server, authority):
    server.route("GET", "/x")(lambda h: h.reply(200, {"groups": h.headers.get_all("Impersonate-Group")}))
    connection = Connection(
        server.url,
        authority.pem,
        token="t",
        impersonate="me",
        impersonate_groups=("a", "b"),
        impersonate_extra=(("k", "v"),),
    )
    assert Client(connection).get("/x") == {"groups": ["a", "b"]}
    headers = server.seen[0][2]
    assert headers["Authorization"] == "Bearer t"
    assert headers["Impersonate-User"] == "me"
    assert headers["Impersonate-Extra-k"] == "v"


def test_a_token_file_is_read_again(server, authority, tmp_path):
    import os

    file = tmp_path / "token"
    file.write_text("one")
    server.route("GET", "/x")(lambda h: h.reply(200, {"auth": h.headers["Authorization"]}))
    client = Client(Connection(server.url, authority.pem, token="one", token_file=str(file)))
    assert client.get("/x") == {"auth": "Bearer one"}
    file.write_text("two")
    os.utime(file, (1, 1))
    assert client.get("/x") == {"auth": "Bearer two"}


def test_stream_lines(server, client):
    @server.route("GET", "/x")
    def x(h):
        h.start_chunked()
        for piece in (b"one\ntw", b"o\n", b"three", b""):
            h.chunk(piece)

    with client.stream("GET", "/x") as stream:
        assert list(stream.lines()) == [b"one", b"two", b"three"]


def test_a_stream_is_closed_from_another_thread(server, client):
    started, release = threading.Event(), threading.Event()

    @server.route("GET", "/x")
    def x(h):
        h.start_chunked()
        h.chunk(b"one\n")
        release.wait(30)

    got = []
    stream = client.stream("GET", "/x")

    def read():
        for line in stream.lines():
            got.append(line)
            started.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert started.wait(10)
    stream.close()
    thread.join(10)
    release.set()
    assert not thread.is_alive()
    assert got == [b"one"]


def test_a_broken_stream_is_unreachable(server, client):
    @server.route("GET", "/x")
    def x(h):
        h.start_chunked()
        h.chunk(b"one\n")
        h.close_connection = True
        h.connection.shutdown(socket.SHUT_RDWR)

    with pytest.raises(Unreachable), client.stream("GET", "/x") as stream:
        list(stream.lines())


def test_timeout(server):
    release = threading.Event()
    server.route("GET", "/x")(lambda h: release.wait(30) and h.reply(200, b"{}"))
    client = Client(Connection(server.url, insecure=True), timeout=0.05)
    with pytest.raises(Unreachable, match="deadline"):
        client.get("/x")
    release.set()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_chunks_in_any_pieces(size):
    raw = b"5\r\nhello\r\n1;ext=1\r\n \r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nnext"
    body = Body("GET", Head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"))
    out, at = b"", 0
    while not body.done:
        out += body.feed(raw[at : at + size])
        at += size
    assert out == b"hello 0123456789"
    assert b"next".startswith(body.rest)


def test_encode_query():
    assert encode_query({"a": 1, "b": False, "c": None, "d": ["x y", "z"]}) == "a=1&b=false&d=x+y&d=z"


def test_through_a_proxy(make_server, authority):
    """Plain HTTP through a proxy carries the absolute URL; requests does it, behind the same seam."""
    proxy = make_server(secure=False)
    proxy.route("GET", "http://example.test/api/x")(lambda h: h.reply(200, {"via": "proxy"}))
    client = Client(Connection("http://example.test/api", proxy=proxy.url))
    assert client.get("/x") == {"via": "proxy"}
    with client.stream("GET", "/x") as stream:
        assert stream.read() == b'{"via": "proxy"}'
    client.close()

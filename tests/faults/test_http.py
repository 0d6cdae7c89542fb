"""HTTP as it should not be sent: smuggling, unknown methods, heads without end. Go's net/http and kube-apiserver are the measure."""

import json

import pytest

from tests.faults.conftest import Served
from tests.faults.wire import request

PATH = "/api/v1/namespaces/default/configmaps"
HOST = b"Host: a\r\n"


def one(api: Served, data: bytes, method: str = "GET"):
    with api.wire() as wire:
        return wire.ask(data, method)


REFUSED = {
    "two lengths": (b"POST /version HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "a length and chunks": (
        b"POST /version HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "a length with a sign": (b"POST /version HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na", 400),
    "a length beyond all": (b"POST /version HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\na", 400),
    "a folded header": (b"GET /version HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400),
    "a space before the colon": (b"GET /version HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    "a zero byte": (b"GET /version HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", 400),
    "no host": (b"GET /version HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET /version HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "a version to come": (b"GET /version HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "no method": (b"\x16\x03\x01\x02\r\n\r\n", 400),
    "a method that is no word": (b"G(T /version HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "an expectation": (b"POST /version HTTP/1.1\r\nHost: a\r\nExpect: a-miracle\r\nContent-Length: 0\r\n\r\n", 417),
    "chunks that are none": (
        b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        400,
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_and_closed(api: Served, case: str) -> None:
    data, status = REFUSED[case]
    with api.wire() as wire:
        answer = wire.ask(data)
        assert answer.status == status, answer
        assert wire.closed()
    assert answer.headers["connection"] == "close"
    assert api.alive()


@pytest.mark.parametrize("method", ["FOO", "get", "PROPFIND", "X-Y", "TRACE", "OPTIONS"])
def test_methods_that_no_resource_has(api: Served, method: str) -> None:
    with api.wire() as wire:
        answer = wire.ask(request(method, PATH), method)
        told = json.loads(answer.body)
        assert (answer.status, told["reason"], told["code"]) == (405, "MethodNotAllowed", 405)
        assert wire.ask(request("GET", "/version")).status == 200, "the connection goes on"
        assert wire.ask(request(method, PATH, b'{"a":1}'), method).status == 405
        assert wire.ask(request("GET", "/version")).status == 200


def test_trailers_are_nobodys_headers(api: Served) -> None:
    body = b'{"metadata":{"generateName":"t-"}}'
    head = (
        b"POST "
        + PATH.encode()
        + b" HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: Impersonate-User\r\n\r\n"
    )
    tail = b"%x;ext=1\r\n%b\r\n0\r\nImpersonate-User: nobody\r\n\r\n" % (len(body), body)
    with api.wire() as wire:
        assert wire.ask(head + tail).status == 201
        assert wire.ask(request("GET", "/version")).status == 200


def test_pipelined_requests_are_answered_in_order(api: Served) -> None:
    paths = ["/version", PATH, "/api/v1/namespaces/none/pods/x", "/healthz"] * 5
    with api.wire() as wire:
        wire.send(b"".join(request("GET", path) for path in paths))
        assert [wire.read().status for _ in paths] == [200, 200, 404, 200] * 5


def test_requests_before_a_broken_one_are_answered_first(api: Served) -> None:
    with api.wire() as wire:
        wire.send(request("GET", PATH) + request("GET", PATH) + b"NONSENSE\r\n\r\n")
        assert [wire.read().status for _ in range(3)] == [200, 200, 400]
        assert wire.closed()


def test_an_old_client_gets_one_answer(api: Served) -> None:
    with api.wire() as wire:
        answer = wire.ask(b"GET /version HTTP/1.0\r\n\r\n")
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert wire.closed()


def test_heads_of_answers_come_without_bodies(api: Served) -> None:
    with api.wire() as wire:
        answer = wire.ask(request("HEAD", "/version"), "HEAD")
        assert (answer.status, answer.body) == (200, b"")
        assert wire.ask(request("GET", "/version")).status == 200


def test_a_client_that_asks_first_is_told_to_go_on(api: Served) -> None:
    body = b'{"metadata":{"generateName":"e-"}}'
    with api.wire() as wire:
        wire.send(request("POST", PATH, body, {"Expect": "100-continue"})[: -len(body)])
        assert wire.sock.recv(100).startswith(b"HTTP/1.1 100 Continue")
        assert wire.ask(body).status == 201


def test_a_whole_url_is_a_path(api: Served) -> None:
    assert one(api, b"GET https://elsewhere:1/version HTTP/1.1\r\nHost: a\r\n\r\n").status == 200


@pytest.mark.parametrize("size, status", [(500_000, 200), (1_040_000, 200), (1_200_000, 431), (30_000_000, 431)])
def test_heads_have_a_bound(api: Served, size: int, status: int) -> None:
    with api.wire() as wire:
        wire.send(b"GET /version HTTP/1.1\r\nHost: a\r\n")
        for _ in range(size // 20_000):
            wire.send(b"X-Pad: " + b"p" * 19_991 + b"\r\n")
        answer = wire.ask(b"\r\n")
        assert answer.status in (status, 0 if status == 431 else status)  # a client that goes on sending may miss it
    assert api.alive()


def test_long_paths_and_queries(api: Served) -> None:
    assert one(api, request("GET", "/" + "a" * 900_000)).status == 404
    assert one(api, request("GET", PATH + "?labelSelector=" + "a" * 900_000)).status == 400
    assert one(api, request("GET", "/" + "a" * 1_200_000)).status in (431, 0)


@pytest.mark.parametrize(
    "path, status",
    [
        ("//version", 404),
        ("/api/v1//namespaces", 404),
        ("/api/v1/namespaces/default/../../nodes", 404),
        ("/api/v1/namespaces/%2E%2E/pods", 200),
        ("/api/v1/namespaces/default/configmaps/..", 400),
        ("/api/v1/namespaces/default/configmaps/%2e%2e", 400),
        ("/api/v1/namespaces/default/configmaps/a%2Fb", 404),
        ("/%61pi/v1/namespaces/default/configmaps", 200),
        ("/api/v1/namespaces/default/configmaps/%", 400),
        ("/version?%zz", 200),
    ],
)
def test_paths_that_climb(api: Served, path: str, status: int) -> None:
    assert one(api, request("GET", path)).status == status

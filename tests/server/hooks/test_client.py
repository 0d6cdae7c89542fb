"""The webhook client against real HTTPS servers."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kk.server import pki
from kk.server.hooks.client import CallError, call
from tests.server.https import Authority, Obj, Webhook
from tests.servers import free_port


@pytest.fixture(scope="module")
def authority() -> Authority:
    """One CA for all."""
    return Authority()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the client needs of a server: keys, state, a cache without services."""
    data = tmp_path_factory.mktemp("data")
    pki.ensure(data)
    cache = SimpleNamespace(get=lambda *_: None, iterate=lambda *_: iter(()))
    return SimpleNamespace(config=SimpleNamespace(data_dir=Path(data)), state={}, cache=cache)


@pytest.fixture
def echo(authority: Authority) -> Iterator[Webhook]:
    """Answers with what it got."""
    with Webhook(authority, lambda body: (200, body)) as hook:
        yield hook


def fault(server: Any, config: Obj, timeout: float = 5) -> CallError:
    """The error of a call that must fail."""
    server.state.clear()
    with pytest.raises(CallError) as caught:
        asyncio.run(call(server, config, {"a": 1}, timeout))
    return caught.value


def test_an_object_goes_there_and_back_over_one_connection(server: Any, echo: Webhook) -> None:
    """Connections are kept; the timeout is told."""

    async def run() -> list[Obj]:
        return [await call(server, echo.client, {"n": n}, 10) for n in range(3)]

    server.state.clear()
    assert asyncio.run(run()) == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert echo.connections == 1
    assert echo.asked[0][0] == "/hook?timeout=10s"


def test_faults_are_told_in_upstreams_words(server: Any, authority: Authority, echo: Webhook) -> None:
    """Nobody there, a wrong CA, a wrong name, no TLS, no service."""
    port = free_port()
    where = f"https://127.0.0.1:{port}/x"
    text = f'Post "{where}?timeout=5s": dial tcp 127.0.0.1:{port}: connect: connection refused'
    assert str(fault(server, {"url": where})) == text
    other = {**echo.client, "caBundle": Authority().bundle}
    unknown = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    assert str(fault(server, other)).endswith(unknown)
    with Webhook(authority, lambda body: (200, body), ["a.b.svc"]) as named:
        text = "x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs"
        assert str(fault(server, named.client)).endswith(text)
        by_name = {**named.client, "url": f"https://localhost:{named.port}/"}
        assert str(fault(server, by_name)).endswith("x509: certificate is valid for a.b.svc, not localhost")
    service = {"service": {"namespace": "ns", "name": "hook", "path": "/x"}}
    assert str(fault(server, service)) == 'Post "https://hook.ns.svc:443/x?timeout=5s": service "hook" not found'


def test_a_slow_webhook_is_given_up(server: Any) -> None:
    """A server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        assert str(fault(server, {"url": url}, 0.2)) == f'Post "{url}?timeout=0.2s": context deadline exceeded'


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (404, "the server could not find the requested resource"),
        (500, 'an error on the server ("{\\"x\\": 1}") has prevented the request from succeeding'),
        (302, "the server responded with the status code 302 but did not return more details"),
        (503, "the server is currently unable to handle the request"),
    ],
)
def test_answers_that_are_no_success(server: Any, authority: Authority, code: int, text: str) -> None:
    """What a client of Kubernetes makes of them."""
    with Webhook(authority, lambda body: (code, {"x": 1})) as hook:
        assert str(fault(server, hook.client)) == text.replace("\\", "")


def test_a_kept_connection_that_is_closed_is_replaced(server: Any, authority: Authority) -> None:
    """Nobody notices that the other side restarted."""
    server.state.clear()

    async def run() -> None:
        with Webhook(authority, lambda body: (200, body)) as hook:
            assert await call(server, hook.client, {"n": 1}, 10) == {"n": 1}
            (waiting,) = next(iter(server.state.values())).idle.values()
            waiting[0][1].transport.abort()  # as if the connection had broken
            assert await call(server, hook.client, {"n": 2}, 10) == {"n": 2}

    asyncio.run(run())

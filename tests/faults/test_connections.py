"""Clients that open connections and then do not behave: thousands of them, and the server goes on answering the others."""

import contextlib
import json
import os
import resource
import selectors
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Served, served
from tests.faults.wire import Wire, request

PATH = "/api/v1/namespaces/default/configmaps"
MANY, SOAK = 1_000, 8_000
QUICK = {"handshake": 1.5, "header": 1.5, "idle": 1.0, "request": 1.5}


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of little patience."""
    with served(tmp_path_factory.mktemp("quick"), QUICK) as server:
        yield server


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that waits as long as kube-apiserver does."""
    with served(tmp_path_factory.mktemp("patient")) as server:
        yield server


def memory(server: Served) -> int:
    """Resident bytes of the server."""
    assert server.process is not None
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def open_files(server: Served) -> int:
    assert server.process is not None
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def room_for(count: int) -> int:
    """Raise this process's own bound on open files as far as allowed; how many connections it may then make."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(count, hard - 500)


def test_the_server_may_open_as_many_files_as_the_system_allows(patient: Served) -> None:
    assert patient.process is not None
    soft, hard = resource.prlimit(patient.process.pid, resource.RLIMIT_NOFILE)
    assert soft == hard


def half_open(server: Served, count: int) -> list[socket.socket]:
    """Connections that say nothing, or begin a handshake and stop."""
    found = []
    for number in range(count):
        one = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        if number % 2:
            one.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        found.append(one)
    return found


def crowd(server: Served, count: int) -> None:
    """Half of them half-open, a few slow heads and bodies among them, and everything goes on."""
    before = memory(server)
    with contextlib.ExitStack() as stack:
        for one in half_open(server, count):
            stack.callback(one.close)
        for number in range(count // 20):
            wire = stack.enter_context(server.wire())
            wire.send(
                request("GET", "/version")[:30] if number % 2 else request("POST", PATH, b"{" + b" " * 1000)[:-900]
            )
        for _ in range(50):
            assert server.request("GET", "/version")[0] == 200
        assert server.request("POST", PATH, {"metadata": {"generateName": "amid-"}})[0] == 201
        assert memory(server) - before < 100_000_000 + count * 100_000
    assert server.alive() and not server.traces()


def test_many_half_open_connections(patient: Served) -> None:
    crowd(patient, room_for(MANY))


@pytest.mark.soak
def test_thousands_of_half_open_connections(patient: Served) -> None:
    crowd(patient, room_for(SOAK))


def closed_all(sockets: list[socket.socket], seconds: float) -> bool:
    """Whether the server closes them all in time."""
    until = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for one in sockets:
            one.setblocking(False)
            selector.register(one, selectors.EVENT_READ)
        while selector.get_map() and time.monotonic() < until:
            for key, _ in selector.select(1):
                with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
                    try:
                        gone = not key.fileobj.recv(65536)  # type: ignore[union-attr]
                    except (ConnectionError, ssl.SSLError) as error:
                        if isinstance(error, ssl.SSLWantReadError):
                            continue
                        gone = True
                    if gone:
                        selector.unregister(key.fileobj)
        return not selector.get_map()


def test_handshakes_and_heads_have_a_time(quick: Served) -> None:
    sockets = half_open(quick, 60)
    wires = [quick.wire() for _ in range(60)]
    for number, wire in enumerate(wires):
        if number % 3:
            wire.send(request("GET", "/version")[: 10 * (number % 3)])
    try:
        assert closed_all(sockets + [w.sock for w in wires], 30)
    finally:
        for one in sockets:
            one.close()
        for wire in wires:
            wire.close()


def test_a_head_that_trickles_has_a_time(quick: Served) -> None:
    with quick.wire() as wire:
        wire.send(b"GET /version HTTP/1.1\r\nHost: a\r\n")
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                wire.sock.sendall(b"X: y\r\n")
            except OSError:
                return
            time.sleep(0.1)
        raise AssertionError("a byte now and then kept the connection open")


def test_a_body_that_does_not_come_is_told_so(quick: Served) -> None:
    with quick.wire() as wire:
        wire.send(request("POST", PATH, b"{" + b" " * 1000)[:-900])
        answer = wire.read()
        told = json.loads(answer.body)
        assert (answer.status, told["reason"]) == (504, "Timeout")
        assert told["message"] == "Timeout: request did not complete within the allotted timeout"
        assert wire.closed()


def test_an_idle_connection_is_closed(quick: Served) -> None:
    with quick.wire() as wire:
        assert wire.ask(request("GET", "/version")).status == 200
        assert closed_all([wire.sock], 30)


def test_a_client_that_does_not_read_is_left(quick: Served) -> None:
    for number in range(30):
        assert (
            quick.request("POST", PATH, {"metadata": {"name": f"big{number}"}, "data": {"k": "v" * 900_000}})[0] == 201
        )
    before, files = memory(quick), open_files(quick)
    wires = [quick.wire() for _ in range(12)]
    for wire in wires:
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.send(request("GET", PATH))
    assert quick.request("GET", "/version")[0] == 200
    until = time.monotonic() + 30
    while open_files(quick) > files + 3 and time.monotonic() < until:
        time.sleep(0.1)
    assert open_files(quick) <= files + 3, "they are given up"
    for wire in wires:
        wire.close()
    assert quick.alive()
    assert memory(quick) - before < 900_000_000


def test_more_clients_than_files(tmp_path: Path) -> None:
    server = served(tmp_path)
    server.start()
    try:
        assert server.process is not None
        # as if the system had allowed no more: the server itself believes in its bound of before
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (open_files(server) + 40, 1024))
        sockets = []
        for _ in range(200):
            with contextlib.suppress(OSError):
                sockets.append(socket.create_connection(("127.0.0.1", server.port), timeout=5))
        assert server.process.poll() is None
        for one in sockets:
            one.close()
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                if server.request("GET", "/version")[0] == 200:
                    break
            time.sleep(0.1)
        assert server.alive()
        assert server.request("POST", PATH, {"metadata": {"name": "after"}})[0] == 201
    finally:
        server.stop()


def test_clients_that_leave_in_the_middle(patient: Served) -> None:
    files = open_files(patient)
    for number in range(300):
        wire: Wire = patient.wire()
        whole = request("POST", PATH, b'{"metadata":{"generateName":"left-"}}')
        wire.send(whole[: number * len(whole) // 300])
        if number % 2:
            wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # a reset, no goodbye
        wire.close()
    until = time.monotonic() + 30
    while open_files(patient) > files + 3 and time.monotonic() < until:
        time.sleep(0.1)
    assert open_files(patient) <= files + 3
    assert patient.alive() and not patient.traces()

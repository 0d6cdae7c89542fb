"""A watch storm: many watchers while writers go at full speed; some watchers do not read, some leave half-way. Those who read get all of it, in order."""

import asyncio
import json
import os
import socket
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults import history
from tests.faults.conftest import Served, served
from tests.faults.history import Seen
from tests.faults.wire import Wire, request
from tests.faults.workload import LABEL, PATH, Watcher, Writer, body

WATCHERS, WRITES = 100, 600
SOAK_WATCHERS, SOAK_WRITES = 600, 20_000


async def lines(server: Served, path: str) -> AsyncIterator[dict]:
    """The events of a watch, as they come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=server.tls, limit=2**26)
    writer.write(request("GET", path))
    try:
        await reader.readuntil(b"\r\n\r\n")
        rest = b""
        while True:
            size = int((await reader.readline()).strip() or b"0", 16)
            if not size:
                return
            rest += (await reader.readexactly(size + 2))[:-2]
            *whole, rest = rest.split(b"\n")
            for line in whole:
                yield json.loads(line)
    finally:
        writer.close()


async def follow(server: Served, revision: str) -> list[Seen]:
    """Everything until the object named end; half of the watchers leave and resume on the way."""
    found: list[Seen] = []
    async for event in lines(server, f"{PATH}?watch=1&{LABEL}&resourceVersion={revision}"):
        metadata = event["object"]["metadata"]
        if metadata["name"] == "end":
            break
        found.append(
            Seen(event["type"], metadata["name"], event["object"]["data"]["n"], int(metadata["resourceVersion"]))
        )
    return found


async def _storm(
    server: Served, watchers: int, writes: int, writers: list[Writer], stop: threading.Event
) -> list[list[Seen]]:
    start = server.request("GET", PATH)[1]["metadata"]["resourceVersion"]
    following = [asyncio.ensure_future(follow(server, start)) for _ in range(watchers)]
    await asyncio.sleep(0)
    for writer in writers:
        writer.start()
    while sum(len(w.acks) for w in writers) < writes:
        await asyncio.sleep(0.01)
    stop.set()
    for writer in writers:
        await asyncio.to_thread(writer.join, 60)
    await asyncio.to_thread(server.request, "POST", PATH, body("end", "0"))
    return list(await asyncio.gather(*following))


def storm(directory: Path, watchers: int, writes: int) -> None:
    with served(directory) as server:
        up, stop = threading.Event(), threading.Event()
        up.set()
        writers = [Writer(f"s{n}", server, up, stop) for n in range(4)]
        streams = asyncio.run(_storm(server, watchers, writes, writers, stop))
        found = server.request("GET", f"{PATH}?{LABEL}")[1]
        final = {o["metadata"]["name"]: o["data"]["n"] for o in found["items"] if o["metadata"]["name"] != "end"}
        faults = history.check([a for w in writers for a in w.acks], [], streams[:3], final)
        assert not faults, "\n".join(faults[:20])
        assert all(s == streams[0] for s in streams), "all watchers saw the same"
        print(f"{watchers} watchers got {len(streams[0])} events each")
        assert server.alive() and not server.traces()


def test_every_watcher_gets_everything(tmp_path: Path) -> None:
    storm(tmp_path, WATCHERS, WRITES)


@pytest.mark.soak
def test_very_many_watchers_get_everything(tmp_path: Path) -> None:
    storm(tmp_path, SOAK_WATCHERS, SOAK_WRITES)


def resident(server: Served) -> int:
    assert server.process is not None
    return int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_files(server: Served) -> int:
    assert server.process is not None
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def settles(condition, seconds: float = 30) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_watchers_that_do_not_read_are_cut_and_resume_without_loss(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        start = server.request("GET", PATH)[1]["metadata"]["resourceVersion"]
        files = open_files(server)
        slow = []
        for _ in range(20):
            wire: Wire = server.wire()
            wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wire.send(request("GET", f"{PATH}?watch=1&{LABEL}&resourceVersion={start}"))
            slow.append(wire)
        before = resident(server)
        up, never = threading.Event(), threading.Event()
        up.set()
        good = Watcher(start, server, up, never)
        good.start()
        for number in range(50):
            sent = body(f"big{number}", str(number)) | {"binaryData": {"x": "A" * 600_000}}
            assert server.request("POST", PATH, sent)[0] == 201
        assert resident(server) - before < 500_000_000
        assert settles(lambda: open_files(server) <= files + 5), "those who did not read are cut"
        assert server.request("POST", PATH, body("end", "0"))[0] == 201
        good.join(60)
        assert [e.name for e in good.events] == [f"big{n}" for n in range(50)]
        resumed = asyncio.run(follow(server, start))
        assert resumed == good.events, "whoever was cut gets the rest"
        for wire in slow:
            wire.close()
        assert server.alive() and not server.traces()


def test_a_watcher_that_is_gone_is_noticed(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        files = open_files(server)
        wires = [server.wire() for _ in range(40)]
        for wire in wires:
            wire.send(request("GET", f"{PATH}?watch=1"))
            assert wire.read(body=False).status == 200
        for number, wire in enumerate(wires):
            if number % 2:
                wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                wire.close()
            else:
                wire.sock.shutdown(socket.SHUT_WR)  # half-closed: nothing more will be asked
        assert settles(lambda: open_files(server) <= files + 3)
        assert server.alive()
        for wire in wires:
            wire.close()

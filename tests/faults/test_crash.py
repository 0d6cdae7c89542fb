"""kill -9 again and again under concurrent writers and watchers: the history that they saw is one that a single server could have told."""

import json
import threading
from pathlib import Path

import pytest

from tests.faults import history
from tests.faults.conftest import Served, served
from tests.faults.workload import LABEL, PATH, Watcher, Writer, body

WRITERS, WATCHERS = 4, 3
KILLS, SOAK = 3, 60


def final(server: Served) -> dict[str, str]:
    found = server.request("GET", f"{PATH}?{LABEL}")[1]
    return {o["metadata"]["name"]: o["data"]["n"] for o in found["items"]}


def acknowledged(writers: list[Writer]) -> int:
    return sum(len(w.acks) for w in writers)


def loop(directory: Path, kills: int) -> None:
    server = served(directory)
    server.start()
    up, stop, never = threading.Event(), threading.Event(), threading.Event()
    start = server.request("GET", PATH)[1]["metadata"]["resourceVersion"]
    writers = [Writer(f"w{n}", server, up, stop) for n in range(WRITERS)]
    watchers = [Watcher(start, server, up, never) for _ in range(WATCHERS)]
    up.set()
    for worker in (*writers, *watchers):
        worker.start()
    try:
        for round_ in range(kills):
            wanted = acknowledged(writers) + 60 + 17 * (round_ % 7)
            while acknowledged(writers) < wanted:
                assert all(w.is_alive() for w in writers)
                stop.wait(0.002)
            up.clear()
            server.kill()
            server.start()
            up.set()
        stop.set()
        for writer in writers:
            writer.join(30)
        before = final(server)
        assert server.request("POST", PATH, body("end", "0"))[0] == 201
        for watcher in watchers:
            watcher.join(60)
            assert not watcher.is_alive(), f"a watcher waits at revision {watcher.revision}"
    finally:
        stop.set()
        never.set()
        server.stop()
    acks = [a for w in writers for a in w.acks]
    doubts = [d for w in writers for d in w.doubts]
    faults = history.check(acks, doubts, [w.events for w in watchers], before)
    print(
        f"{kills} kills, {len(acks)} acknowledged writes, {len(doubts)} in doubt, {sum(w.connections for w in watchers)} watches"
    )
    assert not faults, "\n".join(faults[:20])
    assert len(acks) > 50 * kills
    assert all(w.connections > kills // 2 for w in watchers), "watchers came back"


def test_kills_under_load(tmp_path: Path) -> None:
    loop(tmp_path, KILLS)


def test_a_deletion_just_before_the_end_is_told_to_those_who_resume(tmp_path: Path) -> None:
    server = served(tmp_path)
    server.start()
    try:
        server.request("POST", PATH, body("a", "1"))
        revision = server.request("POST", PATH, body("b", "2"))[1]["metadata"]["resourceVersion"]
        assert server.request("DELETE", f"{PATH}/a")[0] == 200
        server.kill()
        server.start()
        _, _, data = server.raw("GET", f"{PATH}?watch=1&{LABEL}&resourceVersion={revision}&timeoutSeconds=1")
        events = [json.loads(line) for line in data.splitlines()]
        assert [(e["type"], e["object"]["metadata"]["name"]) for e in events] == [("DELETED", "a")]
        exact = server.request("GET", f"{PATH}?{LABEL}&resourceVersion={revision}&resourceVersionMatch=Exact")[1]
        assert [o["metadata"]["name"] for o in exact["items"]] == ["a", "b"]
    finally:
        server.stop()


@pytest.mark.soak
def test_many_kills_under_load(tmp_path: Path) -> None:
    loop(tmp_path, SOAK)

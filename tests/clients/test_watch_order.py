"""Watches under load: over many reconnects, while writers run at full speed, no event is lost, none comes twice, and revisions rise.

Every writer notes what the server acknowledged; every watcher follows one way to watch (plain, initial events with bookmarks, a selector that
objects leave, metadata only, protobuf, WebSocket), reconnects as its connections end, and must in the end have seen just that.
"""

import json
import random
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import websocket

from kk.server import protobuf
from tests.servers import APIServer

WRITERS, WRITES = 4, 120
MERGE = {"Content-Type": "application/merge-patch+json"}
Event = tuple[str, dict[str, Any]]


class Load:
    """Writers, and what the server said to them: revision → (type, name, whether its label is `hot`)."""

    def __init__(self, api: APIServer, where: str):
        self.api, self.where = api, where
        self.told: dict[int, tuple[str, str]] = {}
        self.hot: dict[int, tuple[str, str]] = {}
        self.lock = threading.Lock()

    def run(self) -> None:
        """All writers, to their end."""
        threads = [threading.Thread(target=self._write, args=(n,)) for n in range(WRITERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _write(self, number: int) -> None:
        rng, connection = random.Random(number), self.api.connect(timeout=60)
        live: dict[str, bool] = {}
        for count in range(WRITES):
            name = f"w{number}-{rng.randrange(4)}"
            hot = rng.random() < 0.5
            labels = {"state": "hot" if hot else "cold"}
            if name not in live:
                body: Any = {"metadata": {"name": name, "labels": labels}, "data": {"n": str(count)}}
                self._say("ADDED", name, self._ask(connection, "POST", self.where, body), None, hot)
                live[name] = hot
            elif rng.random() < 0.3:
                answer = self._ask(connection, "DELETE", f"{self.where}/{name}", None)
                assert answer["status"] == "Success"
                self._say("DELETED", name, None, live.pop(name), False)
            else:
                body = {"metadata": {"labels": labels}, "data": {"n": str(count)}}
                self._say(
                    "MODIFIED", name, self._ask(connection, "PATCH", f"{self.where}/{name}", body), live[name], hot
                )
                live[name] = hot
        connection.close()

    def _ask(self, connection: Any, method: str, path: str, body: Any) -> dict[str, Any]:
        headers = MERGE if method == "PATCH" else None
        status, _, data = self.api.raw(method, path, body, headers, connection)
        assert status in (200, 201), data
        return json.loads(data)

    def _say(self, what: str, name: str, obj: Any, before: bool | None, after: bool) -> None:
        """A delete tells no revision: it is counted by order, below."""
        with self.lock:
            if obj is not None:
                revision = int(obj["metadata"]["resourceVersion"])
                self.told[revision] = (what, name)
                if after:
                    self.hot[revision] = ("MODIFIED" if before else "ADDED", name)
                elif before:
                    self.hot[revision] = ("DELETED", name)
            else:
                self.told[-len(self.told) - 1] = (what, name)
                if before:
                    self.hot[-len(self.hot) - 1] = ("DELETED", name)


class Follower(threading.Thread):
    """A watcher that reconnects by the last version it has seen."""

    def __init__(self, version: str, connect: Callable[[str], Iterator[Event]]):
        super().__init__(daemon=True)
        self.version, self.connect = version, connect
        self.seen: list[tuple[int, str, str]] = []
        self.over, self.connections = False, 0
        self.fault: BaseException | None = None

    def run(self) -> None:
        """Until `over`, and then once more to the end."""
        try:
            last = False
            while not last:
                last = self.over
                self.connections += 1
                for what, obj in self.connect(self.version):
                    self.take(what, obj)
        except BaseException as fault:  # told by the test's thread
            self.fault = fault

    def take(self, what: str, obj: dict[str, Any]) -> None:
        """One event."""
        assert what != "ERROR", obj
        self.version = obj["metadata"]["resourceVersion"]
        if what != "BOOKMARK":
            self.seen.append((int(self.version), what, obj["metadata"]["name"]))


def lines(api: APIServer, path: str, accept: str = "application/json") -> Iterator[Event]:
    """Events of one connection."""
    connection = api.connect(timeout=60)
    connection.request("GET", path, headers={"Accept": accept})
    with connection.getresponse() as response:
        assert response.status == 200, response.read()
        for line in response:
            event = json.loads(line)
            yield event["type"], event["object"]
    connection.close()


def frames(api: APIServer, path: str) -> Iterator[Event]:
    """The same in protobuf."""
    connection = api.connect(timeout=60)
    connection.request("GET", path, headers={"Accept": protobuf.MEDIA})
    with connection.getresponse() as response:
        while head := response.read(4):
            fields = dict(protobuf.fields(response.read(struct.unpack(">I", head)[0])))
            yield fields[1].decode(), protobuf.decode(dict(protobuf.fields(fields[2]))[1], ("", ""))
    connection.close()


def messages(api: APIServer, path: str) -> Iterator[Event]:
    """The same over WebSocket."""
    stream = websocket.create_connection(f"wss://127.0.0.1:{api.port}{path}", sslopt={"context": api.tls}, timeout=60)
    try:
        while text := stream.recv():
            event = json.loads(text)
            yield event["type"], event["object"]
    except websocket.WebSocketConnectionClosedException:
        pass
    finally:
        stream.close()


def test_nothing_is_lost_or_doubled_over_reconnects(api: APIServer, namespace: str) -> None:
    where = f"/api/v1/namespaces/{namespace}/configmaps"
    version = api.request("GET", where)[1]["metadata"]["resourceVersion"]
    partial = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

    def path(version: str, more: str = "") -> str:
        return f"{where}?watch=1&timeoutSeconds=1&resourceVersion={version}{more}"

    whole = {
        "json": Follower(version, lambda v: lines(api, path(v, "&allowWatchBookmarks=true"))),
        "old path": Follower(version, lambda v: lines(api, path(v).replace("/api/v1/", "/api/v1/watch/"))),
        "metadata": Follower(version, lambda v: lines(api, path(v), partial)),
        "protobuf": Follower(version, lambda v: frames(api, path(v))),
        "websocket": Follower(version, lambda v: messages(api, path(v))),
    }
    hot = Follower(version, lambda v: lines(api, path(v, "&labelSelector=state%3Dhot")))
    load = Load(api, where)
    for follower in (*whole.values(), hot):
        follower.start()
    load.run()
    for follower in (*whole.values(), hot):
        follower.over = True
    for name, follower in {**whole, "selector": hot}.items():
        follower.join(60)
        assert follower.fault is None and not follower.is_alive(), (name, follower.fault)
        assert follower.connections > 1
        _judge(name, follower, load.hot if follower is hot else load.told)


def _judge(name: str, follower: Follower, told: dict[int, tuple[str, str]]) -> None:
    revisions = [revision for revision, *_ in follower.seen]
    assert revisions == sorted(set(revisions)), f"{name}: revisions rise"
    assert len(follower.seen) == len(told), f"{name}: as many events as writes"
    found = {revision: (what, obj) for revision, what, obj in follower.seen}
    for revision, wanted in told.items():
        if revision > 0:
            assert found.get(revision) == wanted, f"{name}: {revision}"
    went = sorted(obj for _, what, obj in follower.seen if what == "DELETED")
    assert went == sorted(obj for what, obj in told.values() if what == "DELETED"), name


def test_initial_events_meet_live_ones_without_a_gap(api: APIServer, namespace: str) -> None:
    """Watch-lists that begin while writers run: each holds one state, and what comes after leads to the same end."""
    where = f"/api/v1/namespaces/{namespace}/configmaps"
    load = Load(api, where)
    writers = threading.Thread(target=load.run)
    writers.start()
    states: list[dict[str, str]] = []
    faults: list[str] = []

    def follow() -> None:
        state: dict[str, str] = {}
        initial, last = True, 0
        query = (
            "watch=1&timeoutSeconds=8&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
        )
        for what, obj in lines(api, f"{where}?{query}"):
            name, revision = obj["metadata"].get("name", ""), int(obj["metadata"]["resourceVersion"])
            if what == "BOOKMARK":
                initial = initial and "k8s.io/initial-events-end" not in obj["metadata"].get("annotations", {})
                last = max(last, revision)
                continue
            if initial and (what != "ADDED" or name in state):
                faults.append(f"{what} {name} among the initial events")
            if not initial and (revision <= last or (what == "ADDED") == (name in state)):
                faults.append(f"{what} {name} at {revision} after {last}")
            last = max(last, revision)
            if what == "DELETED":
                state.pop(name)
            else:
                state[name] = obj["metadata"]["resourceVersion"]
        states.append(state)

    threads = [threading.Thread(target=follow) for _ in range(6)]
    for thread in threads:
        thread.start()
    writers.join()
    for thread in threads:
        thread.join()
    assert not faults
    _, listed = api.request("GET", where)
    wanted = {o["metadata"]["name"]: o["metadata"]["resourceVersion"] for o in listed["items"]}
    assert states == [wanted] * len(threads)


@pytest.mark.parametrize("match", ["", "&resourceVersionMatch=Exact"])
def test_chunks_are_one_snapshot_while_writers_run(api: APIServer, namespace: str, match: str) -> None:
    where = f"/api/v1/namespaces/{namespace}/configmaps"
    for number in range(10):
        api.request("POST", where, {"metadata": {"name": f"a{number}"}})
    load = Load(api, where)
    writers = threading.Thread(target=load.run)
    writers.start()
    for _ in range(10):
        _, first = api.request("GET", f"{where}?limit=3")
        version, token = first["metadata"]["resourceVersion"], first["metadata"].get("continue")
        names = [(o["metadata"]["name"], o["metadata"]["resourceVersion"]) for o in first["items"]]
        left = first["metadata"].get("remainingItemCount")
        while token:
            _, part = api.request("GET", f"{where}?limit=3&continue={token}")
            assert part["metadata"]["resourceVersion"] == version
            names += [(o["metadata"]["name"], o["metadata"]["resourceVersion"]) for o in part["items"]]
            token = part["metadata"].get("continue")
        assert len(names) == 3 + left
        exact = (
            f"{where}?resourceVersion={version}&resourceVersionMatch=Exact"
            if match
            else f"{where}?resourceVersion={version}&limit=500"
        )
        _, again = api.request("GET", exact)
        assert [(o["metadata"]["name"], o["metadata"]["resourceVersion"]) for o in again["items"]] == names
    writers.join()


def test_tokens_and_versions_that_are_too_old(tmp_path: Any) -> None:
    """History of a second: what is older is 410, with a token that goes on."""
    with APIServer(tmp_path / "data", 0, "--history", "1") as api:
        where = "/api/v1/namespaces/default/configmaps"
        for name in "abcd":
            assert api.request("POST", where, {"metadata": {"name": name}})[0] == 201
        _, first = api.request("GET", f"{where}?limit=2")
        version, token = first["metadata"]["resourceVersion"], first["metadata"]["continue"]
        for count in range(100):  # each write plans a compaction of what is older than a second
            api.request("PATCH", f"{where}/a", {"data": {"n": str(count)}}, MERGE)
            status, told = api.request("GET", f"{where}?limit=2&continue={token}")
            if status == 410:
                break
            threading.Event().wait(0.2)
        assert status == 410, told
        assert told["reason"] == "Expired" and told["metadata"]["continue"]
        status, rest = api.request("GET", f"{where}?limit=2&continue={told['metadata']['continue']}")
        assert status == 200 and [o["metadata"]["name"] for o in rest["items"]] == ["c", "d"]
        assert api.request("GET", f"{where}?resourceVersion={version}&resourceVersionMatch=Exact")[0] == 410
        (what, obj), *_ = lines(api, f"{where}?watch=1&timeoutSeconds=5&resourceVersion={version}")
        assert (what, obj["code"], obj["reason"]) == ("ERROR", 410, "Expired")
        status, told = api.request("GET", f"{where}?resourceVersion=999999")
        assert status == 504 and told["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
        assert api.request("GET", f"{where}?resourceVersion=0&resourceVersionMatch=Exact")[0] in (400, 422)
        assert api.request("GET", f"{where}?resourceVersionMatch=Exact")[0] in (400, 422)

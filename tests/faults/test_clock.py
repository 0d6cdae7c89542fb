"""The machine's clock steps: times of objects and tokens follow it, order and history do not depend on it."""

import calendar
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Served, served
from tests.faults.wire import request
from tests.faults.workload import PATH, Watcher, body

HOUR, DAY = 3600, 86_400
#: seconds by which the clock is wrong, one after the other
STEPS, LONG_STEPS = (0, HOUR, -HOUR, 200 * DAY, -30 * DAY, 0), (30 * DAY, -30 * DAY, 0)
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"


@pytest.fixture
def stepping(tmp_path: Path) -> Iterator[tuple[Served, Callable[[float], None]]]:
    """A server, and a function that sets by how much its clock is wrong."""
    clock = tmp_path / "clock"
    clock.write_text("0")

    def step(seconds: float) -> None:
        (tmp_path / "next").write_text(str(seconds))
        (tmp_path / "next").rename(clock)

    with served(tmp_path, None, "--clock", str(clock)) as server:
        yield server, step


def offset(obj: dict[str, Any], key: str = "creationTimestamp") -> float:
    """By how much a time of an object differs from now."""
    return calendar.timegm(time.strptime(obj["metadata"][key], "%Y-%m-%dT%H:%M:%SZ")) - time.time()


def create(server: Served, name: str) -> dict[str, Any]:
    status, made = server.request("POST", PATH, body(name, name))
    assert status == 201, made
    return made


def test_objects_follow_the_clock_and_their_order_does_not(stepping: Any) -> None:
    server, step = stepping
    start = server.request("GET", PATH)[1]["metadata"]["resourceVersion"]
    up, never = threading.Event(), threading.Event()
    up.set()
    watcher = Watcher(start, server, up, never)
    watcher.start()
    revisions = []
    for number, seconds in enumerate(STEPS):
        step(seconds)
        made = create(server, f"c{number}")
        assert abs(offset(made) - seconds) < 600
        changed = server.request(
            "PATCH",
            f"{PATH}/c{number}",
            {"data": {"n": f"{number}b"}},
            {"Content-Type": "application/merge-patch+json"},
        )[1]
        assert changed["metadata"]["creationTimestamp"] == made["metadata"]["creationTimestamp"]
        revisions += [int(made["metadata"]["resourceVersion"]), int(changed["metadata"]["resourceVersion"])]
    create(server, "end")
    watcher.join(60)
    assert revisions == sorted(set(revisions))
    assert [e.revision for e in watcher.events] == revisions, "the watch went on over every step"
    assert server.alive() and not server.traces()


def test_history_is_kept_over_steps(stepping: Any) -> None:
    server, step = stepping
    first = create(server, "a")["metadata"]["resourceVersion"]
    for seconds in LONG_STEPS:
        step(seconds)
        create(server, f"b{seconds}")
        status, found = server.request("GET", f"{PATH}?resourceVersion={first}&resourceVersionMatch=Exact")
        assert status == 200 and "b" not in {o["metadata"]["name"][0] for o in found["items"]}
        _, _, data = server.raw("GET", f"{PATH}?watch=1&resourceVersion={first}&timeoutSeconds=1")
        events = [json.loads(line) for line in data.splitlines()]
        assert events and all(e["type"] == "ADDED" for e in events)


def test_a_watch_ends_by_its_own_time(stepping: Any) -> None:
    server, step = stepping
    with server.wire() as wire:
        wire.send(request("GET", f"{PATH}?watch=1&labelSelector=run%3Dfaults&timeoutSeconds=2"))
        step(DAY)
        create(server, "later")
        step(-DAY)
        create(server, "earlier")
        answer = wire.read()
    names = [json.loads(line)["object"]["metadata"]["name"] for line in answer.body.splitlines()]
    assert names == ["later", "earlier"]


def token(server: Served, seconds: int = 600) -> str:
    asked = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": {"expirationSeconds": seconds}}
    status, made = server.request("POST", f"{ACCOUNTS}/robot/token", asked)
    assert status == 201, made
    return str(made["status"]["token"])


def known(server: Served, text: str) -> bool:
    """Whether a TokenReview knows a token."""
    asked = {"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "spec": {"token": text}}
    status, found = server.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", asked)
    assert status == 201, found
    return bool(found["status"].get("authenticated"))


def test_tokens_end_by_the_clock(stepping: Any) -> None:
    server, step = stepping
    assert server.request("POST", ACCOUNTS, {"metadata": {"name": "robot"}})[0] == 201
    first = token(server)
    assert known(server, first)
    step(2 * HOUR)
    assert not known(server, first), "it has expired"
    late = token(server)
    assert known(server, late)
    step(0)
    assert known(server, first), "the clock was wrong: it has not expired after all"
    assert not known(server, late), "it is not valid yet"
    step(-2 * HOUR)
    assert not known(server, first)
    assert known(server, token(server))
    assert server.alive() and not server.traces()


def test_leases_and_graces_follow_the_clock(stepping: Any) -> None:
    server, step = stepping
    leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    renewed = "2020-01-01T00:00:00.000000Z"
    step(-HOUR)
    made = server.request(
        "POST", leases, {"metadata": {"name": "l"}, "spec": {"holderIdentity": "a", "renewTime": renewed}}
    )[1]
    assert made["spec"]["renewTime"] == renewed
    step(HOUR)
    asked = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "spec": {"holderIdentity": "b"}}
    assert server.request("PATCH", f"{leases}/l", asked, {"Content-Type": "application/merge-patch+json"})[0] == 200
    assert server.request("POST", ACCOUNTS, {"metadata": {"name": "default"}})[0] == 201
    pod = {"metadata": {"name": "p"}, "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i"}]}}
    assert server.request("POST", "/api/v1/namespaces/default/pods", pod)[0] == 201
    step(-DAY)
    gone = server.request("DELETE", "/api/v1/namespaces/default/pods/p?gracePeriodSeconds=30")[1]
    assert abs(offset(gone, "deletionTimestamp") + DAY - 30) < 600
    step(DAY)
    again = server.request("DELETE", "/api/v1/namespaces/default/pods/p?gracePeriodSeconds=0")
    assert again[0] == 200
    assert server.request("GET", "/api/v1/namespaces/default/pods/p")[0] == 404


def test_a_server_that_starts_before_its_own_objects(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0")
    with served(tmp_path, None, "--clock", str(clock)) as server:
        newest = int(create(server, "a")["metadata"]["resourceVersion"])
    clock.write_text(str(-365 * DAY))
    with served(tmp_path, None, "--clock", str(clock)) as server:
        assert int(create(server, "b")["metadata"]["resourceVersion"]) > newest
        table = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
        status, _, data = server.raw("GET", PATH, headers=table)
        assert status == 200 and len(json.loads(data)["rows"]) >= 2, "ages of objects of the future can be told"

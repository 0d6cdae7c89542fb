"""Requests made wrong by chance, at every resource and verb: never an internal error that Kubernetes would not give, never a trace, and the server goes on.

A run is repeated with KK_SEED; what it prints with a fault is enough to ask for one request: `traffic.sent(seed, number)`.
"""

import os
import random
import time

import pytest

from tests.faults import judge, traffic
from tests.faults.conftest import Served
from tests.faults.wire import Wire, request

COUNT, SOAK = 3_000, 100_000
PATH = "/api/v1/namespaces/default/configmaps"


def hammer(api: Served, seed: int, count: int) -> list[str]:
    """Send a run's requests over one connection after the other; what was wrong with the answers."""
    faults: list[str] = []
    wire: Wire | None = None
    for number in range(count):
        sent = traffic.sent(seed, number)
        wire = wire or api.wire()
        wire.send(request(sent.method, sent.path, sent.body, sent.headers))
        answer = wire.read(sent.method, body=not sent.stream)
        if sent.stream or not answer.status or answer.headers.get("connection") == "close":
            wire.close()
            wire = None
        fault = judge.fault(sent, answer)
        if fault:
            shown = f"{sent.method} {sent.path[:300]} {sent.headers} {(sent.body or b'')[:600]!r}"
            faults.append(f"seed {seed}, request {number}: {fault}: {shown} -> {answer.body[:600]!r}")
    if wire is not None:
        wire.close()
    return faults


def check(api: Served, seed: int, count: int) -> None:
    print(f"seed {seed}, {count} requests")
    faults = hammer(api, seed, count)
    assert not faults, "\n".join(faults[:20])
    assert not api.traces()
    assert api.alive()
    status, made = api.request("POST", PATH, {"metadata": {"generateName": "after-"}, "data": {"a": "b"}})
    assert status == 201, made
    name = made["metadata"]["name"]
    assert (
        api.request("PATCH", f"{PATH}/{name}", {"data": {"a": "c"}}, {"Content-Type": "application/merge-patch+json"})[
            0
        ]
        == 200
    )
    assert api.request("GET", f"{PATH}/{name}")[1]["data"] == {"a": "c"}
    assert api.request("DELETE", f"{PATH}/{name}")[0] == 200


def test_no_request_breaks_the_server(api: Served) -> None:
    check(api, int(os.environ.get("KK_SEED", "20260101")), COUNT)


@pytest.mark.soak
def test_no_request_of_very_many_breaks_the_server(api: Served) -> None:
    check(api, int(os.environ.get("KK_SEED") or random.Random(time.time()).randrange(2**31)), SOAK)


def test_a_run_is_the_same_each_time() -> None:
    assert [traffic.sent(7, n) for n in range(300)] == [traffic.sent(7, n) for n in range(300)]


def test_copies_cannot_fill_the_memory(api: Served) -> None:
    api.request("POST", PATH, {"metadata": {"name": "bomb"}})
    ops = [{"op": "add", "path": "/metadata/annotations", "value": {"a": "x" * 1000}}]
    ops += [{"op": "copy", "from": "/metadata/annotations", "path": f"/metadata/annotations/c{n}"} for n in range(200)]
    status, answer = api.request("PATCH", f"{PATH}/bomb", ops, {"Content-Type": "application/json-patch+json"})
    assert (status, answer["reason"]) == (422, "Invalid")


@pytest.mark.parametrize("depth", [100, 400, 490, 510, 900, 1500, 9000])
def test_what_is_stored_can_be_read(api: Served, depth: int) -> None:
    path = "/apis/apps/v1/namespaces/default/controllerrevisions"
    body = b'{"metadata":{"name":"d%d"},"revision":1,"data":%b1%b}' % (depth, b'{"a":' * depth, b"}" * depth)
    status = api.raw("POST", path, body)[0]
    assert status == (201 if depth < 500 else 400)
    for accept in ("application/json", "application/yaml"):
        assert api.raw("GET", f"{path}/d{depth}", headers={"Accept": accept})[0] == (200 if status == 201 else 404)

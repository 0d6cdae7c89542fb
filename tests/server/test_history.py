"""Watches that resume: across a restart from the log, and not from what is compacted."""

import json
from pathlib import Path

from tests.servers import APIServer

_PATH = "/api/v1/namespaces/default/configmaps"


def _watch(api: APIServer, version: str) -> list[dict]:
    _, _, data = api.raw("GET", f"{_PATH}?watch=1&timeoutSeconds=1&resourceVersion={version}")
    return [json.loads(line) for line in data.splitlines()]


def test_a_watch_resumes_across_a_restart(tmp_path: Path) -> None:
    api = APIServer(tmp_path / "data")
    with api:
        _, first = api.request("POST", _PATH, {"metadata": {"name": "a"}})
        api.request("POST", _PATH, {"metadata": {"name": "b"}})
        api.request("DELETE", f"{_PATH}/a")
    with api:
        api.request("POST", _PATH, {"metadata": {"name": "c"}})
        events = _watch(api, first["metadata"]["resourceVersion"])
    told = [(e["type"], e["object"]["metadata"]["name"]) for e in events]
    assert told == [("ADDED", "b"), ("DELETED", "a"), ("ADDED", "c")]


def test_what_is_compacted_is_expired(tmp_path: Path) -> None:
    with APIServer(tmp_path / "data", 0, "--history", "0.1") as api:
        _, first = api.request("POST", _PATH, {"metadata": {"name": "a"}})
        version = first["metadata"]["resourceVersion"]
        for number in range(50):
            for part in range(20):  # compaction takes its steps between commits, and only where they are worth it
                api.request("POST", _PATH, {"metadata": {"name": f"n{number}-{part}"}})
            events = _watch(api, version)
            if events and events[0]["type"] == "ERROR":
                break
        assert (events[0]["type"], events[0]["object"]["code"]) == ("ERROR", 410)
        status, refused = api.request("GET", f"{_PATH}?resourceVersion={version}&resourceVersionMatch=Exact")
        assert (status, refused["reason"]) == (410, "Expired")

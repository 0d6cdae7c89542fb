"""Lists, chunks, selectors, tables, negotiation and watches over HTTP."""

import json
import threading

from tests.server.conftest import Space, config_map
from tests.servers import APIServer

_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def _names(found: dict) -> list[str]:
    return [o["metadata"]["name"] for o in found["items"]]


def test_chunks_show_one_snapshot(ns: Space) -> None:
    for name in "abcde":
        ns("POST", "configmaps", config_map(name))
    _, first = ns("GET", "configmaps?limit=2")
    assert (_names(first), first["metadata"]["remainingItemCount"]) == (["a", "b"], 3)
    ns("POST", "configmaps", config_map("ba"))
    ns("DELETE", "configmaps/d")
    _, second = ns("GET", f"configmaps?limit=2&continue={first['metadata']['continue']}")
    _, third = ns("GET", f"configmaps?limit=2&continue={second['metadata']['continue']}")
    assert _names(second) + _names(third) == ["c", "d", "e"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert "continue" not in third["metadata"]


def test_a_list_at_a_version(ns: Space) -> None:
    ns("POST", "configmaps", config_map("a"))
    _, then = ns("GET", "configmaps")
    ns("POST", "configmaps", config_map("b"))
    version = then["metadata"]["resourceVersion"]
    _, exact = ns("GET", f"configmaps?resourceVersion={version}&resourceVersionMatch=Exact")
    _, newer = ns("GET", f"configmaps?resourceVersion={version}")
    assert (_names(exact), _names(newer)) == (["a"], ["a", "b"])


def test_selectors(ns: Space) -> None:
    for name, label in (("a", "1"), ("b", "2")):
        ns("POST", "configmaps", config_map(name, labels={"x": label}))
    assert _names(ns("GET", "configmaps?labelSelector=x%20in%20(2,3)")[1]) == ["b"]
    assert _names(ns("GET", "configmaps?fieldSelector=metadata.name%21%3Da")[1]) == ["b"]
    assert ns("GET", "configmaps?fieldSelector=data.k%3Dv")[0] == 400


def test_tables_and_metadata(ns: Space) -> None:
    ns("POST", "configmaps", config_map("a"))
    _, table = ns("GET", "configmaps", Accept=_TABLE)
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert table["rows"][0]["cells"][:2] == ["a", 1]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    _, partial = ns("GET", "configmaps/a", Accept="application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")
    assert set(partial) == {"kind", "apiVersion", "metadata"}


def test_yaml_and_what_is_not_acceptable(ns: Space) -> None:
    ns("POST", "configmaps", config_map("a"))
    status, headers, data = ns.api.raw("GET", ns.where("configmaps/a"), headers={"Accept": "application/yaml"})
    assert (status, headers["content-type"]) == (200, "application/yaml")
    assert b"kind: ConfigMap" in data
    assert ns("GET", "configmaps/a", Accept="text/plain")[0] == 406
    unknown_first = "application/cbor,application/json"
    assert ns("GET", "configmaps/a", Accept=unknown_first)[0] == 200


def test_a_watch_begins_with_what_is_there_and_goes_on(ns: Space) -> None:
    ns("POST", "configmaps", config_map("a"))
    connection = ns.api.connect()
    connection.request("GET", ns.where("configmaps?watch=1"))
    response = connection.getresponse()
    events = [json.loads(response.readline())]
    ns.patch("configmaps/a", {"data": {"k": "w"}})
    ns("DELETE", "configmaps/a")
    events += [json.loads(response.readline()) for _ in range(2)]
    connection.close()
    assert [e["type"] for e in events] == ["ADDED", "MODIFIED", "DELETED"]
    versions = [int(e["object"]["metadata"]["resourceVersion"]) for e in events]
    assert versions == sorted(set(versions))


def test_a_watch_resumes_from_a_version_and_follows_a_selector(ns: Space) -> None:
    _, obj = ns("POST", "configmaps", config_map("a"))
    for label in ("1", "2"):
        ns.patch("configmaps/a", {"metadata": {"labels": {"x": label}}})
    version = obj["metadata"]["resourceVersion"]
    path = f"configmaps?watch=1&timeoutSeconds=1&resourceVersion={version}"
    assert [e["type"] for e in ns.watch(path)] == ["MODIFIED", "MODIFIED"]
    events = ns.watch(f"{path}&labelSelector=x%3D1")
    assert [e["type"] for e in events] == ["ADDED", "DELETED"]
    assert events[1]["object"]["metadata"]["labels"] == {"x": "1"}


def test_initial_events_end_with_a_bookmark(ns: Space) -> None:
    ns("POST", "configmaps", config_map("a"))
    query = "watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    events = ns.watch(f"configmaps?{query}")
    assert [e["type"] for e in events] == ["ADDED", "BOOKMARK"]
    assert events[1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_many_watchers_see_every_event(ns: Space) -> None:
    seen: list[list[str]] = []

    def follow() -> None:
        connection = ns.api.connect()
        connection.request("GET", ns.where("configmaps?watch=1"))
        response = connection.getresponse()
        started.release()
        names = [json.loads(response.readline())["object"]["metadata"]["name"] for _ in range(20)]
        connection.close()
        seen.append(names)

    started = threading.Semaphore(0)
    threads = [threading.Thread(target=follow) for _ in range(10)]
    for thread in threads:
        thread.start()
    for _ in threads:
        started.acquire()
    for number in range(20):
        ns("POST", "configmaps", config_map(f"n{number:02}"))
    for thread in threads:
        thread.join()
    assert seen == [[f"n{number:02}" for number in range(20)]] * 10


def test_paths_that_are_not_served(api: APIServer) -> None:
    for path in ("/api/v1/nones", "/apis/apps/v1/namespaces/default/deployments/d/nope", "/api/v1/pods/p"):
        assert api.request("GET", path)[0] == 404
    assert api.request("DELETE", "/api/v1/pods")[0] == 405
    assert api.raw("GET", "/apis/nope/v1/x")[2] == b"404 page not found\n"


def test_a_watch_of_tables_tells_the_columns_once(ns: Space) -> None:
    _, obj = ns("POST", "configmaps", config_map("a"))
    ns("POST", "configmaps", config_map("b"))
    ns("POST", "configmaps", config_map("c"))
    version = obj["metadata"]["resourceVersion"]
    path = ns.where(f"configmaps?watch=1&timeoutSeconds=1&resourceVersion={version}")
    _, _, data = ns.api.raw("GET", path, headers={"Accept": _TABLE})
    tables = [json.loads(line)["object"] for line in data.splitlines()]
    assert [bool(t["columnDefinitions"]) for t in tables] == [True, False]
    assert [t["rows"][0]["cells"][0] for t in tables] == ["b", "c"]


def test_a_watch_of_large_objects_resumes_from_the_log(ns: Space) -> None:
    _, obj = ns("POST", "configmaps", config_map("first"))
    for number in range(25):
        status, _ = ns("POST", "configmaps", config_map(f"n{number:02}", {"k": "x" * 900_000}))
        assert status == 201
    version = obj["metadata"]["resourceVersion"]
    events = ns.watch(f"configmaps?watch=1&timeoutSeconds=2&resourceVersion={version}")
    assert [e["object"]["metadata"]["name"] for e in events] == [f"n{number:02}" for number in range(25)]

"""Watches over WebSocket, by raw clients: kk's own and the one of the package websocket-client."""

import json
from typing import Any

import pytest
import websocket

from kk.base.errors import StatusError
from kk.client import kubeconfig
from kk.client.http import Client
from kk.client.websocket import WebSocket, connect
from kk.server import protobuf
from tests.servers import APIServer

Events = list[tuple[str, str]]


@pytest.fixture
def client(api: APIServer) -> Client:
    """kk's client as the admin."""
    return Client(kubeconfig.load(str(api.kubeconfig)).resolve(), timeout=30)


@pytest.fixture
def where(api: APIServer, namespace: str) -> str:
    """A path of ConfigMaps with two in it."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    for name in "ab":
        assert api.request("POST", path, {"metadata": {"name": name, "labels": {"is": name}}})[0] == 201
    return path


def event(stream: WebSocket) -> dict[str, Any]:
    """The next event."""
    data = stream.recv()
    assert data is not None and data.endswith(b"\n") and data.count(b"\n") == 1
    return json.loads(data)


def told(stream: WebSocket, count: int) -> Events:
    """(type, name) of the next events."""
    found = [event(stream) for _ in range(count)]
    return [(e["type"], e["object"]["metadata"]["name"]) for e in found]


def test_events_are_text_messages_in_order(api: APIServer, client: Client, where: str) -> None:
    with connect(client, where, {"watch": "1"}, timeout=30) as stream:
        assert stream.subprotocol == ""
        assert told(stream, 2) == [("ADDED", "a"), ("ADDED", "b")]
        api.request("PATCH", f"{where}/a", {"data": {"k": "v"}}, {"Content-Type": "application/merge-patch+json"})
        api.request("DELETE", f"{where}/b")
        assert told(stream, 2) == [("MODIFIED", "a"), ("DELETED", "b")]


def test_the_old_paths_watch_too(api: APIServer, client: Client, where: str) -> None:
    namespace = where.split("/")[4]
    with connect(client, f"/api/v1/watch/namespaces/{namespace}/configmaps", timeout=30) as stream:
        assert told(stream, 2) == [("ADDED", "a"), ("ADDED", "b")]
    with connect(client, f"/api/v1/watch/namespaces/{namespace}/configmaps/b", timeout=30) as stream:
        assert told(stream, 1) == [("ADDED", "b")]


def test_parameters_are_those_of_any_watch(api: APIServer, client: Client, where: str) -> None:
    version = api.request("GET", where)[1]["metadata"]["resourceVersion"]
    query = {"watch": "true", "labelSelector": "is=a", "resourceVersion": version}
    with connect(client, where, query, timeout=30) as stream:
        kind = {"Content-Type": "application/merge-patch+json"}
        for name in "ba":
            api.request("PATCH", f"{where}/{name}", {"metadata": {"labels": {"is": "c"}}}, kind)
        assert told(stream, 1) == [("DELETED", "a")]
    query = {"watch": "1", "sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
    with connect(client, where, {**query, "allowWatchBookmarks": "true"}, timeout=30) as stream:
        assert told(stream, 2) == [("ADDED", "a"), ("ADDED", "b")]
        last = event(stream)
        assert last["type"] == "BOOKMARK" and "k8s.io/initial-events-end" in last["object"]["metadata"]["annotations"]


def test_it_ends_with_a_farewell_when_its_time_is_over(client: Client, where: str) -> None:
    with connect(client, where, {"watch": "1", "timeoutSeconds": "1"}, timeout=30) as stream:
        told(stream, 2)
        assert stream.recv() is None
        assert stream.close_code == 1000


def test_refusals_are_ordinary_answers(client: Client, where: str) -> None:
    with pytest.raises(StatusError) as refused:
        connect(client, where, {"watch": "1", "resourceVersion": "x"}, timeout=30)
    assert refused.value.code == 400
    with pytest.raises(StatusError) as refused:
        connect(client, f"{where}/nope", timeout=30)
    assert refused.value.code == 404
    with pytest.raises(StatusError) as refused:
        connect(client, where, {"watch": "1"}, subprotocols=["one", "two"], timeout=30)
    assert refused.value.code == 400


def test_a_list_is_an_ordinary_answer_however_large(api: APIServer, client: Client, where: str) -> None:
    for number in range(3):
        assert api.request("POST", where, {"metadata": {"name": f"l{number}"}, "data": {"k": "v" * 100_000}})[0] == 201
    with pytest.raises(StatusError) as refused:
        connect(client, where, timeout=30)
    assert refused.value.code == 200
    assert "Traceback" not in api.log.read_text()


def test_one_subprotocol_is_echoed(client: Client, where: str) -> None:
    with connect(client, where, {"watch": "1"}, subprotocols=["base64.binary.k8s.io"], timeout=30) as stream:
        assert stream.subprotocol == "base64.binary.k8s.io"
        assert told(stream, 1) == [("ADDED", "a")]


def test_protobuf_comes_in_binary_messages(api: APIServer, where: str) -> None:
    stream = websocket.create_connection(
        f"wss://127.0.0.1:{api.port}{where}?watch=1",
        header={"Accept": protobuf.MEDIA},
        sslopt={"context": api.tls},
        timeout=30,
    )
    try:
        code, data = stream.recv_data()
        assert code == websocket.ABNF.OPCODE_BINARY
        fields = dict(protobuf.fields(data))
        obj = protobuf.decode(dict(protobuf.fields(fields[2]))[1], ("", ""))
        assert (fields[1], obj["metadata"]["name"]) == (b"ADDED", "a")
    finally:
        stream.close()


def test_tables_and_metadata_alone(api: APIServer, where: str) -> None:
    accept = "application/json;as=Table;g=meta.k8s.io;v=v1"
    stream = websocket.create_connection(
        f"wss://127.0.0.1:{api.port}{where}?watch=1", header={"Accept": accept}, sslopt={"context": api.tls}, timeout=30
    )
    try:
        first = json.loads(stream.recv())
        assert first["object"]["kind"] == "Table" and first["object"]["rows"][0]["cells"][0] == "a"
    finally:
        stream.close()


def test_a_client_that_leaves_leaves_nothing_behind(api: APIServer, client: Client, where: str) -> None:
    for _ in range(5):
        with connect(client, where, {"watch": "1"}, timeout=30) as stream:
            told(stream, 1)
    api.request("DELETE", f"{where}/a")
    with connect(client, where, {"watch": "1"}, timeout=30) as stream:
        assert told(stream, 1) == [("ADDED", "b")]
    assert "Traceback" not in api.log.read_text()

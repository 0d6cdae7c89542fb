"""Answers in protobuf over HTTP: objects, lists, watches, Statuses, metadata alone, and what is negotiated instead."""

import struct
from typing import Any

import pytest

from kk.server import protobuf, protobuf_write
from tests.servers import APIServer

MEDIA = protobuf.MEDIA
PARTIAL = f"{MEDIA};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
PARTIALS = f"{MEDIA};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
TABLE = "as=Table;g=meta.k8s.io;v=v1"


def ask(
    api: APIServer, path: str, accept: str = MEDIA, method: str = "GET", body: Any = None
) -> tuple[int, str, bytes]:
    """(status, content type, body)."""
    status, headers, data = api.raw(method, path, body, {"Accept": accept})
    return status, headers["content-type"], data


@pytest.fixture
def where(api: APIServer, namespace: str) -> str:
    """A path of ConfigMaps with one in it."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    body = {"metadata": {"name": "a", "labels": {"x": "y"}}, "data": {"k": "v"}, "binaryData": {"b": "AAE="}}
    assert api.request("POST", path, body)[0] == 201
    return path


def test_objects_and_writes_are_what_json_says(api: APIServer, where: str) -> None:
    _, wanted = api.request("GET", f"{where}/a")
    status, media, data = ask(api, f"{where}/a")
    assert (status, media) == (200, MEDIA)
    assert protobuf.decode(data, ("", "")) == wanted
    assert ask(api, f"{where}/a")[2] == data, "what is kept is the same"
    made = protobuf_write.encode({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "b"}})
    status, headers, data = api.raw("POST", where, made, {"Accept": MEDIA, "Content-Type": MEDIA})
    assert (status, headers["content-type"]) == (201, MEDIA)
    assert protobuf.decode(data, ("", ""))["metadata"]["name"] == "b"
    api.request("PUT", f"{where}/a", {**wanted, "data": {"k": "2"}})
    assert protobuf.decode(ask(api, f"{where}/a")[2], ("", ""))["data"] == {"k": "2"}


def test_lists_in_chunks(api: APIServer, where: str) -> None:
    for name in "bc":
        api.request("POST", where, {"metadata": {"name": name}})
    _, wanted = api.request("GET", where)
    listed = protobuf.decode(ask(api, where)[2], ("", ""))
    for item in wanted["items"]:
        item.pop("kind", None), item.pop("apiVersion", None)
    assert listed["items"] == wanted["items"] and listed["kind"] == "ConfigMapList"
    first = protobuf.decode(ask(api, f"{where}?limit=2")[2], ("", ""))
    assert first["metadata"]["remainingItemCount"] == 1 and len(first["items"]) == 2
    rest = protobuf.decode(ask(api, f"{where}?limit=2&continue={first['metadata']['continue']}")[2], ("", ""))
    assert [i["metadata"]["name"] for i in rest["items"]] == ["c"]


def test_faults_are_statuses_in_protobuf(api: APIServer, where: str) -> None:
    status, media, data = ask(api, f"{where}/nope")
    assert (status, media) == (404, MEDIA)
    told = protobuf.decode(data, ("", ""))
    assert (told["kind"], told["reason"], told["code"], told["details"]["name"]) == ("Status", "NotFound", 404, "nope")
    status, media, data = ask(api, f"{where}/a", method="DELETE")
    assert (status, media, protobuf.decode(data, ("", ""))["status"]) == (200, MEDIA, "Success")


def test_metadata_alone(api: APIServer, where: str) -> None:
    found = protobuf.decode(ask(api, f"{where}/a", PARTIAL)[2], ("", ""))
    assert (found["kind"], found["apiVersion"]) == ("PartialObjectMetadata", "meta.k8s.io/v1")
    assert found["metadata"]["labels"] == {"x": "y"} and "data" not in found
    found = protobuf.decode(ask(api, where, PARTIALS)[2], ("", ""))
    assert found["kind"] == "PartialObjectMetadataList" and found["items"][0]["metadata"]["name"] == "a"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (f"{MEDIA},application/json", MEDIA),
        (f"application/json,{MEDIA}", "application/json"),
        (f"{MEDIA};q=0.5,application/json;q=0.9", "application/json"),
        (f"application/json;q=0.1,{MEDIA}", MEDIA),
        (f"*/*,{MEDIA}", MEDIA),
        (f"*/*;q=0.2,{MEDIA};q=0.1", "application/json"),
        ("application/cbor,application/yaml", "application/yaml"),
        (f"{MEDIA};{TABLE},application/json;{TABLE},application/json", "application/json"),
        ("application/vnd.unknown,*/*;q=0.1", "application/json"),
    ],
)
def test_the_best_clause_that_can_be_met_decides(api: APIServer, where: str, accept: str, media: str) -> None:
    assert ask(api, f"{where}/a", accept)[:2] == (200, media)


@pytest.mark.parametrize(
    "accept", ["application/cbor", "application/vnd.kubernetes.cbor", "text/html", f"{MEDIA};{TABLE}"]
)
def test_what_no_clause_can_meet_is_406(api: APIServer, where: str, accept: str) -> None:
    status, _, data = ask(api, f"{where}/a", accept)
    assert status == 406, data


def test_cbor_bodies_are_415(api: APIServer, where: str) -> None:
    assert api.raw("POST", where, b"\xa0", {"Content-Type": "application/cbor"})[0] == 415


def frames(data: bytes) -> list[tuple[str, dict[str, Any]]]:
    """(type, object) of the events of a stream."""
    found, at = [], 0
    while at < len(data):
        size = struct.unpack_from(">I", data, at)[0]
        fields = dict(protobuf.fields(data[at + 4 : at + 4 + size]))
        raw = dict(protobuf.fields(fields[2]))[1]
        found.append((fields[1].decode(), protobuf.decode(raw, ("", ""))))
        at += 4 + size
    return found


def test_watches_are_frames_with_their_length(api: APIServer, where: str) -> None:
    _, listed = api.request("GET", where)
    query = f"watch=1&timeoutSeconds=1&resourceVersion={listed['metadata']['resourceVersion']}"
    api.request("PATCH", f"{where}/a", {"data": {"k": "2"}}, {"Content-Type": "application/merge-patch+json"})
    api.request("DELETE", f"{where}/a")
    status, media, data = ask(api, f"{where}?{query}", f"{MEDIA};stream=watch")
    assert (status, media) == (200, f"{MEDIA};stream=watch")
    assert [(what, o["kind"], o["data"]) for what, o in frames(data)] == [
        ("MODIFIED", "ConfigMap", {"k": "2"}),
        ("DELETED", "ConfigMap", {"k": "2"}),
    ]
    query = "watch=1&timeoutSeconds=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"
    (what, obj), *_ = frames(ask(api, f"{where}?{query}")[2])
    assert what == "BOOKMARK" and obj["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_a_stream_in_yaml_is_406(api: APIServer, where: str) -> None:
    status, _, data = ask(api, f"{where}?watch=1&timeoutSeconds=1", "application/yaml")
    assert status == 406 and b"application/json;stream=watch" in data


def test_discovery_and_reviews(api: APIServer) -> None:
    found = protobuf.decode(ask(api, "/apis/apps/v1")[2], ("", ""))
    assert found["kind"] == "APIResourceList" and any(r["name"] == "deployments" for r in found["resources"])
    body = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    status, media, data = ask(api, path, method="POST", body=body)
    assert (status, media, protobuf.decode(data, ("", ""))["status"]["allowed"]) == (201, MEDIA, True)


def test_custom_resources_have_no_protobuf_but_their_metadata_has(api: APIServer) -> None:
    names = {"plural": "protos", "singular": "proto", "kind": "Proto"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    spec = {"group": "example.test", "scope": "Cluster", "names": names, "versions": [version]}
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    made = protobuf_write.encode(
        {
            "kind": "CustomResourceDefinition",
            "apiVersion": "apiextensions.k8s.io/v1",
            "metadata": {"name": "protos.example.test"},
            "spec": spec,
        }
    )
    assert api.raw("POST", definitions, made, {"Content-Type": MEDIA})[0] == 201
    _, _, seen = api.raw(
        "GET", f"{definitions}?watch=1&timeoutSeconds=3&fieldSelector=metadata.name%3Dprotos.example.test"
    )
    assert b'"Established","status":"True"' in seen.replace(b'"type":', b"")
    path = "/apis/example.test/v1/protos"
    body = {"apiVersion": "example.test/v1", "kind": "Proto", "metadata": {"name": "p"}, "spec": {"a": 1}}
    assert api.request("POST", path, body)[0] == 201
    assert ask(api, f"{path}/p", MEDIA)[0] == 406
    assert ask(api, f"{path}/p", f"{MEDIA},application/json")[:2] == (200, "application/json")
    status, media, data = ask(api, f"{path}/p", PARTIAL)
    assert (status, media, protobuf.decode(data, ("", ""))["metadata"]["name"]) == (200, MEDIA, "p")
    found = protobuf.decode(ask(api, f"{definitions}/protos.example.test")[2], ("", ""))
    assert found["spec"]["versions"][0]["schema"] == schema

"""What the server tells of itself: discovery, OpenAPI, version, health, metrics."""

import json
import subprocess

import pytest

from kk.server.openapi import documents, protobuf
from tests import kubectl

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


def test_both_forms_of_discovery_tell_the_same(api):
    for root in ("/api", "/apis"):
        _, found = api.request("GET", root, headers={"Accept": AGGREGATED})
        assert found["kind"] == "APIGroupDiscoveryList"
        for group in found["items"]:
            for version in group["versions"]:
                name = group["metadata"].get("name")
                _, plain = api.request("GET", f"/apis/{name}/{version['version']}" if name else "/api/v1")
                listed = {r["name"]: r["kind"] for r in plain["resources"]}
                told = {r["resource"]: r["responseKind"]["kind"] for r in version["resources"]}
                for r in version["resources"]:
                    subs = r.get("subresources", ())
                    told |= {f"{r['resource']}/{s['subresource']}": s["responseKind"]["kind"] for s in subs}
                assert listed == told


def test_an_unchanged_aggregated_document_is_not_sent_again(api):
    _, headers, _ = api.raw("GET", "/apis", headers={"Accept": AGGREGATED})
    status, _, body = api.raw("GET", "/apis", headers={"Accept": AGGREGATED, "If-None-Match": headers["etag"]})
    assert (status, body) == (304, b"")


def test_every_openapi_document_of_the_index_is_whole(api):
    _, index = api.request("GET", "/openapi/v3")
    for path, entry in index["paths"].items():
        status, headers, body = api.raw("GET", entry["serverRelativeURL"])
        assert status == 200, path
        assert "immutable" in headers["cache-control"]
        document = json.loads(body)
        known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
        assert set(references(document)) <= known, path


def references(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref" and isinstance(inner, str):
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_a_document_says_what_clients_ask_of_it(api):
    _, document = api.request("GET", "/openapi/v3/apis/apps/v1")
    deployment = document["components"]["schemas"]["io.k8s.api.apps.v1.Deployment"]
    kind = {"group": "apps", "kind": "Deployment", "version": "v1"}
    assert deployment["x-kubernetes-group-version-kind"] == [kind]
    assert deployment["properties"]["spec"]["description"]
    containers = document["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert containers["x-kubernetes-list-map-keys"] == ["name"]
    patch = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == kind
    assert {"fieldValidation", "dryRun"} <= {p["name"] for p in patch["parameters"]}


def test_an_old_address_of_a_document_leads_to_the_new_one(api):
    status, headers, _ = api.raw("GET", "/openapi/v3/apis/apps/v1?hash=OLD")
    assert status == 301
    assert api.raw("GET", headers["location"])[0] == 200


def test_the_protobuf_form_has_every_definition():
    from kk.kinds.registry import registry

    document = documents.v2("v1", [r for r in registry().resources.values() if r.group == "policy"])
    encoded = protobuf.document(document)
    for name in document["definitions"]:
        assert name.encode() in encoded


@pytest.mark.skipif(kubectl.path() is None, reason="no kubectl to compare with")
@pytest.mark.parametrize(
    "what", ["pods.spec.containers.env", "deployments.spec.strategy", "hpa", "cronjobs --recursive"]
)
def test_kubectl_explains(api, what):
    command = [kubectl.path(), "explain", *what.split(), "--kubeconfig", str(api.kubeconfig)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
    assert "DESCRIPTION:" in found.stdout


def test_health_tells_its_checks(api):
    status, _, body = api.raw("GET", "/readyz?verbose")
    assert status == 200
    assert b"[+]etcd-readiness ok\n" in body
    assert body.endswith(b"readyz check passed\n")
    assert api.raw("GET", "/livez/ping")[2] == b"ok"
    assert api.raw("GET", "/livez/nosuch")[0] == 404
    assert b"excluded: ok" in api.raw("GET", "/livez?verbose&exclude=etcd")[2]


def test_metrics_count_requests(api):
    api.request("GET", "/api/v1/namespaces/default")
    status, _, body = api.raw("GET", "/metrics")
    assert status == 200
    assert b'group="",resource="namespaces",scope="resource",subresource="",verb="GET",version="v1"}' in body
    assert b'apiserver_storage_objects{resource="namespaces"} ' in body
    assert b"process_resident_memory_bytes " in body


def test_the_version_is_a_kubernetes_version(api):
    _, found = api.request("GET", "/version")
    assert found["gitVersion"].startswith("v1.36.")
    assert (found["major"], found["minor"]) == ("1", "36")

"""kopf: a small operator with a definition, finalizers, status and children runs against the server, as operators do."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from kopf.testing import KopfRunner

from tests.servers import APIServer

GROUP, VERSION, PLURAL = "example.test", "v1", "boxes"
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"{PLURAL}.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": PLURAL, "singular": "box", "kind": "Box"},
        "versions": [
            {
                "name": VERSION,
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {"type": "object", "properties": {"size": {"type": "integer"}}},
                            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                        },
                    }
                },
            }
        ],
    },
}
OPERATOR = """
import os

import kopf, kubernetes

kubernetes.config.load_kube_config(os.environ["KUBECONFIG"])


@kopf.on.login()
def login(**kwargs):
    return kopf.login_with_kubeconfig(**kwargs)


@kopf.on.create("example.test", "v1", "boxes")
def create(spec, name, namespace, body, **_):
    child = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-of"}, "data": {"size": str(spec["size"])}}
    kopf.adopt(child)
    kubernetes.client.CoreV1Api().create_namespaced_config_map(namespace, child)
    return {"made": child["metadata"]["name"]}


@kopf.on.update("example.test", "v1", "boxes", field="spec.size")
def update(new, name, namespace, **_):
    kubernetes.client.CoreV1Api().patch_namespaced_config_map(f"{name}-of", namespace, {"data": {"size": str(new)}})
    return {"size": new}


@kopf.on.delete("example.test", "v1", "boxes")
def delete(name, namespace, **_):
    kubernetes.client.CoreV1Api().create_namespaced_config_map(namespace, {"metadata": {"name": f"{name}-gone"}})
"""


@pytest.fixture
def boxes(api: APIServer) -> Iterator[str]:
    """The definition, once it is served."""
    assert api.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CRD)[0] == 201
    yield f"/apis/{GROUP}/{VERSION}"


def until(api: APIServer, path: str, check: Any) -> dict[str, Any]:
    """The object once `check` holds, by watching it."""
    import json

    folder, _, name = path.rpartition("/")
    connection = api.connect(timeout=60)
    connection.request("GET", f"{folder}?watch=1&timeoutSeconds=60&fieldSelector=metadata.name%3D{name}")
    with connection.getresponse() as response:
        for line in response:
            event = json.loads(line)
            if check(event["type"], event["object"]):
                return event["object"]
    raise AssertionError(f"{path} never came to what is waited for")


@pytest.fixture
def own_path() -> Iterator[None]:
    """sys.path as it was, afterwards: kopf puts the operator's folder there."""
    before = list(sys.path)
    yield
    sys.path[:] = before


def test_an_operator_runs(
    api: APIServer, namespace: str, boxes: str, tmp_path: Any, own_path: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = tmp_path / "widgets_operator.py"
    operator.write_text(OPERATOR)
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig))
    where, maps = f"{boxes}/namespaces/{namespace}/{PLURAL}", f"/api/v1/namespaces/{namespace}/configmaps"
    with KopfRunner(["run", "-n", namespace, "--verbose", "--standalone", str(operator)], timeout=90) as runner:
        body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Box", "metadata": {"name": "b"}, "spec": {"size": 1}}
        assert api.request("POST", where, body)[0] == 201
        made = until(api, f"{where}/b", lambda _, obj: obj.get("status", {}).get("create"))
        assert made["status"]["create"] == {"made": "b-of"}
        assert made["metadata"]["finalizers"] == ["kopf.zalando.org/KopfFinalizerMarker"]
        _, child = api.request("GET", f"{maps}/b-of")
        assert child["metadata"]["ownerReferences"][0]["kind"] == "Box"
        api.request("PATCH", f"{where}/b", {"spec": {"size": 2}}, {"Content-Type": "application/merge-patch+json"})
        until(api, f"{maps}/b-of", lambda _, obj: obj["data"]["size"] == "2")
        assert api.request("DELETE", f"{where}/b")[0] == 200
        until(api, f"{maps}/b-gone", lambda what, _: what == "ADDED")
        assert api.request("GET", f"{where}/b")[0] in (200, 404)
    assert runner.exception is None and runner.exit_code == 0, runner.output

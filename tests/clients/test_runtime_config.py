"""--runtime-config: what is served, and four kinds in their old group, stored once and converted both ways."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kk.kinds import _extensions, types
from kk.kinds.registry import optional, registry
from kk.server import protobuf, protobuf_write
from kk.server.runtime_config import BadConfig, served
from tests import kubectl
from tests.clients.full import full
from tests.servers import APIServer

OLD, NEW = "/apis/extensions/v1beta1/namespaces/default", "/apis/apps/v1/namespaces/default"
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "busybox"}]}}
MERGE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[APIServer]:
    """A server with the old group."""
    data = tmp_path_factory.mktemp("old") / "data"
    with APIServer(data, 0, "--runtime-config", "extensions/v1beta1=true") as server:
        yield server


def create(api: APIServer, path: str, name: str, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Create an object."""
    status, obj = api.request("POST", path, {"metadata": {"name": name, **more}, "spec": spec})
    assert status == 201, obj
    return obj


def keys(*given: str) -> set[tuple[str, str, str]]:
    """What is served with these keys."""
    return set(served(registry().resources, optional().resources, given))


def test_keys_as_kube_apiserver_has_them() -> None:
    always = set(registry().resources)
    extra = set(optional().resources)
    assert keys() == always
    assert keys("extensions/v1beta1") == keys("extensions/v1beta1=true") == keys("api/beta=true") == always | extra
    assert keys("api/all=true") == always | extra
    assert keys("api/all=false", "/v1=true") == {k for k in always if k[0] == ""}
    assert keys("api/ga=false", "apps/v1=true") == {k for k in always if k[0] == "apps"}
    assert always - keys("apps/v1=false") == {k for k in always if k[0] == "apps"}
    assert always - keys("batch/v1/jobs=false") == {("batch", "v1", "jobs")}
    assert keys("extensions/v1beta1/ingresses=true") - always == {("extensions", "v1beta1", "ingresses")}
    assert ("apps", "v1", "deployments") in keys("apps/v1=false", "apps/v1/deployments=true")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("apps/v1=maybe", "invalid value of apps/v1: maybe"),
        ("nope/v1=true", "unknown api groups nope"),
        ("apps/v9=true", "group version apps/v9 that has not been registered"),
        ("apps=true", "invalid key"),
    ],
)
def test_what_says_nothing_is_refused(given: str, words: str) -> None:
    with pytest.raises(BadConfig, match=words):
        keys(given)


def test_a_server_does_not_start_with_a_key_that_says_nothing(tmp_path: Path) -> None:
    server = APIServer(tmp_path / "data", 0, "--runtime-config", "nope/v1=true")
    with pytest.raises(RuntimeError, match="unknown api groups nope"):
        server.start()


def test_versions_that_are_not_served_are_kept(tmp_path: Path) -> None:
    with APIServer(tmp_path / "data", 0, "--runtime-config", "extensions/v1beta1=true,apps/v1=false") as server:
        create(server, f"{OLD}/deployments", "web", {"template": TEMPLATE})
        assert server.request("GET", f"{OLD}/deployments/web")[0] == 200
        assert server.raw("GET", f"{NEW}/deployments")[0] == 404
        groups = {g["name"] for g in server.request("GET", "/apis")[1]["groups"]}
        assert "apps" not in groups and "extensions" in groups
    with APIServer(tmp_path / "data") as server:
        assert server.request("GET", f"{NEW}/deployments/web")[1]["spec"]["replicas"] == 1
        assert server.raw("GET", f"{OLD}/deployments/web")[0] == 404


def test_the_old_defaults_of_a_deployment(old: APIServer) -> None:
    made = create(old, f"{OLD}/deployments", "defaults", {"template": TEMPLATE})
    assert (made["apiVersion"], made["metadata"]["labels"]) == ("extensions/v1beta1", {"app": "web"})
    spec = made["spec"]
    assert spec["selector"] == {"matchLabels": {"app": "web"}}
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 1}
    assert spec["progressDeadlineSeconds"] == spec["revisionHistoryLimit"] == 2**31 - 1
    _, now = old.request("GET", f"{NEW}/deployments/defaults")
    assert now["apiVersion"] == "apps/v1" and now["spec"] == spec
    assert now["metadata"]["uid"] == made["metadata"]["uid"]


def test_rollback_to_is_kept_in_an_annotation(old: APIServer) -> None:
    spec = {"template": TEMPLATE, "rollbackTo": {"revision": 3}}
    made = create(old, f"{OLD}/deployments", "back", spec, annotations={"mine": "1"})
    assert made["spec"]["rollbackTo"] == {"revision": 3} and made["metadata"]["annotations"] == {"mine": "1"}
    _, now = old.request("GET", f"{NEW}/deployments/back")
    assert now["metadata"]["annotations"] == {"mine": "1", "deprecated.deployment.rollback.to": "3"}
    old.request("PATCH", f"{OLD}/deployments/back", {"spec": {"rollbackTo": None}}, MERGE)
    assert old.request("GET", f"{NEW}/deployments/back")[1]["metadata"]["annotations"] == {"mine": "1"}


def test_a_daemon_set(old: APIServer) -> None:
    made = create(old, f"{OLD}/daemonsets", "ds", {"template": TEMPLATE})
    assert made["spec"]["updateStrategy"] == {"type": "OnDelete"}
    assert made["spec"]["templateGeneration"] == 1
    assert "annotations" not in made["metadata"]
    _, now = old.request("GET", f"{NEW}/daemonsets/ds")
    assert now["metadata"]["annotations"] == {"deprecated.daemonset.template.generation": "1"}
    image = {"spec": {"template": {"metadata": {"labels": {"more": "yes"}}}}}
    assert old.request("PATCH", f"{NEW}/daemonsets/ds", image, MERGE)[0] == 200
    assert old.request("GET", f"{OLD}/daemonsets/ds")[1]["spec"]["templateGeneration"] == 2


def test_a_replica_set_and_its_scale(old: APIServer) -> None:
    create(old, f"{OLD}/replicasets", "rs", {"template": TEMPLATE})
    status, scale = old.request("PATCH", f"{OLD}/replicasets/rs/scale", {"spec": {"replicas": 3}}, MERGE)
    assert (status, scale["spec"]["replicas"], scale["status"]["selector"]) == (200, 3, "app=web")
    assert old.request("GET", f"{NEW}/replicasets/rs")[1]["spec"]["replicas"] == 3


def test_an_ingress_both_ways(old: APIServer) -> None:
    backends = [
        {"serviceName": "a", "servicePort": 80},
        {"serviceName": "b", "servicePort": "http"},
        {"resource": {"kind": "Bucket", "name": "r"}, "servicePort": 0},
    ]
    paths = [{"path": f"/{n}", "backend": b} for n, b in enumerate(backends)]
    paths[0]["pathType"] = "Prefix"
    spec = {"backend": backends[0], "ingressClassName": "x", "rules": [{"host": "h.test", "http": {"paths": paths}}]}
    made = create(old, f"{OLD}/ingresses", "in", spec)
    shown = made["spec"]["rules"][0]["http"]["paths"]
    assert [p["backend"] for p in shown] == backends and made["spec"]["backend"] == backends[0]
    assert [p["pathType"] for p in shown] == ["Prefix", "ImplementationSpecific", "ImplementationSpecific"]
    _, now = old.request("GET", "/apis/networking.k8s.io/v1/namespaces/default/ingresses/in")
    assert now["spec"]["defaultBackend"] == {"service": {"name": "a", "port": {"number": 80}}}
    kept = [p["backend"] for p in now["spec"]["rules"][0]["http"]["paths"]]
    assert kept[1:] == [
        {"service": {"name": "b", "port": {"name": "http"}}},
        {"resource": {"kind": "Bucket", "name": "r"}},
    ]
    status, again = old.request("PUT", f"{OLD}/ingresses/in", made)
    assert status == 200 and again["spec"] == made["spec"]
    assert old.request("GET", "/apis/networking.k8s.io/v1/namespaces/default/ingresses/in")[1]["spec"] == now["spec"]


def test_faults_name_fields_of_the_old_version(old: APIServer) -> None:
    body = {"metadata": {"name": "x"}, "spec": {"template": TEMPLATE, "nope": 1}}
    status, told = old.request("POST", f"{OLD}/deployments?fieldValidation=Strict", body)
    assert status == 400 and 'Deployment in version "v1beta1"' in told["message"] and "spec.nope" in told["message"]


def test_watches_and_lists_of_both_groups_see_the_same(old: APIServer) -> None:
    version = old.request("GET", f"{OLD}/deployments")[1]["metadata"]["resourceVersion"]
    create(old, f"{NEW}/deployments", "seen", {"template": TEMPLATE, "selector": {"matchLabels": {"app": "web"}}})
    for path, api_version in ((OLD, "extensions/v1beta1"), (NEW, "apps/v1")):
        _, _, data = old.raw("GET", f"{path}/deployments?watch=1&timeoutSeconds=1&resourceVersion={version}")
        found = [json.loads(line)["object"] for line in data.splitlines()]
        assert [(o["apiVersion"], o["metadata"]["name"]) for o in found] == [(api_version, "seen")]
        assert "seen" in {o["metadata"]["name"] for o in old.request("GET", f"{path}/deployments")[1]["items"]}


def test_discovery_openapi_and_warnings(old: APIServer) -> None:
    _, found = old.request("GET", "/apis/extensions/v1beta1")
    resources = {r["name"]: r for r in found["resources"]}
    assert set(resources) == {
        *("daemonsets", "daemonsets/status", "deployments", "deployments/scale", "deployments/status"),
        *("ingresses", "ingresses/status", "replicasets", "replicasets/scale", "replicasets/status"),
    }
    _, apps = old.request("GET", "/apis/apps/v1")
    hashes = {r["name"]: r.get("storageVersionHash") for r in apps["resources"]}
    assert resources["deployments"]["storageVersionHash"] == hashes["deployments"], "one stored form"
    _, index = old.request("GET", "/openapi/v3")
    _, document = old.request("GET", index["paths"]["apis/extensions/v1beta1"]["serverRelativeURL"])
    spec = document["components"]["schemas"]["io.k8s.api.extensions.v1beta1.DeploymentSpec"]
    assert {"rollbackTo", "template"} <= set(spec["properties"]) and spec["required"] == ["template"]
    _, headers, _ = old.raw("GET", f"{OLD}/deployments")
    assert headers["warning"] == (
        '299 - "extensions/v1beta1 Deployment is deprecated in v1.8+, unavailable in v1.16+; use apps/v1 Deployment"'
    )
    assert "warning" not in old.raw("GET", f"{NEW}/deployments")[1]


@pytest.mark.parametrize("kind", sorted(_extensions.KINDS))
def test_full_objects_lose_nothing(kind: str) -> None:
    definition = _extensions.PREFIX + kind
    obj = full(definition) | {"apiVersion": _extensions.API_VERSION, "kind": kind}
    for backend in _backends(obj):
        backend.pop("resource", None)
    before = types.convert(definition, obj)
    conversion = next(c for c in registry_strategy(kind).conversions if c.api_version == _extensions.API_VERSION)
    stored = conversion.to_stored(json.loads(json.dumps(before)))
    stored["apiVersion"] = _extensions.KINDS[kind][-1]
    newer = types.convert(_extensions.source(definition), stored)
    assert newer == stored, "what is stored is of the newer type"
    assert {**conversion.from_stored(newer), "apiVersion": before["apiVersion"]} == before
    assert protobuf.decode(protobuf_write.encode(before), ("", "")) == before


def registry_strategy(kind: str) -> Any:
    """The Kind that stores an old kind."""
    found = optional().by_kind(_extensions.API_VERSION, kind)
    assert found is not None
    return found.strategy


def _backends(obj: dict[str, Any]) -> list[dict[str, Any]]:
    spec = obj["spec"]
    if "rules" not in spec:
        return []
    return [spec["backend"], *(p["backend"] for rule in spec["rules"] for p in rule["http"]["paths"])]


def test_with_kubectl(old: APIServer, tmp_path: Path) -> None:
    program = kubectl.path()
    if program is None:
        pytest.skip("no kubectl")

    def run(*words: str, stdin: str = "") -> str:
        env = {"HOME": str(tmp_path), "KUBECONFIG": str(old.kubeconfig)}
        done = subprocess.run([program, *words], input=stdin, capture_output=True, text=True, env=env)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    manifest = json.dumps(
        {
            "apiVersion": "extensions/v1beta1",
            "kind": "Deployment",
            "metadata": {"name": "k"},
            "spec": {"template": TEMPLATE},
        }
    )
    said = run("apply", "-f", "-", stdin=manifest)
    assert "deployment.extensions/k created" in said and "Warning: extensions/v1beta1 Deployment is deprecated" in said
    assert "deployment.extensions/k unchanged" in run("apply", "-f", "-", stdin=manifest)
    assert "apps/v1" in run("get", "deployment", "k", "-o", "yaml")
    assert "extensions/v1beta1" in run("get", "deployments.v1beta1.extensions", "k", "-o", "yaml")
    assert "k " in run("get", "deployments.v1beta1.extensions")
    assert "rollbackTo" in run("explain", "deployment.spec", "--api-version=extensions/v1beta1")
    run("scale", "deployments.v1beta1.extensions/k", "--replicas=4")
    assert run("get", "deployment", "k", "-o", "jsonpath={.spec.replicas}") == "4"
    run("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifest)
    run("delete", "deployments.v1beta1.extensions/k")

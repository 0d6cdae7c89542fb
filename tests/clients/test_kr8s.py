"""kr8s: asyncio over httpx, everything found by discovery, conditions waited for by watches, pods reached by WebSocket."""

from collections.abc import Iterator
from typing import Any

import kr8s
import pytest
from kr8s.objects import APIObject, ConfigMap, Deployment, Namespace, Pod, Secret, Service, new_class

from tests.servers import APIServer

LABELS = {"app": "web"}


@pytest.fixture(scope="module")
def kube(api: APIServer) -> Iterator[Any]:
    """The client of the admin's kubeconfig."""
    yield kr8s.api(kubeconfig=str(api.kubeconfig))


def config_map(kube: Any, namespace: str, name: str, **more: Any) -> ConfigMap:
    """A ConfigMap, not yet made."""
    return ConfigMap({"metadata": {"name": name, "namespace": namespace, **more}, "data": {"k": "v"}}, api=kube)


def test_objects(kube: Any, namespace: str) -> None:
    made = config_map(kube, namespace, "a", labels=LABELS)
    assert not made.exists()
    made.create()
    assert made.exists() and made.metadata.uid
    made.patch({"data": {"k": "2"}})
    assert made.data.k == "2"
    made.patch([{"op": "replace", "path": "/data/k", "value": "3"}], type="json")
    assert ConfigMap.get("a", namespace=namespace, api=kube).data.k == "3"
    made.label(more="yes")
    made.annotate(note="x")
    assert made.labels == {**LABELS, "more": "yes"} and made.annotations["note"] == "x"
    found = list(kube.get("configmaps", namespace=namespace, label_selector=LABELS))
    assert [o.name for o in found] == ["a"]
    made.delete()
    made.wait("delete", timeout=30)
    with pytest.raises(kr8s.NotFoundError):
        ConfigMap.get("a", namespace=namespace, api=kube)


def test_a_kind_that_the_library_does_not_know(kube: Any, namespace: str) -> None:
    lease = new_class(kind="Lease", version="coordination.k8s.io/v1", namespaced=True)
    made: APIObject = lease(
        {"metadata": {"name": "l", "namespace": namespace}, "spec": {"holderIdentity": "me"}}, api=kube
    )
    made.create()
    assert [o.spec.holderIdentity for o in kube.get("leases.coordination.k8s.io", namespace=namespace)] == ["me"]


def test_short_names_and_chunks(kube: Any, namespace: str) -> None:
    for number in range(120):  # kr8s asks for chunks of 100
        config_map(kube, namespace, f"m{number:03}").create()
    assert len(list(kube.get("cm", namespace=namespace))) == 120


def test_scale_and_conditions(kube: Any, namespace: str) -> None:
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "busybox"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": template}
    made = Deployment({"metadata": {"name": "web", "namespace": namespace}, "spec": spec}, api=kube)
    made.create()
    made.patch({"status": {"conditions": [{"type": "Available", "status": "True"}]}}, subresource="status")
    made.wait("condition=Available", timeout=30)
    made.patch({"spec": {"replicas": 3}})
    assert made.replicas == 3


def test_watches(kube: Any, namespace: str) -> None:
    config_map(kube, namespace, "a").create()
    seen = []
    for what, obj in kube.watch("configmaps", namespace=namespace):
        seen.append((what, obj.name))
        if seen == [("ADDED", "a")]:
            config_map(kube, namespace, "b").create()
        elif len(seen) == 2:
            obj.delete()
        elif len(seen) == 3:
            break
    assert seen == [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "b")]


def test_owners_services_and_secrets(kube: Any, namespace: str) -> None:
    owner = config_map(kube, namespace, "owner")
    owner.create()
    owned = Secret({"metadata": {"name": "s", "namespace": namespace}, "stringData": {"p": "w"}}, api=kube)
    owned.create()
    owned.set_owner(owner)
    assert owned.metadata.ownerReferences[0]["name"] == "owner" and owned.data.p == "dw=="
    spec = {"selector": LABELS, "ports": [{"name": "http", "port": 80}]}
    service = Service({"metadata": {"name": "web", "namespace": namespace}, "spec": spec}, api=kube)
    service.create()
    pod = {"containers": [{"name": "c", "image": "busybox"}]}
    Pod({"metadata": {"name": "p", "namespace": namespace, "labels": LABELS}, "spec": pod}, api=kube).create()
    assert Pod.get("p", namespace=namespace, api=kube).ready() is False
    assert Service.get("web", namespace=namespace, api=kube).spec.clusterIP


def test_who_and_what(kube: Any) -> None:
    assert kube.version()["minor"] == "36"
    assert kube.whoami() == "kubernetes-admin"
    kinds = {(r["version"], r["kind"]) for r in kube.api_resources()}
    assert {("apps/v1", "Deployment"), ("v1", "Pod")} <= kinds
    assert "default" in {n.name for n in kube.get("namespaces")}
    assert Namespace.get("default", api=kube).exists()

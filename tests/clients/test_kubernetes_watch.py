"""The official Python client: watches that reconnect, informers by hand, custom objects."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, config, watch
from kubernetes.client.rest import ApiException

from tests.servers import APIServer


@pytest.fixture(scope="module")
def kube(api: APIServer) -> Iterator[client.ApiClient]:
    """A client of the admin's kubeconfig."""
    with config.new_client_from_config(str(api.kubeconfig)) as made:
        yield made


@pytest.fixture(scope="module")
def core(kube: client.ApiClient) -> client.CoreV1Api:
    """The core group."""
    return client.CoreV1Api(kube)


def make(core: client.CoreV1Api, namespace: str, name: str, **data: str) -> None:
    """Create a ConfigMap."""
    core.create_namespaced_config_map(namespace, client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name), data=data))


def test_a_watch_goes_on_over_reconnects(core: client.CoreV1Api, namespace: str) -> None:
    seen: list[tuple[str, str, int]] = []
    wanted = 20
    done = threading.Event()

    def follow() -> None:
        version = core.list_namespaced_config_map(namespace).metadata.resource_version
        ready.set()
        while len(seen) < 2 * wanted:
            watching = watch.Watch()
            for event in watching.stream(
                core.list_namespaced_config_map, namespace, resource_version=version, timeout_seconds=1
            ):
                obj = event["object"]
                seen.append((event["type"], obj.metadata.name, int(obj.metadata.resource_version)))
                version = obj.metadata.resource_version
        done.set()

    ready = threading.Event()
    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    assert ready.wait(30)
    for number in range(wanted):
        make(core, namespace, f"m{number}")
        core.delete_namespaced_config_map(f"m{number}", namespace)
        if number % 7 == 6:
            time.sleep(1.1)  # longer than a connection lasts: some events come while nobody is connected
    assert done.wait(60)
    thread.join(10)
    assert [(what, name) for what, name, _ in seen] == [
        (what, f"m{n}") for n in range(wanted) for what in ("ADDED", "DELETED")
    ]
    versions = [version for *_, version in seen]
    assert versions == sorted(set(versions))


def test_a_watch_from_nothing_begins_with_what_is_there(core: client.CoreV1Api, namespace: str) -> None:
    make(core, namespace, "a", k="v")
    watching = watch.Watch()
    for event in watching.stream(core.list_namespaced_config_map, namespace, timeout_seconds=10):
        assert (event["type"], event["object"].data, event["raw_object"]["kind"]) == ("ADDED", {"k": "v"}, "ConfigMap")
        watching.stop()


def test_a_version_that_is_too_old_is_gone(core: client.CoreV1Api, namespace: str) -> None:
    with pytest.raises(ApiException) as gone:
        for _ in watch.Watch().stream(
            core.list_namespaced_config_map, namespace, resource_version="1", timeout_seconds=5
        ):
            raise AssertionError("there are no events")
    assert gone.value.status == 410


class Informer(threading.Thread):
    """List, then watch with bookmarks: the cache that controllers in Python make for themselves."""

    def __init__(self, core: client.CoreV1Api, namespace: str):
        super().__init__(daemon=True)
        self.core, self.namespace = core, namespace
        self.cache: dict[str, Any] = {}
        self.changed = threading.Condition()
        self.over = False

    def run(self) -> None:
        """Until `over`."""
        listed = self.core.list_namespaced_config_map(self.namespace)
        with self.changed:
            self.cache = {m.metadata.name: m for m in listed.items}
            self.changed.notify_all()
        version = listed.metadata.resource_version
        while not self.over:
            stream = watch.Watch().stream(
                self.core.list_namespaced_config_map,
                self.namespace,
                resource_version=version,
                allow_watch_bookmarks=True,
                timeout_seconds=1,
            )
            for event in stream:
                version = self.take(event)

    def take(self, event: Any) -> str:
        """An event into the cache; its version."""
        obj = event["object"]
        if event["type"] == "BOOKMARK":
            return str(event["raw_object"]["metadata"]["resourceVersion"])
        with self.changed:
            if event["type"] == "DELETED":
                self.cache.pop(obj.metadata.name, None)
            else:
                self.cache[obj.metadata.name] = obj
            self.changed.notify_all()
        return str(obj.metadata.resource_version)

    def until(self, names: set[str]) -> None:
        """Wait for a state."""
        with self.changed:
            assert self.changed.wait_for(lambda: set(self.cache) == names, 30), set(self.cache)


def test_an_informer_holds_what_the_server_holds(core: client.CoreV1Api, namespace: str) -> None:
    make(core, namespace, "a")
    informer = Informer(core, namespace)
    informer.start()
    informer.until({"a"})
    make(core, namespace, "b")
    core.delete_namespaced_config_map("a", namespace)
    informer.until({"b"})
    core.patch_namespaced_config_map("b", namespace, {"data": {"k": "v"}})
    with informer.changed:
        assert informer.changed.wait_for(lambda: informer.cache["b"].data == {"k": "v"}, 30)
    informer.over = True
    informer.join(20)


CRD = {
    "metadata": {"name": "crontabs.stable.example.com"},
    "spec": {
        "group": "stable.example.com",
        "scope": "Namespaced",
        "names": {"plural": "crontabs", "singular": "crontab", "kind": "CronTab", "shortNames": ["ct"]},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {
                    "status": {},
                    "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
                },
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "cronSpec": {"type": "string", "pattern": r"^(\S+ ){4}\S+$"},
                                    "replicas": {"type": "integer", "default": 1},
                                },
                            },
                            "status": {"type": "object", "properties": {"replicas": {"type": "integer"}}},
                        },
                    }
                },
            }
        ],
    },
}


@pytest.fixture(scope="module")
def crontabs(kube: client.ApiClient) -> client.CustomObjectsApi:
    """The API of custom objects, once their definition is established."""
    definitions = client.ApiextensionsV1Api(kube)
    definitions.create_custom_resource_definition(
        {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", **CRD}
    )
    watching = watch.Watch()
    name = CRD["metadata"]["name"]
    for event in watching.stream(
        definitions.list_custom_resource_definition, field_selector=f"metadata.name={name}", timeout_seconds=30
    ):
        conditions = event["object"].status.conditions if event["object"].status else None
        if any(c.type == "Established" and c.status == "True" for c in conditions or ()):
            watching.stop()
    return client.CustomObjectsApi(kube)


def test_custom_objects(crontabs: client.CustomObjectsApi, namespace: str) -> None:
    where = ("stable.example.com", "v1", namespace, "crontabs")
    body = {
        "apiVersion": "stable.example.com/v1",
        "kind": "CronTab",
        "metadata": {"name": "c"},
        "spec": {"cronSpec": "* * * * *"},
    }
    made = crontabs.create_namespaced_custom_object(*where, body)
    assert made["spec"] == {"cronSpec": "* * * * *", "replicas": 1}
    with pytest.raises(ApiException) as invalid:
        crontabs.create_namespaced_custom_object(*where, {**body, "spec": {"cronSpec": "x"}})
    assert invalid.value.status == 422
    assert crontabs.patch_namespaced_custom_object(*where, "c", {"spec": {"replicas": 2}})["spec"]["replicas"] == 2
    found = crontabs.patch_namespaced_custom_object_status(*where, "c", {"status": {"replicas": 2}})
    assert found["status"] == {"replicas": 2}
    scale = crontabs.patch_namespaced_custom_object_scale(*where, "c", {"spec": {"replicas": 5}})
    assert (scale["kind"], scale["spec"]["replicas"], scale["status"]["replicas"]) == ("Scale", 5, 2)
    assert [o["metadata"]["name"] for o in crontabs.list_namespaced_custom_object(*where)["items"]] == ["c"]
    stream = watch.Watch()
    for event in stream.stream(crontabs.list_namespaced_custom_object, *where, timeout_seconds=10):
        assert (event["type"], event["object"]["spec"]["replicas"]) == ("ADDED", 5)
        stream.stop()
    crontabs.delete_namespaced_custom_object(*where, "c")
    assert crontabs.list_cluster_custom_object("stable.example.com", "v1", "crontabs")["items"] == []

"""The official Python client (`kubernetes`): typed and dynamic clients, patches, apply, lists, scale, eviction, tokens, leader election."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config, dynamic, utils
from kubernetes.client.rest import ApiException
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock

from tests.servers import APIServer

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": "busybox", "ports": [{"containerPort": 80}]}]},
        },
    },
}


@pytest.fixture(scope="module")
def kube(api: APIServer) -> Iterator[client.ApiClient]:
    """A client of the admin's kubeconfig."""
    with config.new_client_from_config(str(api.kubeconfig)) as made:
        yield made


@pytest.fixture(scope="module")
def core(kube: client.ApiClient) -> client.CoreV1Api:
    """The core group."""
    return client.CoreV1Api(kube)


@pytest.fixture(scope="module")
def apps(kube: client.ApiClient) -> client.AppsV1Api:
    """The group apps."""
    return client.AppsV1Api(kube)


def pod(name: str, **metadata: Any) -> client.V1Pod:
    """A pod that no node runs."""
    container = client.V1Container(name="c", image="busybox")
    spec = client.V1PodSpec(containers=[container])
    return client.V1Pod(metadata=client.V1ObjectMeta(name=name, **metadata), spec=spec)


def test_typed_objects_from_create_to_delete(core: client.CoreV1Api, namespace: str) -> None:
    made = core.create_namespaced_pod(namespace, pod("p", labels={"app": "x"}))
    assert made.metadata.creation_timestamp <= datetime.now(UTC)
    assert (made.spec.restart_policy, made.status.phase) == ("Always", "Pending")
    assert [p.metadata.name for p in core.list_namespaced_pod(namespace, label_selector="app in (x)").items] == ["p"]
    assert [p.metadata.name for p in core.list_pod_for_all_namespaces(field_selector="metadata.name=p").items] == ["p"]
    made.metadata.labels["more"] = "yes"
    assert core.replace_namespaced_pod("p", namespace, made).metadata.labels == {"app": "x", "more": "yes"}
    with pytest.raises(ApiException) as stale:
        core.replace_namespaced_pod("p", namespace, made)
    assert (stale.value.status, stale.value.reason) == (409, "Conflict")
    core.delete_namespaced_pod("p", namespace, grace_period_seconds=0)
    with pytest.raises(ApiException) as gone:
        core.read_namespaced_pod("p", namespace)
    assert gone.value.status == 404


def test_chunks_and_deletecollection(core: client.CoreV1Api, namespace: str) -> None:
    for number in range(5):
        meta = client.V1ObjectMeta(name=f"m{number}", labels={"odd": str(number % 2)})
        core.create_namespaced_config_map(namespace, client.V1ConfigMap(metadata=meta, data={"n": str(number)}))
    names, token, left = [], None, []
    while token != "":
        part = core.list_namespaced_config_map(namespace, limit=2, _continue=token)
        names += [m.metadata.name for m in part.items]
        left.append(part.metadata.remaining_item_count)
        token = part.metadata._continue or ""
    assert names == [f"m{n}" for n in range(5)] and left == [3, 1, None]
    core.delete_collection_namespaced_config_map(namespace, label_selector="odd=1")
    assert [m.metadata.name for m in core.list_namespaced_config_map(namespace).items] == ["m0", "m2", "m4"]


def test_every_patch(core: client.CoreV1Api, apps: client.AppsV1Api, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, DEPLOYMENT)
    strategic = {"spec": {"template": {"spec": {"containers": [{"name": "sidecar", "image": "s"}]}}}}
    found = apps.patch_namespaced_deployment("web", namespace, strategic)
    assert {c.name for c in found.spec.template.spec.containers} == {"c", "sidecar"}
    json_patch = [
        {"op": "test", "path": "/spec/replicas", "value": 2},
        {"op": "replace", "path": "/spec/replicas", "value": 4},
    ]
    assert apps.patch_namespaced_deployment("web", namespace, json_patch).spec.replicas == 4
    with pytest.raises(ApiException) as failed:
        apps.patch_namespaced_deployment("web", namespace, json_patch)
    assert failed.value.status == 422


def test_server_side_apply_and_its_conflicts(kube: client.ApiClient, namespace: str) -> None:
    maps = dynamic.DynamicClient(kube).resources.get(api_version="v1", kind="ConfigMap")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}}
    maps.server_side_apply(body=body, namespace=namespace, field_manager="one")
    other = {**body, "data": {"k": "other"}}
    with pytest.raises(dynamic.exceptions.ConflictError) as conflict:
        maps.server_side_apply(body=other, namespace=namespace, field_manager="two")
    assert 'conflict with \\"one\\": .data.k' in str(conflict.value.body)
    found = maps.server_side_apply(body=other, namespace=namespace, field_manager="two", force_conflicts=True)
    assert found.data.k == "other"
    managers = {m["manager"]: m["operation"] for m in found.to_dict()["metadata"]["managedFields"]}
    assert managers["two"] == "Apply"


def test_dynamic_client_finds_everything_by_discovery(kube: client.ApiClient, namespace: str, tmp_path: Path) -> None:
    found = dynamic.DynamicClient(kube, cache_file=str(tmp_path / "discovery"))
    deployments = found.resources.get(api_version="apps/v1", kind="Deployment")
    deployments.create(body=DEPLOYMENT, namespace=namespace)
    assert deployments.get(name="web", namespace=namespace).spec.replicas == 2
    merged = deployments.patch(
        name="web", namespace=namespace, body={"spec": {"paused": True}}, content_type="application/merge-patch+json"
    )
    assert merged.spec.paused is True
    assert len(deployments.get(namespace=namespace, label_selector="app=web").items) == 1
    scale = deployments.scale.patch(
        name="web", namespace=namespace, body={"spec": {"replicas": 7}}, content_type="application/merge-patch+json"
    )
    assert (scale.kind, scale.spec.replicas) == ("Scale", 7)
    assert deployments.delete(name="web", namespace=namespace).status == "Success"
    assert {r.kind for r in found.resources.search(short_names=["po"])} == {"Pod", "PodList"}


def test_scale_and_status(apps: client.AppsV1Api, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, DEPLOYMENT)
    scale = apps.read_namespaced_deployment_scale("web", namespace)
    assert (scale.spec.replicas, scale.status.selector) == (2, "app=web")
    scale.spec.replicas = 5
    assert apps.replace_namespaced_deployment_scale("web", namespace, scale).spec.replicas == 5
    assert apps.patch_namespaced_deployment_status("web", namespace, {"status": {"replicas": 3}}).status.replicas == 3
    assert apps.read_namespaced_deployment_status("web", namespace).spec.replicas == 5


def test_eviction_asks_the_budget(core: client.CoreV1Api, kube: client.ApiClient, namespace: str) -> None:
    core.create_namespaced_pod(namespace, pod("p", labels={"app": "x"}))
    ready = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
    core.patch_namespaced_pod_status("p", namespace, ready)
    policy = client.PolicyV1Api(kube)
    spec = client.V1PodDisruptionBudgetSpec(min_available=1, selector=client.V1LabelSelector(match_labels={"app": "x"}))
    meta = client.V1ObjectMeta(name="b")
    policy.create_namespaced_pod_disruption_budget(namespace, client.V1PodDisruptionBudget(metadata=meta, spec=spec))
    eviction = client.V1Eviction(metadata=client.V1ObjectMeta(name="p", namespace=namespace))
    with pytest.raises(ApiException) as refused:
        core.create_namespaced_pod_eviction("p", namespace, eviction)
    assert refused.value.status == 429
    counts = {
        "observedGeneration": 1,
        "disruptionsAllowed": 1,
        "currentHealthy": 2,
        "desiredHealthy": 1,
        "expectedPods": 2,
    }
    policy.patch_namespaced_pod_disruption_budget_status("b", namespace, {"status": counts})
    core.create_namespaced_pod_eviction("p", namespace, eviction)
    assert policy.read_namespaced_pod_disruption_budget("b", namespace).status.disruptions_allowed == 0


def test_a_token_is_asked_for_and_taken(
    core: client.CoreV1Api, kube: client.ApiClient, api: APIServer, namespace: str
) -> None:
    spec = client.V1TokenRequestSpec(audiences=[], expiration_seconds=3600)
    token = core.create_namespaced_service_account_token(
        "default", namespace, client.AuthenticationV1TokenRequest(spec=spec)
    ).status.token
    own = client.Configuration()
    own.host, own.ssl_ca_cert = api.url, kube.configuration.ssl_ca_cert
    own.api_key = {"authorization": f"Bearer {token}"}
    with client.ApiClient(own) as as_account:
        me = client.AuthenticationV1Api(as_account).create_self_subject_review(client.V1SelfSubjectReview())
        assert me.status.user_info.username == f"system:serviceaccount:{namespace}:default"
        with pytest.raises(ApiException) as refused:
            client.CoreV1Api(as_account).list_namespaced_secret(namespace)
        assert refused.value.status == 403


def test_utils_create_and_delete_from_yaml(
    kube: client.ApiClient, core: client.CoreV1Api, namespace: str, tmp_path: Path
) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    file = tmp_path / "all.yaml"
    file.write_text(yaml.safe_dump_all([DEPLOYMENT, service]))
    utils.create_from_yaml(kube, str(file), namespace=namespace)
    assert core.read_namespaced_service("s", namespace).spec.cluster_ip.count(".") == 3
    with pytest.raises(utils.FailToCreateError, match="AlreadyExists"):
        utils.create_from_yaml(kube, str(file), namespace=namespace)


def test_leaders_are_elected(kube: client.ApiClient, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client.Configuration.set_default(kube.configuration)
    seen: list[str] = []
    led = threading.Event()

    def candidate(name: str) -> None:
        def started() -> None:
            seen.append(name)
            led.set()

        lock = ConfigMapLock("election", namespace, name)
        settings = electionconfig.Config(lock, 3, 2, 1, onstarted_leading=started, onstopped_leading=lambda: None)
        leaderelection.LeaderElection(settings).acquire()

    thread = threading.Thread(target=candidate, args=("one",), daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "nobody held the lock"
    status, record = ConfigMapLock("election", namespace, "two").get("election", namespace)
    assert status and record.holder_identity == "one"
    client.Configuration.set_default(None)


def test_versions_and_reviews(kube: client.ApiClient, namespace: str) -> None:
    assert client.VersionApi(kube).get_code().minor == "36"
    groups = {g.name for g in client.ApisApi(kube).get_api_versions().groups}
    assert {"apps", "batch", "networking.k8s.io"} <= groups
    attributes = client.V1ResourceAttributes(verb="create", resource="pods", namespace=namespace)
    review = client.V1SelfSubjectAccessReview(spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes))
    assert client.AuthorizationV1Api(kube).create_self_subject_access_review(review).status.allowed

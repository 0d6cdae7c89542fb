"""Sub-resources of pods and namespaces over HTTP: binding, eviction, ephemeral containers, finalize."""

from typing import Any

import pytest

from tests.server.conftest import Space


@pytest.fixture
def pod(ns: Space) -> dict[str, Any]:
    """A pod that waits for a node."""
    ns("POST", "serviceaccounts", {"metadata": {"name": "default"}})
    body = {
        "metadata": {"name": "p", "labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    status, obj = ns("POST", "pods", body)
    assert status == 201, obj
    return obj


def _run(ns: Space) -> None:
    """Play scheduler and agent: the pod runs and is ready."""
    assert ns("POST", "pods/p/binding", {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}})[0] == 201
    ready = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
    assert ns.patch("pods/p/status", ready)[0] == 200


def test_a_pod_is_bound_once(ns: Space, pod: dict[str, Any]) -> None:
    _run(ns)
    _, obj = ns("GET", "pods/p")
    assert obj["spec"]["nodeName"] == "n"
    assert obj["metadata"]["generation"] == 1
    status, refused = ns("POST", "pods/p/binding", {"metadata": {"name": "p"}, "target": {"name": "m"}})
    assert (status, refused["reason"]) == (409, "Conflict")


def test_a_bound_pod_waits_for_its_node_to_stop_it(ns: Space, pod: dict[str, Any]) -> None:
    _run(ns)
    status, obj = ns("DELETE", "pods/p")
    assert (status, obj["metadata"]["deletionGracePeriodSeconds"]) == (200, 30)
    assert ns("GET", "pods/p")[0] == 200
    assert ns("DELETE", "pods/p?gracePeriodSeconds=0")[0] == 200
    assert ns("GET", "pods/p")[0] == 404


def test_an_eviction_spends_the_budget(ns: Space, pod: dict[str, Any]) -> None:
    _run(ns)
    budget = {"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}}
    assert ns("POST", "policy/v1:poddisruptionbudgets", budget)[0] == 201
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}

    def allow(disruptions: int) -> None:
        numbers = {"currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}
        counts = {"observedGeneration": 1, "disruptionsAllowed": disruptions, **numbers}
        status, _ = ns.patch("policy/v1:poddisruptionbudgets/b/status", {"status": counts})
        assert status == 200

    allow(0)
    status, refused = ns("POST", "pods/p/eviction", eviction)
    assert (status, refused["details"]["causes"][0]["reason"]) == (429, "DisruptionBudget")
    allow(1)
    assert ns("POST", "pods/p/eviction", eviction)[0] == 201
    _, spent = ns("GET", "policy/v1:poddisruptionbudgets/b")
    assert spent["status"]["disruptionsAllowed"] == 0
    assert "p" in spent["status"]["disruptedPods"]
    assert ns("GET", "pods/p")[1]["metadata"]["deletionTimestamp"]


def test_ephemeral_containers_come_only_their_own_way(ns: Space, pod: dict[str, Any]) -> None:
    added = {"spec": {"ephemeralContainers": [{"name": "e", "image": "i"}]}}
    assert ns.patch("pods/p", added, "strategic-merge-patch+json")[0] == 422
    status, obj = ns.patch("pods/p/ephemeralcontainers", added, "strategic-merge-patch+json")
    assert (status, obj["spec"]["ephemeralContainers"][0]["name"]) == (200, "e")


def test_a_namespace_goes_when_it_is_finalized(ns: Space) -> None:
    path = f"/api/v1/namespaces/{ns.name}"
    status, obj = ns.api.request("DELETE", path)
    assert (status, obj["status"]["phase"]) == (200, "Terminating")
    status, refused = ns("POST", "configmaps", {"metadata": {"name": "a"}})
    assert (status, refused["reason"]) == (403, "Forbidden")
    obj["spec"]["finalizers"] = []
    assert ns.api.request("PUT", f"{path}/finalize", obj)[0] == 200
    assert ns.api.request("GET", path)[0] == 404

"""Deletes and what guards them, over HTTP: propagation, preconditions, collections, evictions, and sub-resources of pods that change little."""

from typing import Any

import pytest

from tests.servers import APIServer

MERGE = {"Content-Type": "application/merge-patch+json"}
APPLY = {"Content-Type": "application/strategic-merge-patch+json"}


class Space:
    """Requests in one namespace."""

    def __init__(self, api: APIServer, namespace: str):
        self.api, self.core = api, f"/api/v1/namespaces/{namespace}"
        self.apps, self.policy = f"/apis/apps/v1/namespaces/{namespace}", f"/apis/policy/v1/namespaces/{namespace}"

    def __call__(self, method: str, path: str, body: Any = None, headers: Any = None) -> tuple[int, Any]:
        """One request."""
        return self.api.request(method, path, body, headers)

    def pod(self, name: str, running: bool = True, **labels: str) -> dict[str, Any]:
        """A pod that no node runs, ready if told."""
        spec = {"containers": [{"name": "c", "image": "busybox"}]}
        code, made = self("POST", f"{self.core}/pods", {"metadata": {"name": name, "labels": labels}, "spec": spec})
        assert code == 201, made
        if running:
            status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
            code, made = self("PATCH", f"{self.core}/pods/{name}/status", {"status": status}, MERGE)
            assert code == 200, made
        return made

    def budget(self, name: str, allowed: int, **labels: str) -> None:
        """A budget that its controller has looked at."""
        spec = {"minAvailable": 1, "selector": {"matchLabels": labels}}
        assert self("POST", f"{self.policy}/poddisruptionbudgets", {"metadata": {"name": name}, "spec": spec})[0] == 201
        counts = {"disruptionsAllowed": allowed, "currentHealthy": 1 + allowed, "desiredHealthy": 1, "expectedPods": 2}
        path = f"{self.policy}/poddisruptionbudgets/{name}/status"
        assert self("PATCH", path, {"status": {**counts, "observedGeneration": 1}}, MERGE)[0] == 200

    def evict(self, name: str, **options: Any) -> tuple[int, Any]:
        """Ask for an eviction."""
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}, "deleteOptions": options}
        return self("POST", f"{self.core}/pods/{name}/eviction", body)


@pytest.fixture
def space(api: APIServer, namespace: str) -> Space:
    """A namespace of the test's own."""
    return Space(api, namespace)


@pytest.mark.parametrize(
    ("policy", "finalizers"), [("Foreground", ["foregroundDeletion"]), ("Orphan", ["orphan"]), ("Background", None)]
)
def test_propagation(space: Space, policy: str, finalizers: list[str] | None) -> None:
    path = f"{space.core}/configmaps"
    space("POST", path, {"metadata": {"name": "a"}})
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy}
    code, _ = space("DELETE", f"{path}/a", options)
    assert code == 200
    code, left = space("GET", f"{path}/a")
    if finalizers is None:
        assert code == 404
        return
    assert left["metadata"]["finalizers"] == finalizers and left["metadata"]["deletionTimestamp"]
    assert space("PATCH", f"{path}/a", {"metadata": {"finalizers": None}}, MERGE)[0] == 200
    assert space("GET", f"{path}/a")[0] == 404


def test_what_options_cannot_say(space: Space) -> None:
    path = f"{space.core}/configmaps"
    space("POST", path, {"metadata": {"name": "a"}})
    for wrong in ({"propagationPolicy": "Nope"}, {"propagationPolicy": "Orphan", "orphanDependents": True}):
        code, told = space("DELETE", f"{path}/a", wrong)
        assert (code, told["reason"]) == (422, "Invalid"), told
    assert space("GET", f"{path}/a")[0] == 200


def test_preconditions(space: Space) -> None:
    path = f"{space.core}/configmaps"
    _, made = space("POST", path, {"metadata": {"name": "a"}})
    for key, wrong in (("uid", "other"), ("resourceVersion", "1")):
        code, told = space("DELETE", f"{path}/a", {"preconditions": {key: wrong}})
        assert (code, told["reason"]) == (409, "Conflict") and "Precondition failed" in told["message"]
    wanted = {key: made["metadata"][key] for key in ("uid", "resourceVersion")}
    assert space("DELETE", f"{path}/a", {"preconditions": wanted})[0] == 200


def test_collections_by_labels_and_fields(space: Space) -> None:
    path = f"{space.core}/configmaps"
    for name, tier in (("a", "x"), ("b", "x"), ("c", "y"), ("d", "z")):
        space("POST", path, {"metadata": {"name": name, "labels": {"tier": tier}}})

    def left() -> str:
        return "".join(o["metadata"]["name"] for o in space("GET", path)[1]["items"])

    code, gone = space("DELETE", f"{path}?labelSelector=tier%20in%20(x,y)&fieldSelector=metadata.name!%3Db&dryRun=All")
    assert code == 200 and left() == "abcd"
    code, gone = space("DELETE", f"{path}?labelSelector=tier%20in%20(x,y)&fieldSelector=metadata.name!%3Db")
    assert [o["metadata"]["name"] for o in gone["items"]] == ["a", "c"] and left() == "bd"
    space("DELETE", path)
    assert left() == ""


def test_a_bound_pod_goes_with_grace_and_at_once_without(space: Space) -> None:
    space.pod("p", running=False)
    body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
    assert space("POST", f"{space.core}/pods/p/binding", body)[0] == 201
    code, going = space("DELETE", f"{space.core}/pods/p", {"gracePeriodSeconds": 40})
    assert (code, going["metadata"]["deletionGracePeriodSeconds"]) == (200, 40)
    _, shorter = space("DELETE", f"{space.core}/pods/p", {"gracePeriodSeconds": 5})
    assert shorter["metadata"]["deletionGracePeriodSeconds"] == 5
    _, same = space("DELETE", f"{space.core}/pods/p", {"gracePeriodSeconds": 50})
    assert same["metadata"]["deletionGracePeriodSeconds"] == 5, "never longer again"
    assert space("DELETE", f"{space.core}/pods/p", {"gracePeriodSeconds": 0})[0] == 200
    assert space("GET", f"{space.core}/pods/p")[0] == 404


def test_evictions_and_one_budget(space: Space) -> None:
    for name in "ab":
        space.pod(name, app="x")
    space.budget("b", 1, app="x")
    code, told = space.evict("a", dryRun=["All"])
    assert code == 201 and space("GET", f"{space.core}/pods/a")[0] == 200
    assert space.evict("a")[0] == 201
    _, budget = space("GET", f"{space.policy}/poddisruptionbudgets/b")
    assert budget["status"]["disruptionsAllowed"] == 0 and set(budget["status"]["disruptedPods"]) == {"a"}
    code, told = space.evict("b")
    assert (code, told["reason"]) == (429, "TooManyRequests")
    assert told["message"] == "Cannot evict pod as it would violate the pod's disruption budget."
    assert told["details"]["causes"][0]["reason"] == "DisruptionBudget"
    assert space("GET", f"{space.core}/pods/b")[0] == 200


def test_a_budget_that_nobody_has_looked_at_asks_to_come_again(space: Space) -> None:
    space.pod("a", app="x")
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}}
    space("POST", f"{space.policy}/poddisruptionbudgets", {"metadata": {"name": "b"}, "spec": spec})
    code, told = space.evict("a")
    assert code == 429 and told["details"]["retryAfterSeconds"] == 10
    assert "is still being processed by the server" in told["details"]["causes"][0]["message"]


def test_several_budgets_are_500(space: Space) -> None:
    space.pod("a", app="x")
    space.budget("b", 1, app="x")
    space.budget("c", 1, app="x")
    code, told = space.evict("a")
    assert code == 500 and told["message"].startswith("This pod has more than one PodDisruptionBudget")
    assert "reason" not in told


def test_an_evicted_pod_says_why_it_goes(space: Space) -> None:
    space.pod("p")
    body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
    assert space("POST", f"{space.core}/pods/p/binding", body)[0] == 201
    assert space.evict("p")[0] == 201
    _, going = space("GET", f"{space.core}/pods/p")
    assert going["metadata"]["deletionTimestamp"]
    [why] = [c for c in going["status"]["conditions"] if c["type"] == "DisruptionTarget"]
    assert (why["status"], why["reason"], why["message"]) == ("True", "EvictionByEvictionAPI", "Eviction API: evicting")


def test_pods_that_do_not_run_need_no_budget(space: Space) -> None:
    space.pod("a", running=False, app="x")
    space.budget("b", 0, app="x")
    assert space.evict("a")[0] == 201


def test_the_scale_of_a_replication_controller(space: Space) -> None:
    path = f"{space.core}/replicationcontrollers"
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    space("POST", path, {"metadata": {"name": "rc"}, "spec": {"replicas": 2, "template": template}})
    _, scale = space("GET", f"{path}/rc/scale")
    assert (scale["apiVersion"], scale["kind"], scale["status"]["selector"]) == ("autoscaling/v1", "Scale", "a=b")
    scale["spec"]["replicas"] = 4
    assert space("PUT", f"{path}/rc/scale", scale)[1]["spec"]["replicas"] == 4
    assert space("PUT", f"{path}/rc/scale", scale)[0] == 409, "a stale one is refused"
    assert space("PATCH", f"{path}/rc/scale", {"spec": {"replicas": -1}}, MERGE)[0] == 422
    assert space("GET", f"{path}/rc")[1]["spec"]["replicas"] == 4


def test_resize_changes_resources_and_nothing_else(space: Space) -> None:
    spec = {"containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}]}
    space("POST", f"{space.core}/pods", {"metadata": {"name": "p"}, "spec": spec})
    more = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "2"}}}]}}
    assert space("PATCH", f"{space.core}/pods/p", more, APPLY)[0] == 422, "not through the pod itself"
    code, pod = space("PATCH", f"{space.core}/pods/p/resize", more, APPLY)
    assert code == 200 and pod["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "2"}
    image = {"spec": {"containers": [{"name": "c", "image": "other"}]}}
    code, pod = space("PATCH", f"{space.core}/pods/p/resize", image, APPLY)
    assert space("GET", f"{space.core}/pods/p")[1]["spec"]["containers"][0]["image"] == "i"


def test_ephemeral_containers_are_added_and_stay(space: Space) -> None:
    space.pod("p")
    extra = {"name": "debug", "image": "busybox"}
    path = f"{space.core}/pods/p/ephemeralcontainers"
    code, pod = space("PATCH", path, {"spec": {"ephemeralContainers": [extra]}}, APPLY)
    assert code == 200 and [c["name"] for c in pod["spec"]["ephemeralContainers"]] == ["debug"]
    code, told = space("PATCH", path, {"spec": {"ephemeralContainers": None}}, MERGE)
    assert code == 422 and "existing ephemeral containers" in told["message"]
    changed = {"spec": {"ephemeralContainers": [{**extra, "image": "other"}]}}
    assert space("PATCH", path, changed, APPLY)[0] == 422
    bad = {"spec": {"ephemeralContainers": [{**extra, "name": "x", "ports": [{"containerPort": 1}]}]}}
    assert space("PATCH", path, bad, APPLY)[0] == 422

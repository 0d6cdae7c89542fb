"""Discovery: every word that people use, the kept answer and its end, servers without the aggregated form."""

import pytest

from kk.client.discovery import Discovery


def row(resource, kind, shorts=(), categories=(), subs=(), scope="Namespaced"):
    return {
        "resource": resource,
        "responseKind": {"group": "", "version": "v1", "kind": kind},
        "scope": scope,
        "singularResource": kind.lower(),
        "verbs": ["get", "list"],
        "shortNames": list(shorts),
        "categories": list(categories),
        "subresources": [{"subresource": s} for s in subs],
    }


def groups(*items):
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "items": [
            {"metadata": {"name": n} if n else {}, "versions": [{"version": v, "resources": r} for v, r in versions]}
            for n, versions in items
        ],
    }


@pytest.fixture
def served(server):
    pods = row("pods", "Pod", ["po"], ["all"], ["status", "log"])
    core = groups(
        ("", [("v1", [pods, row("namespaces", "Namespace", ["ns"], scope="Cluster"), row("events", "Event")])])
    )
    rest = groups(
        ("apps", [("v1", [row("deployments", "Deployment", ["deploy"], ["all"])])]),
        (
            "autoscaling",
            [
                ("v2", [row("horizontalpodautoscalers", "HorizontalPodAutoscaler", ["hpa"])]),
                ("v1", [row("horizontalpodautoscalers", "HorizontalPodAutoscaler", ["hpa"])]),
            ],
        ),
        ("events.k8s.io", [("v1", [row("events", "Event")])]),
    )
    server.route("GET", "/api")(lambda h: h.reply(200, core))
    server.route("GET", "/apis")(lambda h: h.reply(200, rest))
    server.rest = rest
    return server


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("pods", ("v1", "pods")),
        ("pod", ("v1", "pods")),
        ("po", ("v1", "pods")),
        ("Pod", ("v1", "pods")),
        ("deploy", ("apps/v1", "deployments")),
        ("deployments.apps", ("apps/v1", "deployments")),
        ("deploy.v1.apps", ("apps/v1", "deployments")),
        ("Deployment.app", ("apps/v1", "deployments")),
        ("hpa", ("autoscaling/v2", "horizontalpodautoscalers")),
        ("hpa.v1.autoscaling", ("autoscaling/v1", "horizontalpodautoscalers")),
        ("events", ("v1", "events")),
        ("events.events.k8s.io", ("events.k8s.io/v1", "events")),
        ("nothing", None),
        ("deployments.v2.apps", None),
    ],
)
def test_find(served, client, word, found):
    resource = Discovery(client, cache_dir=None).find(word)
    assert (resource and (resource.api_version, resource.name)) == found


def test_scope_subresources_categories_and_versions(served, client):
    discovery = Discovery(client, cache_dir=None)
    pods = discovery.find("pods")
    assert (pods.namespaced, pods.subresources) == (True, ("status", "log"))
    assert discovery.find("ns").namespaced is False
    assert [r.name for r in discovery.category("all")] == ["pods", "deployments"]
    assert discovery.versions() == ["v1", "apps/v1", "autoscaling/v2", "autoscaling/v1", "events.k8s.io/v1"]
    assert discovery.find_kind("autoscaling/v1", "HorizontalPodAutoscaler").preferred is False


def test_the_answer_is_kept_and_a_miss_asks_again(served, client, tmp_path):
    Discovery(client, cache_dir=str(tmp_path)).find("pods")
    asked = len(served.seen)
    kept = Discovery(client, cache_dir=str(tmp_path))
    assert kept.find("deploy").kind == "Deployment"
    assert len(served.seen) == asked
    served.rest["items"].append(groups(("new.io", [("v1", [row("things", "Thing")])]))["items"][0])
    assert kept.find("things").group == "new.io"
    assert len(served.seen) > asked


def test_old_servers(server, client):
    def one(name, kind):
        return {
            "name": name,
            "singularName": "",
            "namespaced": True,
            "kind": kind,
            "verbs": ["get"],
            "shortNames": ["x"],
        }

    server.route("GET", "/api")(lambda h: h.reply(200, {"kind": "APIVersions", "versions": ["v1"]}))
    group = {
        "name": "g",
        "versions": [{"version": "v1beta1"}, {"version": "v1"}],
        "preferredVersion": {"version": "v1"},
    }
    server.route("GET", "/apis")(lambda h: h.reply(200, {"kind": "APIGroupList", "groups": [group]}))
    server.route("GET", "/api/v1")(lambda h: h.reply(200, {"resources": [one("as", "A"), one("as/status", "A")]}))
    for version in ("v1", "v1beta1"):
        server.route("GET", f"/apis/g/{version}")(lambda h: h.reply(200, {"resources": [one("bs", "B")]}))
    discovery = Discovery(client, cache_dir=None)
    assert discovery.find("as").subresources == ("status",)
    assert discovery.find("bs").version == "v1"

"""Admission webhooks through HTTP: a sidecar injector, a validator that refuses, hooks that are slow, down or break the protocol."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Space, config_map
from tests.server.https import Authority, Obj, Webhook, patch, review
from tests.servers import APIServer, free_port

_GROUP = "/apis/admissionregistration.k8s.io/v1"
Configure = Callable[..., Any]


@pytest.fixture(scope="module")
def authority() -> Authority:
    """One CA for all."""
    return Authority()


@pytest.fixture
def configure(api: APIServer, ns: Space) -> Iterator[Configure]:
    """configure(sort, client, **fields of the webhook): makes a configuration of one webhook for this namespace."""
    made: list[str] = []

    def make(sort: str, client: Obj, name: str = "hook", **fields: Any) -> None:
        rule = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["configmaps", "pods"]}
        hook = {
            "name": f"{name}.example.com",
            "clientConfig": client,
            "rules": [rule],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": ns.name}},
            **fields,
        }
        kind = f"{sort}WebhookConfiguration"
        path = f"{_GROUP}/{kind.lower()}s"
        body = {"kind": kind, "metadata": {"name": f"{name}-{ns.name}"}, "webhooks": [hook]}
        status, answer = api.request("POST", path, {"apiVersion": "admissionregistration.k8s.io/v1", **body})
        assert status == 201, answer
        made.append(f"{path}/{name}-{ns.name}")

    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    assert ns("POST", "serviceaccounts", account)[0] == 201  # no controller makes it here
    yield make
    for path in made:
        api.request("DELETE", path)


@contextmanager
def hook(authority: Authority, answer: Callable[[Obj], tuple[int, Any]]) -> Iterator[Webhook]:
    """A webhook."""
    with Webhook(authority, answer) as server:
        yield server


def pod(name: str) -> Obj:
    """A pod."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "main", "image": "nginx"}]},
    }


def test_a_sidecar_is_injected_defaulted_and_typed(ns: Space, authority: Authority, configure: Configure) -> None:
    """The patch's container gets its defaults, and a field that no Pod has is dropped."""
    sidecar = {"name": "sidecar", "image": "envoy:1", "nonsense": 1}
    with hook(
        authority, lambda b: review(b, **patch({"op": "add", "path": "/spec/containers/-", "value": sidecar}))
    ) as h:
        configure("Mutating", h.client)
        status, made = ns("POST", "pods", pod("a"))
        assert status == 201, made
        injected = made["spec"]["containers"][1]
        assert injected["imagePullPolicy"] == "IfNotPresent" and "nonsense" not in injected
        asked = h.asked[0][1]["request"]
    assert h.asked[0][0] == "/hook?timeout=10s"
    assert asked["kind"] == asked["requestKind"] == {"group": "", "version": "v1", "kind": "Pod"}
    assert asked["resource"] == {"group": "", "version": "v1", "resource": "pods"}
    assert asked["operation"] == "CREATE" and asked["dryRun"] is False and asked["oldObject"] is None
    assert asked["namespace"] == ns.name and asked["userInfo"]["username"] == "kubernetes-admin"
    assert asked["options"]["kind"] == "CreateOptions" and asked["object"]["metadata"]["name"] == "a"
    managers = made["metadata"]["managedFields"]
    assert 'k:{\\"name\\":\\"sidecar\\"}' not in json.dumps(managers)


def test_a_validator_refuses_in_its_own_words(ns: Space, authority: Authority, configure: Configure) -> None:
    """Message, code, reason; an update shows both objects and a delete the old one."""
    status = {"code": 418, "message": "no teapots", "reason": "Teapot"}
    seen: list[Obj] = []

    def answer(body: Obj) -> tuple[int, Obj]:
        seen.append(body["request"])
        data = (body["request"]["object"] or {}).get("data") or {}
        allowed = "teapot" not in data and body["request"]["operation"] != "DELETE"
        return review(body, allowed=allowed, **({} if allowed else {"status": status}), warnings=["careful"])

    with hook(authority, answer) as h:
        configure("Validating", h.client)
        code, _ = ns("POST", "configmaps", config_map("a"))
        assert code == 201
        code, headers, data = ns.api.raw("POST", ns.where("configmaps"), config_map("b", {"teapot": "1"}))
        refused = json.loads(data)
        assert code == 418 and headers["warning"] == '299 - "careful"'
        assert refused["message"] == 'admission webhook "hook.example.com" denied the request: no teapots'
        assert refused["reason"] == "Teapot" and refused["code"] == 418
        assert ns.patch("configmaps/a", {"data": {"k": "w"}})[0] == 200
        assert (seen[-1]["operation"], seen[-1]["options"]["kind"]) == ("UPDATE", "UpdateOptions")
        assert (seen[-1]["oldObject"]["data"], seen[-1]["object"]["data"]) == ({"k": "v"}, {"k": "w"})
        assert ns("DELETE", "configmaps/a")[0] == 418
        assert seen[-1]["object"] is None and seen[-1]["oldObject"]["data"] == {"k": "w"}
        assert seen[-1]["options"]["kind"] == "DeleteOptions"


def test_a_refusal_without_words_is_a_bad_request(ns: Space, authority: Authority, configure: Configure) -> None:
    """And one with a code of success as well."""
    with hook(authority, lambda b: review(b, allowed=False)) as h:
        configure("Mutating", h.client)
        code, refused = ns("POST", "configmaps", config_map("a"))
        assert code == 400
        assert refused["message"] == 'admission webhook "hook.example.com" denied the request without explanation'
        assert "reason" not in refused


@pytest.mark.parametrize("sort", ["Mutating", "Validating"])
def test_a_webhook_that_is_down(ns: Space, configure: Configure, sort: str) -> None:
    """Fail refuses with what went wrong, Ignore lets it pass."""
    port = free_port()
    client = {"url": f"https://127.0.0.1:{port}/x"}
    configure(sort, client, "open", failurePolicy="Ignore")
    assert ns("POST", "configmaps", config_map("a"))[0] == 201
    configure(sort, client, "shut", timeoutSeconds=3)
    code, refused = ns("POST", "configmaps", config_map("b"))
    assert code == 500 and refused["reason"] == "InternalError"
    text = (
        'failed calling webhook "shut.example.com": failed to call webhook: '
        f'Post "https://127.0.0.1:{port}/x?timeout=3s": dial tcp 127.0.0.1:{port}: connect: connection refused'
    )
    assert refused["message"] == f"Internal error occurred: {text}"
    assert refused["details"] == {"causes": [{"message": text}]}


def test_a_slow_webhook_times_out(ns: Space, authority: Authority, configure: Configure) -> None:
    """After timeoutSeconds."""
    import threading

    over = threading.Event()

    def answer(body: Obj) -> tuple[int, Obj]:
        over.wait(30)
        return review(body)

    with hook(authority, answer) as h:
        configure("Validating", h.client, timeoutSeconds=1)
        code, refused = ns("POST", "configmaps", config_map("a"))
        over.set()
    assert code == 500 and refused["message"].endswith('/hook?timeout=1s": context deadline exceeded')


def test_answers_that_break_the_protocol(ns: Space, authority: Authority, configure: Configure) -> None:
    """A wrong uid, no response, a patch of a validator."""
    answers: list[Callable[[Obj], tuple[int, Any]]] = [
        lambda b: review(b, uid="x"),
        lambda b: (200, {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}),
        lambda b: review(b, **patch({"op": "remove", "path": "/data"})),
        lambda b: (200, {"response": {"uid": b["request"]["uid"], "allowed": True}}),
        lambda b: (404, {"x": 1}),
    ]
    texts = [
        ', got "x"',
        "received invalid webhook response: webhook response was absent",
        "received invalid webhook response: validating webhook may not return response.patch",
        "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=",
        "failed to call webhook: the server could not find the requested resource",
    ]
    with hook(authority, lambda b: answers[0](b)) as h:
        configure("Validating", h.client)
        for text in texts:
            code, refused = ns("POST", "configmaps", config_map("a"))
            assert code == 500 and refused["message"].endswith(text)
            answers.pop(0)


def test_dry_runs_ask_only_hooks_without_side_effects(ns: Space, authority: Authority, configure: Configure) -> None:
    """The webhook hears that it is one."""
    with hook(authority, review) as h:
        configure("Mutating", h.client)
        assert ns("POST", "configmaps?dryRun=All", config_map("a"))[0] == 201
        asked = h.asked[0][1]["request"]
        assert asked["dryRun"] is True and asked["options"]["dryRun"] == ["All"]


def test_a_changed_object_is_shown_again_to_who_wants_it(ns: Space, authority: Authority, configure: Configure) -> None:
    """reinvocationPolicy IfNeeded: the first hook sees what the second one did."""
    first: list[Obj] = []

    def look(body: Obj) -> tuple[int, Obj]:
        first.append(body["request"]["object"]["data"])
        return review(body)

    change = patch({"op": "add", "path": "/data/added", "value": "1"})
    with hook(authority, look) as a, hook(authority, lambda b: review(b, **change)) as b:
        configure("Mutating", a.client, "a", reinvocationPolicy="IfNeeded")
        configure("Mutating", b.client, "b")
        code, made = ns("POST", "configmaps", config_map("x"))
        assert code == 201 and made["data"] == {"k": "v", "added": "1"}
    assert first == [{"k": "v"}, {"k": "v", "added": "1"}]
    assert len(b.asked) == 1


def test_object_selectors_and_rules_narrow(ns: Space, authority: Authority, configure: Configure) -> None:
    """Labels of the new or the old object; sub-resources only where a rule names them."""
    rule = {"operations": ["UPDATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods/status"]}
    with hook(authority, review) as h:
        configure("Validating", h.client, "labels", objectSelector={"matchLabels": {"watched": "yes"}})
        configure("Validating", h.client, "status", rules=[rule])
        ns("POST", "configmaps", config_map("a"))
        assert not h.asked
        ns("POST", "configmaps", config_map("b", labels={"watched": "yes"}))
        assert len(h.asked) == 1
        ns.patch("configmaps/b", {"metadata": {"labels": {"watched": None}}})
        assert len(h.asked) == 2
        ns("POST", "pods", pod("p"))
        ns.patch("pods/p", {"metadata": {"labels": {"x": "y"}}})
        assert len(h.asked) == 2
        ns.patch("pods/p/status", {"status": {"message": "hm"}})
        assert h.asked[-1][1]["request"]["subResource"] == "status"


def test_equivalent_versions_are_converted(ns: Space, authority: Authority, configure: Configure) -> None:
    """A rule for autoscaling/v1 hears of a write in v2, in v1, and its patch counts."""
    rule = {
        "operations": ["CREATE"],
        "apiGroups": ["autoscaling"],
        "apiVersions": ["v1"],
        "resources": ["horizontalpodautoscalers"],
    }
    change = patch({"op": "replace", "path": "/spec/targetCPUUtilizationPercentage", "value": 33})
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
    }
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "a"},
        "spec": {"scaleTargetRef": target, "maxReplicas": 3, "metrics": [metric]},
    }
    with hook(authority, lambda b: review(b, **change)) as h:
        configure("Mutating", h.client, rules=[rule])
        code, made = ns("POST", "autoscaling/v2:horizontalpodautoscalers", scaler)
        assert code == 201, made
        asked = h.asked[0][1]["request"]
    assert asked["kind"]["version"] == "v1" and asked["requestKind"]["version"] == "v2"
    assert asked["object"]["apiVersion"] == "autoscaling/v1"
    assert made["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 33


def test_scale_is_shown_as_a_scale(ns: Space, authority: Authority, configure: Configure) -> None:
    """A mutating hook may change the replicas that were asked for."""
    rule = {"operations": ["UPDATE"], "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments/scale"]}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod("x")["spec"]}
    spec = {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}
    with hook(authority, lambda b: review(b, **patch({"op": "replace", "path": "/spec/replicas", "value": 2}))) as h:
        configure("Mutating", h.client, rules=[rule])
        ns("POST", "apps/v1:deployments", deployment)
        code, made = ns.patch("apps/v1:deployments/d/scale", {"spec": {"replicas": 5}})
        assert code == 200 and made["spec"]["replicas"] == 2
        asked = h.asked[0][1]["request"]
    assert asked["kind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    assert asked["object"]["spec"] == {"replicas": 5} and asked["oldObject"]["spec"] == {"replicas": 1}


def test_configurations_are_never_subject_to_webhooks(
    api: APIServer, ns: Space, authority: Authority, configure: Configure
) -> None:
    """What refuses everything can be deleted."""
    rule = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"], "scope": "Cluster"}
    with hook(authority, lambda b: review(b, allowed=False)) as h:
        configure("Validating", h.client, rules=[rule], objectSelector={"matchLabels": {"me": ns.name}})
        path = f"{_GROUP}/validatingwebhookconfigurations/hook-{ns.name}"
        body = {"metadata": {"labels": {"me": ns.name}}}
        headers = {"Content-Type": "application/merge-patch+json"}
        assert api.request("PATCH", path, body, headers)[0] == 200
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": []}
        made = {**role, "metadata": {"name": f"r-{ns.name}", "labels": {"me": ns.name}}}
        assert api.request("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", made)[0] == 400


def test_a_service_is_resolved_to_its_endpoints(ns: Space, authority: Authority, configure: Configure) -> None:
    """EndpointSlices lead there; the certificate bears the Service's name."""
    with Webhook(authority, review, [f"hook.{ns.name}.svc"], "127.5.4.3") as h:  # as pods of this machine have
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "hook"},
            "spec": {"ports": [{"port": 443}]},
        }
        assert ns("POST", "services", service)[0] == 201
        client = {"service": {"namespace": ns.name, "name": "hook", "path": "/x"}, "caBundle": authority.bundle}
        rule = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["secrets"]}
        configure("Validating", client, rules=[rule])
        piece = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "hook-1", "labels": {"kubernetes.io/service-name": "hook"}},
            "addressType": "IPv4",
            "endpoints": [],
            "ports": [{"name": "", "port": h.port, "protocol": "TCP"}],
        }
        assert ns("POST", "discovery.k8s.io/v1:endpointslices", piece)[0] == 201
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
        code, refused = ns("POST", "secrets", secret)
        assert code == 500
        assert refused["message"].endswith('svc:443/x?timeout=10s": no endpoints available for service "hook"')
        pod = [{"addresses": [h.host], "conditions": {"ready": True}}]
        assert ns.patch("discovery.k8s.io/v1:endpointslices/hook-1", {"endpoints": pod})[0] == 200
        assert ns("POST", "secrets", secret)[0] == 201
        outside = {"spec": {"type": "ExternalName", "externalName": h.host, "ports": [{"port": h.port}]}}
        assert ns("DELETE", "services/hook")[0] == 200
        assert ns("POST", "services", {**service, **outside})[0] == 201
        client["service"]["port"] = h.port
        configure("Validating", client, "outside", rules=[rule])
        assert ns.api.request("DELETE", f"{_GROUP}/validatingwebhookconfigurations/hook-{ns.name}")[0] == 200
        assert ns("POST", "secrets", {**secret, "metadata": {"name": "other"}})[0] == 201
        assert len(h.asked) == 2


def test_nothing_of_it_is_kept_on_disk(tmp_path: Path) -> None:
    """A server starts with webhooks that are down, and still serves reads."""
    client = {"url": "https://127.0.0.1:1/x"}
    rule = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]}
    hook = {
        "name": "a.example.com",
        "clientConfig": client,
        "rules": [rule],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    body = {"kind": "ValidatingWebhookConfiguration", "apiVersion": "admissionregistration.k8s.io/v1"}
    with APIServer(tmp_path / "data") as server:
        path = f"{_GROUP}/validatingwebhookconfigurations"
        assert server.request("POST", path, {**body, "metadata": {"name": "a"}, "webhooks": [hook]})[0] == 201
        server.stop()
        server.start()
        assert server.request("GET", path)[0] == 200
        assert server.request("DELETE", f"{path}/a")[0] == 200


def test_match_conditions_narrow(ns: Space, authority: Authority, configure: Configure) -> None:
    """All must hold; what cannot be told refuses where the webhook fails closed."""
    conditions = [
        {"name": "made", "expression": "request.operation == 'CREATE'"},
        {"name": "big", "expression": "object.data.size == 'big'"},
    ]
    with hook(authority, review) as h:
        configure("Validating", h.client, "shut", matchConditions=conditions)
        assert ns("POST", "configmaps", config_map("small", {"size": "small"}))[0] == 201
        assert not h.asked
        assert ns("POST", "configmaps", config_map("big", {"size": "big"}))[0] == 201
        assert len(h.asked) == 1
        code, refused = ns("POST", "configmaps", config_map("none", {"other": "x"}))
        text = "expression 'object.data.size == 'big'' resulted in error: no such key: size"
        assert (code, refused["reason"]) == (403, "Forbidden")
        assert refused["message"] == f'configmaps "none" is forbidden: {text}'
        assert ns.patch("configmaps/small", {"data": {"other": "x"}})[0] == 200
        kind = f"{_GROUP}/validatingwebhookconfigurations/shut-{ns.name}"
        change = [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]
        assert ns.api.request("PATCH", kind, change, {"Content-Type": "application/json-patch+json"})[0] == 200
        assert ns("POST", "configmaps", config_map("none", {"other": "x"}))[0] == 201
        assert len(h.asked) == 1


def test_calls_are_counted(ns: Space, authority: Authority, configure: Configure) -> None:
    """Under upstream's names."""
    with hook(authority, lambda b: review(b, allowed=False)) as h:
        configure("Validating", h.client, f"count-{ns.name}")
        assert ns("POST", "configmaps", config_map("a"))[0] == 400
    _, _, page = ns.api.raw("GET", "/metrics")
    name, text = f'name="count-{ns.name}.example.com"', page.decode()
    for family in ("admission_duration_seconds_count", "rejection_count", "request_total"):
        lines = [x for x in text.splitlines() if x.startswith(f"apiserver_admission_webhook_{family}") and name in x]
        assert lines and lines[0].endswith(" 1"), family


def test_generated_names_are_told_to_those_that_validate(ns: Space, authority: Authority, configure: Configure) -> None:
    """Who mutates does not know them yet."""
    made = config_map("x")
    made["metadata"] = {"generateName": "g-"}
    change = patch({"op": "add", "path": "/data/a", "value": "b"})
    with hook(authority, lambda b: review(b, **change)) as m, hook(authority, review) as v:
        configure("Mutating", m.client, "m")
        configure("Validating", v.client, "v")
        code, answer = ns("POST", "configmaps", made)
        assert code == 201 and answer["data"] == {"k": "v", "a": "b"}
        name = answer["metadata"]["name"]
        first, second = m.asked[0][1]["request"], v.asked[0][1]["request"]
    assert "name" not in first and "name" not in first["object"]["metadata"]
    assert second["name"] == second["object"]["metadata"]["name"] == name
    assert second["object"]["metadata"]["uid"]


def test_evictions_and_bindings_are_asked_about(ns: Space, authority: Authority, configure: Configure) -> None:
    """The Binding, the Eviction, and the delete that this leads to; no update of the pod by a binding."""
    every = {"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods", "pods/*"]}
    with hook(authority, review) as h:
        ns("POST", "pods", pod("p"))
        configure("Validating", h.client, rules=[every])
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": {"name": "n"}}
        assert ns("POST", "pods/p/binding", binding)[0] == 201
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
        assert ns("POST", "pods/p/eviction", eviction)[0] == 201
        asked = [body["request"] for _, body in h.asked]
    told = [(r["operation"], r.get("subResource", ""), r["kind"]["kind"]) for r in asked]
    expected = [("CREATE", "binding", "Binding"), ("CREATE", "eviction", "Eviction"), ("DELETE", "", "Pod")]
    assert told == expected
    assert asked[1]["kind"] == {"group": "policy", "version": "v1", "kind": "Eviction"}
    assert asked[2]["oldObject"]["spec"]["nodeName"] == "n" and asked[2]["options"]["kind"] == "DeleteOptions"


def test_connections_are_asked_about(ns: Space, authority: Authority, configure: Configure) -> None:
    """CONNECT, with the options as object; a refusal comes before the upgrade."""
    rule = {
        "operations": ["CONNECT"],
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "resources": ["pods/exec", "pods/proxy"],
    }
    with hook(authority, lambda b: review(b, allowed=False, status={"message": "no", "code": 403})) as h:
        configure("Validating", h.client, rules=[rule])
        ns("POST", "pods", pod("p"))
        code, refused = ns("POST", "pods/p/exec?command=ls&command=-l&container=main&stdout=true")
        assert (code, refused["message"]) == (403, 'admission webhook "hook.example.com" denied the request: no')
        asked = h.asked[-1][1]["request"]
        assert asked["operation"] == "CONNECT" and asked["options"] is None
        assert asked["kind"]["kind"] == "PodExecOptions" and asked["subResource"] == "exec"
        assert asked["object"] == {
            "kind": "PodExecOptions",
            "apiVersion": "v1",
            "stdout": True,
            "container": "main",
            "command": ["ls", "-l"],
        }
        assert ns("GET", "pods/p/proxy/a/b")[0] == 403
        assert h.asked[-1][1]["request"]["object"]["path"] == "/a/b"


def test_reviews_and_tokens_are_asked_about(ns: Space, authority: Authority, configure: Configure) -> None:
    """A hook may change the token that is asked for."""
    rule = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["serviceaccounts/token"]}
    change = patch({"op": "add", "path": "/spec/expirationSeconds", "value": 1234})
    with hook(authority, lambda b: review(b, **change)) as h:
        configure("Mutating", h.client, rules=[rule])
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        code, made = ns("POST", "serviceaccounts/default/token", body)
        assert (code, made["spec"]["expirationSeconds"]) == (201, 1234)
        assert h.asked[0][1]["request"]["kind"]["kind"] == "TokenRequest"


def test_custom_resources_are_asked_about_in_the_version_that_is_wanted(
    api: APIServer, ns: Space, authority: Authority, configure: Configure
) -> None:
    """A rule for v1 hears of a write in v2; what its patch adds is pruned and defaulted by the schema."""
    plural, group = f"things{ns.name}", "hooks.ex.io"
    spec = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string", "default": "filled"}}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    versions = [{"name": v, "served": True, "storage": v == "v1", "schema": schema} for v in ("v1", "v2")]
    names = {"plural": plural, "singular": f"thing{ns.name}", "kind": "Thing", "listKind": "ThingList"}
    definition = {"group": group, "scope": "Namespaced", "names": names, "versions": versions}
    body = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": definition}
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert api.request("POST", path, {**body, "metadata": {"name": f"{plural}.{group}"}})[0] == 201
    where = f"/apis/{group}/v2/namespaces/{ns.name}/{plural}"
    for _ in range(600):
        if api.raw("GET", where)[0] == 200:
            break
        time.sleep(0.05)
    rule = {"operations": ["CREATE"], "apiGroups": [group], "apiVersions": ["v1"], "resources": [plural]}
    change = patch({"op": "add", "path": "/spec", "value": {"a": "x", "unknown": 1}})
    with hook(authority, lambda b: review(b, **change)) as h:
        configure("Mutating", h.client, rules=[rule])
        thing = {"apiVersion": f"{group}/v2", "kind": "Thing", "metadata": {"name": "t"}}
        code, made = api.request("POST", where, thing)
        assert code == 201, made
        assert made["apiVersion"] == f"{group}/v2" and made["spec"] == {"a": "x", "b": "filled"}
        asked = h.asked[0][1]["request"]
        assert asked["object"]["apiVersion"] == f"{group}/v1" and asked["requestKind"]["version"] == "v2"
    assert api.request("DELETE", f"{path}/{plural}.{group}")[0] == 200

"""The built-in admission plugins, over real HTTP, and their pure parts by tables."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from kk.kinds._quota_usage import concerns, missing, usage
from kk.server.admission._pod_security_checks import LATEST, violations


def pod(name, **spec):
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "nginx"}], **spec}}


@pytest.fixture
def home(ns):
    """A namespace with its default account."""
    assert ns("POST", "serviceaccounts", {"metadata": {"name": "default"}})[0] == 201
    return ns


def test_nothing_is_made_in_a_namespace_that_is_not_there(api):
    status, answer = api.request("POST", "/api/v1/namespaces/nowhere/configmaps", {"metadata": {"name": "a"}})
    assert (status, answer["message"]) == (404, 'namespaces "nowhere" not found')


def test_three_namespaces_stay(api):
    for name in ("default", "kube-system", "kube-public"):
        status, answer = api.request("DELETE", f"/api/v1/namespaces/{name}")
        assert status == 403
        assert answer["message"] == f'namespaces "{name}" is forbidden: this namespace may not be deleted'


def test_a_terminating_namespace_takes_nothing_new(ns):
    ns.api.request("DELETE", ns.path)
    status, answer = ns("POST", "configmaps", {"metadata": {"name": "a"}})
    assert status == 403
    assert answer["details"]["causes"][0]["reason"] == "NamespaceTerminating"


def test_a_pod_gets_account_token_priority_and_tolerations(home):
    status, made = home("POST", "pods", pod("p"))
    assert status == 201
    spec = made["spec"]
    assert spec["serviceAccountName"] == spec["serviceAccount"] == "default"
    volume = spec["volumes"][0]
    assert volume["name"].startswith("kube-api-access-")
    assert spec["containers"][0]["volumeMounts"] == [
        {"name": volume["name"], "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    ]
    assert spec["priority"] == 0
    assert [t["key"] for t in spec["tolerations"]] == [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ]


def test_a_pod_without_its_account_is_refused(ns):
    status, answer = ns("POST", "pods", pod("p", serviceAccountName="nosuch"))
    assert status == 403
    assert answer["message"].endswith(
        f'error looking up service account {ns.name}/nosuch: serviceaccount "nosuch" not found'
    )


def test_a_pod_waits_for_the_default_account_of_a_new_namespace(ns):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ns, "POST", "pods", pod("p"))
        assert ns("POST", "serviceaccounts", {"metadata": {"name": "default"}})[0] == 201
        assert waiting.result()[0] == 201


def test_limits_fill_and_bound(home):
    limits = [{"type": "Container", "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "100m"}, "max": {"cpu": "1"}}]
    assert home("POST", "limitranges", {"metadata": {"name": "l"}, "spec": {"limits": limits}})[0] == 201
    _, made = home("POST", "pods", pod("p"))
    assert made["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "500m"}, "requests": {"cpu": "100m"}}
    big = [{"name": "c", "image": "x", "resources": {"limits": {"cpu": "2"}}}]
    status, answer = home("POST", "pods", pod("q", containers=big))
    assert status == 403
    assert answer["message"] == 'pods "q" is forbidden: maximum cpu usage per Container is 1, but limit is 2'


def test_two_writers_never_take_the_last_share_both(home):
    home("POST", "resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": {"configmaps": "5"}}})
    status = {"status": {"hard": {"configmaps": "5"}, "used": {"configmaps": "0"}}}
    assert home.patch("resourcequotas/q/status", status)[0] == 200
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: home("POST", "configmaps", {"metadata": {"name": f"c{i}"}}), range(24)))
    assert sorted(code for code, _ in answers) == [201] * 5 + [403] * 19
    refused = next(answer for code, answer in answers if code == 403)
    assert "exceeded quota: q, requested: configmaps=1, used: configmaps=5, limited: configmaps=5" in refused["message"]
    assert home("GET", "resourcequotas/q")[1]["status"]["used"] == {"configmaps": "5"}


def test_a_dry_run_takes_no_share(home):
    home("POST", "resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": {"configmaps": "1"}}})
    home.patch("resourcequotas/q/status", {"status": {"hard": {"configmaps": "1"}, "used": {"configmaps": "0"}}})
    assert home("POST", "configmaps?dryRun=All", {"metadata": {"name": "a"}})[0] == 201
    assert home("GET", "resourcequotas/q")[1]["status"]["used"] == {"configmaps": "0"}


def test_pod_security_refuses_pods_and_warns_authors_of_workloads(home):
    labels = {"pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/warn": "baseline"}
    patch = {"metadata": {"labels": labels}}
    home.api.request("PATCH", home.path, patch, {"Content-Type": "application/merge-patch+json"})
    status, answer = home("POST", "pods", pod("p", hostNetwork=True))
    assert status == 403
    assert answer["message"].endswith('violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)')
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod("x", hostNetwork=True)["spec"]}
    body = {"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}
    status, headers, _ = home.api.raw("POST", home.where("apps/v1:deployments"), body)
    assert status == 201
    assert "would violate PodSecurity" in headers["warning"]


def test_who_tightens_a_level_is_told_of_pods_that_break_it(home):
    for name in ("a", "b"):
        home("POST", "pods", pod(name, hostNetwork=True))
    patch = {"Content-Type": "application/merge-patch+json"}
    body = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline"}}}
    status, headers, _ = home.api.raw("PATCH", home.path, body, patch)
    assert status == 200
    assert "a (and 1 other pod): host namespaces" in headers["warning"]
    body = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "strict"}}}
    status, answer = home.api.request("PATCH", home.path, body, patch)
    assert status == 422
    assert "must be one of privileged, baseline, restricted" in answer["message"]


def test_a_new_node_takes_no_pods_yet(api):
    _, node = api.request("POST", "/api/v1/nodes", {"metadata": {"name": "fresh"}})
    assert node["spec"]["taints"] == [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]


RESTRICTED = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {"name": "c", "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}
    ],
}


@pytest.mark.parametrize(
    ("level", "spec", "words"),
    [
        ("restricted", RESTRICTED, []),
        ("privileged", {"hostNetwork": True}, []),
        ("baseline", {"containers": [{"name": "c"}]}, []),
        ("baseline", {"hostPID": True, "hostIPC": True}, ["host namespaces (hostPID=true, hostIPC=true)"]),
        ("baseline", {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, ['hostPath volumes (volume "v")']),
        (
            "baseline",
            {"containers": [{"name": "a", "ports": [{"hostPort": 80}]}]},
            ['hostPort (container "a" uses hostPort 80)'],
        ),
        (
            "restricted",
            {**RESTRICTED, "securityContext": {**RESTRICTED["securityContext"], "runAsUser": 0}},
            ["runAsUser=0 (pod must not set runAsUser=0)"],
        ),
        (
            "baseline",
            {"securityContext": {"appArmorProfile": {"type": "Unconfined"}}},
            ['forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")'],
        ),
        (
            "baseline",
            {"containers": [{"name": "c", "securityContext": {"seLinuxOptions": {"type": "spc_t"}}}]},
            ['seLinuxOptions (container "c" set forbidden securityContext.seLinuxOptions: type "spc_t")'],
        ),
        (
            "baseline",
            {"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}},
            ["forbidden sysctls (kernel.msgmax)"],
        ),
    ],
)
def test_pod_security_standards(level, spec, words):
    assert violations(level, LATEST, {}, spec) == words


def test_what_a_pod_uses():
    spec = {
        "containers": [{"name": "a", "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "1"}}}],
        "initContainers": [{"name": "i", "resources": {"requests": {"cpu": "300m"}}}],
    }
    found = {k: v.canonical() for k, v in usage("pods", "", {"metadata": {}, "spec": spec}).items()}
    assert found == {
        "count/pods": "1",
        "pods": "1",
        "cpu": "300m",
        "requests.cpu": "300m",
        "limits.cpu": "1",
    }
    assert missing(spec, {"limits.cpu": "1", "pods": "2"}) == {"limits.cpu": ["i"]}
    best_effort = {"spec": {"scopes": ["BestEffort"]}}
    assert not concerns(best_effort, "pods", "", {"spec": spec})
    assert concerns(best_effort, "pods", "", {"spec": {"containers": [{"name": "c"}]}})

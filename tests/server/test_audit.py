"""The audit log, over real HTTP: levels, stages, what an event holds, rotation, and policies that are refused."""

import json
import subprocess
import sys

import pytest
import yaml

from kk.server.audit.log import Rotating
from kk.server.audit.policy import Policy, check
from kk.server.context import RequestInfo, User
from kk.server.routing import parse
from tests.servers import APIServer

POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "nonResourceURLs": ["/healthz*", "/version"]},
        {"level": "Metadata", "resources": [{"group": "", "resources": ["secrets"]}]},
        {
            "level": "RequestResponse",
            "resources": [{"group": "", "resources": ["configmaps"]}],
            "namespaces": ["default"],
            "omitManagedFields": True,
        },
        {"level": "Request", "verbs": ["create"]},
        {"level": "Metadata", "omitStages": []},
    ],
}


@pytest.fixture
def api(tmp_path):
    policy, log = tmp_path / "policy.yaml", tmp_path / "log" / "audit.log"
    policy.write_text(yaml.safe_dump(POLICY))
    with APIServer(tmp_path / "data", 0, f"--audit-policy-file={policy}", f"--audit-log-path={log}") as server:
        server.audit = log
        yield server


def events(api):
    """All events, once the server has ended."""
    api.stop()
    return [json.loads(line) for line in api.audit.read_text().splitlines()]


def test_events_hold_what_the_policy_asks_for(api):
    body = {"metadata": {"name": "x"}, "data": {"a": "b"}}
    status, headers, _ = api.raw("POST", "/api/v1/namespaces/default/configmaps", body, {"Audit-ID": "my-own-1"})
    assert (status, headers["audit-id"]) == (201, "my-own-1")
    api.request("POST", "/api/v1/namespaces/default/secrets", {"metadata": {"name": "s"}, "stringData": {"p": "hid"}})
    api.request("GET", "/version")
    api.request("GET", "/api/v1/namespaces/default/configmaps/none", None, {"Impersonate-User": "eve"})
    api.raw("GET", "/api/v1/namespaces/default/pods?watch=1&timeoutSeconds=1")
    assert api.raw("GET", "/api", None, {"Authorization": "Bearer nonsense"})[0] in (200, 401)
    found = events(api)
    by_uri = {(e["requestURI"], e["verb"]): e for e in found}
    made = next(e for e in found if e["auditID"] == "my-own-1")
    assert made["level"] == "RequestResponse"
    assert made["stage"] == "ResponseComplete"
    assert made["objectRef"] == {"resource": "configmaps", "namespace": "default", "name": "x", "apiVersion": "v1"}
    assert made["requestObject"]["data"] == {"a": "b"}
    assert made["responseObject"]["metadata"]["uid"]
    assert "managedFields" not in made["responseObject"]["metadata"]
    assert made["responseStatus"] == {"metadata": {}, "code": 201}
    assert made["user"]["username"] == "kubernetes-admin"
    assert made["annotations"]["authorization.k8s.io/decision"] == "allow"
    secret = by_uri[("/api/v1/namespaces/default/secrets", "create")]
    assert secret["level"] == "Metadata"
    assert "requestObject" not in secret
    assert not [e for e in found if e["requestURI"] == "/version"]
    denied = by_uri[("/api/v1/namespaces/default/configmaps/none", "get")]
    assert denied["impersonatedUser"]["username"] == "eve"
    assert denied["authenticationMetadata"] == {"impersonationConstraint": "impersonate:user-info"}
    assert denied["responseStatus"]["code"] == 403
    assert denied["responseStatus"]["reason"] == "Forbidden"
    assert denied["annotations"]["authorization.k8s.io/decision"] == "forbid"
    watch = [e["stage"] for e in found if e["verb"] == "watch"]
    assert watch == ["ResponseStarted", "ResponseComplete"]


def test_every_answer_bears_an_id(api):
    _, first, _ = api.raw("GET", "/api/v1/namespaces/default")
    _, second, _ = api.raw("GET", "/api/v1/namespaces/none")
    _, third, _ = api.raw("GET", "/api/v1/namespaces")
    assert len({h["audit-id"] for h in (first, second, third)}) == 3


def ask(policy, method, path, user="u", groups=()):
    path, _, query = path.partition("?")
    info: RequestInfo = parse(method, path.encode(), query.encode())
    return Policy(policy).ask(User(user, "", tuple(groups)), info).level


@pytest.mark.parametrize(
    ("rule", "method", "path", "hit"),
    [
        ({"users": ["u"]}, "GET", "/api", True),
        ({"users": ["v"]}, "GET", "/api", False),
        ({"userGroups": ["g"]}, "GET", "/api", True),
        ({"verbs": ["list"]}, "GET", "/api/v1/pods", True),
        ({"verbs": ["get"]}, "GET", "/api/v1/pods", False),
        ({"resources": [{"group": ""}]}, "GET", "/api/v1/pods", True),
        ({"resources": [{"group": ""}]}, "GET", "/apis/apps/v1/deployments", False),
        ({"resources": [{"group": "", "resources": ["pods"]}]}, "GET", "/api/v1/namespaces/a/pods/p/log", False),
        ({"resources": [{"group": "", "resources": ["pods/*"]}]}, "GET", "/api/v1/namespaces/a/pods/p/log", True),
        ({"resources": [{"group": "", "resources": ["*/log"]}]}, "GET", "/api/v1/namespaces/a/pods/p/log", True),
        (
            {"resources": [{"group": "", "resources": ["pods"], "resourceNames": ["p"]}]},
            "GET",
            "/api/v1/namespaces/a/pods/q",
            False,
        ),
        ({"namespaces": [""]}, "GET", "/api/v1/nodes", True),
        ({"namespaces": ["a"]}, "GET", "/api/v1/namespaces/b/pods", False),
        ({"nonResourceURLs": ["/healthz*"]}, "GET", "/healthz/ping", True),
        ({"nonResourceURLs": ["*"]}, "GET", "/api/v1/pods", False),
    ],
)
def test_rules_match(rule, method, path, hit):
    assert (ask({"rules": [{"level": "Metadata", **rule}]}, method, path, groups=["g"]) == 1) is hit


def test_faults_of_policies_are_told():
    source = {"rules": [{"level": "All"}, {"level": "None", "omitStages": ["Never"]}]}
    first, second = check(source)
    assert first.startswith('rules[0].level: Unsupported value: "All"')
    assert second.startswith('rules[1].omitStages: Invalid value: "Never": allowed stages are')


def test_a_server_with_a_bad_policy_does_not_start(tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("apiVersion: audit.k8s.io/v1\nkind: Policy\n")
    command = [sys.executable, "-m", "kk.server", "--data-dir", str(tmp_path / "d"), "--audit-log-path=-"]
    done = subprocess.run([*command, f"--audit-policy-file={bad}"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "loaded illegal policy with 0 rules" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_file_is_begun_anew_when_it_is_large(tmp_path):
    log = Rotating(tmp_path / "a.log", 1, 2, 0, True)
    line = b"x" * 1023 + b"\n"
    for _ in range(5):
        log.write(line * 1024)
    log.close()
    names = sorted(p.name for p in tmp_path.iterdir())
    assert len(names) == 3
    assert sum(n.endswith(".gz") for n in names) == 2
    assert (tmp_path / "a.log").stat().st_mode & 0o777 == 0o600

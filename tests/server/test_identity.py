"""Who asks and what they may do, over real HTTP: certificates, account tokens, nobody, impersonation, roles, nodes."""

import http.client
import json
import ssl

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from kk.server import impersonation, pki
from kk.server.authenticators import token_file
from kk.server.context import User
from kk.server.tokens import unb64
from tests.servers import tls_context

RBAC = "rbac.authorization.k8s.io/v1"


def bare(api, method, path, token="", body=None, **headers):
    """A request without the admin's certificate."""
    context = ssl.create_default_context(cafile=api.data_dir / "pki/ca.crt")
    connection = http.client.HTTPSConnection("127.0.0.1", api.port, context=context, timeout=30)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    sent = json.dumps(body).encode() if body is not None else None
    connection.request(method, path, sent, {"Content-Type": "application/json", **headers})
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, json.loads(data) if data[:1] == b"{" else data.decode()


@pytest.fixture
def robot(ns):
    """A ServiceAccount and its token."""
    assert ns("POST", "serviceaccounts", {"metadata": {"name": "robot"}})[0] == 201
    status, answer = ns("POST", "serviceaccounts/robot/token", {"spec": {}})
    assert status == 201
    return answer["status"]["token"]


def grant(ns, subject, rules):
    """Give a user rules in the namespace."""
    assert ns("POST", f"{RBAC}:roles", {"metadata": {"name": "r"}, "rules": rules})[0] == 201
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
    assert (
        ns("POST", f"{RBAC}:rolebindings", {"metadata": {"name": "b"}, "roleRef": ref, "subjects": [subject]})[0] == 201
    )


def user(name):
    return {"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"}


def test_nobody_sees_health_and_version_and_no_data(api):
    assert bare(api, "GET", "/healthz") == (200, "ok")
    assert bare(api, "GET", "/version")[0] == 200
    for path in ("/api/v1/namespaces", "/apis", "/openapi/v3", "/metrics", "/api/v1/namespaces/default/secrets"):
        status, answer = bare(api, "GET", path)
        assert status == 403, path
        assert 'User "system:anonymous"' in answer["message"]


def test_a_wrong_token_is_401_everywhere(api):
    for path in ("/healthz", "/api/v1/namespaces", "/nosuch"):
        status, answer = bare(api, "GET", path, token="nonsense")
        assert (status, answer["reason"]) == (401, "Unauthorized")


def test_a_token_is_its_account_until_the_account_goes(api, ns, robot):
    me = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    status, answer = bare(api, "POST", path, robot, me)
    assert status == 201
    assert answer["status"]["userInfo"]["username"] == f"system:serviceaccount:{ns.name}:robot"
    assert f"system:serviceaccounts:{ns.name}" in answer["status"]["userInfo"]["groups"]
    ns("DELETE", "serviceaccounts/robot")
    ns("POST", "serviceaccounts", {"metadata": {"name": "robot"}})
    assert bare(api, "POST", path, robot, me)[0] == 401


def test_a_token_bound_to_a_pod_tells_of_it_and_dies_with_it(api, ns, robot):
    pod = {
        "metadata": {"name": "p"},
        "spec": {"serviceAccountName": "robot", "containers": [{"name": "c", "image": "x"}]},
    }
    assert ns("POST", "pods", pod)[0] == 201
    spec = {"boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "p"}, "expirationSeconds": 3607}
    status, answer = ns("POST", "serviceaccounts/robot/token", {"spec": spec})
    assert status == 201
    token = answer["status"]["token"]
    path = "/apis/authentication.k8s.io/v1/tokenreviews"
    _, review = api.request("POST", path, {"spec": {"token": token}})
    assert review["status"]["user"]["extra"]["authentication.kubernetes.io/pod-name"] == ["p"]
    ns("DELETE", "pods/p?gracePeriodSeconds=0")
    _, review = api.request("POST", path, {"spec": {"token": token}})
    assert "authenticated" not in review["status"]
    assert bare(api, "GET", "/api", token=token)[0] == 401


def test_a_token_for_another_audience_is_refused_here(api, ns, robot):
    _, answer = ns("POST", "serviceaccounts/robot/token", {"spec": {"audiences": ["vault"]}})
    token = answer["status"]["token"]
    assert bare(api, "GET", "/api", token=token)[0] == 401
    path = "/apis/authentication.k8s.io/v1/tokenreviews"
    _, review = api.request("POST", path, {"spec": {"token": token, "audiences": ["vault"]}})
    assert review["status"]["authenticated"]
    assert review["status"]["audiences"] == ["vault"]


def test_tokens_can_be_checked_by_others(api, robot):
    _, keys = api.request("GET", "/openid/v1/jwks")
    _, configuration = api.request("GET", "/.well-known/openid-configuration")
    head, payload, signature = robot.split(".")
    key = keys["keys"][0]
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(unb64(key["x"])), int.from_bytes(unb64(key["y"])), ec.SECP256R1()
    )
    raw = unb64(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    numbers.public_key().verify(der, f"{head}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
    claims = json.loads(unb64(payload))
    assert claims["iss"] == configuration["issuer"]
    assert json.loads(unb64(head))["kid"] == key["kid"]


def test_static_tokens_are_read_from_their_file(tmp_path):
    path = tmp_path / "tokens.csv"
    path.write_text('secret,alice,1,"dev,ops"\n# comment,x,y\nother,bob,2\n')
    known = token_file.read(path)
    assert known["secret"] == User("alice", "1", ("dev", "ops", "system:authenticated"))
    assert known["other"] == User("bob", "2", ("system:authenticated",))
    path.write_text("secret,alice\n")
    with pytest.raises(ValueError, match="at least 3 columns"):
        token_file.read(path)


@pytest.mark.parametrize("change", [lambda t: t + "x", lambda t: t[:-4] + "AAAA", lambda t: "." + t])
def test_a_changed_token_is_refused(api, robot, change):
    assert bare(api, "GET", "/api", token=change(robot))[0] == 401


def test_a_role_holds_in_its_namespace_and_tells_why(api, ns):
    grant(ns, user("alice"), [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}])
    assert ns("GET", "configmaps", Impersonate_User="alice")[0] == 200
    status, answer = ns("GET", "secrets", Impersonate_User="alice")
    assert status == 403
    assert answer["message"] == (
        f'secrets is forbidden: User "alice" cannot list resource "secrets" in API group "" in the namespace "{ns.name}"'
    )
    review = {
        "spec": {
            "user": "alice",
            "resourceAttributes": {"verb": "list", "resource": "configmaps", "namespace": ns.name},
        }
    }
    status, answer = api.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    assert answer["status"] == {
        "allowed": True,
        "reason": f'RBAC: allowed by RoleBinding "b/{ns.name}" of Role "r" to User "alice"',
    }


def test_rights_end_with_their_binding(ns):
    grant(ns, user("bob"), [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}])
    assert ns("GET", "configmaps", Impersonate_User="bob")[0] == 200
    ns("DELETE", f"{RBAC}:rolebindings/b")
    assert ns("GET", "configmaps", Impersonate_User="bob")[0] == 403


def test_nobody_gives_what_he_does_not_hold(ns):
    rules = [
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
    ]
    grant(ns, user("carol"), rules)
    small = {"metadata": {"name": "small"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}
    assert ns("POST", f"{RBAC}:roles", small, Impersonate_User="carol")[0] == 201
    big = {
        "metadata": {"name": "big"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "delete"]}],
    }
    status, answer = ns("POST", f"{RBAC}:roles", big, Impersonate_User="carol")
    assert status == 403
    assert answer["message"].endswith('not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}')


def test_who_applies_something_new_needs_the_right_to_create(ns):
    grant(ns, user("dora"), [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "patch"]}])
    applied = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "b"}}
    headers = {"Content_Type": "application/apply-patch+yaml", "Impersonate_User": "dora"}
    status, answer = ns("PATCH", "configmaps/x?fieldManager=m", applied, **headers)
    assert status == 403
    assert 'cannot create resource "configmaps"' in answer["message"]


def test_a_node_sees_what_its_pods_use_and_nothing_else(api, ns):
    conf = pki.issue_node(api.data_dir, "n-one")
    node = http.client.HTTPSConnection("127.0.0.1", api.port, context=tls_context(type(api.data_dir)(conf)), timeout=30)

    def ask(method, path, body=None):
        status, _, data = api.raw(method, path, body, connection=node)
        return status, json.loads(data)

    for name in ("mine", "other"):
        ns("POST", "secrets", {"metadata": {"name": name}})
    ns("POST", "serviceaccounts", {"metadata": {"name": "default"}})
    assert ask("POST", "/api/v1/nodes", {"metadata": {"name": "n-one"}})[0] == 201
    assert ask("POST", "/api/v1/nodes", {"metadata": {"name": "n-two"}})[0] == 403
    assert ask("GET", f"{ns.path}/secrets/mine")[0] == 403
    spec = {"nodeName": "n-one", "containers": [{"name": "c", "image": "x"}]}
    spec["containers"][0]["envFrom"] = [{"secretRef": {"name": "mine"}}]
    assert ns("POST", "pods", {"metadata": {"name": "p"}, "spec": spec})[0] == 201
    assert ask("GET", f"{ns.path}/secrets/mine")[0] == 200
    status, answer = ask("GET", f"{ns.path}/secrets/other")
    assert status == 403
    assert answer["message"].endswith("no relationship found between node 'n-one' and this object")
    assert ask("GET", f"{ns.path}/secrets")[0] == 403
    assert ask("GET", "/api/v1/pods")[0] == 403
    assert ask("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn-one")[0] == 200
    ns("DELETE", "pods/p?gracePeriodSeconds=0")
    assert ask("GET", f"{ns.path}/secrets/mine")[0] == 403
    node.close()


def test_impersonation_needs_rights_and_a_user(api, ns, robot):
    status, answer = bare(api, "GET", f"{ns.path}/pods", robot, **{"Impersonate-User": "bob"})
    assert status == 403
    assert "cannot impersonate-on:user-info:list" in answer["message"]
    assert ns("GET", "pods", Impersonate_Group="dev")[0] == 400


@pytest.mark.parametrize(
    ("selector", "allowed"),
    [
        ({"rawSelector": "spec.nodeName=n-a"}, True),
        ({"requirements": [{"key": "spec.nodeName", "operator": "In", "values": ["n-a"]}]}, True),
        ({"requirements": [{"key": "spec.nodeName", "operator": "In", "values": ["n-b"]}]}, False),
        (None, False),
    ],
)
def test_a_review_may_ask_for_what_a_selector_leaves(api, selector, allowed):
    attributes = {"verb": "list", "resource": "pods", "version": "v1", "fieldSelector": selector}
    spec = {"user": "system:node:n-a", "groups": ["system:nodes"], "resourceAttributes": attributes}
    if selector is None:
        del attributes["fieldSelector"]
    status, answer = api.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec})
    assert status == 201
    assert answer["status"]["allowed"] is allowed


@pytest.mark.parametrize(
    ("key", "values", "words"),
    [
        ("acme.io/team", ("a",), ""),
        (
            "team",
            ("a",),
            'invalid key in extra is not allowed: extra.key: Invalid value: "team": must be a domain-prefixed',
        ),
        ("ac_me/team", ("a",), 'extra.key: Invalid value: "ac_me"'),
        ("", ("a",), "empty string key"),
        ("acme.io/team", ("a", ""), "empty string value"),
    ],
)
def test_extra_values_that_a_constrained_mode_takes(key, values, words):
    assert (words in impersonation.unfit_extra(key, values)) if words else not impersonation.unfit_extra(key, values)


def test_many_groups_may_be_impersonated_with_the_right_to_all(api, ns, robot):
    subject = {"kind": "ServiceAccount", "name": "robot", "namespace": ns.name}
    group = "authentication.k8s.io"
    rules = [
        {"apiGroups": [group], "resources": ["users"], "verbs": ["impersonate:user-info"]},
        {"apiGroups": [group], "resources": ["groups"], "verbs": ["impersonate:user-info"], "resourceNames": ["*"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["impersonate-on:user-info:list"]},
    ]
    role = {"metadata": {"name": f"many-{ns.name}"}, "rules": rules}
    assert api.request("POST", f"/apis/{RBAC}/clusterroles", role)[0] == 201
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role["metadata"]["name"]}
    binding = {"metadata": {"name": role["metadata"]["name"]}, "roleRef": ref, "subjects": [subject]}
    assert api.request("POST", f"/apis/{RBAC}/clusterrolebindings", binding)[0] == 201

    def ask(groups):
        context = ssl.create_default_context(cafile=api.data_dir / "pki/ca.crt")
        connection = http.client.HTTPSConnection("127.0.0.1", api.port, context=context, timeout=30)
        connection.putrequest("GET", f"{ns.path}/configmaps")
        for name, value in (("Authorization", f"Bearer {robot}"), ("Impersonate-User", "bob")):
            connection.putheader(name, value)
        for name in groups:
            connection.putheader("Impersonate-Group", name)
        connection.endheaders()
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer["message"]

    # bob himself may list nothing: the refusal is about him where he could be impersonated
    assert 'User "bob" cannot list' in ask(["a", "b", "c", "d"])
    assert "cannot impersonate:user-info" in ask(["a"])
    assert "the empty string group" in ask(["a", ""])
    assert "the system:masters group" in ask(["a", "b", "c", "system:masters"])


def test_a_role_that_says_more_than_its_writer_holds_changes_by_nobody_else(ns):
    rules = [
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["patch", "update", "create"]}
    ]
    named = {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["escalate"]}
    grant(ns, user("dave"), [*rules, {**named, "resourceNames": ["named"]}])
    held = {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}
    for name in ("more", "named"):
        made = {"metadata": {"name": name, "finalizers": ["example.org/x"]}, **held}
        assert ns("POST", f"{RBAC}:roles", made)[0] == 201
    merge = {"Content_Type": "application/merge-patch+json", "Impersonate_User": "dave"}
    label = {"metadata": {"labels": {"a": "b"}}}
    status, answer = ns("PATCH", f"{RBAC}:roles/more", label, **merge)
    assert status == 403 and "not currently held" in answer["message"]
    assert ns("PATCH", f"{RBAC}:roles/named", label, **merge)[0] == 200
    assert ns("PATCH", f"{RBAC}:roles/more", {"metadata": {"finalizers": None}}, **merge)[0] == 200
    ns("DELETE", f"{RBAC}:roles/named")
    ns("PATCH", f"{RBAC}:roles/named", {"metadata": {"finalizers": None}}, **merge)
    # whose name stands in no path is not escalated by its name
    assert ns("POST", f"{RBAC}:roles", {"metadata": {"name": "named"}, **held}, Impersonate_User="dave")[0] == 403
    assert ns("PUT", f"{RBAC}:roles/named", {"metadata": {"name": "named"}, **held}, Impersonate_User="dave")[0] == 201

"""The objects of a new cluster: there from the start, given back at the next one, and nothing written where nothing is missing."""

import base64
import json
import ssl
from http.client import HTTPSConnection

import yaml

from kk.server import bootstrap, cluster_info, pki, policy, reconciled
from kk.server.context import Config
from tests.servers import APIServer

ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"


def test_a_new_cluster_has_what_every_cluster_has(api):
    for path in (
        "/api/v1/namespaces/kube-node-lease",
        "/api/v1/namespaces/default/services/kubernetes",
        "/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical",
        "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/catch-all",
        "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations/exempt",
        f"{ROLES}/cluster-admin",
        "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication",
    ):
        assert api.request("GET", path)[0] == 200, path


def test_a_second_start_writes_nothing_and_gives_back_what_was_taken(tmp_path):
    with APIServer(tmp_path / "data") as server:
        _, before = server.request("GET", ROLES)
    with APIServer(tmp_path / "data", server.port) as server:
        _, after = server.request("GET", ROLES)
        assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
        _, role = server.request("GET", f"{ROLES}/system:discovery")
        server.request("PUT", f"{ROLES}/system:discovery", {**role, "rules": []})
        _, own = server.request("GET", f"{ROLES}/system:basic-user")
        own["metadata"]["annotations"] = {"rbac.authorization.kubernetes.io/autoupdate": "false"}
        server.request("PUT", f"{ROLES}/system:basic-user", {**own, "rules": []})
    with APIServer(tmp_path / "data", server.port) as server:
        assert server.request("GET", f"{ROLES}/system:discovery")[1]["rules"] == role["rules"]
        assert not server.request("GET", f"{ROLES}/system:basic-user")[1].get("rules")


def test_short_forms_of_rules():
    assert policy.rule("core,apps pods,pods/log read") == {
        "verbs": ["get", "list", "watch"],
        "apiGroups": ["", "apps"],
        "resources": ["pods", "pods/log"],
    }
    assert policy.rule("core secrets get a,b")["resourceNames"] == ["a", "b"]
    assert policy.rule("url /api,/api/* get") == {"verbs": ["get"], "nonResourceURLs": ["/api", "/api/*"]}


def test_every_binding_leads_to_a_role():
    roles = {r["metadata"]["name"] for r in bootstrap.cluster_roles()}
    assert {b["roleRef"]["name"] for b in bootstrap.cluster_bindings()} <= roles
    own = {(r["metadata"]["namespace"], r["metadata"]["name"]) for r in bootstrap.roles()}
    assert {(b["metadata"]["namespace"], b["roleRef"]["name"]) for b in bootstrap.bindings()} <= own


def _role(rules, **meta):
    return {"metadata": {"name": "r", **meta}, "rules": rules}


def test_only_what_is_missing_of_a_role_comes_back():
    wanted = _role([policy.rule("core pods,services get,list")], labels={"a": "1"}, annotations={"b": "true"})
    assert not reconciled.completed(_role([policy.rule("* * *")], **wanted["metadata"]), wanted)
    whole = reconciled.completed(_role(None, **wanted["metadata"]), wanted)
    assert whole == {"rules": wanted["rules"]}
    part = reconciled.completed(_role([policy.rule("core pods *")], **wanted["metadata"]), wanted)
    assert part["rules"][1:] == [policy.rule("core services get"), policy.rule("core services list")]
    marked = reconciled.completed(_role(wanted["rules"], labels={"a": "2", "c": "3"}), wanted)
    assert marked["metadata"]["labels"] == {"a": "2", "c": "3"}
    assert marked["metadata"]["annotations"] == {"b": "true"}


def test_a_default_role_that_lost_its_annotation_is_still_completed():
    assert not reconciled.protected(_role([]))
    assert reconciled.protected(_role([], annotations={reconciled.AUTOUPDATE: "false"}))


def test_selectors_and_subjects_are_added_to_those_that_are_there():
    own, default = {"matchLabels": {"x": "1"}}, {"matchLabels": {"y": "1"}}
    held = {"metadata": {"name": "admin"}, "aggregationRule": {"clusterRoleSelectors": [own]}}
    wanted = {"metadata": {"name": "admin"}, "rules": None, "aggregationRule": {"clusterRoleSelectors": [default]}}
    assert reconciled.completed(held, wanted) == {"aggregationRule": {"clusterRoleSelectors": [own, default]}}
    mine, theirs = policy.subject("User me"), policy.subject("Group system:masters")
    bound = reconciled.completed({"metadata": {}, "subjects": [mine]}, {"metadata": {}, "subjects": [theirs]})
    assert bound == {"subjects": [mine, theirs]}


INFO = "/api/v1/namespaces/kube-public/configmaps/cluster-info"
READERS = f"/apis/rbac.authorization.k8s.io/v1/namespaces/kube-public/rolebindings/{cluster_info.READERS}"


def _anybody(server, path):
    """(status, body) of a GET by somebody who shows nothing."""
    nobody = ssl.create_default_context(cafile=str(server.data_dir / "pki" / "ca.crt"))
    connection = HTTPSConnection("127.0.0.1", server.port, context=nobody, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_anybody_can_read_where_the_cluster_is_until_it_is_taken_away(tmp_path):
    with APIServer(tmp_path / "data") as server:
        code, found = _anybody(server, INFO)
        assert code == 200
        cluster = yaml.safe_load(found["data"]["kubeconfig"])["clusters"][0]["cluster"]
        assert cluster["server"] == f"https://127.0.0.1:{server.port}"
        authority = base64.b64decode(cluster["certificate-authority-data"])
        assert authority == (tmp_path / "data" / "pki" / "ca.crt").read_bytes()
        assert _anybody(server, INFO.rpartition("/")[0])[0] == 403
        server.request("DELETE", READERS)
    with APIServer(tmp_path / "data") as server:  # at another port
        assert _anybody(server, INFO)[0] == 403
        held = server.request("GET", INFO)[1]["data"]["kubeconfig"]
        assert f"https://127.0.0.1:{server.port}" in held


def test_an_address_that_somebody_chose_is_kept(tmp_path):
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "ca.crt").write_text("authority")
    config = Config(tmp_path, port=6443)
    told = cluster_info.kubeconfig(config)
    assert not cluster_info.stale(told, config)
    assert cluster_info.stale(told, Config(tmp_path, port=7443))
    assert not cluster_info.stale(told.replace("127.0.0.1", "kube.example.org"), Config(tmp_path, port=7443))
    everywhere = Config(tmp_path, host="0.0.0.0", port=6443)
    assert cluster_info.stale(told, everywhere) == (pki.reachable_url("", 6443) != "https://127.0.0.1:6443")
    assert not cluster_info.stale(cluster_info.kubeconfig(everywhere), everywhere)
    assert cluster_info.stale(cluster_info.kubeconfig(everywhere), Config(tmp_path, host="0.0.0.0", port=7443))
    (tmp_path / "pki" / "ca.crt").write_text("another")
    assert cluster_info.stale(told, config)

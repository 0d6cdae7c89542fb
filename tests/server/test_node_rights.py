"""What leads a node to an object: pods, claims and volumes; over real HTTP where the index must follow changes."""

import http.client
import json
from pathlib import Path

import pytest

from kk.server import authz_node, pki
from tests.servers import tls_context


@pytest.fixture
def node(api):
    """A request as the node n-rights."""
    conf = pki.issue_node(api.data_dir, "n-rights")
    connection = http.client.HTTPSConnection("127.0.0.1", api.port, context=tls_context(Path(conf)), timeout=30)

    def ask(method, path, body=None):
        status, _, data = api.raw(method, path, body, connection=connection)
        return status, json.loads(data)

    yield ask
    connection.close()


def _pod(name, **spec):
    return {
        "metadata": {"name": name},
        "spec": {"nodeName": "n-rights", "containers": [{"name": "c", "image": "x"}], **spec},
    }


def test_a_volumes_secret_is_read_where_a_pod_claims_the_volume(api, ns, node):
    ns("POST", "serviceaccounts", {"metadata": {"name": "default"}})
    ns("POST", "secrets", {"metadata": {"name": "keys"}})
    assert node("GET", f"{ns.path}/secrets/keys")[0] == 403  # the index exists from here on
    csi = {"driver": "d", "volumeHandle": "h", "nodeStageSecretRef": {"name": "keys", "namespace": ns.name}}
    size, modes = {"storage": "1Gi"}, ["ReadWriteOnce"]
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": "c", "namespace": ns.name}
    volume = {"metadata": {"name": f"v-{ns.name}"}}
    volume["spec"] = {"capacity": size, "accessModes": modes, "csi": csi, "claimRef": claim}
    assert api.request("POST", "/api/v1/persistentvolumes", volume)[0] == 201
    wanted = {"accessModes": modes, "resources": {"requests": size}}
    assert ns("POST", "persistentvolumeclaims", {"metadata": {"name": "c"}, "spec": wanted})[0] == 201
    assert node("GET", f"{ns.path}/secrets/keys")[0] == 403
    mounted = [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]
    assert ns("POST", "pods", _pod("p", volumes=mounted))[0] == 201
    assert node("GET", f"{ns.path}/secrets/keys")[0] == 200
    assert node("GET", f"/api/v1/persistentvolumes/v-{ns.name}")[0] == 200
    patch = {"Content-Type": "application/merge-patch+json"}
    body = {"spec": {"claimRef": None}}
    assert api.request("PATCH", f"/api/v1/persistentvolumes/v-{ns.name}", body, patch)[0] == 200
    assert node("GET", f"{ns.path}/secrets/keys")[0] == 403


def test_a_mirror_pod_gives_its_node_nothing(ns, node):
    ns("POST", "configmaps", {"metadata": {"name": "keys"}})
    pod = _pod("mirror", volumes=[{"name": "v", "configMap": {"name": "keys"}}])
    pod["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    status, answer = ns("POST", "pods", pod)
    assert status == 201, answer
    assert node("GET", f"{ns.path}/configmaps/keys")[0] == 403
    assert node("GET", f"{ns.path}/pods/mirror")[0] == 200


def test_a_nodes_rights_do_not_hang_on_its_role(api, node):
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node"
    _, role = api.request("GET", path)
    api.request("DELETE", path)
    try:
        assert node("GET", "/api/v1/services")[0] == 200
    finally:
        role["metadata"].pop("resourceVersion")
        api.request("POST", path.rpartition("/")[0], role)


def test_what_a_pods_status_says_of_claims_counts():
    pod = {"metadata": {"name": "p", "namespace": "a"}, "spec": {}}
    pod["status"] = {
        "resourceClaimStatuses": [{"name": "x", "resourceClaimName": "made"}],
        "extendedResourceClaimStatus": {"resourceClaimName": "extended"},
    }
    found = set(authz_node.references(pod))
    assert found == {("resourceclaims", "a", "made"), ("resourceclaims", "a", "extended")}


@pytest.mark.parametrize(
    ("source", "secrets"),
    [
        ({"azureFile": {"secretName": "s", "shareName": "x"}}, {("secrets", "own", "s")}),
        ({"azureFile": {"secretName": "s", "secretNamespace": "b"}}, {("secrets", "b", "s")}),
        ({"rbd": {"secretRef": {"name": "s"}}}, {("secrets", "own", "s")}),
        ({"csi": {"controllerPublishSecretRef": {"name": "s", "namespace": "b"}}}, set()),
        ({"csi": {"nodePublishSecretRef": {"name": "s", "namespace": "b"}}}, {("secrets", "b", "s")}),
    ],
)
def test_secrets_of_volumes(source, secrets):
    volume = {"spec": {"claimRef": {"namespace": "own", "name": "c"}, **source}}
    assert set(authz_node.volume_secrets(volume)) == secrets


def _rules(ask, namespace):
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview"}
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    return ask("POST", path, {**review, "spec": {"namespace": namespace}})[1]["status"]


def test_a_review_of_rules_says_what_it_cannot_know(api, ns, node):
    told = _rules(node, ns.name)
    assert told["incomplete"] is True
    assert told["evaluationError"] == "node authorizer does not support user rule resolution"
    group = "rbac.authorization.k8s.io"
    binding = {"metadata": {"name": "b"}, "roleRef": {"apiGroup": group, "kind": "Role", "name": "none"}}
    binding["subjects"] = [{"kind": "User", "apiGroup": group, "name": "erin"}]
    assert ns("POST", f"{group}/v1:rolebindings", binding)[0] == 201

    def erin(method, path, body):
        return api.request(method, path, body, {"Impersonate-User": "erin"})

    told = _rules(erin, ns.name)
    assert told["incomplete"] is False
    assert told["evaluationError"] == f'role.{group} "none" not found'

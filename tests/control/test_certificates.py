"""Certificate requests and bootstrap tokens: pure decisions first, then the controllers at work on a real API server."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kk.client.http import Client
from kk.client.kubeconfig import load
from kk.control.controllers import _certificates as certificates
from kk.control.controllers import bootstrapsigner, csrapproving, csrcleaner, csrsigning
from kk.control.main import Options, all_controllers
from kk.control.manager import Manager
from tests.servers import APIServer

NOW = datetime(2026, 5, 1, tzinfo=UTC)
BASE = ["digital signature", "key encipherment"]


def request(name="system:node:n1", groups=("system:nodes",), dns=()):
    """A PEM certificate request in base64."""
    key = ec.generate_private_key(ec.SECP256R1())
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, g) for g in groups]
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, name)])
    )
    if dns:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(d) for d in dns]), False)
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return base64.b64encode(pem).decode()


def csr(signer=certificates.KUBELET, usages=(*BASE, "client auth"), user="system:node:n1", conditions=(), **kwargs):
    spec = {"request": request(**kwargs), "signerName": signer, "usages": list(usages), "username": user}
    metadata = {"name": "c", "creationTimestamp": "2026-05-01T00:00:00Z"}
    return {"metadata": metadata, "spec": spec, "status": {"conditions": list(conditions)} if conditions else {}}


def condition(kind):
    return {"type": kind, "status": "True", "lastUpdateTime": "2026-05-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("made", "kinds"),
    [
        (csr(), ["selfnodeclient", "nodeclient"]),
        (csr(user="system:bootstrap:abcdef"), ["nodeclient"]),
        (csr(name="alice"), []),
        (csr(groups=("system:masters",)), []),
        (csr(dns=("x",)), []),
        (csr(usages=(*BASE, "server auth")), []),
        (csr(signer=certificates.CLIENT), []),
    ],
)
def test_what_is_approved(made, kinds):
    assert [k for k, _ in csrapproving.recognized(made)] == kinds


@pytest.mark.parametrize(
    ("signer", "made", "text"),
    [
        (certificates.SERVING, {"usages": (*BASE, "server auth"), "dns": ("n1",)}, ""),
        (certificates.SERVING, {"usages": (*BASE, "server auth")}, "DNS or IP subjectAltName is required"),
        (certificates.KUBELET, {"dns": ("n1",)}, "DNS subjectAltNames are not allowed"),
        (certificates.KUBELET, {"groups": ()}, "subject organization is not system:nodes"),
        (certificates.CLIENT, {"usages": BASE}, "missing usages for client certificate"),
        (certificates.CLIENT, {"usages": (*BASE, "client auth", "cert sign")}, "invalid usage for client certificate"),
        (certificates.LEGACY, {"usages": ("any",), "name": "x"}, ""),
    ],
)
def test_what_signers_check(signer, made, text):
    found = csr(signer=signer, **made)
    try:
        certificates.SIGNERS[signer](certificates.parse(found), set(found["spec"]["usages"]))
        said = ""
    except certificates.Unfit as error:
        said = str(error)
    assert text in said
    assert bool(text) == bool(said)


@pytest.mark.parametrize(
    ("conditions", "hours", "gone"),
    [
        ((), 23, False),
        ((), 25, True),
        ((condition("Denied"),), 2, True),
        ((condition("Failed"),), 0.5, False),
        ((condition("Approved"),), 2, False),
        ((condition("Approved"),), 25, True),
    ],
)
def test_what_is_cleaned_up(conditions, hours, gone):
    assert (csrcleaner.due_in(csr(conditions=conditions), NOW + timedelta(hours=hours)) <= 0) is gone


def test_only_approved_requests_of_known_signers_are_signed():
    assert not csrsigning.wanted(csr())
    assert csrsigning.wanted(csr(conditions=[condition("Approved")]))
    assert not csrsigning.wanted(csr(conditions=[condition("Approved"), condition("Denied")]))
    assert not csrsigning.wanted(csr(signer="example.org/own", conditions=[condition("Approved")]))


def token(token_id, **data):
    data = {"token-id": token_id, "token-secret": "s" * 16, "usage-bootstrap-signing": "true", **data}
    encoded = {k: base64.b64encode(v.encode()).decode() for k, v in data.items()}
    return {"metadata": {"name": f"bootstrap-token-{token_id}", "namespace": "kube-system"}, "data": encoded}


def test_cluster_info_is_signed_with_each_token():
    config = {"data": {"kubeconfig": "hello", "jws-kubeconfig-gone00": "x", "more": "y"}}
    late = token("late00", expiration="2020-01-01T00:00:00Z")
    mute = token("mute00", **{"usage-bootstrap-signing": "false"})
    found = bootstrapsigner.plan(config, [token("abcdef"), late, mute], NOW)
    assert set(found) == {"kubeconfig", "more", "jws-kubeconfig-abcdef"}
    head, payload, sent = found["jws-kubeconfig-abcdef"].split(".")
    assert payload == ""
    signed = f"{head}.{base64.urlsafe_b64encode(b'hello').rstrip(b'=').decode()}".encode()
    expected = hmac.new(b"s" * 16, signed, hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(sent + "=") == expected
    assert bootstrapsigner.plan({"data": found}, [token("abcdef")], NOW) is None


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with APIServer(tmp_path_factory.mktemp("certs") / "data") as server:
        admin = Client(load(str(server.kubeconfig)).resolve(), timeout=60)
        own = Client(load(str(server.data_dir / "kubeconfig" / "controller-manager.conf")).resolve())
        pki = server.data_dir / "pki"
        options = Options(cluster_signing_cert_file=str(pki / "ca.crt"), cluster_signing_key_file=str(pki / "ca.key"))
        words = ("csrapproving", "csrsigning", "csrcleaner", "bootstrapsigner", "tokencleaner")
        chosen = [c for c in all_controllers() if c.names & set(words)]
        manager = Manager(own, chosen, options=options)
        manager.start()
        yield server, admin
        manager.stop()


def until(resource, name, good):
    """An object as soon as it is good, by a list and a watch; None where it went."""
    listed = resource.list(fieldSelector=f"metadata.name={name}")
    for obj in listed["items"]:
        if good(obj):
            return obj
    if not listed["items"] and good(None):
        return None
    version = listed["metadata"]["resourceVersion"]
    for kind, obj in resource.watch(version, fieldSelector=f"metadata.name={name}", timeoutSeconds=60):
        if kind == "DELETED" and good(None):
            return None
        if kind != "DELETED" and good(obj):
            return obj
    raise AssertionError(f"{name} did not get there")


@pytest.mark.cluster
def test_a_node_joins_with_a_bootstrap_token(cluster):
    server, admin = cluster
    secret = token("abcdef", **{"usage-bootstrap-authentication": "true"})
    secrets = admin.resource("v1", "secrets", "kube-system")
    secrets.create({**secret, "type": "bootstrap.kubernetes.io/token"})
    prefix = "system:certificates.k8s.io:certificatesigningrequests"
    for role in ("system:node-bootstrapper", f"{prefix}:nodeclient"):
        subject = {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:bootstrappers"}
        ref = {"kind": "ClusterRole", "apiGroup": "rbac.authorization.k8s.io", "name": role}
        body = {"metadata": {"name": f"join-{role.rpartition(':')[2]}"}, "roleRef": ref, "subjects": [subject]}
        admin.resource("rbac.authorization.k8s.io/v1", "clusterrolebindings").create(body)
    import http.client
    import ssl

    context = ssl.create_default_context(cafile=server.data_dir / "pki" / "ca.crt")
    joining = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=60)
    spec = {"request": request(), "signerName": certificates.KUBELET, "usages": [*BASE, "client auth"]}
    body = {"metadata": {"name": "join"}, "spec": {**spec, "expirationSeconds": 3600}}
    headers = {"Authorization": f"Bearer abcdef.{'s' * 16}", "Content-Type": "application/json"}
    joining.request("POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests", json.dumps(body), headers)
    answer = joining.getresponse()
    made = json.loads(answer.read())
    joining.close()
    assert answer.status == 201, made
    assert made["spec"]["username"] == "system:bootstrap:abcdef"
    requests = admin.resource("certificates.k8s.io/v1", "certificatesigningrequests")
    done = until(requests, "join", lambda o: o and (o.get("status") or {}).get("certificate"))
    assert done["status"]["conditions"][0]["reason"] == "AutoApproved"
    cert = x509.load_pem_x509_certificate(base64.b64decode(done["status"]["certificate"]))
    cert.verify_directly_issued_by(x509.load_pem_x509_certificate((server.data_dir / "pki/ca.crt").read_bytes()))
    assert (cert.not_valid_after_utc - cert.not_valid_before_utc) == timedelta(minutes=65)
    purposes = cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]


@pytest.mark.cluster
def test_what_a_signer_does_not_sign_fails(cluster):
    _, admin = cluster
    requests = admin.resource("certificates.k8s.io/v1", "certificatesigningrequests")
    spec = {"request": request(), "signerName": certificates.SERVING, "usages": [*BASE, "server auth"]}
    made = requests.create({"metadata": {"name": "bad"}, "spec": spec})
    approved = certificates.with_condition(made, "Approved", "Test", "by hand", datetime.now(UTC))
    requests.update(approved, subresource="approval")
    failed = until(requests, "bad", lambda o: o and certificates.has(o, "Failed"))
    assert certificates.has(failed, "Failed")["message"] == "DNS or IP subjectAltName is required"
    assert certificates.has(failed, "Failed")["reason"] == "SignerValidationFailure"


@pytest.mark.cluster
def test_tokens_that_ran_out_are_deleted(cluster):
    _, admin = cluster
    secrets = admin.resource("v1", "secrets", "kube-system")
    ended = token("ended0", expiration="2020-01-01T00:00:00Z")
    secrets.create({**ended, "type": "bootstrap.kubernetes.io/token"})
    assert until(secrets, "bootstrap-token-ended0", lambda o: o is None) is None

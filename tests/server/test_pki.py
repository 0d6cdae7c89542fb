"""The cluster's keys: made once, kept while good, made again when they no longer fit, never readable by others."""

import base64
import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from kk.server import pki


@pytest.fixture
def data_dir(tmp_path):
    pki.ensure(tmp_path, "127.0.0.1", 6443)
    return tmp_path


def contents(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_second_start_changes_nothing(data_dir):
    before = contents(data_dir)
    pki.ensure(data_dir, "127.0.0.1", 6443)
    assert contents(data_dir) == before


def test_secrets_are_private(data_dir):
    pki.issue_node(data_dir, "n1")
    secrets = [*data_dir.glob("pki/*.key"), *data_dir.glob("kubeconfig/*.conf")]
    assert {stat.S_IMODE(p.stat().st_mode) for p in secrets} == {0o600}
    assert stat.S_IMODE((data_dir / "pki").stat().st_mode) == 0o700


def test_the_server_certificate_names_the_service(data_dir):
    cert = x509.load_pem_x509_certificate((data_dir / "pki/apiserver.crt").read_bytes())
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"localhost", "kubernetes.default.svc.cluster.local"} <= set(names.get_values_for_type(x509.DNSName))
    assert {"127.0.0.1", "::1", "10.96.0.1"} <= {str(a) for a in names.get_values_for_type(x509.IPAddress)}


def test_another_host_gets_a_new_server_certificate_from_the_same_authority(data_dir):
    before = contents(data_dir)
    pki.ensure(data_dir, "192.0.2.7", 6443)
    after = contents(data_dir)
    changed = {p.name for p in after if before.get(p) != after[p]}
    assert changed == {"apiserver.crt", "apiserver.key", "admin.conf", "controller-manager.conf", "scheduler.conf"}


def test_another_port_keeps_the_identity(data_dir):
    path = data_dir / "kubeconfig/admin.conf"
    before = json.loads(path.read_bytes())
    pki.ensure(data_dir, "127.0.0.1", 7443)
    after = json.loads(path.read_bytes())
    assert after["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:7443"
    assert after["users"] == before["users"]


def test_what_has_run_out_is_made_again(data_dir):
    authority = pki.read_authority(data_dir / "pki")
    old = pki.server_pair(authority, "kube-apiserver", [*pki.SERVER_IPS, *pki.SERVER_NAMES], life=timedelta(days=1))
    for name, data in (("apiserver.crt", old.cert), ("apiserver.key", old.key)):
        pki.write_private(data_dir / "pki" / name, data)
    pki.ensure(data_dir)
    assert (data_dir / "pki/apiserver.crt").read_bytes() != old.cert


@pytest.mark.filterwarnings("ignore:Attribute's length")
def test_a_node_has_an_identity_and_a_serving_certificate(data_dir):
    name = "n" * 63
    conf = pki.issue_node(data_dir, name)
    user = json.loads(Path(conf).read_bytes())["users"][0]["user"]
    subject = x509.load_pem_x509_certificate(base64.b64decode(user["client-certificate-data"])).subject
    assert subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == f"system:node:{name}"
    assert subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "system:nodes"
    before = contents(data_dir)
    assert pki.issue_node(data_dir, name) == conf
    assert contents(data_dir) == before

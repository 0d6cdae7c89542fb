"""Kubeconfig: precedence, merging, data, overrides, words of errors, plugins, writing."""

import json
import os
import stat
import sys

import pytest

from kk.client.kubeconfig import in_cluster, load, read_file, write_file

ONE = """
apiVersion: v1
kind: Config
current-context: a
clusters:
- name: c1
  cluster: {server: "https://one:6443/", certificate-authority: ca.crt}
users:
- name: u1
  user: {token: secret}
contexts:
- name: a
  context: {cluster: c1, user: u1, namespace: space}
"""
TWO = """
clusters:
- name: c1
  cluster: {server: "https://other"}
- name: c2
  cluster: {server: "https://two", certificate-authority-data: UEVN, insecure-skip-tls-verify: true}
contexts:
- name: b
  context: {cluster: c2, user: u2}
users:
- name: u2
  user: {username: me, password: pw}
current-context: b
"""


@pytest.fixture
def env(tmp_path):
    (tmp_path / "one").write_text(ONE)
    (tmp_path / "two").write_text(TWO)
    (tmp_path / "ca.crt").write_bytes(b"CA")
    return {"HOME": str(tmp_path), "KUBECONFIG": f"{tmp_path}/one{os.pathsep}{tmp_path}/two{os.pathsep}{tmp_path}/none"}


def test_the_first_file_wins(env):
    found = load(env=env).resolve()
    assert (found.server, found.ca_data, found.token, found.namespace) == ("https://one:6443", b"CA", "secret", "space")


def test_another_context(env):
    found = load(context="b", env=env).resolve()
    assert (found.server, found.ca_data, found.insecure) == ("https://two", b"PEM", True)
    assert (found.username, found.password, found.namespace) == ("me", "pw", None)


def test_overrides(env, tmp_path):
    (tmp_path / "c").write_bytes(b"CERT")
    found = load(env=env).resolve(
        {
            "server": "https://flag",
            "client_certificate": str(tmp_path / "c"),
            "namespace": "n",
            "impersonate": "x",
            "impersonate_groups": ["g"],
            "impersonate_extra": ["a=b"],
            "user": "u2",
        }
    )
    assert (found.server, found.cert_data, found.namespace, found.username) == ("https://flag", b"CERT", "n", "me")
    assert (found.impersonate, found.impersonate_groups, found.impersonate_extra) == ("x", ("g",), (("a", "b"),))


@pytest.mark.parametrize(
    ("context", "overrides", "words"),
    [
        ("none", {}, 'context "none" does not exist'),
        (None, {"cluster": "x"}, 'cluster "x" does not exist'),
        (None, {"user": "x"}, 'auth info "x" does not exist'),
    ],
)
def test_what_is_not_there(env, context, overrides, words):
    with pytest.raises(ValueError, match=words):
        load(context=context, env=env).resolve(overrides)


def test_an_explicit_file_must_be_there(tmp_path):
    with pytest.raises(ValueError, match="no such file or directory"):
        load(str(tmp_path / "none"), env={}).resolve()


def test_no_file_at_all_names_no_server(tmp_path):
    assert load(env={"HOME": str(tmp_path)}).resolve().server == ""


def test_in_cluster(tmp_path):
    (tmp_path / "token").write_text("tok\n")
    (tmp_path / "ca.crt").write_text("CA")
    (tmp_path / "namespace").write_text("ns")
    found = in_cluster({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}, str(tmp_path))
    assert (found.server, found.token, found.namespace) == ("https://10.0.0.1:443", "tok", "ns")
    assert in_cluster({}, str(tmp_path)) is None


def test_a_written_file_reads_the_same_and_is_private(tmp_path):
    path = tmp_path / "deep" / "config"
    write_file(path, {"clusters": [{"name": "c", "cluster": {"server": "https://s"}}], "current-context": "x"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_file(path)["clusters"][0]["cluster"]["server"] == "https://s"


def test_where_entries_are_written(env, tmp_path):
    config = load(env=env)
    assert config.file_for("users", "u2") == str(tmp_path / "two")
    assert config.file_for("users", "new") == str(tmp_path / "one")


def test_credential_plugin(tmp_path):
    plugin = tmp_path / "plugin.py"
    plugin.write_text(
        "import json, os\n"
        "info = json.loads(os.environ['KUBERNETES_EXEC_INFO'])\n"
        "print(json.dumps({'apiVersion': info['apiVersion'], 'kind': 'ExecCredential',"
        " 'status': {'token': os.environ['EXTRA']}}))\n"
    )
    spec = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": [str(plugin)],
        "env": [{"name": "EXTRA", "value": "tok"}],
    }
    config = {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://s"}}],
        "users": [{"name": "u", "user": {"exec": spec}}],
    }
    path = tmp_path / "config"
    path.write_text(json.dumps(config))
    assert load(str(path)).resolve().token == "tok"
    config["users"][0]["user"]["exec"]["args"] = ["-c", "raise SystemExit(3)"]
    path.write_text(json.dumps(config))
    with pytest.raises(ValueError, match="failed with exit code 3"):
        load(str(path)).resolve()


def test_broken_file(tmp_path):
    (tmp_path / "x").write_text("a: [")
    with pytest.raises(ValueError, match="error loading config file"):
        load(str(tmp_path / "x"))

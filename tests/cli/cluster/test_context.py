"""The context of a local cluster in a kubeconfig: merged, made current, taken out; everything else stays."""

import json

import pytest
import yaml

from kk.cli.cluster import context
from kk.cli.cluster.home import Cluster, ClusterError, free_port, in_use


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    monkeypatch.setenv("KK_HOME", str(tmp_path / "home"))
    one = Cluster("lab")
    one.admin.parent.mkdir(parents=True)
    admin = {
        "clusters": [{"name": "x", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "y", "user": {"token": "t"}}],
    }
    one.admin.write_text(json.dumps(admin))
    return one


OTHER = {
    "apiVersion": "v1",
    "kind": "Config",
    "preferences": {"colors": True},
    "clusters": [{"name": "prod", "cluster": {"server": "https://prod"}}],
    "users": [{"name": "me", "user": {"exec": {"command": "login"}}}],
    "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "me", "namespace": "web"}}],
    "current-context": "prod",
}


def test_merge_into_nothing(cluster, tmp_path):
    path = tmp_path / "new" / "config"
    assert context.merge(cluster, path)
    config = yaml.safe_load(path.read_text())
    assert config["current-context"] == "kk-lab"
    assert config["clusters"] == [{"name": "kk-lab", "cluster": {"server": "https://127.0.0.1:1"}}]
    assert path.stat().st_mode & 0o777 == 0o600


def test_merge_keeps_everything_else_and_twice_changes_nothing(cluster, tmp_path):
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(OTHER))
    path.chmod(0o640)
    assert context.merge(cluster, path)
    text = path.read_text()
    config = yaml.safe_load(text)
    for key in ("clusters", "users", "contexts"):
        assert config[key][0] == OTHER[key][0]
    assert config["preferences"] == {"colors": True}
    assert path.stat().st_mode & 0o777 == 0o640
    assert not context.merge(cluster, path)
    assert path.read_text() == text


def test_merge_keeps_the_namespace_that_was_set(cluster, tmp_path):
    path = tmp_path / "config"
    context.merge(cluster, path)
    context.edit(path, lambda c: c["contexts"][0]["context"].update(namespace="hello"))
    context.merge(cluster, path)
    assert yaml.safe_load(path.read_text())["contexts"][0]["context"]["namespace"] == "hello"


def test_remove_takes_out_only_its_own(cluster, tmp_path):
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(OTHER))
    context.merge(cluster, path)
    assert context.remove(cluster, path)
    config = yaml.safe_load(path.read_text())
    assert config == {**OTHER, "current-context": ""}
    assert not context.remove(cluster, tmp_path / "absent")


@pytest.mark.parametrize("text", ["{", "- a\n- b\n"])
def test_a_broken_file_is_left_alone(cluster, tmp_path, text):
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(ClusterError, match="left alone"):
        context.merge(cluster, path)
    assert path.read_text() == text
    assert not (tmp_path / "config.lock").exists()


@pytest.mark.parametrize(
    "variable,want",
    [("", "home/.kube/config"), ("a:b", "a"), ("absent:there", "there")],
)
def test_which_file(tmp_path, monkeypatch, variable, want):
    (tmp_path / "there").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "home")
    monkeypatch.setenv("KUBECONFIG", variable)
    assert str(context.target()) == want


@pytest.mark.parametrize("bad", ["", "-a", "A", "a/b", "../x", "a" * 60])
def test_bad_names(bad):
    with pytest.raises(ClusterError, match="invalid cluster name"):
        Cluster(bad)


def test_a_free_port_is_free():
    assert not in_use(free_port(20000))

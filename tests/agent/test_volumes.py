"""Volume types as folders: what is written, what is missing, what a mount resolves to."""

import base64
import os
import stat
import time

import pytest

from kk.agent.pods.env import Sources
from kk.agent.volumes._setup import mounts, setup
from kk.agent.volumes._volume import Context, MountFault

MAPS = {"cm": {"data": {"a": "1", "b": "2"}, "binaryData": {"c": base64.b64encode(b"\0").decode()}}}
SECRETS = {"s": {"data": {"k": base64.b64encode(b"hidden").decode()}}}


@pytest.fixture
def run(tmp_path):
    def run(*volumes):
        pod = {
            "metadata": {"name": "p", "namespace": "d", "uid": "u", "labels": {"x": "y"}},
            "spec": {"volumes": list(volumes), "containers": []},
        }
        sources = Sources(lambda n: None, lambda n: None, [], {"cpu": "2"}, "n1", "10.0.0.1", "127.1.2.3")
        context = Context(
            pod, tmp_path, sources, MAPS.get, SECRETS.get, lambda audience, s: (f"token-{audience}", time.time() + s)
        )
        return setup(context)

    return run


def content(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if not p.name.startswith("..")}


def test_config_map_and_secret(run):
    paths, renew = run(
        {"name": "v", "configMap": {"name": "cm"}}, {"name": "w", "secret": {"secretName": "s", "defaultMode": 0o400}}
    )
    assert content(paths["v"]) == {"a": b"1", "b": b"2", "c": b"\0"} and renew == 0
    assert content(paths["w"]) == {"k": b"hidden"}
    assert stat.S_IMODE(os.stat(paths["w"] / "k").st_mode) == 0o400
    paths, _ = run(
        {"name": "v", "configMap": {"name": "cm", "items": [{"key": "a", "path": "deep/er", "mode": 0o600}]}}
    )
    assert (paths["v"] / "deep/er").read_bytes() == b"1" and not (paths["v"] / "a").exists()
    assert len(list(paths["v"].glob("..data_*"))) == 1


def test_what_is_not_there(run):
    with pytest.raises(MountFault, match='MountVolume.SetUp failed for volume "v" : configmap "no" not found'):
        run({"name": "v", "configMap": {"name": "no"}})
    with pytest.raises(MountFault, match="references non-existent config key: no"):
        run({"name": "v", "configMap": {"name": "cm", "items": [{"key": "no", "path": "x"}]}})
    with pytest.raises(MountFault, match="nfs is not supported at isolation level host"):
        run({"name": "v", "nfs": {"server": "x", "path": "/"}})
    with pytest.raises(MountFault, match="is not a directory"):
        run({"name": "v", "hostPath": {"path": "/etc/passwd", "type": "Directory"}})
    paths, _ = run({"name": "v", "configMap": {"name": "no", "optional": True}})
    assert content(paths["v"]) == {}


def test_projected_and_downward(run):
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
        {"configMap": {"name": "cm", "items": [{"key": "a", "path": "a"}]}},
        {"secret": {"name": "s"}},
        {"downwardAPI": {"items": [{"path": "ns", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]
    items = [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]
    before = time.time()
    paths, renew = run({"name": "v", "projected": {"sources": sources}}, {"name": "w", "downwardAPI": {"items": items}})
    assert content(paths["v"]) == {"token": b"token-", "a": b"1", "k": b"hidden", "ns": b"d"}
    assert before + 2870 < renew < before + 2890
    assert content(paths["w"]) == {"labels": b'x="y"'}


def test_empty_dir_keeps_its_files(run):
    volume = {"name": "v", "emptyDir": {}}
    (run(volume)[0]["v"] / "f").write_text("kept")
    assert content(run(volume)[0]["v"]) == {"f": b"kept"}


def test_mounts(run):
    paths, _ = run({"name": "v", "emptyDir": {}})
    container = {
        "volumeMounts": [
            {"name": "v", "mountPath": "/data"},
            {"name": "v", "mountPath": "/sub", "subPath": "a/b"},
            {"name": "v", "mountPath": "/x", "subPathExpr": "$(N)"},
        ]
    }
    assert mounts(container, paths, lambda text: text.replace("$(N)", "n")) == [
        ("/data", str(paths["v"])), ("/sub", str(paths["v"] / "a/b")), ("/x", str(paths["v"] / "n")),
    ]  # fmt: skip
    with pytest.raises(MountFault):
        mounts({"volumeMounts": [{"name": "v", "mountPath": "/x", "subPath": "../.."}]}, paths, str)

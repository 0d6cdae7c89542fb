"""What shells are offered: verbs, flags, types, names, namespaces; and the scripts themselves in a shell."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.beside import KK
from tests.servers import APIServer

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[APIServer]:
    with APIServer(tmp_path_factory.mktemp("complete") / "api") as running:
        yield running


CASES = [
    (["ge"], ["get"]),
    (["create", "sec"], ["secret"]),
    (["create", "secret", ""], ["docker-registry", "generic", "tls"]),
    (["get", "name"], ["namespaces"]),
    (["get", "ns", "kube-"], ["kube-node-lease", "kube-public", "kube-system"]),
    (["get", "ns/def"], ["ns/default"]),
    (["get", "-n", "kube-p"], ["kube-public"]),
    (["get", "--namespace=kube-p"], ["--namespace=kube-public"]),
    (["get", "-o", "jsonpath-"], ["jsonpath-as-json", "jsonpath-file"]),
    (["get", "--watch"], ["--watch", "--watch-only"]),
    (["apply", "--dry-run="], ["--dry-run=none", "--dry-run=client", "--dry-run=server"]),
    (["get", "nosuchtype", ""], []),
    (["nosuchverb", "x"], []),
]


def asked(words: list[str], home: Path, **more: str) -> list[str]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), **more}
    done = subprocess.run(
        [*KK, "__complete", "--", *words], capture_output=True, text=True, env=environ, cwd=ROOT, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize("words, wanted", CASES, ids=[" ".join(c[0]) for c in CASES])
def test_offers(words, wanted, server, tmp_path):
    assert asked(words, tmp_path, KUBECONFIG=str(server.kubeconfig)) == wanted


def test_without_a_cluster_verbs_are_offered_and_nothing_is_said(tmp_path):
    assert asked(["desc"], tmp_path) == ["describe"]
    assert asked(["get", "po"], tmp_path) == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_the_bash_script_completes(server, tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "kk").write_text("#!/bin/sh\nexec " + " ".join(KK) + ' "$@"\n')
    (folder / "kk").chmod(0o755)
    script = f"""
cd {ROOT}; source completions/kk.bash
COMP_WORDS=(kk get ns kube-p); COMP_CWORD=3; __kk_complete; echo "${{COMPREPLY[@]}}"
COMP_WORDS=(kk create dep); COMP_CWORD=2; __kk_complete; echo "${{COMPREPLY[@]}}"
"""
    environ = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(tmp_path), "KUBECONFIG": str(server.kubeconfig)}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=environ, timeout=60)
    assert (done.stdout, done.stderr) == ("kube-public\ndeployment\n", "")

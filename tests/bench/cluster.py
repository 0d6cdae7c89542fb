"""Starts what is measured: a bare API server, the reference server beside it, or a whole cluster in a home of its own."""

import base64
import contextlib
import json
import os
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from tests.cluster.lab import KK, free_port


class Client:
    """Requests as a cluster's administrator."""

    def __init__(self, whole: "Whole"):
        self.connect(whole.folder / "kk" / "clusters" / "default" / "server")

    def connect(self, data: Path) -> None:
        """Take address and credentials from the API server's data folder."""
        config = json.loads((data / "kubeconfig" / "admin.conf").read_text())
        self.url = config["clusters"][0]["cluster"]["server"]
        user = config["users"][0]["user"]
        for name in ("certificate", "key"):
            (data / f"client.{name}").write_bytes(base64.b64decode(user[f"client-{name}-data"]))
        self.context = ssl.create_default_context(cafile=str(data / "pki" / "ca.crt"))
        self.context.load_cert_chain(data / "client.certificate", data / "client.key")

    def ask(self, method: str, path: str, body: object = None) -> dict:
        """One request."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, context=self.context, timeout=60) as answer:
            return json.load(answer)

    def stream(self, path: str) -> Any:
        """A response whose lines are read as they come."""
        return urllib.request.urlopen(self.url + path, context=self.context, timeout=60)


class Api(Client):
    """A running API server (`python -m kk.server`) with a token that may do everything, for tools that know no client certificates."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()
        self._start()
        self.config = str(folder / "kubeconfig" / "admin.conf")
        self.connect(folder)

    def _start(self) -> None:
        folder = self.folder
        ready, tell = os.pipe()
        argv = [
            sys.executable,
            "-m",
            "kk.server",
            "--data-dir",
            str(folder),
            "--port",
            str(self.port),
            "--ready-fd",
            str(tell),
        ]
        with open(folder / "api.log", "wb") as log:
            self.process = subprocess.Popen(argv, pass_fds=[tell], stderr=log)
        os.close(tell)
        assert os.read(ready, 1), (folder / "api.log").read_text()
        os.close(ready)

    def restart(self) -> None:
        """Stop it and start it again on the same folder; comes back when it serves."""
        self.close()
        self._start()

    def token(self) -> str:
        """A ServiceAccount's token, bound to cluster-admin: RBAC stays on while it is measured."""
        self.ask(
            "POST",
            "/api/v1/namespaces/default/serviceaccounts",
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "bench"}},
        )
        subject = {"kind": "ServiceAccount", "name": "bench", "namespace": "default"}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "bench"},
            "subjects": [subject],
            "roleRef": role,
        }
        self.ask("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
        path = "/api/v1/namespaces/default/serviceaccounts/bench/token"
        return self.ask("POST", path, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}})[
            "status"
        ]["token"]

    def pss(self) -> float:
        """Memory in MiB, shared pages by share."""
        return psutil.Process(self.process.pid).memory_full_info().pss / 2**20

    def close(self) -> None:
        """Stop it."""
        self.process.terminate()
        self.process.wait(20)


@contextlib.contextmanager
def api() -> Iterator[Api]:
    """A fresh API server."""
    with tempfile.TemporaryDirectory(prefix="kk-bench-") as folder:
        one = Api(Path(folder))
        try:
            yield one
        finally:
            one.close()


@contextlib.contextmanager
def reference(one: Api, size: int) -> Iterator[str]:
    """The reference server with the API server's certificate; its URL."""
    port = free_port()
    pki = one.folder / "pki"
    argv = [
        sys.executable,
        "-m",
        "tests.bench.reference",
        str(port),
        str(pki / "apiserver.crt"),
        str(pki / "apiserver.key"),
        str(size),
    ]
    process = subprocess.Popen(argv)
    try:
        _await_port(port, process)
        yield f"https://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _await_port(port: int, process: subprocess.Popen) -> None:
    import socket
    import time

    for _ in range(400):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert process.poll() is None, "the reference server ended"
        time.sleep(0.025)
    raise AssertionError("the reference server does not listen")


class Whole:
    """A whole cluster by `kk up`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.env = {
            **os.environ,
            "KK_HOME": str(folder / "kk"),
            "KUBECONFIG": str(folder / "config"),
            "HOME": str(folder),
        }
        self.port = str(free_port())

    def kk(self, *words: str, check: bool = True) -> str:
        """Run a kk command."""
        return subprocess.run(
            [KK, *words], env=self.env, capture_output=True, text=True, check=check, timeout=300
        ).stdout

    def processes(self) -> list[psutil.Process]:
        """Every process of the cluster, pods left out."""
        run = self.folder / "kk" / "clusters" / "default" / "run"
        found = []
        for path in run.glob("*.pid"):
            process = psutil.Process(json.loads(path.read_text())["pid"])
            found.append(process)
            found += [c for c in process.children(recursive=True) if c not in found]
        return list({p.pid: p for p in found}.values())

    def pss(self) -> float:
        """Memory in MiB of all of them."""
        return sum(p.memory_full_info().pss for p in self.processes()) / 2**20

    def cpu(self) -> float:
        """CPU seconds that all of them have used."""
        return sum(t.user + t.system for t in (p.cpu_times() for p in self.processes()))


@contextlib.contextmanager
def whole() -> Iterator[Whole]:
    """A cluster that is not yet up; down afterwards."""
    with tempfile.TemporaryDirectory(prefix="kk-bench-") as folder:
        one = Whole(Path(folder))
        try:
            yield one
        finally:
            one.kk("down", check=False)

"""A real API server for tests: `python -m kk.server` on a free port with a data directory of its own, and a plain client for it.

    with APIServer(tmp_path) as server:
        status, obj = server.request("GET", "/api/v1/namespaces/default")

`kubeconfig` is the admin's; `restart()` and `kill()` serve tests of recovery. Prints nothing; the server's log is in `log`.
"""

import base64
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tls_context(kubeconfig: Path) -> ssl.SSLContext:
    """The TLS context of a kubeconfig's first cluster and user."""
    config = yaml.safe_load(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    with tempfile.TemporaryDirectory() as directory:
        for name in ("client-certificate", "client-key"):
            Path(directory, name).write_bytes(base64.b64decode(user[f"{name}-data"]))
        context.load_cert_chain(Path(directory, "client-certificate"), Path(directory, "client-key"))
    return context


class APIServer:
    """One server process. `module` is what is run; one that hands in a shorter limit or another clock may take its place."""

    module = "kk.server"

    def __init__(self, data_dir: Path, port: int = 0, *arguments: str):
        self.data_dir, self.port, self.arguments = Path(data_dir), port or free_port(), arguments
        self.log = self.data_dir.with_name(self.data_dir.name + ".log")
        self.process: subprocess.Popen[bytes] | None = None
        self.tls: ssl.SSLContext | None = None

    def __enter__(self) -> "APIServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def kubeconfig(self) -> Path:
        """The admin's kubeconfig."""
        return self.data_dir / "kubeconfig" / "admin.conf"

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        reading, writing = os.pipe()
        command = [sys.executable, "-m", self.module, "--data-dir", str(self.data_dir), "--port", str(self.port)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*command, *self.arguments, "--ready-fd", str(writing)], stderr=log, stdout=log, pass_fds=(writing,)
            )
        os.close(writing)
        try:
            if os.read(reading, 1) != b"1":
                raise RuntimeError(f"the server did not start: {self.log.read_text()[-2000:]}")
        finally:
            os.close(reading)
        self.tls = tls_context(self.kubeconfig)

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """SIGKILL: no chance to clean up."""
        return self._end(signal.SIGKILL)

    def _end(self, number: int) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(number)
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self.process = None

    def connect(self, timeout: float = 30) -> http.client.HTTPSConnection:
        """A connection as the admin."""
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=self.tls, timeout=timeout)

    def raw(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        connection: http.client.HTTPSConnection | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """(status, headers by lower-case name, body) of one request; a body that is no bytes is sent as JSON."""
        own = connection is None
        connection = connection or self.connect()
        try:
            sent = {"Accept": "application/json", **(headers or {})}
            data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            if data is not None:
                sent.setdefault("Content-Type", "application/json")
            connection.request(method, path, data, sent)
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.headers.items()}, response.read()
        finally:
            if own:
                connection.close()

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """(status, decoded body) of one request."""
        status, _, data = self.raw(method, path, body, headers)
        return status, json.loads(data) if data else None

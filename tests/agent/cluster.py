"""A real API server and a real agent as processes, for tests of the agent end to end; pods are bound by nodeName, no controllers run."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from kk.agent.main import stop_pods
from kk.base.errors import StatusError
from kk.client import kubeconfig
from kk.client.http import Client

NODE = "n1"


class Cluster:
    """One node; objects are reached through `client`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.data, self.root = folder / "api", folder / "node"
        self.processes = {}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def start(self):
        """API server, node identity, agent; returns when the node is Ready."""
        self.start_server()
        from kk.server import pki

        self.conf = pki.issue_node(self.data, NODE)
        self.client.resource("v1", "serviceaccounts", "default").create({"metadata": {"name": "default"}})
        root_ca = {"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": (self.data / "pki/ca.crt").read_text()}}
        self.client.resource("v1", "configmaps", "default").create(root_ca)
        self.start_agent()

    def start_server(self):
        """The API server, until it is ready."""
        self._run("server", "kk.server", "--data-dir", self.data, "--port", self.port)
        self.admin = self.data / "kubeconfig/admin.conf"
        self.until(self._server_ready)

    def _server_ready(self):
        if not self.admin.exists():
            return False
        self.client = Client(kubeconfig.load(str(self.admin)).resolve(), timeout=60)
        with contextlib.suppress(OSError, StatusError):
            self.client.request("GET", "/readyz")
            return bool(self.client.resource("v1", "namespaces").get("default"))
        return False

    def start_agent(self):
        """The agent, until its node is Ready and its kubelet is where the Node says."""
        before = self.kubelet_port()
        pair = self.data / "pki" / f"kubelet-{NODE}"
        self._run(
            "agent", "kk.agent", "--kubeconfig", self.conf, "--node-name", NODE, "--root-dir", self.root,
            "--serving-cert", f"{pair}.crt", "--serving-key", f"{pair}.key", "--client-ca", self.data / "pki/ca.crt",
            "--images", self.folder / "images.yaml",
        )  # fmt: skip
        self.until(lambda: self.kubelet_port() not in (None, before))

    def kubelet_port(self):
        """The port that the Node tells."""
        with contextlib.suppress(StatusError):
            node = self.client.resource("v1", "nodes").get(NODE)
            return node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"] or None
        return None

    def _run(self, name, module, *args):
        log = open(self.folder / f"{name}.log", "ab")  # noqa: SIM115
        command = [sys.executable, "-m", module, *map(str, args)]
        self.processes[name] = subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, "KK_HOME": str(self.folder)}
        )
        log.close()

    def until(self, check, seconds=40):
        """Wait for something that nothing tells of."""
        end = time.monotonic() + seconds
        while not check():
            assert time.monotonic() < end, self.logs()
            for name, process in self.processes.items():
                assert process.poll() is None, f"{name} ended: {self.logs()}"
            time.sleep(0.02)

    def logs(self):
        """The daemons' logs, for failures."""
        return "\n".join(f"{p.name}:\n{p.read_text()[-3000:]}" for p in self.folder.glob("*.log"))

    def kill(self, name, number=signal.SIGKILL):
        """End one daemon."""
        process = self.processes.pop(name)
        process.send_signal(number)
        assert process.wait(20) is not None

    def stop(self):
        """End everything, pods included."""
        for name in ("agent", "server"):
            if name in self.processes:
                self.kill(name, signal.SIGTERM)
        stop_pods(self.root, 0)

    # pods

    @property
    def pods(self):
        """The pods of the default namespace."""
        return self.client.resource("v1", "pods", "default")

    def create(self, name, *containers, **spec):
        """A pod bound to the node."""
        body = {"nodeName": NODE, "terminationGracePeriodSeconds": 5, "containers": list(containers), **spec}
        return self.pods.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": body})

    def wait(self, name, check, timeout=40):
        """The pod once `check(pod)` holds, by watching it."""
        pod = self.pods.get(name)
        if check(pod):
            return pod
        version = pod["metadata"]["resourceVersion"]
        for _, pod in self.pods.watch(version, timeout=timeout, fieldSelector=f"metadata.name={name}"):
            if pod["kind"] == "Pod" and check(pod):
                return pod
        raise AssertionError(f"{name}: {pod.get('status')}\n{self.logs()}")

    def delete(self, name):
        """Delete a pod and wait until it is gone."""
        version = self.pods.get(name)["metadata"]["resourceVersion"]
        self.pods.delete(name)
        for kind, _ in self.pods.watch(version, timeout=40, fieldSelector=f"metadata.name={name}"):
            if kind == "DELETED":
                return

    def log(self, name, **query):
        """A container's log as text."""
        return self.client.request("GET", f"/api/v1/namespaces/default/pods/{name}/log", query=query).text

    def events(self, name):
        """(reason, message) of a pod's events."""
        found = self.client.resource("v1", "events", "default").list(fieldSelector=f"involvedObject.name={name}")
        return [(e["reason"], e["message"]) for e in found["items"]]

    def saw(self, name, *reasons):
        """Wait for events of these reasons: they are written in the background."""
        self.until(lambda: set(reasons) <= {reason for reason, _ in self.events(name)})


def phase(wanted):
    """A check for a phase."""
    return lambda pod: pod.get("status", {}).get("phase") == wanted


def waiting(reason):
    """A check for the waiting reason of the first container."""

    def check(pod):
        statuses = pod.get("status", {}).get("containerStatuses") or [{}]
        return statuses[0].get("state", {}).get("waiting", {}).get("reason") == reason

    return check


def sh(script, name="main", **more):
    """A container that runs a shell script."""
    return {"name": name, "image": "busybox", "command": ["sh", "-c", script], **more}

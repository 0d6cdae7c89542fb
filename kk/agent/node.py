"""The Node object: what this machine offers, registered and kept, and its Lease. The lease is the agent's only periodic request.

`describe` is pure but for psutil and platform; `NodeKeeper` writes.
"""

import logging
import os
import platform
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kk import __version__
from kk.agent.pods.times import stamp
from kk.base.errors import StatusError
from kk.base.times import format_micro
from kk.client.http import Client, Unreachable

Obj = dict[str, Any]
log = logging.getLogger("kk.agent")
KUBERNETES = "v1.36.2"
MAX_PODS = 110
LEASE_SECONDS, RENEW_SECONDS, STATUS_SECONDS = 40, 10, 300
EVICTION_MEMORY = 100 << 20  # bytes that kubelet keeps back
LEVEL_LABEL = "kk.node/isolation-level"
#: words for what a level means, on the Node's condition
LEVELS = {"host": "Containers are plain processes of this machine: no file system, network or limits of their own"}
_HEALTHY = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How the node is called and reached."""

    name: str
    address: str
    port: int
    level: str
    reason: str
    root: Path


def machine() -> str:
    """The architecture by its Kubernetes name."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def labels(endpoint: Endpoint) -> dict[str, str]:
    """The node's labels."""
    system = platform.system().lower()
    return {
        "beta.kubernetes.io/arch": machine(),
        "beta.kubernetes.io/os": system,
        "kubernetes.io/arch": machine(),
        "kubernetes.io/hostname": endpoint.name,
        "kubernetes.io/os": system,
        LEVEL_LABEL: endpoint.level,
    }


def resources(root: Path) -> tuple[dict[str, str], dict[str, str]]:
    """(capacity, allocatable)."""
    import psutil

    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = psutil.virtual_memory().total
    disk = psutil.disk_usage(str(root)).total
    capacity = {
        "cpu": str(cpus),
        "ephemeral-storage": f"{disk // 1024}Ki",
        "memory": f"{memory // 1024}Ki",
        "pods": str(MAX_PODS),
    }
    left = {"ephemeral-storage": str(disk * 9 // 10), "memory": f"{max(0, memory - EVICTION_MEMORY) // 1024}Ki"}
    return capacity, {**capacity, **left}


def node_info() -> dict[str, str]:
    """NodeSystemInfo."""
    return {
        "machineID": _first_line("/etc/machine-id"),
        "systemUUID": _first_line("/sys/class/dmi/id/product_uuid") or _first_line("/etc/machine-id"),
        "bootID": _first_line("/proc/sys/kernel/random/boot_id"),
        "kernelVersion": platform.release(),
        "osImage": _os_image(),
        "containerRuntimeVersion": f"kk-host://{__version__}",
        "kubeletVersion": f"{KUBERNETES}+kk{__version__}",
        "kubeProxyVersion": "",
        "operatingSystem": platform.system().lower(),
        "architecture": machine(),
    }


def _first_line(path: str) -> str:
    try:
        with open(path) as file:
            return file.readline().strip()
    except OSError:
        return ""


def _os_image() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "") or platform.platform()
    except OSError:
        return platform.platform()


def conditions(endpoint: Endpoint, old: list[Obj], now: float) -> list[Obj]:
    """The agent's conditions, transition times kept, and those of others."""
    wanted = [*_HEALTHY, ("Isolated", "False", endpoint.reason, LEVELS.get(endpoint.level, endpoint.level))]
    known = {c["type"]: c for c in old}
    made = []
    for kind, status, reason, message in wanted:
        before = known.pop(kind, None)
        since = before["lastTransitionTime"] if before and before["status"] == status else stamp(now)
        made.append(
            {
                "type": kind,
                "status": status,
                "lastHeartbeatTime": stamp(now),
                "lastTransitionTime": since,
                "reason": reason,
                "message": message,
            }
        )
    return [*known.values(), *made]


def describe(endpoint: Endpoint, old: list[Obj], now: float) -> Obj:
    """The node's status."""
    capacity, allocatable = resources(endpoint.root)
    return {
        "capacity": capacity,
        "allocatable": allocatable,
        "conditions": conditions(endpoint, old, now),
        "addresses": [
            {"type": "InternalIP", "address": endpoint.address},
            {"type": "Hostname", "address": endpoint.name},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": endpoint.port}},
        "nodeInfo": node_info(),
        "features": {"supplementalGroupsPolicy": False},
    }


class NodeKeeper:
    """Registers the node, then renews its lease every 10 seconds and its status every 5 minutes."""

    def __init__(self, client: Client, endpoint: Endpoint):
        self.endpoint = endpoint
        self._nodes = client.resource("v1", "nodes")
        self._leases = client.resource("coordination.k8s.io/v1", "leases", "kube-node-lease")
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.node: Obj = {}

    def register(self) -> None:
        """Create or take over the Node, with its status; waits for the API server, as long as it takes or until close()."""
        delay = 0.05
        while not self._stop.is_set():
            try:
                self._register()
                return
            except (Unreachable, StatusError) as error:
                log.warning("cannot register node %s: %s", self.endpoint.name, error)
                self._stop.wait(delay)
                delay = min(delay * 2, 5.0)

    def _register(self) -> None:
        name, now = self.endpoint.name, time.time()
        wanted = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": labels(self.endpoint)},
            "status": describe(self.endpoint, [], now),
        }
        try:
            self.node = self._nodes.create(wanted)
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise
            self.node = self._nodes.get(name)
            have = self.node["metadata"].get("labels") or {}
            if any(have.get(k) != v for k, v in labels(self.endpoint).items()):
                self.node = self._nodes.patch(name, {"metadata": {"labels": labels(self.endpoint)}}, "merge")
        self._write_status(now)
        self._renew()

    def _write_status(self, now: float) -> None:
        old = (self.node.get("status") or {}).get("conditions") or []
        status = describe(self.endpoint, old, now)
        have = self.node.get("status") or {}
        if all(have.get(key) == value for key, value in status.items()):
            return
        self.node = self._nodes.patch(self.endpoint.name, {"status": status}, "merge", subresource="status")

    def _renew(self) -> None:
        name = self.endpoint.name
        now = format_micro(datetime.now(UTC))
        spec = {"holderIdentity": name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": now}
        try:
            self._leases.patch(name, {"spec": spec}, "merge")
        except StatusError as error:
            if error.code != 404:
                raise
            owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": self.node["metadata"]["uid"]}
            meta = {"name": name, "namespace": "kube-node-lease", "ownerReferences": [owner]}
            self._leases.create(
                {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}
            )

    def start(self) -> None:
        """Keep lease and status from now on."""
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()

    def _keep(self) -> None:
        reported, failed = time.monotonic(), False
        wait: float = RENEW_SECONDS
        while not self._stop.wait(wait):
            wait = RENEW_SECONDS
            try:
                self._renew()
                if failed or time.monotonic() - reported >= STATUS_SECONDS:
                    self.node = self._nodes.get(self.endpoint.name)
                    self._write_status(time.time())
                    reported = time.monotonic()
                failed = False
            except StatusError as error:
                log.warning("lease of node %s: %s", self.endpoint.name, error)
                if error.code == 404:
                    self.register()
                failed = True
            except Exception as error:
                if not failed:
                    log.warning("lease of node %s: %s", self.endpoint.name, error)
                failed, wait = True, 1.0

    def close(self) -> None:
        """Stop; the lease runs out by itself."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5)

"""Where clusters of this machine lie, and what one is: `$KK_HOME/clusters/NAME/`.

cluster.json   what `kk up` was asked for (port, nodes, controllers)
daemons.json   command lines for the supervisor, made from it
server/        the API server's data: pki/, kubeconfig/, store.db
nodes/NODE/    one agent's pods, logs and volumes
log/, run/     the daemons' output, and who they are now
"""

import json
import os
import re
import shutil
import socket
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from kk.cli.cluster import processes
from kk.cli.errors import CommandError

DEFAULT = "default"
FIRST_PORT = 6443


class ClusterError(CommandError):
    """What cannot be done with a local cluster, and the way out; printed as `error: …`."""


@dataclass(frozen=True)
class Spec:
    """What a cluster was asked to be. `controllers` is a list as in kube-controller-manager; "" runs none."""

    port: int
    nodes: int = 1
    controllers: str = "*"
    runtime_config: str = ""


def home() -> Path:
    """`$KK_HOME`, or `kk` in the XDG data folder."""
    explicit = os.environ.get("KK_HOME")
    if explicit:
        return Path(explicit)
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return Path(data) / "kk"


def names() -> list[str]:
    """Every cluster that has state here."""
    return sorted(p.parent.name for p in (home() / "clusters").glob("*/cluster.json"))


class Cluster:
    """One cluster's folder; reads and writes only files."""

    def __init__(self, name: str = DEFAULT):
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?", name):
            raise ClusterError(
                f'invalid cluster name "{name}": use lower case letters, digits and "-", at most 42 characters'
            )
        self.name = name
        self.folder = home() / "clusters" / name
        self.server, self.run, self.log = self.folder / "server", self.folder / "run", self.folder / "log"

    @property
    def context(self) -> str:
        """The name of its context in a kubeconfig."""
        return f"kk-{self.name}"

    @property
    def admin(self) -> Path:
        """The administrator's kubeconfig, self-contained."""
        return self.server / "kubeconfig" / "admin.conf"

    def credentials(self, identity: str) -> Path:
        """The kubeconfig of one identity, such as "scheduler" or "node-node1"."""
        return self.server / "kubeconfig" / f"{identity}.conf"

    def root(self, node: str) -> Path:
        """One agent's folder."""
        return self.folder / "nodes" / node

    def spec(self) -> Spec | None:
        """What was asked for, None where this cluster was never started."""
        try:
            return Spec(**json.loads((self.folder / "cluster.json").read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise ClusterError(
                f'{self.folder / "cluster.json"} cannot be read ({error}); "kk reset --cluster {self.name}" starts over'
            ) from None

    def must_exist(self) -> Spec:
        """The spec, or the one clear line."""
        spec = self.spec()
        if spec is None:
            raise ClusterError(f'there is no cluster "{self.name}" here; "kk up{flag(self.name)}" starts one')
        return spec

    def write(self, spec: Spec) -> None:
        """Record what is wanted, and the supervisor's command lines for it."""
        for folder in (self.folder, self.run, self.log):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _replace(self.folder / "cluster.json", asdict(spec))
        _replace(self.folder / "daemons.json", self.daemons(spec))

    def daemons(self, spec: Spec) -> dict[str, list[str]]:
        """Daemon → command line; each is the same command that a person can run by hand."""
        kk, where = [sys.executable, "-m", "kk"], ["--cluster", self.name]
        wanted = {"api": [*kk, "api", *where, "--port", str(spec.port)]}
        if spec.runtime_config:
            wanted["api"].append(f"--runtime-config={spec.runtime_config}")
        if spec.controllers:
            wanted["control"] = [*kk, "control", *where, f"--controllers={spec.controllers}"]
        for node in self.nodes(spec):
            wanted[f"agent-{node}"] = [*kk, "agent", *where, "--node-name", node]
        return wanted

    def nodes(self, spec: Spec) -> list[str]:
        """Names of the nodes that `kk up` runs."""
        return [f"node{n}" for n in range(1, spec.nodes + 1)]

    def process(self, name: str) -> dict:
        """The record of a running daemon ("supervisor", "api", …), {} where it does not run."""
        return processes.read_pid(self.run / f"{name}.pid")

    def forget(self) -> None:
        """Delete all state. The cluster must be down."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.exists():
            raise ClusterError(f"{self.folder} could not be removed whole")


def flag(name: str) -> str:
    """The `--cluster` part of a command line that speaks of a cluster."""
    return "" if name == DEFAULT else f" --cluster {name}"


def free_port(first: int = FIRST_PORT) -> int:
    """The first port from `first` on that nobody listens on and no other cluster here has."""
    taken = {spec.port for name in names() if (spec := Cluster(name).spec())}
    for port in range(first, first + 1000):
        if port not in taken and not in_use(port):
            return port
    raise ClusterError(f"no free port from {first} on; choose one with --port")


def in_use(port: int) -> bool:
    """True where something listens on a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _replace(path: Path, value: object) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(json.dumps(value, indent=1) + "\n")
    part.replace(path)

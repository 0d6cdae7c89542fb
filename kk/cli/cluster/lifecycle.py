"""Starting and stopping a local cluster: what `kk up`, `kk down` and `kk reset` do, without their words.

The daemons do the work; this starts their supervisor, tells it of changes, and waits for what can be watched: the API server's
readiness through a FIFO, nodes through a watch. Nothing here asks again and again.
"""

import contextlib
import itertools
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kk.cli.cluster import home, processes, supervisor_command
from kk.cli.cluster.home import Cluster, ClusterError, Spec

#: seconds until a daemon that does not become ready is an error
PATIENCE = 60.0

Say = Callable[[str], None]


def desired(
    cluster: Cluster, nodes: int | None, controllers: str | None, port: int | None, runtime_config: str | None = None
) -> Spec:
    """What is asked for: what was before, changed by what is given now. Raises ClusterError for what cannot be."""
    old = cluster.spec()
    if port is not None and not 0 < port < 65536:
        raise ClusterError(f"invalid port {port}: must be between 1 and 65535")
    if nodes is not None and not 0 <= nodes <= 100:
        raise ClusterError(f"invalid number of nodes {nodes}: must be between 0 and 100")
    if old is None:
        if port is not None and home.in_use(port):
            raise ClusterError(f"port {port} is in use by another program; choose another with --port")
        return Spec(
            port or home.free_port(),
            1 if nodes is None else nodes,
            "*" if controllers is None else controllers,
            runtime_config or "",
        )
    if port not in (None, old.port):
        raise ClusterError(
            f'cluster "{cluster.name}" listens on port {old.port}, and its kubeconfigs say so; '
            f'"kk reset{home.flag(cluster.name)}" and then "kk up --port {port}" starts over on another'
        )
    return Spec(
        old.port,
        old.nodes if nodes is None else nodes,
        old.controllers if controllers is None else controllers,
        old.runtime_config if runtime_config is None else runtime_config,
    )


def start(cluster: Cluster, spec: Spec) -> bool:
    """Make the cluster run as `spec` says; False where it did already. Returns once the API server answers."""
    running = cluster.process("supervisor")
    if running and cluster.spec() == spec:
        return False
    before = cluster.spec()
    cluster.write(spec)
    prepare_credentials(cluster, spec)
    with _ready_fifo(cluster.run / "api.ready") as fifo:
        if running:
            os.kill(running["pid"], signal.SIGHUP)
        else:
            if home.in_use(spec.port) and not cluster.process("api"):
                raise ClusterError(
                    f'port {spec.port} of cluster "{cluster.name}" is in use by another program; stop that, then try again'
                )
            _spawn_supervisor(cluster)
        other_api = running and before is not None and before.runtime_config != spec.runtime_config
        if other_api or not cluster.process("api"):
            _await_api(cluster, fifo)
    if before:
        drop_nodes(cluster, set(cluster.nodes(before)) - set(cluster.nodes(spec)))
    return True


def prepare_credentials(cluster: Cluster, spec: Spec) -> None:
    """Certificates and kubeconfigs before the first daemon asks for them; nothing is imported where all are there."""
    missing = [n for n in cluster.nodes(spec) if not cluster.credentials(f"node-{n}").exists()]
    if missing or not cluster.admin.exists():
        from kk.server import pki  # cryptography is costly to import: only a first start pays

        pki.ensure(cluster.server, port=spec.port)
        for node in missing:
            pki.issue_node(cluster.server, node)


def stop(cluster: Cluster) -> bool:
    """Stop everything, pods included; False where nothing ran. Sure even where the supervisor was killed."""
    found = False
    for name in ("guard", "supervisor"):
        record = cluster.process(name)
        if record:
            found = True
            if name == "guard":  # or it would start a new supervisor
                processes.stop(record["pid"], 0.0)
            else:
                processes.stop(record["pid"], 40.0)
    for path in sorted(cluster.run.glob("*.pid")):
        record = processes.read_pid(path)
        if record:
            found = True
            processes.stop(record["pid"])
        path.unlink(missing_ok=True)
    for root in sorted((cluster.folder / "nodes").glob("*")):
        found = stop_pods(root) or found
    return found


def stop_pods(root: Path) -> bool:
    """End every process of a node's pods; True where there were any. The agent must be gone."""
    if not root.is_dir():
        return False
    from kk.agent.main import stop_pods as stop_all

    return bool(stop_all(str(root)))


def drop_nodes(cluster: Cluster, gone: set[str]) -> None:
    """Nodes that are no longer wanted: their pods end; the Node object is left to `kk delete node`, as in Kubernetes."""
    for node in gone:
        stop_pods(cluster.root(node))


def wait_ready(cluster: Cluster, spec: Spec, say: Say, patience: float = PATIENCE) -> None:
    """Return when every node is Ready and pods can be created in `default`, learning of each from a watch.

    Raises ClusterError that names what is missing. Where no controller makes accounts, none is waited for.
    """
    from kk.client.http import Client
    from kk.client.kubeconfig import load

    client = Client(load(str(cluster.admin)).resolve())
    deadline = time.monotonic() + patience
    nodes = set(cluster.nodes(spec))
    late = _await(
        client.resource("v1", "nodes"), nodes, _is_ready, deadline, lambda n: say(f"{n}/{len(nodes)} nodes Ready")
    )
    if late:
        raise ClusterError(
            f"not Ready after {patience:.0f} s: {', '.join(sorted(late))}; see {cluster.log}/agent-*.log"
        )
    if makes_accounts(spec.controllers):
        accounts = client.resource("v1", "serviceaccounts", "default")
        if _await(accounts, {"default"}, lambda _: True, deadline, lambda _: say("service accounts")):
            raise ClusterError(f"no service account after {patience:.0f} s; see {cluster.log}/control.log")


def makes_accounts(controllers: str) -> bool:
    """Whether --controllers selects the controller of service accounts: without it no pod can be created until somebody makes them."""
    words = {w.strip().removesuffix("-controller") for w in controllers.split(",")}
    return "-serviceaccount" not in words and ("*" in words or "serviceaccount" in words)


def _await(
    resource: Any, wanted: set[str], good: Callable[[dict], bool], deadline: float, say: Callable[[int], None]
) -> set[str]:
    """Watch until every wanted object is good; the names of those that are not when the time is over."""
    missing = set(wanted)
    if not missing:
        return missing
    listed = resource.list()
    states = [("ADDED", obj) for obj in listed.get("items") or []]
    seconds = max(1, int(deadline - time.monotonic()))
    changes = itertools.chain(states, resource.watch(listed["metadata"]["resourceVersion"], timeoutSeconds=seconds))
    for kind, obj in changes:
        name = obj["metadata"].get("name")
        if name in wanted:
            if kind != "DELETED" and good(obj):
                missing.discard(name)
            else:
                missing.add(name)
        if not missing:
            break
        say(len(wanted) - len(missing))
    return missing


def _is_ready(node: dict) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _spawn_supervisor(cluster: Cluster) -> None:
    """Start it in a session of its own; it lives on when this command ends."""
    with open(cluster.log / "supervisor.log", "ab") as log:
        child = subprocess.Popen(
            supervisor_command(cluster.folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    child.returncode = 0  # it is meant to outlive us: no "still running" warning, no wait
    processes.write_pid(cluster.run / "supervisor.pid", child.pid)


@contextlib.contextmanager
def _ready_fifo(path: Path) -> Iterator[int]:
    """A FIFO on which the API server says that it listens (see the `api` verb), opened without blocking."""
    path.unlink(missing_ok=True)
    os.mkfifo(path, 0o600)
    fifo = os.open(
        path, os.O_RDWR | os.O_NONBLOCK
    )  # a reader that is a writer too sees no end of file when a server dies
    try:
        yield fifo
    finally:
        os.close(fifo)
        path.unlink(missing_ok=True)


def _await_api(cluster: Cluster, fifo: int) -> None:
    poll = select.poll()
    poll.register(fifo, select.POLLIN)
    end = time.monotonic() + PATIENCE
    while (left := end - time.monotonic()) > 0:
        if poll.poll(left * 1000) and os.read(fifo, 1):
            return
    tail = (
        (cluster.log / "api.log").read_text(errors="replace").splitlines()[-3:]
        if (cluster.log / "api.log").exists()
        else []
    )
    raise ClusterError("\n".join([f"the API server does not become ready; {cluster.log}/api.log ends with:", *tail]))


def announce_ready(path: Path) -> int | None:
    """The write end of the FIFO where somebody waits on it, else None."""
    try:
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


assert sys.platform != "win32", "processes are kept by pidfds and signals"

"""The agent's process: joins runtime, workers, node and API, and takes them apart again. Pods outlive it; `stop_pods` ends them.

`run(Options(…))` is what `kk agent` runs; `python -m kk.agent` is the same on its own. Log lines go to stderr.
"""

import logging
import os
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kk.agent.api import NodeAPI
from kk.agent.events import PodEvents
from kk.agent.images import Catalog
from kk.agent.node import Endpoint, NodeKeeper, resources
from kk.agent.pods.start import NodeFacts, Starter
from kk.agent.pods.workers import Workers
from kk.agent.runtime.host import HostRuntime, stop_all
from kk.agent.server.listener import Server
from kk.agent.server.routes import Routes
from kk.base.errors import StatusError
from kk.client import kubeconfig
from kk.client.http import Client
from kk.client.informer import InformerFactory

log = logging.getLogger("kk.agent")
#: seconds that containers get at most when a node's pods are stopped as a whole
STOP_GRACE = 5.0
#: seconds after which the API server counts as away: no worker waits for ever
REQUEST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Options:
    """What an agent needs to know.

    kubeconfig       file with the node's identity (system:node:NAME)
    root_dir         folder of the node's state; pods live below it and are found there again
    serving_cert, serving_key, client_ca   files for the kubelet's API: its own pair, and the CA of the API server's client certificate
    address, port    where the kubelet's API listens and the node is reached; port 0: any free one
    images           the user's images file; by default `$KK_HOME/images.yaml`
    ready_fd         a byte is written here when the node is registered
    """

    kubeconfig: str
    node_name: str
    root_dir: str
    serving_cert: str
    serving_key: str
    client_ca: str
    port: int = 0
    address: str = "127.0.0.1"
    images: str = ""
    ready_fd: int = -1


class Agent:
    """All parts of one node."""

    def __init__(self, options: Options):
        self.options = options
        root = Path(options.root_dir)
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = kubeconfig.load(options.kubeconfig).resolve()
        url = urlsplit(connection.server)
        self.client = Client(connection, user_agent="kk-agent", timeout=REQUEST_SECONDS)
        self.runtime = HostRuntime(root)
        api = NodeAPI(self.client)
        catalog = Catalog(Path(options.images) if options.images else None)
        self.events = PodEvents(self.client, options.node_name)
        facts = NodeFacts(
            options.node_name, options.address, resources(root)[1], url.hostname or "", str(url.port or 443)
        )  # fmt: skip
        starter = Starter(api, self.runtime, catalog, facts, self.events)
        self.informers = InformerFactory(self.client)
        self.workers = Workers(api, self.runtime, starter, self.events, options.address, self.informers)
        routes = Routes(self.workers, self.runtime, catalog, options.node_name, options.address)
        pair = (options.serving_cert, options.serving_key, options.client_ca)
        self.server = Server(options.address, options.port, *pair, routes)
        endpoint = Endpoint(
            options.node_name, options.address, self.server.port, self.runtime.level, self.runtime.reason, root
        )  # fmt: skip
        self.node = NodeKeeper(self.client, endpoint)
        self.informer = self.informers.informer("v1", "pods", field_selector=f"spec.nodeName={options.node_name}")

    def start(self) -> None:
        """Find running pods, register, work. Returns when the node is registered (waits for the API server)."""
        self.runtime.start(self.workers.wake)
        self.server.start()
        self.informer.add_handler(self._on_pod)
        self.informers.start()
        threading.Thread(target=self._adopt, name="adopt", daemon=True).start()
        self.node.register()
        self.node.start()
        name = self.options.node_name
        self.events.node(name, "Starting", "Starting kubelet.")
        self.events.node(name, "NodeReady", f"Node {name} status is now: NodeReady")

    def _on_pod(self, kind: str, pod: dict[str, Any], old: "dict[str, Any] | None") -> None:
        if old is not None and old["metadata"]["uid"] != pod["metadata"]["uid"]:
            self.workers.remove(old)  # another pod took the name while the watch was down
        if kind == "DELETED":
            self.workers.remove(pod)
        else:
            self.workers.update(pod)

    def _adopt(self) -> None:
        """Begin once it is known which pods there are: what else is on disk is ended."""
        self.informer.wait_synced()
        self.workers.adopt_orphans({pod["metadata"]["uid"] for pod in self.informer.list()})
        self.workers.start()

    def close(self) -> None:
        """Let go of everything but the pods."""
        self.node.close()
        self.informers.stop()
        self.server.close()
        self.workers.close()
        self.events.close()
        self.runtime.close()
        self.client.close()


def run(options: Options) -> int:
    """Run an agent until SIGTERM or SIGINT; its pods go on. Returns the exit status."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        agent = Agent(options)
    except (OSError, ValueError, RuntimeError) as error:
        log.error("%s", error)
        return 1
    starter = threading.Thread(target=_start, args=(agent, options, stop), name="start", daemon=True)
    starter.start()
    stop.wait()
    agent.close()
    return 0


def _start(agent: Agent, options: Options, stop: threading.Event) -> None:
    try:
        agent.start()
    except (OSError, ValueError, RuntimeError, StatusError) as error:
        log.error("the agent cannot start: %s", error)
        stop.set()
        return
    log.info("node %s is ready, kubelet API on %s:%d", options.node_name, options.address, agent.server.port)
    if options.ready_fd >= 0:
        os.write(options.ready_fd, b".")


def stop_pods(root_dir: "str | os.PathLike[str]", grace: float = STOP_GRACE) -> int:
    """End every pod below an agent's folder, without an agent or API server; returns how many containers ran. No process is left."""
    return stop_all(Path(root_dir), grace)


def main(argv: "list[str] | None" = None) -> int:
    """The command line of `python -m kk.agent`."""
    import argparse

    parser = argparse.ArgumentParser(prog="kk-agent", description="Run the pods of one node as local processes.")
    for name, words in (
        ("kubeconfig", "file with the identity of the node"),
        ("node-name", "name of the node"),
        ("root-dir", "folder of the node's state"),
        ("serving-cert", "certificate of the kubelet's API"),
        ("serving-key", "its key"),
        ("client-ca", "CA of the API server's client certificate"),
    ):
        parser.add_argument(f"--{name}", required=True, help=words)
    parser.add_argument("--port", type=int, default=0, help="port of the kubelet's API (default: any)")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on and to be reached at")
    parser.add_argument("--images", default="", help="file of the user's images")
    return run(Options(**vars(parser.parse_args(argv))))

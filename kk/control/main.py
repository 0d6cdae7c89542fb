"""The controller process: `kk control`, or `python -m kk.control` alone.

`run()` blocks until SIGTERM or SIGINT. The command line gives `extra` to run the scheduler in the same process on the same informers.
"""

import argparse
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kk.base.discover import load_all
from kk.base.times import parse_duration
from kk.client import codec
from kk.client.http import Client
from kk.client.informer import InformerFactory
from kk.client.kubeconfig import load
from kk.client.lease import Elector

from .controller import Controller, select
from .manager import Manager


@dataclass(frozen=True, slots=True)
class Options:
    """How to run.

    controllers   as --controllers of kube-controller-manager
    node_monitor_grace_period   seconds without a sign of life after which a node is Unknown
    leader_elect  campaign for a Lease first (several processes, one works)
    cluster_signing_cert_file, cluster_signing_key_file   the CA that signs certificate requests; "" signs none
    cluster_signing_duration   seconds that such certificates live at most
    root_ca_file  PEM file published as kube-root-ca.crt; "" takes the CA of the connection
    """

    kubeconfig: str = ""
    controllers: str = "*"
    workers: int = 8
    node_monitor_grace_period: float = 50.0
    node_startup_grace_period: float = 60.0
    terminated_pod_gc_threshold: int = 12500
    leader_elect: bool = False
    root_ca_file: str = ""
    cluster_signing_cert_file: str = ""
    cluster_signing_key_file: str = ""
    cluster_signing_duration: float = 365 * 24 * 3600.0
    verbosity: int = 0


#: (client, informers) → what is to be stopped at the end
Extra = Callable[[Client, InformerFactory], Any]


def all_controllers() -> list[Controller]:
    """Every controller there is, by file name."""
    return list(load_all("kk.control.controllers", "CONTROLLER").values())


def run(options: Options, extra: Sequence[Extra] = (), stop: threading.Event | None = None) -> int:
    """Run controllers until told to stop (a signal, or the event).

    extra   other parts to run in this process, each with a stop() method
    """
    chosen = select(options.controllers, all_controllers())
    codec.fast()
    client = Client(load(options.kubeconfig or None).resolve(), user_agent="kube-controller-manager")
    over = stop or threading.Event()
    if stop is None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: over.set())
    if options.leader_elect:
        return _elected(options, client, chosen, extra, over)
    _serve(options, client, chosen, extra, over)
    return 0


def _serve(
    options: Options, client: Client, chosen: list[Controller], extra: Sequence[Extra], over: threading.Event
) -> None:
    factory = InformerFactory(client)
    manager = Manager(client, chosen, factory, options, workers=options.workers)
    with contextlib.ExitStack() as stack:
        stack.callback(client.close)
        stack.callback(factory.stop)
        stack.callback(manager.stop)
        for make in extra:
            stack.callback(make(client, factory).stop)
        factory.start()
        manager.start()
        over.wait()


def _elected(
    options: Options, client: Client, chosen: list[Controller], extra: Sequence[Extra], over: threading.Event
) -> int:
    identity = f"{socket.gethostname()}_{os.getpid()}"
    elector = Elector(client, "kube-system", "kube-controller-manager", identity)
    worker: list[threading.Thread] = []
    lost = threading.Event()

    def lead() -> None:
        thread = threading.Thread(target=_serve, args=(options, client, chosen, extra, lost), name="leader")
        worker.append(thread)
        thread.start()

    def watch() -> None:
        over.wait()
        elector.stop()

    threading.Thread(target=watch, name="stop", daemon=True).start()
    elector.run(lead, lost.set)
    for thread in worker:
        thread.join()
    return 0 if over.is_set() else 1  # a lost lead ends the process; its supervisor starts it anew


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m kk.control`."""
    parser = argparse.ArgumentParser(prog="kk control", description="Run the controllers.")
    parser.add_argument("--kubeconfig", default="")
    parser.add_argument("--controllers", default="*")
    parser.add_argument("--leader-elect", action="store_true")
    parser.add_argument("--root-ca-file", default="")
    parser.add_argument("--cluster-signing-cert-file", default="")
    parser.add_argument("--cluster-signing-key-file", default="")
    parser.add_argument("--cluster-signing-duration", type=parse_duration, default=Options().cluster_signing_duration)
    parser.add_argument("--node-monitor-grace-period", type=float, default=Options().node_monitor_grace_period)
    parser.add_argument("-v", "--verbosity", type=int, default=0)
    given = parser.parse_args(argv)
    logging.basicConfig(
        level=logging.DEBUG if given.verbosity > 3 else logging.INFO if given.verbosity else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    options = Options(
        kubeconfig=given.kubeconfig,
        controllers=given.controllers,
        leader_elect=given.leader_elect,
        root_ca_file=given.root_ca_file,
        cluster_signing_cert_file=given.cluster_signing_cert_file,
        cluster_signing_key_file=given.cluster_signing_key_file,
        cluster_signing_duration=given.cluster_signing_duration,
        node_monitor_grace_period=given.node_monitor_grace_period,
        verbosity=given.verbosity,
    )
    try:
        return run(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1

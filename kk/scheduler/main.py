"""The scheduler at work: watches in, bindings, conditions and events out. Every choice is cycle.py's."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kk.base.discover import load_all
from kk.base.errors import StatusError
from kk.base.times import SYSTEM, Clock, format_time
from kk.client.events import Recorder
from kk.client.http import Client
from kk.client.informer import InformerFactory
from kk.client.kubeconfig import load
from kk.client.transport import Unreachable
from kk.scheduler.cache import Cache
from kk.scheduler.cycle import Decision, decide
from kk.scheduler.framework import Obj, Plugin, PodInfo
from kk.scheduler.queue import Queue

log = logging.getLogger(__name__)

Action = Callable[[PodInfo, Decision], None]
#: requests under way at once: binding waits for the server, the next decision does not wait for it
WRITERS = 4
#: finished pods hold nothing (upstream watches with the same selector)
UNFINISHED = "status.phase!=Succeeded,status.phase!=Failed"


@dataclass(frozen=True)
class Options:
    """What `kk control` and `python -m kk.scheduler` are asked for."""

    kubeconfig: str
    name: str = "default-scheduler"


class Scheduler:
    """One scheduler; start() returns at once, stop() ends it."""

    def __init__(self, client: Client, name: str = "default-scheduler", clock: Clock = SYSTEM):
        self.client, self.name, self.clock = client, name, clock
        self.cache, self.queue = Cache(), Queue(clock)
        self.plugins: list[Plugin] = list(load_all("kk.scheduler.plugins", "PLUGIN").values())
        self.wakes = {p.name: p.wakes for p in self.plugins}
        self.recorder = Recorder(client, name)
        self.factory = InformerFactory(client)
        self.pods = self.factory.informer("v1", "pods", field_selector=UNFINISHED)
        self.nodes = self.factory.informer("v1", "nodes")
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="bind")
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self._from = 0

    def start(self) -> None:
        """Watch, and schedule once both first lists are here."""
        self.nodes.add_handler(self._node)
        self.pods.add_handler(self._pod)
        self.factory.start()
        self._thread.start()

    def stop(self) -> None:
        """End the loop, let requests under way finish."""
        self.queue.close()
        self.factory.stop()
        if self._thread.ident is not None:
            self._thread.join(5)  # it may still wait for a first list that never came
        self._writers.shutdown()
        self.recorder.stop()

    # what the watches tell

    def _node(self, event: str, node: Obj, old: Obj | None) -> None:
        if event == "DELETED":
            self.cache.drop_node(node["metadata"]["name"])
            return
        self.cache.set_node(node)
        if old is None or _node_facts(old) != _node_facts(node):
            self.queue.happened("node")

    def _pod(self, event: str, pod: Obj, old: Obj | None) -> None:
        uid = pod["metadata"]["uid"]
        if event == "DELETED":
            self.queue.remove(uid)
            if self.cache.drop_pod(uid):
                self.queue.happened("pod-deleted")
        elif pod["spec"].get("nodeName"):
            self.queue.remove(uid)
            self.cache.set_pod(PodInfo(pod))
        elif not self._mine(pod):
            self.queue.remove(uid)
        elif not self.cache.assumed(uid) and (old is None or _pod_facts(old) != _pod_facts(pod)):
            self.queue.add(PodInfo(pod))

    def _mine(self, pod: Obj) -> bool:
        spec = pod["spec"]
        named = (spec.get("schedulerName") or "default-scheduler") == self.name
        return named and not spec.get("schedulingGates") and not pod["metadata"].get("deletionTimestamp")

    # the loop

    def _run(self) -> None:
        if not self.factory.wait_synced():
            return
        while (pod := self.queue.pop()) is not None:
            try:
                self._schedule(pod)
            except Exception:  # this thread owns the loop: one odd pod must not stop all scheduling
                log.exception("scheduling %s/%s", *pod.key)
                self.queue.failed(pod, frozenset({"node"}))

    def _schedule(self, pod: PodInfo) -> None:
        with self.cache.lock:
            nodes = self.cache.nodes()
            decision = decide(pod, nodes, self.plugins, self._from)
            self._from = (self._from + 1) % max(1, len(nodes))
            if decision.node:
                self.cache.assume(pod, decision.node)
        if decision.node:
            self.queue.remove(pod.uid)
            self._writers.submit(self._safely, self._bind, pod, decision)
        else:
            wakes = frozenset().union(*(self.wakes[name] for name in decision.plugins)) or frozenset({"node"})
            self.queue.failed(pod, wakes)
            self._writers.submit(self._safely, self._report, pod, decision)

    @staticmethod
    def _safely(action: Action, pod: PodInfo, decision: Decision) -> None:
        try:
            action(pod, decision)
        except Exception:  # a worker's loop: what it did not expect is told, and the next pod goes on
            log.exception("writing about %s/%s", *pod.key)

    def _bind(self, pod: PodInfo, decision: Decision) -> None:
        namespace, name = pod.key
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name, "namespace": namespace, "uid": pod.uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": decision.node},
        }
        try:
            self.client.resource("v1", "pods", namespace).create(binding, "binding")
        except (StatusError, Unreachable) as error:
            self.cache.forget(pod.uid)
            if isinstance(error, StatusError) and error.code in (404, 409):
                return  # gone or bound meanwhile: the watch tells the rest
            log.warning("binding %s/%s to %s: %s", namespace, name, decision.node, error)
            self.queue.add(pod)
            return
        message = f"Successfully assigned {namespace}/{name} to {decision.node}"
        self.recorder.event(pod.pod, "Normal", "Scheduled", message)

    def _report(self, pod: PodInfo, decision: Decision) -> None:
        namespace, name = pod.key
        message = decision.message()
        self.recorder.event(pod.pod, "Warning", "FailedScheduling", message)
        conditions = (pod.pod.get("status") or {}).get("conditions") or ()
        old: Obj = next((c for c in conditions if c["type"] == "PodScheduled"), {})
        if old.get("status") == "False" and old.get("message") == message:
            return
        moved = old.get("lastTransitionTime") if old.get("status") == "False" else None
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "lastProbeTime": None,
            "lastTransitionTime": moved or format_time(self.clock.now()),
            "observedGeneration": pod.pod["metadata"].get("generation", 0),
        }
        patch = {"metadata": {"uid": pod.uid}, "status": {"conditions": [condition]}}
        try:
            self.client.resource("v1", "pods", namespace).patch(name, patch, "strategic", "status")
        except (StatusError, Unreachable) as error:
            log.info("condition of %s/%s: %s", namespace, name, error)


def _node_facts(node: Obj) -> tuple[object, ...]:
    """What filters look at: heartbeats change none of it."""
    status = node.get("status") or {}
    return node.get("spec"), node["metadata"].get("labels"), status.get("allocatable")


def _pod_facts(pod: Obj) -> tuple[object, ...]:
    """What a decision rests on: the scheduler's own condition is no reason to try again."""
    meta = pod["metadata"]
    return pod["spec"], meta.get("labels"), meta.get("annotations"), meta.get("deletionTimestamp")


def connect(kubeconfig: str) -> Client:
    """A client of a kubeconfig's current context."""
    return Client(load(kubeconfig).resolve(), user_agent="kube-scheduler")


def run(options: Options) -> int:
    """Schedule until TERM or INT."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    scheduler = Scheduler(connect(options.kubeconfig), options.name)
    scheduler.start()
    over.wait()
    scheduler.stop()
    return 0


def main() -> int:
    """`python -m kk.scheduler --kubeconfig FILE`."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m kk.scheduler")
    parser.add_argument("--kubeconfig", default=os.environ.get("KUBECONFIG", ""))
    parser.add_argument("--scheduler-name", default="default-scheduler")
    chosen = parser.parse_args()
    return run(Options(chosen.kubeconfig, chosen.scheduler_name))

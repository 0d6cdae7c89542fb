"""Nodes and the pods on them as the watches tell, plus pods that were just bound and whose watch event is still under way."""

import threading

from kk.scheduler.framework import NodeInfo, Obj, PodInfo


class Cache:
    """Thread-safe; `nodes` is what a scheduling cycle looks at."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._nodes: dict[str, NodeInfo] = {}
        self._where: dict[str, str] = {}  # pod uid → node name
        self._assumed: set[str] = set()

    def nodes(self) -> list[NodeInfo]:
        """Every node that exists; hold the lock while they are read."""
        return [info for info in self._nodes.values() if info.node is not None]

    def set_node(self, node: Obj) -> None:
        """A node appeared or changed."""
        with self.lock:
            self._at(node["metadata"]["name"]).set(node)

    def drop_node(self, name: str) -> None:
        """A node is gone; its pods are remembered until they go too."""
        with self.lock:
            self._at(name).set(None)
            self._tidy(name)

    def set_pod(self, pod: PodInfo) -> None:
        """A pod that has a node."""
        with self.lock:
            self._assumed.discard(pod.uid)
            self._move(pod, pod.node)

    def assume(self, pod: PodInfo, node: str) -> None:
        """Count a pod on the node it is being bound to."""
        with self.lock:
            self._assumed.add(pod.uid)
            self._move(pod, node)

    def forget(self, uid: str) -> None:
        """The binding failed; nothing where the watch has shown the pod there already."""
        with self.lock:
            if uid in self._assumed:
                self.drop_pod(uid)

    def assumed(self, uid: str) -> bool:
        """Whether a binding is under way."""
        with self.lock:
            return uid in self._assumed

    def drop_pod(self, uid: str) -> bool:
        """A pod is gone or finished; False where it was on no node."""
        with self.lock:
            self._assumed.discard(uid)
            node = self._where.pop(uid, None)
            if node is None:
                return False
            self._nodes[node].drop(uid)
            self._tidy(node)
            return True

    def _at(self, name: str) -> NodeInfo:
        if name not in self._nodes:
            self._nodes[name] = NodeInfo(name=name)
        return self._nodes[name]

    def _move(self, pod: PodInfo, node: str) -> None:
        old = self._where.get(pod.uid)
        if old not in (None, node):
            self.drop_pod(pod.uid)
        self._where[pod.uid] = node
        self._at(node).put(pod)

    def _tidy(self, name: str) -> None:
        info = self._nodes.get(name)
        if info and info.node is None and not info.pods:
            del self._nodes[name]

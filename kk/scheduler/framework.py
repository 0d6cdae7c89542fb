"""What plugins see and say. Pure data; the model is kubernetes/kubernetes `pkg/scheduler/framework/types.go`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from kk.base.quantity import Quantity

Obj = dict[str, Any]
#: resource name → amount: cpu in thousandths of a core, everything else in its own unit
Amounts = dict[str, int]

MAX_SCORE = 100
#: what a container without requests counts for in scores, so that empty pods spread too (upstream: DefaultMilliCPURequest, DefaultMemoryRequest)
NOMINAL = {"cpu": 100, "memory": 200 * 1024 * 1024}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a pod does not fit a node; `resolvable` where other pods' leaving could change it."""

    reasons: tuple[str, ...]
    resolvable: bool = False


@lru_cache(maxsize=4096)
def _amount(name: str, text: str) -> int:
    parsed = Quantity.parse(text)
    return parsed.milli() if name == "cpu" else parsed.value()


def amounts(quantities: Mapping[str, Any] | None) -> Amounts:
    """Quantities as numbers; equal texts are parsed once."""
    return {name: _amount(name, str(text)) for name, text in (quantities or {}).items()}


def add(total: Amounts, more: Mapping[str, int], sign: int = 1) -> None:
    """Add in place."""
    for name, value in more.items():
        total[name] = total.get(name, 0) + sign * value


def largest(total: Amounts, other: Mapping[str, int]) -> None:
    """The greater of both, name by name, in place."""
    for name, value in other.items():
        if value > total.get(name, 0):
            total[name] = value


def pod_requests(pod: Obj, nominal: bool = False) -> Amounts:
    """What a pod needs: the sum of its containers and sidecars, or the largest init container on top of the sidecars before it; overhead added.

    Pod-level resources win over the sum. `nominal` fills in what containers leave open. Source: k8s.io/component-helpers `resource/helpers.go`.
    """
    spec = pod["spec"]
    total: Amounts = {}
    for container in spec.get("containers") or ():
        add(total, _container(container, nominal))
    sidecars: Amounts = {}
    initial: Amounts = {}
    for container in spec.get("initContainers") or ():
        needs = _container(container, nominal)
        if container.get("restartPolicy") == "Always":
            add(total, needs)
            add(sidecars, needs)
            needs = dict(sidecars)
        else:
            add(needs, sidecars)
        largest(initial, needs)
    largest(total, initial)
    total.update(amounts((spec.get("resources") or {}).get("requests")))
    add(total, amounts(spec.get("overhead")))
    return total


def _container(container: Obj, nominal: bool) -> Amounts:
    found = amounts((container.get("resources") or {}).get("requests"))
    return {**NOMINAL, **found} if nominal else found


def host_ports(pod: Obj) -> frozenset[tuple[str, str, int]]:
    """(protocol, address, port) of every host port; on a host network every container port is one."""
    spec = pod["spec"]
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    found = set()
    for container in (*(spec.get("containers") or ()), *sidecars):
        for port in container.get("ports") or ():
            number = port.get("hostPort") or (port.get("containerPort") if spec.get("hostNetwork") else 0)
            if number:
                found.add((port.get("protocol") or "TCP", port.get("hostIP") or "0.0.0.0", number))
    return frozenset(found)


class PodInfo:
    """A pod and what is computed of it once."""

    __slots__ = ("key", "nominal", "node", "owner", "pod", "ports", "priority", "requests", "uid")

    def __init__(self, pod: Obj):
        meta, spec = pod["metadata"], pod["spec"]
        self.pod, self.uid = pod, meta.get("uid", "")
        self.key: tuple[str, str] = (meta.get("namespace", ""), meta["name"])
        self.node: str = spec.get("nodeName") or ""
        self.priority: int = spec.get("priority") or 0
        self.requests = pod_requests(pod)
        self.nominal = pod_requests(pod, nominal=True)
        self.ports = host_ports(pod)
        owner = next((r for r in meta.get("ownerReferences") or () if r.get("controller")), None)
        self.owner: str = owner["uid"] if owner else ""


class NodeInfo:
    """A node and the sum of what runs there."""

    __slots__ = (
        "allocatable",
        "labels",
        "name",
        "node",
        "nominal",
        "pods",
        "ports",
        "requested",
        "taints",
        "unschedulable",
    )

    def __init__(self, node: Obj | None = None, name: str = ""):
        self.pods: dict[str, PodInfo] = {}
        self.requested: Amounts = {}
        self.nominal: Amounts = {}
        self.ports: dict[tuple[str, str, int], int] = {}
        self.name = name
        self.set(node)

    def set(self, node: Obj | None) -> None:
        """Take the node object; None where only its pods are known yet."""
        self.node = node
        spec = (node or {}).get("spec") or {}
        self.name = node["metadata"]["name"] if node else self.name
        self.labels: dict[str, str] = ((node or {}).get("metadata") or {}).get("labels") or {}
        self.taints: list[Obj] = spec.get("taints") or []
        self.unschedulable: bool = bool(spec.get("unschedulable"))
        self.allocatable = amounts(((node or {}).get("status") or {}).get("allocatable"))

    def put(self, pod: PodInfo) -> None:
        """Count a pod in; one that is there already is replaced."""
        self.drop(pod.uid)
        self.pods[pod.uid] = pod
        self._count(pod, 1)

    def drop(self, uid: str) -> bool:
        """Count a pod out; False where it was not here."""
        pod = self.pods.pop(uid, None)
        if pod is None:
            return False
        self._count(pod, -1)
        return True

    def _count(self, pod: PodInfo, sign: int) -> None:
        add(self.requested, pod.requests, sign)
        add(self.nominal, pod.nominal, sign)
        for port in pod.ports:
            self.ports[port] = self.ports.get(port, 0) + sign
            if not self.ports[port]:
                del self.ports[port]


Filter = Callable[[PodInfo, NodeInfo], "Failure | None"]
Score = Callable[[PodInfo, NodeInfo], float]


def _everything(_pod: PodInfo) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin.

    order      its place among the filters, as in upstream's default profile (the first failure of a node is its reason)
    filter     None fits, a Failure says why not
    score      any number, more is better; `normalize` maps the numbers of all nodes to 0..100 ("max": the greatest is 100, "reverse": the greatest is 0, "": they are already)
    concerns   False for pods that the plugin has nothing to say to: it is then skipped for all nodes
    wakes      changes after which a pod that it refused is tried again: "node", "pod-deleted", "pod-added"
    """

    name: str
    order: int
    filter: Filter | None = None
    score: Score | None = None
    weight: int = 1
    normalize: str = ""
    concerns: Callable[[PodInfo], bool] = _everything
    concerns_score: Callable[[PodInfo], bool] = _everything
    wakes: frozenset[str] = field(default_factory=lambda: frozenset({"node"}))


def tolerates(tolerations: Iterable[Obj], taint: Obj) -> bool:
    """Whether one of the tolerations covers a taint. Source: k8s.io/api core/v1 `toleration.go`."""
    for toleration in tolerations:
        if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
            continue
        if toleration.get("key") and toleration["key"] != taint.get("key"):
            continue
        operator = toleration.get("operator") or "Equal"
        if operator == "Exists" or (
            operator == "Equal" and (toleration.get("value") or "") == (taint.get("value") or "")
        ):
            return True
    return False

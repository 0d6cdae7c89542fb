"""Requests and limits of containers and pods: the pod-level defaults, the QoS class, and their faults.

Words and rules: `pkg/apis/core/helper/qos` and `ValidateContainerResourceRequirements` of Kubernetes. What fits a node is the scheduler's question.
"""

from typing import Any

from kk.base.quantity import Quantity

Obj = dict[str, Any]

#: what decides the QoS class
_QOS = ("cpu", "memory")


def _amounts(resources: Obj | None, field: str) -> dict[str, Quantity]:
    listed = (resources or {}).get(field) or {}
    return {name: Quantity.parse(listed[name]) for name in _QOS if name in listed}


def qos_class(spec: Obj) -> str:
    """Guaranteed, Burstable or BestEffort (qos.ComputePodQOS)."""
    whole = spec.get("resources")
    if whole and (whole.get("requests") or whole.get("limits")):
        parts = [whole]
    else:
        parts = [c.get("resources") or {} for f in ("initContainers", "containers") for c in spec.get(f) or ()]
    requests: dict[str, Quantity] = {}
    limits: dict[str, Quantity] = {}
    guaranteed = True
    for resources in parts:
        for name, amount in _amounts(resources, "requests").items():
            if amount:
                requests[name] = requests.get(name, Quantity()) + amount
        found = {name: amount for name, amount in _amounts(resources, "limits").items() if amount}
        for name, amount in found.items():
            limits[name] = limits.get(name, Quantity()) + amount
        guaranteed = guaranteed and len(found) == len(_QOS)
    if not requests and not limits:
        return "BestEffort"
    if guaranteed and len(requests) == len(limits) and all(limits.get(n) == a for n, a in requests.items()):
        return "Guaranteed"
    return "Burstable"


def default_pod_requests(spec: Obj) -> None:
    """Pod-level requests where pod-level limits are set: what the containers ask for together, else the limit."""
    resources = spec["resources"]
    requests = resources.setdefault("requests", {})
    for name, limit in resources["limits"].items():
        if name in requests:
            continue
        asked = [
            Quantity.parse(c["resources"]["requests"][name])
            for c in spec.get("containers") or ()
            if name in ((c.get("resources") or {}).get("requests") or {})
        ]
        if asked:
            total = asked[0]
            for amount in asked[1:]:
                total = total + amount
            requests[name] = total.canonical()
        else:
            requests[name] = limit

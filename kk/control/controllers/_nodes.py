"""What follows from the state of a node: conditions, taints, labels, tolerations. All pure; the tables are upstream's."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from kk.base.times import parse_time

Obj = dict[str, Any]
NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
#: (condition, its status) → taint
_TAINTS = {
    ("Ready", "False"): NOT_READY,
    ("Ready", "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure",
    ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure",
}
_WATCHED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
_LABELS = (("beta.kubernetes.io/os", "kubernetes.io/os"), ("beta.kubernetes.io/arch", "kubernetes.io/arch"))


def by_node(pod: Obj) -> list[str]:
    """Index: the node of a pod."""
    name = pod["spec"].get("nodeName")
    return [name] if name else []


def unknown_conditions(node: Obj, now: str) -> list[Obj] | None:
    """The conditions of a node that gives no sign of life, None where they say so already."""
    held = {c["type"]: c for c in (node.get("status") or {}).get("conditions") or ()}
    changed = False
    for type in _WATCHED:
        current = held.get(type)
        if current is None:
            held[type] = {
                "type": type,
                "status": "Unknown",
                "lastHeartbeatTime": node["metadata"].get("creationTimestamp"),
                "lastTransitionTime": now,
                "reason": "NodeStatusNeverUpdated",
                "message": "Kubelet never posted node status.",
            }
            changed = True
        elif current["status"] != "Unknown":
            held[type] = {
                **current,
                "status": "Unknown",
                "lastTransitionTime": now,
                "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.",
            }
            changed = True
    return list(held.values()) if changed else None


def wanted_taints(node: Obj) -> list[tuple[str, str]]:
    """(key, effect) of the taints that the state of a node calls for."""
    found = []
    for condition in (node.get("status") or {}).get("conditions") or ():
        key = _TAINTS.get((condition["type"], condition["status"]))
        if key:
            found.append((key, "NoSchedule"))
    if not any(c["type"] == "Ready" for c in (node.get("status") or {}).get("conditions") or ()):
        found.append((NOT_READY, "NoSchedule"))  # as it was admitted, until it says something
    found += [(key, "NoExecute") for key, _ in found if key in (NOT_READY, UNREACHABLE) and _has_ready(node)]
    if node["spec"].get("unschedulable"):
        found.append((UNSCHEDULABLE, "NoSchedule"))
    return found


def _has_ready(node: Obj) -> bool:
    return any(c["type"] == "Ready" for c in (node.get("status") or {}).get("conditions") or ())


def corrected(node: Obj, now: str) -> Obj | None:
    """The node with the taints, labels and ttl annotation it should have; None where it has them."""
    ours = {*_TAINTS.values(), UNSCHEDULABLE}
    wanted = wanted_taints(node)
    held = node["spec"].get("taints") or []
    kept = [t for t in held if t["key"] not in ours or (t["key"], t["effect"]) in wanted]
    there = {(t["key"], t["effect"]) for t in kept}
    taints = [*kept, *({"key": k, "effect": e, "timeAdded": now} for k, e in wanted if (k, e) not in there)]
    meta = node["metadata"]
    labels = dict(meta.get("labels") or {})
    for old, new in _LABELS:
        if new in labels:
            labels[old] = labels[new]
    if taints == held and labels == (meta.get("labels") or {}):
        return None
    body = {**node, "metadata": {**meta}, "spec": {k: v for k, v in node["spec"].items() if k != "taints"}}
    if labels:
        body["metadata"]["labels"] = labels
    if taints:
        body["spec"]["taints"] = taints
    return body


def pod_not_ready(pod: Obj, now: str) -> list[Obj] | None:
    """The conditions of a pod whose node is not ready, None where nothing changes."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    if not any(c["type"] == "Ready" and c["status"] == "True" for c in conditions):
        return None
    return [{**c, "status": "False", "lastTransitionTime": now} if c["type"] == "Ready" else c for c in conditions]


def tolerates(toleration: Obj, taint: Obj) -> bool:
    """Whether a toleration covers a taint."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Exists":
        return True
    return bool(toleration.get("key")) and (toleration.get("value") or "") == (taint.get("value") or "")


def eviction_time(pod: Obj, taints: Iterable[Obj], now: datetime) -> datetime | None:
    """When a pod has to leave a node with these NoExecute taints; None for never, a time that has passed for now.

    Every taint must be tolerated, and the shortest tolerationSeconds counts, from when the taint was added.
    """
    due: list[datetime] = []
    for taint in taints:
        if taint["effect"] != "NoExecute":
            continue
        fitting = [t for t in pod["spec"].get("tolerations") or () if tolerates(t, taint)]
        if not fitting:
            return now
        limits = [t["tolerationSeconds"] for t in fitting if t.get("tolerationSeconds") is not None]
        if limits:
            since = parse_time(taint["timeAdded"]) if taint.get("timeAdded") else now
            due.append(since + timedelta(seconds=max(0, min(limits))))
    return min(due) if due else None

"""ReplicaSet and ReplicationController: what to do so that N pods of one template run. Pure; the two controllers differ in names only.

Source: k8s.io/kubernetes `pkg/controller/replicaset/replica_set.go` and `replica_set_utils.go`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kk.base.times import format_time
from kk.control import pods as p

Obj = dict[str, Any]
#: pods made or deleted in one go
BURST = 500


@dataclass(slots=True)
class Plan:
    """How many pods to make, which to delete, and in how many seconds to look again because one will count as available then."""

    create: int = 0
    delete: list[Obj] = field(default_factory=list)
    again: float | None = None


def plan(rs: Obj, owned: list[Obj], related: list[Obj], now: datetime) -> Plan:
    """`owned`: its pods, dying ones included; `related`: pods of all sets of the same owner."""
    active = [pod for pod in owned if p.active(pod)]
    waits = [w for pod in active if (w := p.available_in(pod, _min_ready(rs), now))]
    found = Plan(again=min(waits) if waits else None)
    if rs["metadata"].get("deletionTimestamp"):
        return found
    missing = (rs["spec"].get("replicas", 1)) - len(active)
    if missing > 0:
        found.create = min(missing, BURST)
    elif missing < 0:
        found.delete = p.deletion_order(active, related, now)[: min(-missing, BURST)]
    return found


def status(rs: Obj, owned: list[Obj], failure: tuple[str, str] | None, now: datetime) -> Obj:
    """The status that the pods add up to; `failure` is (reason, message) of a create or delete that did not work."""
    active = [pod for pod in owned if p.active(pod)]
    labels = (rs["spec"].get("template") or {}).get("metadata", {}).get("labels") or {}
    is_set = rs["kind"] == "ReplicaSet"
    new: Obj = {"replicas": len(active)}
    counts = {
        "fullyLabeledReplicas": sum(
            1 for pod in active if labels.items() <= (pod["metadata"].get("labels") or {}).items()
        ),
        "readyReplicas": sum(1 for pod in active if p.ready(pod)),
        "availableReplicas": sum(1 for pod in active if p.available_in(pod, _min_ready(rs), now) == 0.0),
    }
    new.update({k: v for k, v in counts.items() if v})
    if is_set:
        new["terminatingReplicas"] = sum(
            1 for pod in owned if pod["metadata"].get("deletionTimestamp") and not p.finished(pod)
        )
    new["observedGeneration"] = rs["metadata"].get("generation", 0)
    conditions = _conditions(rs, failure, now)
    if conditions:
        new["conditions"] = conditions
    return new


def _conditions(rs: Obj, failure: tuple[str, str] | None, now: datetime) -> list[Obj]:
    old = (rs.get("status") or {}).get("conditions") or []
    rest = [c for c in old if c["type"] != "ReplicaFailure"]
    if failure is None:
        return rest
    before = next((c for c in old if c["type"] == "ReplicaFailure"), None)
    if before and before["reason"] == failure[0]:
        return [*rest, before]
    made = {
        "type": "ReplicaFailure",
        "status": "True",
        "lastTransitionTime": format_time(now),
        "reason": failure[0],
        "message": failure[1],
    }
    return [*rest, made]


def _min_ready(rs: Obj) -> int:
    return rs["spec"].get("minReadySeconds") or 0

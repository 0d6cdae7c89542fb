"""What a deployment's status says. Pure; conditions, reasons and messages are upstream's `progress.go` and `sync.go`."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from kk.base.times import format_time, parse_time

from ... import pods as podlib
from . import sizes

Obj = dict[str, Any]
_NO_DEADLINE = 2**31 - 1


def has_deadline(deployment: Obj) -> bool:
    """Whether progress is watched."""
    return deployment["spec"].get("progressDeadlineSeconds") not in (None, _NO_DEADLINE)


def condition(type: str, value: str, reason: str, message: str, now: str) -> Obj:
    """A DeploymentCondition."""
    return {
        "type": type,
        "status": value,
        "lastUpdateTime": now,
        "lastTransitionTime": now,
        "reason": reason,
        "message": message,
    }


def plain(status: Obj) -> Obj:
    """A status without zeros that mean the same as nothing."""
    return {k: v for k, v in status.items() if v or k == "terminatingReplicas"}


def _sum(sets: Iterable[Obj], name: str) -> int:
    return sum(int((s.get("status") or {}).get(name, 0)) for s in sets)


def calculate(deployment: Obj, new: Obj | None, sets: list[Obj], now: datetime) -> Obj:
    """The counts and the Available condition; other conditions are kept."""
    held = deployment.get("status") or {}
    available = _sum(sets, "availableReplicas")
    status = {
        "observedGeneration": deployment["metadata"].get("generation", 0),
        "replicas": _sum(sets, "replicas"),
        "updatedReplicas": _sum([new] if new is not None else [], "replicas"),
        "readyReplicas": _sum(sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, sum(sizes.size(s) for s in sets) - available),
        "terminatingReplicas": _sum(sets, "terminatingReplicas"),
        "collisionCount": held.get("collisionCount"),
    }
    if available >= sizes.wanted(deployment) - sizes.bounds(deployment)[1]:
        words = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        words = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    conditions = podlib.set_condition(held.get("conditions") or [], condition("Available", *words, format_time(now)))
    return plain({**status, "conditions": conditions})


def complete(deployment: Obj, status: Obj) -> bool:
    """Whether everything that is wanted is there, and nothing else."""
    wanted = sizes.wanted(deployment)
    counts = (status.get(k, 0) for k in ("updatedReplicas", "replicas", "availableReplicas"))
    seen = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    return seen and all(c == wanted for c in counts)


def progressing(old: Obj, new: Obj) -> bool:
    """Whether a status shows progress over the one before."""

    def count(status: Obj, name: str) -> int:
        return int(status.get(name, 0))

    grown = any(count(new, k) > count(old, k) for k in ("updatedReplicas", "readyReplicas", "availableReplicas"))
    before = count(old, "replicas") - count(old, "updatedReplicas")
    return grown or count(new, "replicas") - count(new, "updatedReplicas") < before


def timed_out(deployment: Obj, now: datetime) -> bool:
    """Whether the progress deadline has passed since the last progress."""
    current = podlib.condition(deployment, "Progressing")
    if current is None or current.get("reason") == "NewReplicaSetAvailable":
        return False
    if current.get("reason") == "ProgressDeadlineExceeded":
        return True
    since = parse_time(current["lastUpdateTime"])
    return (now - since).total_seconds() > deployment["spec"]["progressDeadlineSeconds"]


def of_rollout(deployment: Obj, new: Obj | None, sets: list[Obj], now: datetime) -> Obj:
    """The whole status of a rollout: counts, and how it goes on."""
    status = calculate(deployment, new, sets, now)
    conditions = status["conditions"]
    if not has_deadline(deployment):
        conditions = podlib.without_condition(conditions, "Progressing")
    current = podlib.condition(deployment, "Progressing")
    done = (
        status.get("replicas", 0) == status.get("updatedReplicas", 0)
        and current is not None
        and current.get("reason") == "NewReplicaSetAvailable"
    )
    if has_deadline(deployment) and not done:
        conditions = _progress(deployment, status, new, conditions, now)
    failures = [s for s in ([new] if new is not None else sets) if podlib.condition(s, "ReplicaFailure")]
    if failures:
        found = podlib.condition(failures[0], "ReplicaFailure") or {}
        words = (found["status"], found.get("reason", ""), found.get("message", ""))
        failure = condition("ReplicaFailure", *words, found.get("lastTransitionTime") or format_time(now))
        failure["lastUpdateTime"] = failure["lastTransitionTime"]
        conditions = podlib.set_condition(conditions, failure)
    else:
        conditions = podlib.without_condition(conditions, "ReplicaFailure")
    return plain({**status, "conditions": conditions})


def _progress(deployment: Obj, status: Obj, new: Obj | None, conditions: list[Obj], now: datetime) -> list[Obj]:
    text = format_time(now)
    subject = (
        f'ReplicaSet "{new["metadata"]["name"]}"'
        if new is not None
        else f'Deployment "{deployment["metadata"]["name"]}"'
    )
    if complete(deployment, status):
        words = ("True", "NewReplicaSetAvailable", f"{subject} has successfully progressed.")
        return podlib.set_condition(conditions, condition("Progressing", *words, text))
    if progressing(deployment.get("status") or {}, status):
        made = condition("Progressing", "True", "ReplicaSetUpdated", f"{subject} is progressing.", text)
        current = next((c for c in conditions if c["type"] == "Progressing"), None)
        if current is not None and current["status"] == "True":
            made["lastTransitionTime"] = current["lastTransitionTime"]
        return [*podlib.without_condition(conditions, "Progressing"), made]
    if timed_out(deployment, now):
        words = ("False", "ProgressDeadlineExceeded", f"{subject} has timed out progressing.")
        return podlib.set_condition(conditions, condition("Progressing", *words, text))
    return conditions


def deadline_in(deployment: Obj, now: datetime) -> float | None:
    """Seconds after which the progress deadline is to be looked at, None where there is nothing to wait for."""
    current = podlib.condition(deployment, "Progressing")
    if not has_deadline(deployment) or current is None:
        return None
    status = deployment.get("status") or {}
    if complete(deployment, status) or current.get("reason") == "ProgressDeadlineExceeded":
        return None
    since = parse_time(current["lastUpdateTime"])
    left = deployment["spec"]["progressDeadlineSeconds"] - (now - since).total_seconds()
    return max(0.0, left) + 1

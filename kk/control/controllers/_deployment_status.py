"""Deployment: status and conditions. Pure.

Source: k8s.io/kubernetes `pkg/controller/deployment/progress.go`, `sync.go`, `util/deployment_util.go`.
"""

from datetime import datetime
from typing import Any

from kk.base.times import format_time, parse_time
from kk.control.controllers import _rollout as r

Obj = dict[str, Any]
Conditions = dict[str, Obj]


def conditions_of(deployment: Obj) -> Conditions:
    """Conditions by type, in their order."""
    return {c["type"]: dict(c) for c in (deployment.get("status") or {}).get("conditions") or ()}


def put(conditions: Conditions, kind: str, status: str, reason: str, message: str, now: datetime) -> None:
    """Set a condition: nothing where status and reason stand already, the transition time kept where only the reason changes; a changed one goes last."""
    old = conditions.get(kind)
    if old and old["status"] == status and old["reason"] == reason:
        return
    stamp = format_time(now)
    moved = old["lastTransitionTime"] if old and old["status"] == status else stamp
    conditions.pop(kind, None)
    conditions[kind] = {
        "type": kind,
        "status": status,
        "lastUpdateTime": stamp,
        "lastTransitionTime": moved,
        "reason": reason,
        "message": message,
    }


def counts(deployment: Obj, sets: list[Obj], new: Obj | None) -> Obj:
    """The numbers of the status."""
    available = sum(r.counted(s, "availableReplicas") for s in sets)
    made = r.total(sets)
    out: Obj = {"observedGeneration": deployment["metadata"].get("generation", 0)}
    numbers = {
        "replicas": sum(r.counted(s, "replicas") for s in sets),
        "updatedReplicas": r.counted(new, "replicas") if new else 0,
        "readyReplicas": sum(r.counted(s, "readyReplicas") for s in sets),
        "availableReplicas": available,
        "unavailableReplicas": max(0, made - available),
    }
    out.update({k: v for k, v in numbers.items() if v})
    out["terminatingReplicas"] = sum(r.counted(s, "terminatingReplicas") for s in sets)
    collisions = (deployment.get("status") or {}).get("collisionCount")
    if collisions is not None:
        out["collisionCount"] = collisions
    return out


def availability(deployment: Obj, status: Obj, conditions: Conditions, now: datetime) -> None:
    """The Available condition."""
    if status.get("availableReplicas", 0) >= r.replicas(deployment) - r.fences(deployment)[1]:
        put(conditions, "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now)
    else:
        put(
            conditions,
            "Available",
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
            now,
        )


def deadline(deployment: Obj) -> int | None:
    """progressDeadlineSeconds, None for the value that means never."""
    seconds = deployment["spec"].get("progressDeadlineSeconds")
    return None if seconds is None or seconds == 2**31 - 1 else seconds


def complete(deployment: Obj, status: Obj) -> bool:
    """All pods are of the new template, available, and nothing else exists."""
    want = r.replicas(deployment)
    return (
        status.get("updatedReplicas", 0) == want
        and status.get("replicas", 0) == want
        and status.get("availableReplicas", 0) == want
        and status["observedGeneration"] >= deployment["metadata"].get("generation", 0)
    )


def progress(
    deployment: Obj, status: Obj, sets: list[Obj], new: Obj | None, conditions: Conditions, now: datetime
) -> None:
    """The Progressing and ReplicaFailure conditions."""
    current = conditions.get("Progressing")
    if deadline(deployment) is None:
        conditions.pop("Progressing", None)
    elif not _settled(status, current):
        name = f'ReplicaSet "{new["metadata"]["name"]}"' if new else f'Deployment "{deployment["metadata"]["name"]}"'
        if complete(deployment, status):
            put(
                conditions, "Progressing", "True", "NewReplicaSetAvailable", f"{name} has successfully progressed.", now
            )
        elif progressing(deployment, status):
            before = conditions.pop("Progressing", None)
            put(conditions, "Progressing", "True", "ReplicaSetUpdated", f"{name} is progressing.", now)
            if before and before["status"] == "True":
                conditions["Progressing"]["lastTransitionTime"] = before["lastTransitionTime"]
        elif timed_out(deployment, conditions, now):
            put(
                conditions,
                "Progressing",
                "False",
                "ProgressDeadlineExceeded",
                f"{name} has timed out progressing.",
                now,
            )
    failures = [
        c for s in sets for c in (s.get("status") or {}).get("conditions") or () if c["type"] == "ReplicaFailure"
    ]
    if failures:
        conditions["ReplicaFailure"] = _failure(failures[0], conditions.get("ReplicaFailure"), now)
    else:
        conditions.pop("ReplicaFailure", None)


def _settled(status: Obj, current: Obj | None) -> bool:
    """The rollout was complete before and nothing but the new set's pods exists."""
    same = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    return same and current is not None and current["reason"] == "NewReplicaSetAvailable"


def _failure(found: Obj, old: Obj | None, now: datetime) -> Obj:
    out = {**found, "lastUpdateTime": format_time(now)}
    if old and old["status"] == out["status"] and old["reason"] == out["reason"]:
        return old
    return out


def progressing(deployment: Obj, status: Obj) -> bool:
    """More updated, fewer old, or more ready or available pods than the last status tells."""
    old = deployment.get("status") or {}
    olds = old.get("replicas", 0) - old.get("updatedReplicas", 0)
    return (
        status.get("updatedReplicas", 0) > old.get("updatedReplicas", 0)
        or status.get("replicas", 0) - status.get("updatedReplicas", 0) < olds
        or status.get("readyReplicas", 0) > r.counted(deployment, "readyReplicas")
        or status.get("availableReplicas", 0) > old.get("availableReplicas", 0)
    )


def timed_out(deployment: Obj, conditions: Conditions, now: datetime) -> bool:
    """No progress for longer than the deadline."""
    current, seconds = conditions.get("Progressing"), deadline(deployment)
    if current is None or seconds is None or current["reason"] == "NewReplicaSetAvailable":
        return False
    if current["reason"] == "ProgressDeadlineExceeded":
        return True
    return (now - parse_time(current["lastUpdateTime"])).total_seconds() > seconds


def due(deployment: Obj, status: Obj, conditions: Conditions, now: datetime) -> float | None:
    """Seconds until the deadline has to be looked at again."""
    current, seconds = conditions.get("Progressing"), deadline(deployment)
    if seconds is None or current is None or complete(deployment, status):
        return None
    if current["reason"] in ("NewReplicaSetAvailable", "ProgressDeadlineExceeded", "DeploymentPaused"):
        return None
    passed = (now - parse_time(current["lastUpdateTime"])).total_seconds()
    return max(0.0, seconds - passed) + 1.0


def paused(deployment: Obj, conditions: Conditions, now: datetime) -> None:
    """Say in the Progressing condition that a rollout was paused or resumed, once."""
    current = conditions.get("Progressing")
    if deadline(deployment) is None or (current and current["reason"] == "ProgressDeadlineExceeded"):
        return
    was = bool(current) and current is not None and current["reason"] == "DeploymentPaused"
    if deployment["spec"].get("paused") and not was:
        put(conditions, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", now)
    elif not deployment["spec"].get("paused") and was:
        put(conditions, "Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed", now)

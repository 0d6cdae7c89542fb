"""What controllers ask about pods: active, ready, available, and which to delete first. Pure.

Source: k8s.io/kubernetes `pkg/controller/controller_utils.go` and `pkg/api/v1/pod/util.go`.
"""

import contextlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from kk.base.times import parse_time

Obj = dict[str, Any]
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}
_COST = "controller.kubernetes.io/pod-deletion-cost"


def active(pod: Obj) -> bool:
    """Neither finished nor being deleted."""
    return not finished(pod) and not pod["metadata"].get("deletionTimestamp")


def finished(pod: Obj) -> bool:
    """Succeeded or Failed."""
    return phase(pod) in ("Succeeded", "Failed")


def phase(pod: Obj) -> str:
    """status.phase."""
    return (pod.get("status") or {}).get("phase") or ""


def condition(pod: Obj, kind: str) -> Obj | None:
    """A condition by type."""
    return next((c for c in (pod.get("status") or {}).get("conditions") or () if c["type"] == kind), None)


def ready(pod: Obj) -> bool:
    """The Ready condition is True."""
    found = condition(pod, "Ready")
    return found is not None and found.get("status") == "True"


def ready_since(pod: Obj) -> datetime | None:
    """When it became ready, None where it is not or no time is told."""
    found = condition(pod, "Ready")
    if found is None or found.get("status") != "True" or not found.get("lastTransitionTime"):
        return None
    return parse_time(found["lastTransitionTime"])


def available_in(pod: Obj, seconds: int, now: datetime) -> float | None:
    """Seconds until the pod counts as available: 0 where it does, None where it is not ready."""
    if not ready(pod):
        return None
    since = ready_since(pod)
    if not seconds:
        return 0.0
    if since is None:
        return None
    return max(0.0, seconds - (now - since).total_seconds())


def deletion_order(pods: Iterable[Obj], related: Iterable[Obj], now: datetime) -> list[Obj]:
    """Which pods go first: unassigned, pending, not ready, cheap by annotation, doubled up on a node, ready for a short time, restarted often, young.

    `related` are all pods of the same owner's owner: nodes with many of them lose one first.
    """
    crowd: dict[str, int] = {}
    for pod in related:
        if active(pod):
            node = pod["spec"].get("nodeName") or ""
            crowd[node] = crowd.get(node, 0) + 1

    def rank(pod: Obj) -> tuple[Any, ...]:
        spec, meta = pod["spec"], pod["metadata"]
        since = ready_since(pod)
        node = spec.get("nodeName") or ""
        return (
            bool(node),
            _PHASES.get(phase(pod), 0),
            ready(pod),
            _cost(pod),
            -crowd.get(node, 0),
            (now - since).total_seconds() if since else float("inf") if ready(pod) else 0.0,
            -restarts(pod),
            (now - parse_time(meta["creationTimestamp"])).total_seconds(),
        )

    return sorted(pods, key=rank)


def _cost(pod: Obj) -> int:
    with contextlib.suppress(ValueError):
        return int((pod["metadata"].get("annotations") or {}).get(_COST, "0"))
    return 0


def restarts(pod: Obj) -> int:
    """The highest restart count of its containers."""
    return max((s.get("restartCount", 0) for s in (pod.get("status") or {}).get("containerStatuses") or ()), default=0)


def from_template(template: Obj, owner: Obj, reference: Obj) -> Obj:
    """A pod of a template: labels, annotations and finalizers copied, its owner the controller, its name made from the owner's."""
    meta = template.get("metadata") or {}
    made: Obj = {"generateName": f"{owner['metadata']['name']}-", "ownerReferences": [reference]}
    for key in ("labels", "annotations", "finalizers"):
        if meta.get(key):
            made[key] = meta[key]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": template["spec"]}

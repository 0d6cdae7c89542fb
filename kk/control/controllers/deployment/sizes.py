"""How large each replica set of a deployment is to be. Pure; the arithmetic is upstream's `deployment/util` and `rolling.go`."""

import math
from collections.abc import Iterable
from typing import Any

Obj = dict[str, Any]
Steps = list[tuple[Obj, int]]
DESIRED = "deployment.kubernetes.io/desired-replicas"
MOST = "deployment.kubernetes.io/max-replicas"


def strategy(deployment: Obj) -> str:
    """RollingUpdate or Recreate."""
    return (deployment["spec"].get("strategy") or {}).get("type") or "RollingUpdate"


def size(replica_set: Obj) -> int:
    """The wanted size."""
    return int(replica_set["spec"].get("replicas", 1))


def _available(replica_set: Obj) -> int:
    return int((replica_set.get("status") or {}).get("availableReplicas", 0))


def _absolute(value: Any, replicas: int, up: bool) -> int:
    if isinstance(value, str) and value.endswith("%"):
        part = replicas * int(value[:-1]) / 100
        return math.ceil(part) if up else math.floor(part)
    return int(value)


def bounds(deployment: Obj) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in pods; never both 0, and no more unavailable than there are replicas."""
    if strategy(deployment) != "RollingUpdate":
        return 0, 0
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    replicas = wanted(deployment)
    surge = _absolute(rolling.get("maxSurge", "25%"), replicas, True)
    unavailable = _absolute(rolling.get("maxUnavailable", "25%"), replicas, False)
    if not surge and not unavailable:
        unavailable = 1
    return surge, min(unavailable, replicas)


def wanted(deployment: Obj) -> int:
    """spec.replicas."""
    return int(deployment["spec"].get("replicas", 1))


def annotations(deployment: Obj) -> dict[str, str]:
    """What a replica set is told of its deployment's size; proportional scaling compares it later."""
    replicas = wanted(deployment)
    return {DESIRED: str(replicas), MOST: str(replicas + bounds(deployment)[0])}


def scaling(deployment: Obj, sets: Iterable[Obj]) -> bool:
    """Whether the deployment was scaled since its replica sets were told its size."""
    for one in sets:
        if size(one) > 0:
            told = (one["metadata"].get("annotations") or {}).get(DESIRED, "")
            if told.isdigit() and int(told) != wanted(deployment):
                return True
    return False


def new_replicas(deployment: Obj, new: Obj | None, sets: Iterable[Obj]) -> int:
    """The size of the new replica set in the next step (`new` None: of one that is about to be made)."""
    replicas = wanted(deployment)
    current = size(new) if new is not None else 0
    if strategy(deployment) != "RollingUpdate" or current >= replicas:
        return replicas
    room = replicas + bounds(deployment)[0] - sum(size(s) for s in sets)
    return current + max(0, min(room, replicas - current))


def shrink_old(deployment: Obj, new: Obj, old: list[Obj]) -> Steps:
    """Which old replica sets shrink now: first what is not healthy anyway, then as far as enough pods stay available."""
    active = [s for s in sorted(old, key=_age) if size(s) > 0]
    if not active:
        return []
    total = sum(size(s) for s in [*active, new])
    least = wanted(deployment) - bounds(deployment)[1]
    budget = total - least - (size(new) - _available(new))
    if budget <= 0:
        return []
    sizes = {id(s): size(s) for s in active}
    gone = 0
    for one in active:
        unhealthy = min(budget - gone, size(one) - _available(one))
        if unhealthy > 0:
            sizes[id(one)] -= unhealthy
            gone += unhealthy
    spare = sum(_available(s) for s in [*active, new]) - least
    for one in active:
        if spare <= 0:
            break
        taken = min(sizes[id(one)], spare)
        sizes[id(one)] -= taken
        spare -= taken
    return [(s, sizes[id(s)]) for s in active if sizes[id(s)] != size(s)]


def rescale(deployment: Obj, new: Obj | None, old: list[Obj]) -> Steps:
    """The sizes after the deployment itself was scaled: the one active replica set takes it all, several share in proportion."""
    replicas = wanted(deployment)
    active = [s for s in [*old, *([new] if new is not None else [])] if size(s) > 0]
    if len(active) <= 1:
        latest = max(old, key=_age, default=None)
        only = active[0] if active else new if new is not None else latest
        return [(only, replicas)] if only is not None else []
    if new is not None and _saturated(deployment, new):
        return [(s, 0) for s in active if s is not new]
    if strategy(deployment) != "RollingUpdate":
        return []
    return _proportional(deployment, active)


def _saturated(deployment: Obj, new: Obj) -> bool:
    told = (new["metadata"].get("annotations") or {}).get(DESIRED, "")
    replicas = wanted(deployment)
    return told.isdigit() and int(told) == replicas == size(new) == _available(new)


def _proportional(deployment: Obj, active: list[Obj]) -> Steps:
    replicas = wanted(deployment)
    most = replicas + bounds(deployment)[0] if replicas else 0
    to_add = most - sum(size(s) for s in active)
    # larger ones first; of equal ones the newer gains first and the older loses first
    ordered = sorted(active, key=_age, reverse=to_add > 0)
    ordered.sort(key=size, reverse=True)
    steps: list[tuple[Obj, int]] = []
    added = 0
    for one in ordered:
        part = 0
        if to_add and added != to_add:
            share, left = _fraction(deployment, one, most), to_add - added
            part = min(share, left) if to_add > 0 else max(share, left)
        steps.append((one, size(one) + part))
        added += part
    first, count = steps[0]
    steps[0] = (first, max(0, count + to_add - added))
    return steps


def _fraction(deployment: Obj, replica_set: Obj, most: int) -> int:
    """How much a replica set grows (or shrinks) to keep its share."""
    if not wanted(deployment):
        return -size(replica_set)
    told = (replica_set["metadata"].get("annotations") or {}).get(MOST, "")
    before = int(told) if told.isdigit() and int(told) else int((deployment.get("status") or {}).get("replicas", 0))
    if not before:
        return 0
    return math.floor(size(replica_set) * most / before + 0.5) - size(replica_set)


def _age(replica_set: Obj) -> tuple[str, str]:
    meta = replica_set["metadata"]
    return meta.get("creationTimestamp") or "", meta["name"]

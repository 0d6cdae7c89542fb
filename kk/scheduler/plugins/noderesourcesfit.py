"""NodeResourcesFit: requests against what is allocatable, and the least allocated node first."""

from kk.scheduler.framework import MAX_SCORE, Failure, NodeInfo, Plugin, PodInfo

TOO_MANY = "Too many pods"


def check(pod: PodInfo, node: NodeInfo) -> Failure | None:
    """Name each resource that is short; more than the node has at all cannot be resolved by others' leaving."""
    reasons, resolvable = [], True
    room = node.allocatable.get("pods", 0)
    if len(node.pods) + 1 > room:
        reasons.append(TOO_MANY)
        resolvable = room > 0
    for name, wanted in pod.requests.items():
        has = node.allocatable.get(name, 0)
        if wanted and wanted > has - node.requested.get(name, 0):
            reasons.append(f"Insufficient {name}")
            resolvable = resolvable and wanted <= has
    return Failure(tuple(reasons), resolvable) if reasons else None


def score(pod: PodInfo, node: NodeInfo) -> float:
    """Mean free share of cpu and memory after the pod is there (upstream's LeastAllocated)."""
    total = count = 0.0
    for name in ("cpu", "memory"):
        has = node.allocatable.get(name, 0)
        if has:
            left = has - node.nominal.get(name, 0) - pod.nominal.get(name, 0)
            total += max(left, 0) * MAX_SCORE / has
            count += 1
    return total / count if count else 0


PLUGIN = Plugin("NodeResourcesFit", 6, filter=check, score=score, wakes=frozenset({"node", "pod-deleted"}))

"""NodeResourcesBalancedAllocation: prefers nodes on which cpu and memory would be used to the same share."""

from kk.scheduler.framework import MAX_SCORE, NodeInfo, Plugin, PodInfo


def score(pod: PodInfo, node: NodeInfo) -> float:
    """100 less the spread of the used shares (for two resources half their difference)."""
    shares = []
    for name in ("cpu", "memory"):
        has = node.allocatable.get(name, 0)
        if has:
            shares.append(min(1.0, (node.requested.get(name, 0) + pod.requests.get(name, 0)) / has))
    spread = abs(shares[0] - shares[1]) / 2 if len(shares) == 2 else 0.0
    return (1 - spread) * MAX_SCORE


PLUGIN = Plugin("NodeResourcesBalancedAllocation", 20, score=score, concerns_score=lambda pod: bool(pod.requests))

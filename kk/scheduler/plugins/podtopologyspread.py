"""PodTopologySpread, its default constraint only: pods of one controller prefer different nodes.

Constraints that a pod states itself (topologySpreadConstraints) are not looked at here.
"""

from kk.scheduler.framework import NodeInfo, Plugin, PodInfo


def score(pod: PodInfo, node: NodeInfo) -> float:
    """How many of the controller's pods the node has already."""
    return sum(1 for other in node.pods.values() if other.owner == pod.owner)


PLUGIN = Plugin(
    "PodTopologySpread", 21, score=score, weight=2, normalize="reverse", concerns_score=lambda pod: bool(pod.owner)
)

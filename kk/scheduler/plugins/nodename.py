"""NodeName: a pod that names a node fits no other."""

from kk.scheduler.framework import Failure, NodeInfo, Plugin, PodInfo

REFUSED = Failure(("node(s) didn't match the requested node name",))


def check(pod: PodInfo, node: NodeInfo) -> Failure | None:
    """Refuse every other node."""
    return REFUSED if pod.node and pod.node != node.name else None


PLUGIN = Plugin("NodeName", 2, filter=check, concerns=lambda pod: bool(pod.node))

"""NodeUnschedulable: cordoned nodes take only pods that tolerate it."""

from kk.scheduler.framework import Failure, NodeInfo, Plugin, PodInfo, tolerates

TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
REFUSED = Failure(("node(s) were unschedulable",))


def check(pod: PodInfo, node: NodeInfo) -> Failure | None:
    """Refuse a cordoned node."""
    if node.unschedulable and not tolerates(pod.pod["spec"].get("tolerations") or (), TAINT):
        return REFUSED
    return None


PLUGIN = Plugin("NodeUnschedulable", 1, filter=check)

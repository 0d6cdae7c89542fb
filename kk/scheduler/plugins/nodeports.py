"""NodePorts: a host port is given once a node; 0.0.0.0 clashes with every address."""

from kk.scheduler.framework import Failure, NodeInfo, Plugin, PodInfo

REFUSED = Failure(("node(s) didn't have free ports for the requested pod ports",), resolvable=True)
ANY = "0.0.0.0"


def check(pod: PodInfo, node: NodeInfo) -> Failure | None:
    """Refuse a node on which one of the ports is taken."""
    return REFUSED if any(clashes(wanted, used) for wanted in pod.ports for used in node.ports) else None


def clashes(a: tuple[str, str, int], b: tuple[str, str, int]) -> bool:
    """Two host ports that cannot both be bound."""
    return a[0] == b[0] and a[2] == b[2] and (a[1] == b[1] or ANY in (a[1], b[1]))


PLUGIN = Plugin(
    "NodePorts", 5, filter=check, concerns=lambda pod: bool(pod.ports), wakes=frozenset({"node", "pod-deleted"})
)

"""The annotation that tells kubelets for how long to keep secrets and config maps; it grows with the cluster, in upstream's steps."""

from typing import Any

from ..controller import Controller, Watch

Obj = dict[str, Any]
ANNOTATION = "node.alpha.kubernetes.io/ttl"
#: (up to so many nodes, seconds)
_STEPS = ((100, 0), (500, 15), (1000, 30), (2000, 60))


def seconds(nodes: int) -> int:
    """The time to live in a cluster of so many nodes. Pure."""
    return next((ttl for most, ttl in _STEPS if nodes <= most), 300)


def reconcile(ctx: Any, key: str) -> None:
    """key is a node."""
    nodes = ctx.informer("v1", "nodes")
    node = nodes.get(key)
    wanted = str(seconds(len(nodes.keys())))
    if node is not None and (node["metadata"].get("annotations") or {}).get(ANNOTATION) != wanted:
        ctx.resource("v1", "nodes").patch(key, {"metadata": {"annotations": {ANNOTATION: wanted}}}, "merge")


CONTROLLER = Controller("ttl-controller", reconcile, watches=(Watch("v1", "nodes"),))

"""Nodes: who gives no sign of life becomes Unknown, conditions become taints, pods of a node that is not ready are not ready.

A sign of life is a renewed lease or a written status. Decisions are in _nodes; the behaviour is upstream's `node_lifecycle_controller`.
Evictions for NoExecute taints are made by tainteviction.
"""

from collections.abc import Iterable
from typing import Any

from kk.base.errors import StatusError
from kk.base.times import format_time

from .. import pods as podlib
from ..controller import Controller, Watch
from . import _nodes

Obj = dict[str, Any]
_LEASES = "kube-node-lease"


def reconcile(ctx: Any, key: str) -> float | None:
    """key is a node."""
    node = ctx.informer("v1", "nodes").get(key)
    seen: dict[str, float] = ctx.state["seen"]
    if node is None:
        seen.pop(key, None)
        ctx.state["known"].discard(key)
        return None
    if key not in ctx.state["known"]:
        ctx.state["known"].add(key)
        ctx.event(_about(node), "Normal", "RegisteredNode", f"Node {key} event: Registered Node {key} in Controller")
    monotonic = ctx.clock.monotonic()
    since = monotonic - seen.setdefault(key, monotonic)
    grace = _grace(ctx, node)
    nodes = ctx.resource("v1", "nodes")
    now = format_time(ctx.clock.now())
    if since >= grace:
        conditions = _nodes.unknown_conditions(node, now)
        if conditions is not None:
            node = nodes.update_status({**node, "status": {**(node.get("status") or {}), "conditions": conditions}})
    changed = _nodes.corrected(node, now)
    if changed is not None:
        node = nodes.update(changed)
    _pods_not_ready(ctx, node)
    return max(0.5, grace - since) if since < grace else None


def _grace(ctx: Any, node: Obj) -> float:
    """A node that has never said anything gets more time."""
    options = ctx.options
    if podlib.condition(node, "Ready") is None:
        return float(getattr(options, "node_startup_grace_period", 60.0))
    return float(getattr(options, "node_monitor_grace_period", 50.0))


def _about(node: Obj) -> Obj:
    """Events about nodes name them by their name as uid, as kubelets do."""
    name = node["metadata"]["name"]
    return {"kind": "Node", "name": name, "uid": node["metadata"].get("uid", name), "apiVersion": "v1"}


def _pods_not_ready(ctx: Any, node: Obj) -> None:
    """Pods on a node that is not ready take no traffic."""
    ready = podlib.condition(node, "Ready")
    name = node["metadata"]["name"]
    if ready is None or ready["status"] == "True":
        ctx.state["told"].discard(name)
        return
    if name not in ctx.state["told"]:
        ctx.state["told"].add(name)
        ctx.event(_about(node), "Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady")
    if ready["status"] != "Unknown":
        return  # its own kubelet is there and says what its pods are
    now = format_time(ctx.clock.now())
    for pod in ctx.informer("v1", "pods").by_index("node", name):
        conditions = _nodes.pod_not_ready(pod, now)
        if conditions is None:
            continue
        body = {**pod, "status": {**pod["status"], "conditions": conditions}}
        try:
            ctx.resource("v1", "pods", pod["metadata"]["namespace"]).update_status(body)
        except StatusError as error:
            if error.code not in (404, 409):
                raise
            continue
        ctx.event(pod, "Warning", "NodeNotReady", "Node is not ready")


def _node_seen(ctx: Any, event: str, node: Obj, old: Obj | None) -> Iterable[str]:
    name = node["metadata"]["name"]
    if event == "ADDED" or _heartbeats(node) != _heartbeats(old or {}):
        ctx.state["seen"][name] = ctx.clock.monotonic()
    yield name


def _heartbeats(node: Obj) -> list[Any]:
    return [c.get("lastHeartbeatTime") for c in (node.get("status") or {}).get("conditions") or ()]


def _lease_seen(ctx: Any, event: str, lease: Obj, old: Obj | None) -> Iterable[str]:
    """A renewal only notes the time: the check that waits in the queue finds it there."""
    meta = lease["metadata"]
    if meta.get("namespace") != _LEASES or event == "DELETED":
        return
    before = ((old or {}).get("spec") or {}).get("renewTime")
    if (lease.get("spec") or {}).get("renewTime") != before:
        last = ctx.state["seen"].get(meta["name"], 0.0)
        now = ctx.state["seen"][meta["name"]] = ctx.clock.monotonic()
        if now - last > _grace(ctx, ctx.informer("v1", "nodes").get(meta["name"]) or {}):
            yield meta["name"]  # it was given up and is back: watch over it again


def _setup(ctx: Any) -> None:
    ctx.state.update(seen={}, known=set(), told=set())
    ctx.informer("v1", "pods").add_index("node", _nodes.by_node)


CONTROLLER = Controller(
    "node-lifecycle-controller",
    reconcile,
    watches=(
        Watch("v1", "nodes", _node_seen),
        Watch("coordination.k8s.io/v1", "leases", _lease_seen),
        Watch("v1", "pods", lambda *_: ()),
    ),
    aliases=("nodelifecycle",),
    setup=_setup,
    component="node-controller",
)

"""Pods leave nodes whose NoExecute taints they do not tolerate, at once or when their tolerationSeconds are over."""

from collections.abc import Iterable
from typing import Any

from kk.base.errors import StatusError
from kk.base.times import format_time

from .. import pods as podlib
from ..controller import Controller, Watch
from . import _nodes

Obj = dict[str, Any]


def reconcile(ctx: Any, key: str) -> float | None:
    """key is namespace/name of a pod."""
    pod = ctx.informer("v1", "pods").get(key)
    if pod is None or pod["metadata"].get("deletionTimestamp") or podlib.finished(pod):
        return None
    node = ctx.informer("v1", "nodes").get(pod["spec"].get("nodeName", ""))
    if node is None:
        return None
    now = ctx.clock.now()
    due = _nodes.eviction_time(pod, node["spec"].get("taints") or (), now)
    marked: set[str] = ctx.state["marked"]
    if due is None:
        if key in marked:
            marked.discard(key)
            ctx.event(pod, "Normal", "TaintManagerEviction", f"Cancelling deletion of Pod {key}")
        return None
    wait = (due - now).total_seconds()
    if wait > 0:
        marked.add(key)
        return wait
    marked.discard(key)
    _evict(ctx, pod, key)
    return None


def _evict(ctx: Any, pod: Obj, key: str) -> None:
    meta = pod["metadata"]
    ctx.event(
        {"kind": "Pod", "apiVersion": "v1", "namespace": meta["namespace"], "name": meta["name"]},
        "Normal",
        "TaintManagerEviction",
        f"Marking for deletion Pod {key}",
    )
    pods = ctx.resource("v1", "pods", meta["namespace"])
    condition = disruption("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint", pod, ctx)
    try:
        pods.patch(
            meta["name"],
            {"metadata": {"uid": meta["uid"]}, "status": {"conditions": [condition]}},
            "strategic",
            "status",
        )
        pods.delete(meta["name"], preconditions={"uid": meta["uid"]})
    except StatusError as error:
        if error.code not in (404, 409):
            raise


def disruption(reason: str, message: str, pod: Obj, ctx: Any) -> Obj:
    """The condition that says why a pod is taken away."""
    return {
        "type": "DisruptionTarget",
        "status": "True",
        "observedGeneration": pod["metadata"].get("generation", 0),
        "lastTransitionTime": format_time(ctx.clock.now()),
        "reason": reason,
        "message": message,
    }


def _pod_keys(ctx: Any, event: str, pod: Obj, old: Obj | None) -> Iterable[str]:
    """Pods that have come to a node, or tolerate something else now."""
    if event == "DELETED" or not pod["spec"].get("nodeName"):
        return
    if old is not None and all(old["spec"].get(k) == pod["spec"].get(k) for k in ("nodeName", "tolerations")):
        return
    node = ctx.informer("v1", "nodes").get(pod["spec"]["nodeName"])
    if node is not None and _no_execute(node):
        yield f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def _node_keys(ctx: Any, event: str, node: Obj, old: Obj | None) -> Iterable[str]:
    """The pods of a node whose NoExecute taints have changed."""
    if event == "DELETED" or _no_execute(node) == (_no_execute(old) if old is not None else []):
        return
    for pod in ctx.informer("v1", "pods").by_index("node", node["metadata"]["name"]):
        yield f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def _no_execute(node: Obj) -> list[Obj]:
    return [t for t in node["spec"].get("taints") or () if t["effect"] == "NoExecute"]


def _setup(ctx: Any) -> None:
    ctx.state["marked"] = set()
    ctx.informer("v1", "pods").add_index("node", _nodes.by_node)


def _started(ctx: Any) -> None:
    for node in ctx.informer("v1", "nodes").list():
        for key in _node_keys(ctx, "ADDED", node, None):
            ctx.enqueue(key)


CONTROLLER = Controller(
    "taint-eviction-controller",
    reconcile,
    watches=(Watch("v1", "pods", _pod_keys), Watch("v1", "nodes", _node_keys)),
    setup=_setup,
    started=_started,
)

"""Pods that nobody will finish: of nodes that are gone, terminating ones without a node, and old finished ones beyond a limit.

A node is given a while to come back before its pods are taken away, as upstream's `pkg/controller/podgc` does.
"""

from collections.abc import Iterable
from typing import Any

from kk.base.errors import StatusError

from .. import pods as podlib
from ..controller import Controller, Watch
from . import _nodes
from .tainteviction import disruption

Obj = dict[str, Any]
QUARANTINE = 40.0


def surplus(pods: Iterable[Obj], limit: int) -> list[Obj]:
    """The oldest finished pods beyond the limit (0: no limit). Pure."""
    if limit <= 0:
        return []
    done = [p for p in pods if podlib.finished(p) and not p["metadata"].get("deletionTimestamp")]
    done.sort(key=lambda p: (p["metadata"].get("creationTimestamp") or "", p["metadata"]["name"]))
    return done[: max(0, len(done) - limit)]


def reconcile(ctx: Any, key: tuple[str, str]) -> float | None:
    """key is ("node", name) of a node that may be gone, ("pod", key) of one that ends without a node, or ("finished", "")."""
    kind, name = key
    pods = ctx.informer("v1", "pods")
    if kind == "finished":
        for pod in surplus(pods.list(), getattr(ctx.options, "terminated_pod_gc_threshold", 12500)):
            _remove(ctx, pod)
    elif kind == "pod":
        pod = pods.get(name)
        if pod is not None and pod["metadata"].get("deletionTimestamp") and not pod["spec"].get("nodeName"):
            _fail(ctx, pod)  # who still holds it by a finalizer waits for a phase that no kubelet will write
            _remove(ctx, pod)
    elif ctx.informer("v1", "nodes").get(name) is None and _is_gone(ctx, name):
        for pod in pods.by_index("node", name):
            _fail(ctx, pod, disruption("DeletionByPodGC", "PodGC: node no longer exists", pod, ctx))
            _remove(ctx, pod)
    return None


def _is_gone(ctx: Any, name: str) -> bool:
    try:
        ctx.resource("v1", "nodes").get(name)
    except StatusError as error:
        if error.code == 404:
            return True
        raise
    return False


def _fail(ctx: Any, pod: Obj, condition: Obj | None = None) -> None:
    """Say that it failed, so that whoever counts pods knows."""
    if podlib.finished(pod):
        return
    meta = pod["metadata"]
    body: Obj = {"metadata": {"uid": meta["uid"]}, "status": {"phase": "Failed"}}
    if condition is not None:
        body["status"]["conditions"] = [condition]
    try:
        ctx.resource("v1", "pods", meta["namespace"]).patch(meta["name"], body, "strategic", "status")
    except StatusError as error:
        if error.code not in (404, 409):
            raise


def _remove(ctx: Any, pod: Obj) -> None:
    """Delete without a grace period; one that was deleted so already only waits for its finalizers."""
    meta = pod["metadata"]
    if meta.get("deletionTimestamp") and meta.get("deletionGracePeriodSeconds") == 0:
        return
    try:
        ctx.resource("v1", "pods", meta["namespace"]).delete(
            meta["name"], gracePeriodSeconds=0, preconditions={"uid": meta["uid"]}
        )
    except StatusError as error:
        if error.code not in (404, 409):
            raise


def _node_keys(ctx: Any, event: str, node: Obj, old: Obj | None) -> Iterable[Any]:
    del old
    if event == "DELETED":
        ctx.enqueue(("node", node["metadata"]["name"]), QUARANTINE)
    return ()


def _pod_keys(ctx: Any, event: str, pod: Obj, old: Obj | None) -> Iterable[Any]:
    if event == "DELETED":
        return
    meta, node = pod["metadata"], pod["spec"].get("nodeName")
    if not node:
        if meta.get("deletionTimestamp"):
            yield ("pod", f"{meta['namespace']}/{meta['name']}")
        return
    if event == "ADDED" or (old is not None and not old["spec"].get("nodeName")):
        if ctx.state.get("started") and ctx.informer("v1", "nodes").get(node) is None:
            ctx.enqueue(("node", node), QUARANTINE)
    if podlib.finished(pod) and not (old is not None and podlib.finished(old)):
        ctx.state["done"] = ctx.state.get("done", 0) + 1
        if ctx.state["done"] % 100 == 0 or not ctx.state.get("started"):
            yield ("finished", "")


def _setup(ctx: Any) -> None:
    ctx.informer("v1", "pods").add_index("node", _nodes.by_node)


def _started(ctx: Any) -> None:
    ctx.state["started"] = True
    nodes = ctx.informer("v1", "nodes")
    named = {p["spec"].get("nodeName") for p in ctx.informer("v1", "pods").list()}
    for name in named:
        if name and nodes.get(name) is None:
            ctx.enqueue(("node", name), QUARANTINE)


CONTROLLER = Controller(
    "pod-garbage-collector-controller",
    reconcile,
    watches=(Watch("v1", "nodes", _node_keys), Watch("v1", "pods", _pod_keys)),
    aliases=("podgc",),
    setup=_setup,
    started=_started,
)

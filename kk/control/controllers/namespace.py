"""Namespaces on their way out: delete everything in them, say what still holds them, and let go of the `kubernetes` finalizer at the end.

Pods go first and everything else after them; conditions, reasons and messages are upstream's `pkg/controller/namespace/deletion`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kk.base.errors import StatusError
from kk.base.times import format_time
from kk.client.discovery import APIResource, Discovery
from kk.client.resources import METADATA

from ..controller import Controller, Watch

Obj = dict[str, Any]
FINALIZER = "kubernetes"
_FINALIZER_WAIT = 15.0


@dataclass
class Remains:
    """What a round of deletion has left: (resource, group) → count, finalizer → count, faults, and seconds to wait for it."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    finalizers: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    wait: float = 0.0

    def add(self, resource: APIResource, items: list[Obj]) -> None:
        """Take note of objects that are still there."""
        if not items:
            return
        self.counts[resource.name, resource.group] = len(items)
        for item in items:
            meta = item["metadata"]
            for name in meta.get("finalizers") or ():
                self.finalizers[name] = self.finalizers.get(name, 0) + 1
            held = _FINALIZER_WAIT if meta.get("finalizers") else 0.0
            self.wait = max(self.wait, held, float(meta.get("deletionGracePeriodSeconds") or 0))


def conditions(remains: Remains, old: list[Obj], now: str) -> list[Obj]:
    """The conditions of a namespace after a round. Pure."""
    faults = sorted(set(remains.faults))
    counts = sorted(f"{name}.{group} has {n} resource instances" for (name, group), n in remains.counts.items())
    finalizers = sorted(f"{name} in {n} resource instances" for name, n in remains.finalizers.items())
    found = [
        ("NamespaceDeletionDiscoveryFailure", False, "ResourcesDiscovered", "All resources successfully discovered"),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            False,
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        (
            "NamespaceDeletionContentFailure",
            bool(faults),
            "ContentDeletionFailed",
            f"Failed to delete all resource types, {len(faults)} remaining: {', '.join(faults)}",
        )
        if faults
        else (
            "NamespaceDeletionContentFailure",
            False,
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        ("NamespaceContentRemaining", True, "SomeResourcesRemain", f"Some resources are remaining: {', '.join(counts)}")
        if counts
        else ("NamespaceContentRemaining", False, "ContentRemoved", "All content successfully removed"),
        (
            "NamespaceFinalizersRemaining",
            True,
            "SomeFinalizersRemain",
            f"Some content in the namespace has finalizers remaining: {', '.join(finalizers)}",
        )
        if finalizers
        else (
            "NamespaceFinalizersRemaining",
            False,
            "ContentHasNoFinalizers",
            "All content-preserving finalizers finished",
        ),
    ]
    before = {c["type"]: c for c in old}
    out = []
    for type, value, reason, message in found:
        made = {"type": type, "status": str(value), "lastTransitionTime": now, "reason": reason, "message": message}
        was = before.pop(type, None)
        if was is not None and all(was.get(k) == made[k] for k in ("status", "reason", "message")):
            made = was
        out.append(made)
    return [*before.values(), *out]


def reconcile(ctx: Any, key: str) -> float | None:
    """key is a namespace."""
    namespace = ctx.informer("v1", "namespaces").get(key)
    if namespace is None or not namespace["metadata"].get("deletionTimestamp"):
        return None
    if FINALIZER not in (namespace["spec"].get("finalizers") or ()):
        return None
    resources = Discovery(ctx.client, cache_dir=None).preferred()
    remains = Remains()
    deletable = [r for r in resources if r.namespaced and {"delete", "list"} <= set(r.verbs)]
    for first in (True, False):
        for resource in deletable:
            if (resource.name == "pods" and not resource.group) is first:
                _empty(ctx, resource, key, remains)
        if remains.counts:
            break  # pods use what is deleted after them
    namespace = _write(ctx, namespace, remains)
    if remains.counts or remains.faults:
        return remains.wait / 2 + 1
    _finalize(ctx, namespace)
    return None


def _empty(ctx: Any, resource: APIResource, namespace: str, remains: Remains) -> None:
    """Delete all objects of one resource, and note what is left."""
    client = ctx.client.resource(resource.api_version, resource.name, namespace)
    try:
        items = _list(client)
        if not items:
            return
        if "deletecollection" in resource.verbs:
            client.delete_collection({"propagationPolicy": "Background"})
        else:
            for item in items:
                _delete(client, item)
        remains.add(resource, _list(client))
    except StatusError as error:
        if error.code in (404, 405):
            return
        remains.faults.append(error.message)


def _delete(client: Any, item: Obj) -> None:
    try:
        client.delete(item["metadata"]["name"], propagationPolicy="Background")
    except StatusError as error:
        if error.code != 404:
            raise


def _list(client: Any) -> list[Obj]:
    answer = client.client.request("GET", client.path, accept=f"{METADATA.format('List')},application/json")
    return answer.json().get("items") or []


def _write(ctx: Any, namespace: Obj, remains: Remains) -> Obj:
    """Tell how it goes in the status."""
    status = namespace.get("status") or {}
    new = conditions(remains, status.get("conditions") or [], format_time(ctx.clock.now()))
    if new == status.get("conditions"):
        return namespace
    body = {**namespace, "status": {**status, "phase": "Terminating", "conditions": new}}
    return ctx.resource("v1", "namespaces").update_status(body)


def _finalize(ctx: Any, namespace: Obj) -> None:
    rest = [f for f in namespace["spec"].get("finalizers") or () if f != FINALIZER]
    body = {**namespace, "spec": {**namespace["spec"], "finalizers": rest}}
    try:
        ctx.resource("v1", "namespaces").update(body, "finalize")
    except StatusError as error:
        if error.code != 404:
            raise


def _pod_gone(ctx: Any, event: str, pod: Obj, old: Obj | None) -> Iterable[str]:
    """The last pods of a namespace that is going are what it mostly waits for."""
    del old
    if event == "DELETED":
        name = pod["metadata"]["namespace"]
        namespace = ctx.informer("v1", "namespaces").get(name)
        if namespace is not None and namespace["metadata"].get("deletionTimestamp"):
            yield name


CONTROLLER = Controller(
    "namespace-controller", reconcile, watches=(Watch("v1", "namespaces"), Watch("v1", "pods", _pod_gone))
)

"""NodeRestriction: a node changes its own Node, its Lease and the pods bound to it, and nothing else.

Narrows what kk.server.authz_node allows, where the content of the request decides. Texts follow `plugin/pkg/admission/noderestriction`.
"""

from typing import Any

from kk.base.errors import forbidden
from kk.server.admission._shared import MIRROR, Obj, annotations, refuse
from kk.server.authz_node import LEASES, node_name
from kk.server.context import Attributes, Plugin, Server

_RESTRICTED = "node-restriction.kubernetes.io"
#: labels of the kubernetes.io domain that a node may set on itself
_ALLOWED = frozenset(
    (
        "kubernetes.io/hostname",
        "kubernetes.io/arch",
        "kubernetes.io/os",
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
        "node.kubernetes.io/windows-build",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
    )
)
_ALLOWED_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")


def validate(a: Attributes) -> None:
    """Raise StatusError 403."""
    node = node_name(a.user)
    if not node:
        return
    check = _CHECKS.get((a.resource.group, a.resource.plural))
    if check is not None:
        why = check(a, node)
        if why:
            raise refuse(a, why)


def _pod(a: Attributes, node: str) -> str:
    if a.subresource == "eviction":
        return _bound(a, node, f'node "{node}" can only evict pods with spec.nodeName set to itself')
    if a.subresource == "status":
        new, old = a.obj or {}, a.old or {}
        if _labels(new) != _labels(old):
            return f'node "{node}" cannot update labels through pod status'
        return _on(old, node, f'node "{node}" can only update pod status for pods with spec.nodeName set to itself')
    if a.operation == "CREATE":
        return _mirror(a.obj or {}, node)
    if a.operation == "DELETE":
        return _on(a.old or {}, node, f'node "{node}" can only delete pods with spec.nodeName set to itself')
    return f'unexpected operation "{a.operation}", node "{node}" can only create and delete mirror pods'


def _bound(a: Attributes, node: str, why: str) -> str:
    pod = a.server.cache.get("", "pods", a.namespace, a.name)
    return why if pod is None or pod["spec"].get("nodeName") != node else ""


def _on(pod: Obj, node: str, why: str) -> str:
    return "" if (pod.get("spec") or {}).get("nodeName") == node else why


def _mirror(pod: Obj, node: str) -> str:
    if MIRROR not in annotations(pod):
        return f'pod does not have "{MIRROR}" annotation, node "{node}" can only create mirror pods'
    if pod["spec"].get("nodeName") != node:
        return f'node "{node}" can only create pods with spec.nodeName set to itself'
    return ""


def _node(a: Attributes, node: str) -> str:
    new, old = a.obj or {}, a.old or {}
    name = a.name or (new.get("metadata") or {}).get("name", "")
    if a.operation == "DELETE":
        return f'node "{node}" is not allowed to delete node "{name}"' if name != node else ""
    if name != node:
        return f'node "{node}" is not allowed to modify node "{name}"'
    if a.operation == "UPDATE" and not a.subresource:
        if (new.get("spec") or {}).get("taints") != (old.get("spec") or {}).get("taints"):
            return f'node "{node}" is not allowed to modify taints'
    changed = _changed_labels(_labels(new), _labels(old))
    refused = sorted(key for key in changed if not _may_label(key))
    return f"is not allowed to modify labels: {', '.join(refused)}" if refused else ""


def _labels(obj: Obj) -> dict[str, str]:
    return (obj.get("metadata") or {}).get("labels") or {}


def _changed_labels(new: dict[str, str], old: dict[str, str]) -> set[str]:
    return {key for key in {*new, *old} if new.get(key) != old.get(key)}


def _may_label(key: str) -> bool:
    domain, slash, _ = key.partition("/")
    if not slash:
        return True
    if domain == _RESTRICTED or domain.endswith(f".{_RESTRICTED}"):
        return False
    if not any(domain == d or domain.endswith(f".{d}") for d in ("kubernetes.io", "k8s.io")):
        return True
    return key in _ALLOWED or any(domain == d or domain.endswith(f".{d}") for d in _ALLOWED_DOMAINS)


def _lease(a: Attributes, node: str) -> str:
    name = a.name or ((a.obj or {}).get("metadata") or {}).get("name", "")
    if a.namespace != LEASES:
        return f'can only access leases in the "{LEASES}" system namespace'
    return "" if name == node else "can only access node lease with the same name as the requesting node"


def _csi(a: Attributes, node: str) -> str:
    name = a.name or ((a.obj or {}).get("metadata") or {}).get("name", "")
    return "" if name == node else "can only access CSINode with the same name as the requesting node"


def _slice(a: Attributes, node: str) -> str:
    spec: dict[str, Any] = ((a.obj or a.old) or {}).get("spec") or {}
    return (
        ""
        if spec.get("nodeName") == node
        else "can only create ResourceSlice with the same NodeName as the requesting node"
    )


_CHECKS = {
    ("", "pods"): _pod,
    ("", "nodes"): _node,
    ("coordination.k8s.io", "leases"): _lease,
    ("storage.k8s.io", "csinodes"): _csi,
    ("resource.k8s.io", "resourceslices"): _slice,
}


def check_token(server: Server, node: str, account: Obj, ref: Obj | None) -> None:
    """A node gets tokens only for the pods that run on it. Raises StatusError 403."""
    meta, why = account["metadata"], ""
    if ref is None or ref.get("kind") != "Pod":
        why = "node requested token not bound to a pod"
    elif not ref.get("uid"):
        why = "node requested token with a pod binding without a uid"
    else:
        pod = server.cache.get("", "pods", meta["namespace"], ref.get("name", ""))
        if pod is not None and pod["spec"].get("nodeName") != node:
            why = "node requested token bound to a pod scheduled on a different node"
    if why:
        raise forbidden("serviceaccounts", "", meta["name"], why)


PLUGIN = Plugin(
    "NodeRestriction",
    40,
    validate=validate,
    operations=("CREATE", "UPDATE", "DELETE"),
    resources=(
        "pods",
        "pods/status",
        "pods/eviction",
        "nodes",
        "nodes/status",
        "leases.coordination.k8s.io",
        "csinodes.storage.k8s.io",
        "resourceslices.resource.k8s.io",
    ),
)

"""What nodes may do: their own objects, and what the pods bound to them refer to.

The relations (node ← pod ← secret, config map, claim, account, resource claim; claim ← volume ← secret) are kept in
indices that follow the pods' and volumes' changes from the first question on. Rules and texts follow kubernetes `plugin/pkg/auth/authorizer/node`. Writes are narrowed further by the NodeRestriction plugin.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from kk.base import selectors
from kk.server import policy
from kk.server.authz import Decision, Rule
from kk.server.cache import Change, Shelf
from kk.server.context import RequestInfo, Server, User

PREFIX = "system:node:"
_GROUP = "system:nodes"
LEASES = "kube-node-lease"
_MIRROR = "kubernetes.io/config.mirror"
#: references to secrets in a volume's source that kubelets follow; those of controllers are not among them
_SECRET_REFS = ("secretRef", "nodePublishSecretRef", "nodeStageSecretRef")
Ref = tuple[str, str, str]
_ALLOWED = Decision(True)
_READ = ("get", "list", "watch")
_OWN = ("get", "create", "update", "patch", "delete")


def is_node(user: User) -> bool:
    """Whether a user is a node's identity."""
    return user.name.startswith(PREFIX) and _GROUP in user.groups


def node_name(user: User) -> str:
    """The node that a user is, or ""."""
    return user.name[len(PREFIX) :] if is_node(user) else ""


def decide(server: Server, user: User, info: RequestInfo) -> Decision:
    """The node authorizer's decision; where it is no, RBAC is asked next and the reason is shown."""
    node = node_name(user)
    if not node:
        return Decision(False, f'unknown node for user "{user.name}"')
    if info.is_resource:
        special = _SPECIAL.get((info.group, info.resource))
        if special is not None:
            reason = special(server, node, info)
            return _ALLOWED if reason is None else Decision(False, reason)
    return Decision(any(rule.allows(info) for rule in _static_rules(server)))


def _static_rules(server: Server) -> list[Rule]:
    """What every node may do. Not what the ClusterRole of that name says today: whoever changes it changes nothing here."""
    key = f"{__name__}.rules"
    held: list[Rule] | None = server.state.get(key)
    if held is None:
        held = server.state[key] = [Rule(policy.rule(r)) for r in policy.CLUSTER_ROLES["system:node"]]
    return held


class Graph:
    """How often the pods of each node refer to each object."""

    def __init__(self, shelf: Shelf):
        self._shelf = shelf
        self._of_pod: dict[str, tuple[str, frozenset[Ref]]] = {}
        self._refs: Counter[tuple[str, Ref]] = Counter()
        for item in shelf.items.values():
            self._take(item.key, shelf.obj(item))
        shelf.listeners.append(self._changed)

    def related(self, node: str, ref: Ref) -> bool:
        """Whether a pod of the node refers to the object."""
        return (node, ref) in self._refs

    def has_pod(self, node: str, key: str) -> bool:
        """Whether a pod ("namespace/name") is bound to the node."""
        held = self._of_pod.get(key)
        return held is not None and held[0] == node

    def _changed(self, change: Change) -> None:
        key = change.item.key
        if change.deleted:
            self._drop(key)
        elif key not in self._of_pod or change.old is None or change.old.created != change.item.created:
            self._drop(key)
            if self._shelf.field(change.item, "spec.nodeName"):
                self._take(key, self._shelf.obj(change.item))
        else:
            # a bound pod's references change with ephemeral containers and generated resource claims only
            self._refresh(key, change)

    def _refresh(self, key: str, change: Change) -> None:
        if b"ephemeralContainers" in change.item.rest or b"resourceClaim" in change.item.rest:
            self._drop(key)
            self._take(key, self._shelf.obj(change.item))

    def _take(self, key: str, pod: dict[str, Any]) -> None:
        node = pod.get("spec", {}).get("nodeName")
        if node:
            # a mirror pod is its node's own word, which must give the node nothing
            mirror = _MIRROR in (pod["metadata"].get("annotations") or {})
            refs: frozenset[Ref] = frozenset() if mirror else frozenset(references(pod))
            self._of_pod[key] = (node, refs)
            self._refs.update((node, r) for r in refs)

    def _drop(self, key: str) -> None:
        node, refs = self._of_pod.pop(key, ("", frozenset()))
        for ref in refs:
            if self._refs[(node, ref)] > 1:
                self._refs[(node, ref)] -= 1
            else:
                del self._refs[(node, ref)]


class Volumes:
    """Which claims lead to a secret: those that are bound to volumes which name it."""

    def __init__(self, shelf: Shelf):
        self._shelf = shelf
        self._of_volume: dict[str, tuple[Ref, tuple[Ref, ...]]] = {}
        self._claims: dict[Ref, list[Ref]] = {}
        for item in shelf.items.values():
            self._take(item.key, shelf.obj(item))
        shelf.listeners.append(self._changed)

    def claims(self, secret: Ref) -> list[Ref]:
        """The claims."""
        return self._claims.get(secret, [])

    def _changed(self, change: Change) -> None:
        claim, secrets = self._of_volume.pop(change.item.key, (None, ()))
        for secret in secrets:
            self._claims[secret].remove(claim)  # type: ignore[arg-type]
            if not self._claims[secret]:
                del self._claims[secret]
        if not change.deleted:
            self._take(change.item.key, self._shelf.obj(change.item))

    def _take(self, key: str, volume: dict[str, Any]) -> None:
        bound = (volume.get("spec") or {}).get("claimRef")
        secrets = tuple(volume_secrets(volume)) if bound else ()
        if bound and secrets:
            claim = ("persistentvolumeclaims", bound.get("namespace", ""), bound.get("name", ""))
            self._of_volume[key] = (claim, secrets)
            for secret in secrets:
                self._claims.setdefault(secret, []).append(claim)


def volume_secrets(volume: dict[str, Any]) -> Iterator[Ref]:
    """The secrets that a kubelet needs for a bound persistent volume; without a namespace they are the claim's."""
    spec = volume["spec"]
    own = (spec.get("claimRef") or {}).get("namespace", "")
    for kind, source in spec.items():
        if not isinstance(source, dict):
            continue
        if kind == "azureFile" and source.get("secretName"):
            yield "secrets", source.get("secretNamespace") or own, source["secretName"]
        for key in _SECRET_REFS:
            named = source.get(key)
            if isinstance(named, dict) and named.get("name"):
                yield "secrets", named.get("namespace") or own, named["name"]


def references(pod: dict[str, Any]) -> Iterator[Ref]:
    """What a pod makes readable to its node: (plural, namespace, name)."""
    spec, namespace = pod["spec"], pod["metadata"]["namespace"]
    if spec.get("serviceAccountName"):
        yield "serviceaccounts", namespace, spec["serviceAccountName"]
    for secret in spec.get("imagePullSecrets") or ():
        yield "secrets", namespace, secret.get("name", "")
    for volume in spec.get("volumes") or ():
        for plural, name in _volume_references(volume, pod["metadata"]["name"]):
            yield plural, namespace, name
    for part in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(part) or ():
            for plural, name in _container_references(container):
                yield plural, namespace, name
    for claim in spec.get("resourceClaims") or ():
        if claim.get("resourceClaimName"):
            yield "resourceclaims", namespace, claim["resourceClaimName"]
    said = pod.get("status") or {}
    for status in (*(said.get("resourceClaimStatuses") or ()), said.get("extendedResourceClaimStatus") or {}):
        if status.get("resourceClaimName"):
            yield "resourceclaims", namespace, status["resourceClaimName"]


def _volume_references(volume: dict[str, Any], pod: str) -> Iterator[tuple[str, str]]:
    for kind, source in volume.items():
        if not isinstance(source, dict):
            continue
        if kind == "secret":
            yield "secrets", source.get("secretName", "")
        elif kind == "configMap":
            yield "configmaps", source.get("name", "")
        elif kind == "persistentVolumeClaim":
            yield "persistentvolumeclaims", source.get("claimName", "")
        elif kind == "ephemeral":
            yield "persistentvolumeclaims", f"{pod}-{volume['name']}"
        elif kind == "projected":
            for part in source.get("sources") or ():
                for key, plural in (("secret", "secrets"), ("configMap", "configmaps")):
                    if part.get(key):
                        yield plural, part[key].get("name", "")
        else:
            for key in ("secretRef", "nodePublishSecretRef"):
                if isinstance(source.get(key), dict):
                    yield "secrets", source[key].get("name", "")
            if kind == "azureFile":
                yield "secrets", source.get("secretName", "")


def _container_references(container: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        for key, plural in (("secretKeyRef", "secrets"), ("configMapKeyRef", "configmaps")):
            if source.get(key):
                yield plural, source[key].get("name", "")
    for source in container.get("envFrom") or ():
        for key, plural in (("secretRef", "secrets"), ("configMapRef", "configmaps")):
            if source.get(key):
                yield plural, source[key].get("name", "")


def graph(server: Server) -> Graph:
    """The relations, indexed from the first question on."""
    key = f"{__name__}.graph"
    held = server.state.get(key)
    if held is None:
        held = server.state[key] = Graph(server.cache.shelves[("", "pods")])
    return held


def volumes(server: Server) -> Volumes:
    """The secrets of volumes, indexed from the first question on."""
    key = f"{__name__}.volumes"
    held = server.state.get(key)
    if held is None:
        held = server.state[key] = Volumes(server.cache.shelves[("", "persistentvolumes")])
    return held


# Each of these answers None for yes, or the reason why not.


def _unrelated(node: str) -> str:
    return f"no relationship found between node '{node}' and this object"


def _by_graph(server: Server, node: str, info: RequestInfo) -> str | None:
    if not info.name:
        return "No Object name found"
    known, ref = graph(server), (info.resource, info.namespace, info.name)
    if known.related(node, ref):
        return None
    if info.resource == "secrets" and any(known.related(node, claim) for claim in volumes(server).claims(ref)):
        return None
    return _unrelated(node)


def _read_namespaced(server: Server, node: str, info: RequestInfo) -> str | None:
    if info.verb not in _READ:
        return "can only read resources of this type"
    if info.subresource:
        return "cannot read subresource"
    if not info.namespace:
        return "can only read namespaced object of this type"
    return _by_graph(server, node, info)


def _get_only(info: RequestInfo) -> str | None:
    if info.verb != "get":
        return "can only get individual resources of this type"
    return "cannot get subresource" if info.subresource else None


def _related_get(server: Server, node: str, info: RequestInfo) -> str | None:
    return _get_only(info) or _by_graph(server, node, info)


def _claim(server: Server, node: str, info: RequestInfo) -> str | None:
    if info.subresource == "status":
        if info.verb not in ("update", "patch"):
            return "can only get/update/patch this type"
        return _by_graph(server, node, info)
    return _related_get(server, node, info)


def _volume(server: Server, node: str, info: RequestInfo) -> str | None:
    refused = _get_only(info)
    if refused:
        return refused
    volume = server.cache.get("", "persistentvolumes", "", info.name) or {}
    claim = (volume.get("spec") or {}).get("claimRef") or {}
    ref = ("persistentvolumeclaims", claim.get("namespace", ""), claim.get("name", ""))
    return None if graph(server).related(node, ref) else _unrelated(node)


def _attachment(server: Server, node: str, info: RequestInfo) -> str | None:
    refused = _get_only(info)
    if refused:
        return refused
    found = server.cache.get("storage.k8s.io", "volumeattachments", "", info.name) or {}
    return None if (found.get("spec") or {}).get("nodeName") == node else _unrelated(node)


def _account(server: Server, node: str, info: RequestInfo) -> str | None:
    if info.verb == "get" and not info.subresource:
        return _by_graph(server, node, info)
    if info.verb != "create" or not info.name:
        return "can only create tokens for individual service accounts"
    if info.subresource != "token":
        return "can only create token subresource of serviceaccount"
    return _by_graph(server, node, info)


def _lease(server: Server, node: str, info: RequestInfo) -> str | None:
    if info.verb not in _OWN:
        return "can only get, create, update, patch, or delete a node lease"
    if info.namespace != LEASES:
        return f'can only access leases in the "{LEASES}" system namespace'
    if info.verb != "create" and info.name != node:
        return "can only access node lease with the same name as the requesting node"
    return None


def _csi_node(server: Server, node: str, info: RequestInfo) -> str | None:
    if info.verb not in _OWN:
        return "can only get, create, update, patch, or delete a CSINode"
    if info.subresource:
        return "cannot authorize CSINode subresources"
    if info.verb != "create" and info.name != node:
        return "can only access CSINode with the same name as the requesting node"
    return None


def _slice(server: Server, node: str, info: RequestInfo) -> str | None:
    if info.subresource:
        return "cannot authorize ResourceSlice subresources"
    if info.verb == "create":
        return None
    if info.verb in ("watch", "list", "deletecollection"):
        if _selects(info, "spec.nodeName", node):
            return None
        return "can only list/watch/deletecollection resourceslices with nodeName field selector"
    found = server.cache.get("resource.k8s.io", "resourceslices", "", info.name) or {}
    return None if (found.get("spec") or {}).get("nodeName") == node else _unrelated(node)


def _node(server: Server, node: str, info: RequestInfo) -> str | None:
    if info.subresource == "status" and info.verb in ("update", "patch"):
        return None
    if info.subresource:
        return ""
    if info.verb in ("create", "update", "patch"):
        return None
    if info.verb in _READ:
        if info.name == node:
            return None
        if not info.name:
            return f"node '{node}' cannot read all nodes, only its own Node object"
        return f"node '{node}' cannot read '{info.name}', only its own Node object"
    return ""


def _pod(server: Server, node: str, info: RequestInfo) -> str | None:
    if info.subresource == "status":
        return None if info.verb in ("update", "patch") else ""
    if info.subresource == "eviction":
        return None if info.verb == "create" else ""
    if info.subresource:
        return ""
    if info.verb in ("create", "delete"):
        return None
    if info.verb in ("list", "watch") and _selects(info, "spec.nodeName", node):
        return None
    if info.verb in _READ and info.name:
        bound = graph(server).has_pod(node, f"{info.namespace}/{info.name}")
        return None if bound else _unrelated(node)
    return "can only list/watch pods with spec.nodeName field selector" if info.verb in ("list", "watch") else ""


def _selects(info: RequestInfo, field: str, value: str) -> bool:
    text = info.param("fieldSelector")
    if not text:
        return False
    try:
        wanted = selectors.parse_fields(text).requirements
    except ValueError:
        return False
    return any(f == field and op in ("=", "==") and v == value for f, op, v in wanted)


_SPECIAL = {
    ("", "secrets"): _read_namespaced,
    ("", "configmaps"): _read_namespaced,
    ("", "persistentvolumeclaims"): _claim,
    ("", "persistentvolumes"): _volume,
    ("resource.k8s.io", "resourceclaims"): _related_get,
    ("storage.k8s.io", "volumeattachments"): _attachment,
    ("", "serviceaccounts"): _account,
    ("coordination.k8s.io", "leases"): _lease,
    ("storage.k8s.io", "csinodes"): _csi_node,
    ("resource.k8s.io", "resourceslices"): _slice,
    ("", "nodes"): _node,
    ("", "pods"): _pod,
}

"""The garbage collector: deletes what no longer has an owner, and carries out foreground and orphan deletions.

It watches the metadata of everything that discovery says can be deleted, custom resources included. Decisions are in _ownership;
before anything is deleted the server is asked whether the owner is really not there. The behaviour is upstream's.
"""

import logging
from typing import Any

from kk.base.errors import StatusError
from kk.client.discovery import APIResource, Discovery
from kk.client.informer import Informer
from kk.client.resources import METADATA

from ..controller import Controller, Watch
from ._ownership import FOREGROUND, ORPHAN, Graph, Node, policy

log = logging.getLogger(__name__)

Obj = dict[str, Any]
#: an owner may be seen a little later than what it owns
_PATIENCE = 0.3
_RESYNC = ("resources", "")
_IGNORED = {("", "events"), ("events.k8s.io", "events")}


class Collector:
    """What the controller remembers: the graph, and the informers that feed it."""

    def __init__(self, ctx: Any):
        self.ctx = ctx
        self.graph = Graph()
        self.watched: dict[tuple[str, str], tuple[APIResource, Informer]] = {}
        self.kinds: dict[tuple[str, str], APIResource] = {}

    # ---- what is watched ----
    def resync(self) -> None:
        """Watch what is served now; called at the start and when custom resources are defined or removed."""
        served = Discovery(self.ctx.client, cache_dir=None)
        self.kinds = {(r.api_version, r.kind): r for r in served.all()}
        wanted = {
            (r.group, r.name): r
            for r in served.preferred()
            if {"list", "watch", "delete"} <= set(r.verbs) and (r.group, r.name) not in _IGNORED
        }
        for key in [k for k in self.watched if k not in wanted]:
            self._unwatch(key)
        fresh = []
        for key, resource in wanted.items():
            if key not in self.watched:
                informer = self.ctx.factory.informer(resource.api_version, resource.name, metadata_only=True)
                self.watched[key] = (resource, informer)
                fresh.append((resource, informer))
        for resource, informer in fresh:
            informer.add_handler(self._handler(resource))

    def _unwatch(self, key: tuple[str, str]) -> None:
        resource, informer = self.watched.pop(key)
        self.ctx.factory.forget(informer)
        for node in self.graph.nodes():
            if node.resource == resource:
                self.graph.drop(node.uid)

    def _handler(self, resource: APIResource) -> Any:
        def handle(event: str, obj: Obj, old: Obj | None) -> None:
            del old
            self.seen(resource, event, obj["metadata"])

        return handle

    def seen(self, resource: APIResource, event: str, meta: Obj) -> None:
        """An event of any object; on the informers' thread."""
        uid = meta["uid"]
        if event == "DELETED":
            self.graph.drop(uid)
            for dependent in self.graph.dependents(uid):
                self.ctx.enqueue(("object", dependent.uid))
            for reference in meta.get("ownerReferences") or ():
                owner = self.graph.node(reference["uid"])
                if owner is not None and owner.going(FOREGROUND):
                    self.ctx.enqueue(("object", owner.uid))
            return
        self.graph.set(resource, meta)
        node = Node(resource, meta)
        if meta.get("deletionTimestamp"):
            if node.going(ORPHAN) or node.going(FOREGROUND):
                self.ctx.enqueue(("object", uid))
        elif node.owners and self.graph.concerned(node):
            self.ctx.enqueue(("object", uid), _PATIENCE if self.graph.unknown(node) else 0.0)

    # ---- what is done ----
    def collect(self, uid: str) -> float | None:
        """Bring one object nearer to where its owners and finalizers want it."""
        node = self.graph.node(uid)
        if node is None:
            return None
        if node.going(ORPHAN):
            return self._orphan(node)
        if node.going(FOREGROUND):
            return self._foreground(node)
        if node.meta.get("deletionTimestamp") or not node.owners:
            return None
        if not self.graph.concerned(node):
            return None
        return self._attempt(node)

    def _attempt(self, node: Node) -> float | None:
        absent = set()
        for reference in self.graph.unknown(node):
            gone = self._is_gone(node, reference)
            if gone is None:
                return None  # its kind is not served: nobody can say
            if gone:
                absent.add(reference["uid"])
        owners = self.graph.classify(node, absent)
        if owners.solid:
            if owners.lost:
                self._remove_references(node, owners.lost)
            return None
        if owners.waiting and self.graph.dependents(node.uid):
            if any(d.going(FOREGROUND) for d in self.graph.dependents(node.uid)):
                self._unblock(node)  # a ring of owners would wait for itself
            self._delete(node, "Foreground")
            return None
        self._delete(node, policy(node))
        return None

    def _is_gone(self, node: Node, reference: Obj) -> bool | None:
        """Ask the server whether an owner does not exist; None where its kind is not served."""
        resource = self.kinds.get((reference["apiVersion"], reference["kind"]))
        if resource is None:
            return None
        namespace = node.meta.get("namespace")
        if resource.namespaced and not namespace:
            self._misplaced(node, reference)
            return None
        found = self._get(resource, namespace if resource.namespaced else None, reference["name"])
        if found is not None and found["metadata"]["uid"] == reference["uid"]:
            return False
        elsewhere = self.graph.node(reference["uid"])
        if elsewhere is not None and elsewhere.meta.get("namespace") != namespace:
            self._misplaced(node, reference)
        return True

    def _misplaced(self, node: Node, reference: Obj) -> None:
        """Tell about an owner that is in another namespace."""
        namespace = node.meta.get("namespace", "")
        about = {
            "kind": node.resource.kind,
            "apiVersion": node.resource.api_version,
            "name": node.meta["name"],
            "uid": node.uid,
            **({"namespace": namespace} if namespace else {}),
        }
        message = (
            f"ownerRef [{reference['apiVersion']}/{reference['kind']}, namespace: {namespace}, name: {reference['name']}, "
            f'uid: {reference["uid"]}] does not exist in namespace "{namespace}"'
        )
        self.ctx.event(about, "Warning", "OwnerRefInvalidNamespace", message)

    def _orphan(self, owner: Node) -> float | None:
        """Take the owner's references away from all its dependents, then let it go."""
        for dependent in self.graph.dependents(owner.uid):
            self._remove_references(dependent, {owner.uid})
        self._remove_finalizer(owner, ORPHAN)
        return None

    def _foreground(self, owner: Node) -> float | None:
        """Delete what blocks the owner; let it go when nothing does."""
        blocking = self.graph.blocking(owner)
        if not blocking:
            self._remove_finalizer(owner, FOREGROUND)
            return None
        for dependent in blocking:
            if not dependent.going(FOREGROUND) and not dependent.meta.get("deletionTimestamp"):
                self.ctx.enqueue(("object", dependent.uid))
        return None

    # ---- requests ----
    def _resource(self, node: Node) -> Any:
        return self.ctx.client.resource(node.resource.api_version, node.resource.name, node.meta.get("namespace"))

    def _get(self, resource: APIResource, namespace: str | None, name: str) -> Obj | None:
        client = self.ctx.client.resource(resource.api_version, resource.name, namespace)
        try:
            answer = self.ctx.client.request(
                "GET", f"{client.path}/{name}", accept=f"{METADATA.format('')},application/json"
            )
        except StatusError as error:
            if error.code == 404:
                return None
            raise
        found: Obj = answer.json()
        return found

    def _live(self, node: Node) -> Obj | None:
        """The metadata as the server has it, None where the object is gone (or another has its name)."""
        found = self._get(node.resource, node.meta.get("namespace"), node.meta["name"])
        if found is None or found["metadata"]["uid"] != node.uid:
            return None
        meta: Obj = found["metadata"]
        return meta

    def _patch(self, node: Node, live: Obj, change: Obj) -> None:
        body = {"metadata": {"uid": node.uid, "resourceVersion": live["resourceVersion"], **change}}
        try:
            self._resource(node).patch(node.meta["name"], body, "merge")
        except StatusError as error:
            if error.code not in (404, 422):
                raise

    def _remove_references(self, node: Node, uids: set[str]) -> None:
        live = self._live(node)
        if live is None:
            return
        references = live.get("ownerReferences") or []
        rest = [r for r in references if r["uid"] not in uids]
        if rest != references:
            self._patch(node, live, {"ownerReferences": rest or None})

    def _unblock(self, node: Node) -> None:
        live = self._live(node)
        if live is not None:
            references = [{**r, "blockOwnerDeletion": False} for r in live.get("ownerReferences") or []]
            self._patch(node, live, {"ownerReferences": references})

    def _remove_finalizer(self, node: Node, name: str) -> None:
        live = self._live(node)
        if live is None:
            return
        finalizers = live.get("finalizers") or []
        if name in finalizers:
            self._patch(node, live, {"finalizers": [f for f in finalizers if f != name] or None})

    def _delete(self, node: Node, how: str) -> None:
        """Delete exactly what was judged: an object whose owners changed meanwhile is judged anew."""
        preconditions = {"uid": node.uid, "resourceVersion": node.meta["resourceVersion"]}
        try:
            self._resource(node).delete(node.meta["name"], propagationPolicy=how, preconditions=preconditions)
        except StatusError as error:
            if error.code == 404:
                return
            if error.code != 409:
                raise
            live = self._live(node)
            if live is None:
                return
            if (live.get("ownerReferences") or []) != node.owners:
                self.ctx.enqueue(("object", node.uid), _PATIENCE)
                return
            self._resource(node).delete(node.meta["name"], propagationPolicy=how, preconditions={"uid": node.uid})


def reconcile(ctx: Any, key: tuple[str, str]) -> float | None:
    """key is ("object", uid), or ("resources", "") to look at what is served."""
    collector: Collector = ctx.state["collector"]
    if key == _RESYNC:
        collector.resync()
        return None
    return collector.collect(key[1])


def _setup(ctx: Any) -> None:
    ctx.state["collector"] = Collector(ctx)


def _started(ctx: Any) -> None:
    ctx.enqueue(_RESYNC)


def _defined(ctx: Any, event: str, obj: Obj, old: Obj | None) -> list[Any]:
    """A custom resource was defined, removed, or served anew."""
    before = (old or {}).get("status", {}).get("conditions") if old else None
    if (
        event == "MODIFIED"
        and old is not None
        and (before == (obj.get("status") or {}).get("conditions") and old.get("spec") == obj.get("spec"))
    ):
        return []
    if event == "ADDED" and not ctx.state["collector"].watched:
        return []
    ctx.enqueue(_RESYNC, 0.5)
    return []


CONTROLLER = Controller(
    "garbage-collector-controller",
    reconcile,
    watches=(Watch("apiextensions.k8s.io/v1", "customresourcedefinitions", _defined),),
    aliases=("garbagecollector", "gc"),
    setup=_setup,
    started=_started,
)

"""The graph of owners and dependents across all kinds, kept from metadata, and what it says is to be done. No I/O.

The classes of owners (solid, dangling, waiting) are upstream's `pkg/controller/garbagecollector`.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kk.client.discovery import APIResource

Obj = dict[str, Any]
FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"


@dataclass(slots=True)
class Node:
    """One object: where it is, and its metadata as last seen."""

    resource: APIResource
    meta: Obj

    @property
    def uid(self) -> str:
        """Its uid."""
        return self.meta["uid"]

    @property
    def owners(self) -> list[Obj]:
        """Its owner references."""
        return self.meta.get("ownerReferences") or []

    def going(self, finalizer: str) -> bool:
        """Whether it is being deleted and this finalizer says how."""
        return bool(self.meta.get("deletionTimestamp")) and finalizer in (self.meta.get("finalizers") or ())


@dataclass
class Owners:
    """The references of an object by what became of the owner."""

    solid: list[Obj] = field(default_factory=list)
    dangling: list[Obj] = field(default_factory=list)
    waiting: list[Obj] = field(default_factory=list)

    @property
    def lost(self) -> set[str]:
        """uids of the references that are to be removed while another owner stays."""
        return {r["uid"] for r in (*self.dangling, *self.waiting)}


class Graph:
    """Thread-safe: written by the informers' thread, read by workers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._nodes: dict[str, Node] = {}
        self._below: dict[str, dict[str, Node]] = {}

    def node(self, uid: str) -> Node | None:
        """An object."""
        return self._nodes.get(uid)

    def nodes(self) -> list[Node]:
        """All objects."""
        return list(self._nodes.values())

    def dependents(self, uid: str) -> list[Node]:
        """What names an object as its owner."""
        with self._lock:
            return list(self._below.get(uid, {}).values())

    def set(self, resource: APIResource, meta: Obj) -> None:
        """An object was seen."""
        node = Node(resource, meta)
        with self._lock:
            old = self._nodes.get(node.uid)
            if old is not None and old.owners != node.owners:
                self._unlink(old)
            self._nodes[node.uid] = node
            for reference in node.owners:
                self._below.setdefault(reference["uid"], {})[node.uid] = node

    def drop(self, uid: str) -> None:
        """An object is gone."""
        with self._lock:
            node = self._nodes.pop(uid, None)
            if node is not None:
                self._unlink(node)

    def _unlink(self, node: Node) -> None:
        for reference in node.owners:
            below = self._below.get(reference["uid"])
            if below is not None:
                below.pop(node.uid, None)
                if not below:
                    del self._below[reference["uid"]]

    def unknown(self, node: Node) -> list[Obj]:
        """References whose owner has not been seen here (it may be too new, or never have been)."""
        return [r for r in node.owners if not self._holds(node, r)]

    def _holds(self, node: Node, reference: Obj) -> bool:
        owner = self._nodes.get(reference["uid"])
        return owner is not None and coherent(node, owner)

    def concerned(self, node: Node) -> bool:
        """Whether there may be something to do for an object: cheap, asked for every event."""
        for reference in node.owners:
            owner = self._nodes.get(reference["uid"])
            if owner is None or not coherent(node, owner):
                return True
            if reference.get("blockOwnerDeletion") and owner.going(FOREGROUND):
                return True
        return False

    def classify(self, node: Node, absent: Iterable[str]) -> Owners:
        """The owners of an object; `absent` are uids that the server says are not there."""
        gone = set(absent)
        found = Owners()
        for reference in node.owners:
            owner = self._nodes.get(reference["uid"])
            if reference["uid"] in gone:
                found.dangling.append(reference)
            elif owner is not None and reference.get("blockOwnerDeletion") and owner.going(FOREGROUND):
                found.waiting.append(reference)
            else:
                found.solid.append(reference)
        return found

    def blocking(self, owner: Node) -> list[Node]:
        """Dependents that a foreground deletion waits for."""
        return [
            d
            for d in self.dependents(owner.uid)
            if any(r["uid"] == owner.uid and r.get("blockOwnerDeletion") for r in d.owners)
        ]


def coherent(node: Node, owner: Node) -> bool:
    """Whether an owner may own it: cluster-scoped, or in the same namespace."""
    space = owner.meta.get("namespace")
    return not space or space == node.meta.get("namespace")


def policy(node: Node) -> str:
    """How to delete an object: its own finalizer says, else in the background."""
    finalizers = node.meta.get("finalizers") or ()
    if ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in finalizers else "Background"

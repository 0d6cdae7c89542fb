"""Which ConfigMaps and Secrets the pods of this node mount, and word when one changes: a watch each, all on one thread.

kube-root-ca.crt is left out: every pod has it and it changes with the cluster's CA only.
"""

import threading
from collections.abc import Callable
from typing import Any

from kk.client.informer import Informer, InformerFactory

Obj = dict[str, Any]
#: (plural, namespace, name)
Reference = tuple[str, str, str]
_LEFT_OUT = "kube-root-ca.crt"


def references(pod: Obj) -> set[Reference]:
    """The ConfigMaps and Secrets that a pod's volumes are made of."""
    namespace = pod["metadata"].get("namespace", "")
    found: set[Reference] = set()
    for volume in pod["spec"].get("volumes") or ():
        for part in (volume, *((volume.get("projected") or {}).get("sources") or ())):
            if name := (part.get("configMap") or {}).get("name"):
                found.add(("configmaps", namespace, name))
            source = part.get("secret") or {}
            if name := source.get("secretName") or source.get("name"):
                found.add(("secrets", namespace, name))
    return {one for one in found if one[2] != _LEFT_OUT}


class References:
    """Watches what is wanted; `on_change(uid)` for every pod that mounts a changed object."""

    def __init__(self, informers: InformerFactory, on_change: Callable[[str], None]):
        self._informers, self._on_change = informers, on_change
        self._lock = threading.Lock()
        self._wanted: dict[str, set[Reference]] = {}
        self._watched: dict[Reference, Informer] = {}

    def want(self, pod: Obj) -> None:
        """Watch for a pod; calling it again changes nothing."""
        uid, wanted = pod["metadata"]["uid"], references(pod)
        with self._lock:
            if wanted:
                self._wanted[uid] = wanted
            for one in wanted - self._watched.keys():
                plural, namespace, name = one
                informer = self._informers.informer("v1", plural, namespace, field_selector=f"metadata.name={name}")
                self._watched[one] = informer
                informer.add_handler(self._handler(one, informer))

    def _handler(self, one: Reference, informer: Informer) -> Callable[[str, Obj, "Obj | None"], None]:
        def changed(kind: str, obj: Obj, old: "Obj | None") -> None:
            if not informer.synced:
                return  # the first list brings what the volumes were just made of
            with self._lock:
                uids = [uid for uid, wanted in self._wanted.items() if one in wanted]
            for uid in uids:
                self._on_change(uid)

        return changed

    def forget(self, uid: str) -> None:
        """The pod is gone; what nobody else mounts is watched no longer."""
        with self._lock:
            mine = self._wanted.pop(uid, set())
            for one in mine - set().union(*self._wanted.values()):
                self._informers.forget(self._watched.pop(one))

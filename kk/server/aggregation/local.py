"""The APIServices of what this server serves itself: one a group and version, made at the start and whenever a custom group comes or goes.

Those carry the label kube-aggregator.kubernetes.io/automanaged; an APIService without it is somebody else's and left alone.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from kk.base.errors import StatusError
from kk.kinds.kind import Resource
from kk.server.aggregation.priorities import BUILT_IN, CUSTOM
from kk.server.cache import Item, Shelf
from kk.server.context import Server

log = logging.getLogger("kk.server")

Obj = dict[str, Any]
API, GROUP, PLURAL = "apiregistration.k8s.io/v1", "apiregistration.k8s.io", "apiservices"
MANAGED = "kube-aggregator.kubernetes.io/automanaged"
#: values of the label: made at the start, or kept in step
_START, _CUSTOM = "onstart", "true"


def wanted(resources: Iterable[Resource]) -> dict[str, Obj]:
    """The APIServices that ought to be there, by name."""
    found: dict[str, Obj] = {}
    for r in resources:
        priority = BUILT_IN.get((r.group, r.version))
        if r.custom:
            priority = CUSTOM
        name = f"{r.version}.{r.group}"
        if priority is not None and name not in found:
            found[name] = _service(r, name, priority)
    return found


def _service(r: Resource, name: str, priority: tuple[int, int]) -> Obj:
    spec = {"version": r.version, "groupPriorityMinimum": priority[0], "versionPriority": priority[1]}
    return {
        "apiVersion": API,
        "kind": "APIService",
        "metadata": {"name": name, "labels": {MANAGED: _CUSTOM if r.custom else _START}},
        "spec": {**({"group": r.group} if r.group else {}), **spec},
    }


def _managed(item: Item) -> bool:
    return (item.labels or {}).get(MANAGED) in (_START, _CUSTOM)


def _custom(obj: Obj) -> bool:
    """Whether an APIService is that of a custom group, which is kept in step."""
    return (obj["metadata"].get("labels") or {}).get(MANAGED) == _CUSTOM


def _differs(shelf: Shelf, name: str, wanted: Obj) -> bool:
    held = shelf.obj(shelf.items[name])
    return _custom(held) and held["spec"] != wanted["spec"]


class Local:
    """Keeps the APIServices in step; told by whoever changes the set of resources. Looks once for many changes."""

    def __init__(self, server: Server):
        self._server, self._planned, self._begun = server, False, False

    def plan(self) -> None:
        """Something changed: look soon, beside the requests."""
        if not self._planned and not self._server.stopping:
            self._planned = True
            self._server.spawn(self.settle())

    async def settle(self) -> None:
        """Make what is missing, take away what is no longer served."""
        self._planned = False
        server = self._server
        shelf = server.cache.shelves.get((GROUP, PLURAL))
        if shelf is None:
            return
        needed = wanted(list(server.resources.values()))
        # of those made at the start one that somebody deletes stays away until the next start
        missing = [o for n, o in needed.items() if n not in shelf.items and (not self._begun or _custom(o))]
        changed = [o for n, o in needed.items() if n in shelf.items and _custom(o) and _differs(shelf, n, o)]
        spare = [name for name, item in shelf.items.items() if name not in needed and _managed(item)]
        self._begun = True
        if missing or changed or spare:  # at once, so that they share a commit
            work = (*map(self._make, missing), *map(self._mend, changed), *map(self._drop, spare))
            await asyncio.gather(*work)

    async def _make(self, obj: Obj) -> None:
        try:
            await self._server.write.create(API, PLURAL, obj)
        except StatusError as error:
            if error.reason != "AlreadyExists":
                log.warning("apiservice %s was not made: %s", obj["metadata"]["name"], error.message)

    async def _mend(self, obj: Obj) -> None:
        name = obj["metadata"]["name"]
        try:
            await self._server.write.update(API, PLURAL, name, lambda held: {**held, "spec": obj["spec"]})
        except StatusError as error:
            if error.reason != "NotFound":
                log.warning("apiservice %s was not mended: %s", name, error.message)

    async def _drop(self, name: str) -> None:
        try:
            await self._server.write.delete(API, PLURAL, name)
        except StatusError as error:
            if error.reason != "NotFound":
                log.warning("apiservice %s was not deleted: %s", name, error.message)

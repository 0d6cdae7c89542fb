"""Follows the APIServices: which groups other servers serve, whether those answer, and what they say of themselves.

`remotes` is what the routing of each request looks into; it is empty in a cluster that aggregates nothing, and then no timer runs.
Looks again when an APIService, its Service or the endpoints change, and every half minute; soon after a failure, then less and less often.
"""

import asyncio
import logging
from typing import Any

from kk.base.errors import StatusError
from kk.server.aggregation import availability, openapi, remote
from kk.server.aggregation.local import API, GROUP, MANAGED, PLURAL, Local
from kk.server.aggregation.remote import Remote
from kk.server.cache import Change, Shelf
from kk.server.context import Server
from kk.server.encoding import Obj
from kk.server.endpoints import discovery

log = logging.getLogger("kk.server")

#: seconds between looks while all is well, and after a first failure
_SLOW, _SOON = 30.0, 0.2
_ABOUT = (("", "services"), ("discovery.k8s.io", "endpointslices"), ("", "endpoints"))


class Aggregator:
    """See the module's docstring. `remotes` is by (group, version)."""

    def __init__(self, server: Server):
        self._server, self.local = server, Local(server)
        self._shelf: Shelf = server.cache.shelves[(GROUP, PLURAL)]
        self.remotes: dict[tuple[str, str], Remote] = {}
        self._keepers: dict[str, asyncio.Task[Any]] = {}
        self._wake: dict[str, asyncio.Event] = {}
        self._following = False

    def start(self) -> None:
        """From now on; after the cache is filled and before the first request."""
        self._shelf.listeners.append(self._follow)
        for item in list(self._shelf.items.values()):
            self._look(self._shelf.obj(item))

    async def resume(self) -> None:
        """Make the server's own APIServices, and begin to look after others; when the bootstrap objects are there."""
        self._server.state.setdefault(discovery.LISTENERS, []).append(self.local.plan)
        await self.local.settle()
        for found in self.remotes.values():
            self._keep(found)

    def _follow(self, change: Change) -> None:
        """A listener of the APIServices."""
        if (change.item.labels or {}).get(MANAGED) == "true":
            self.local.plan()  # somebody may have changed or deleted what is kept in step
        if change.deleted:
            self._forget(change.item.key)
            return
        found = self._look(self._shelf.obj(change.item))
        if found is not None:
            self._keep(found)

    def _look(self, obj: Obj) -> Remote | None:
        """Take in an APIService; the remote where it is new or another one."""
        found, name = remote.of(obj), obj["metadata"]["name"]
        held = next((r for r in self.remotes.values() if r.name == name), None)
        if found is None:
            if held is not None:
                self._forget(name)
            return None
        if held is not None and _same(held, found):
            return None
        self._forget(name)
        condition: Obj = next(
            (c for c in (obj.get("status") or {}).get("conditions") or () if c.get("type") == "Available"), {}
        )
        found.available = condition.get("status") == "True"
        self.remotes[(found.group, found.version)] = found
        self._watch_endpoints()
        discovery.changed(self._server)
        return found

    def _forget(self, name: str) -> None:
        for key, held in list(self.remotes.items()):
            if held.name == name:
                del self.remotes[key]
                discovery.changed(self._server)
        task = self._keepers.pop(name, None)
        self._wake.pop(name, None)
        if task is not None:
            task.cancel()

    # looking after servers

    def _watch_endpoints(self) -> None:
        if not self._following:
            self._following = True
            for key in _ABOUT:
                self._server.cache.shelves[key].listeners.append(self._moved)

    def _moved(self, change: Change) -> None:
        """A Service, an EndpointSlice or Endpoints changed: whom it concerns is looked at."""
        namespace, _, name = change.item.key.partition("/")
        owner = (change.item.labels or {}).get("kubernetes.io/service-name") or name
        for found in self.remotes.values():
            if found.namespace == namespace and found.service in (owner, name):
                self._keep(found)

    def _keep(self, found: Remote) -> None:
        """Look at a server now."""
        wake = self._wake.setdefault(found.name, asyncio.Event())
        wake.set()
        task = self._keepers.get(found.name)
        if task is None or task.done():
            self._keepers[found.name] = self._server.spawn(self._look_after(found, wake))

    async def _look_after(self, found: Remote, wake: asyncio.Event) -> None:
        failures = 0
        while self.remotes.get((found.group, found.version)) is found:
            wake.clear()
            try:
                good = await self._check(found)
            except StatusError as error:
                log.warning("apiservice %s: %s", found.name, error.message)
                good = False
            failures = 0 if good else failures + 1
            delay = _SLOW if good else min(_SLOW, _SOON * 2 ** min(failures, 10))
            try:
                async with asyncio.timeout(delay):
                    await wake.wait()
            except TimeoutError:
                continue

    async def _check(self, found: Remote) -> bool:
        """Ask a server, take in what it says, and tell what came of it. Raises StatusError."""
        verdict, document = await availability.judge(self._server, found)
        good = verdict == availability.PASSED
        resources = (document or {}).get("resources")
        before = (found.available, found.stale, found.resources, found.openapi_mark)
        found.available = good
        if isinstance(resources, list):
            found.resources, found.stale = resources, False
        else:
            found.stale = True
        if good:
            await openapi.refresh(self._server, found)
        if before != (found.available, found.stale, found.resources, found.openapi_mark):
            discovery.changed(self._server)
        await self._tell(found, verdict)
        return good

    async def _tell(self, found: Remote, verdict: availability.Verdict) -> None:
        def change(obj: Obj) -> Obj:
            return with_condition(obj, verdict, self._server.write.now())

        try:
            await self._server.write.update(API, PLURAL, found.name, change, "", "status")
        except StatusError as error:
            if error.reason != "NotFound":
                raise


def _same(held: Remote, found: Remote) -> bool:
    fields = ("group", "version", "namespace", "service", "port", "skip", "bundle", "priority")
    return all(getattr(held, f) == getattr(found, f) for f in fields)


def with_condition(obj: Obj, verdict: availability.Verdict, now: str) -> Obj:
    """An APIService with its Available condition; the time of transition stays where the status does."""
    status, reason, message = verdict
    conditions = list((obj.get("status") or {}).get("conditions") or ())
    held = next((c for c in conditions if c.get("type") == "Available"), None)
    since = held["lastTransitionTime"] if held is not None and held.get("status") == status else now
    made = {"type": "Available", "status": status, "lastTransitionTime": since, "reason": reason, "message": message}
    others = [made if c is held else c for c in conditions] if held is not None else [*conditions, made]
    return {**obj, "status": {**(obj.get("status") or {}), "conditions": others}}


def start(server: Server) -> Aggregator:
    """The aggregator of a server, following from now on."""
    found = server.state[__name__] = Aggregator(server)
    found.start()
    return found


def of(server: Server) -> Aggregator:
    """The aggregator of a server."""
    found: Aggregator = server.state[__name__]
    return found

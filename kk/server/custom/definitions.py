"""Follows the CustomResourceDefinitions: gives them their names and conditions, brings what they describe in and out, and empties what goes.

Told of every commit by the shelf of the definitions; nothing polls. Registering holds a few facts and an empty shelf; schemas are compiled,
and documents made, when somebody asks. Which status a definition gets is kk.server.custom.conditions.
"""

import asyncio
import logging
from typing import Any

import msgspec

from kk.base.errors import StatusError
from kk.kinds.kind import Resource
from kk.server.cache import Change, Item, Shelf
from kk.server.context import Server
from kk.server.custom import conditions
from kk.server.custom.conversion import Conversion
from kk.server.custom.resource import Custom, Names, Version
from kk.server.custom.shelves import CustomShelf, VersionShelf
from kk.server.encoding import Obj, decode
from kk.server.endpoints import discovery
from kk.server.views import View
from kk.server.writes.delete import delete
from kk.server.writes.write import Write

log = logging.getLogger("kk.server")

API, PLURAL = "apiextensions.k8s.io/v1", "customresourcedefinitions"
_KEY = ("apiextensions.k8s.io", PLURAL)
_TOGETHER = 64


class _Condition(msgspec.Struct):
    type: str = ""
    status: str = ""


class _Status(msgspec.Struct):
    acceptedNames: Names = msgspec.field(default_factory=Names)
    conditions: list[_Condition] | None = None


class _Conversion(msgspec.Struct):
    strategy: str = "None"
    webhook: dict[str, Any] | None = None


class _Spec(msgspec.Struct):
    group: str
    scope: str
    versions: list[Version]
    conversion: _Conversion = msgspec.field(default_factory=_Conversion)


class _Meta(msgspec.Struct):
    name: str
    uid: str = ""
    generation: int = 0
    deletionTimestamp: str | None = None
    finalizers: list[str] = []


class _Definition(msgspec.Struct):
    metadata: _Meta
    spec: _Spec
    status: _Status = msgspec.field(default_factory=_Status)


_read = msgspec.json.Decoder(_Definition).decode


class Served:
    """One definition that is served."""

    __slots__ = ("mark", "resources", "shelf", "views", "conversion")

    def __init__(self, mark: Any, resources: list[Custom], shelf: CustomShelf, conversion: Conversion):
        self.mark, self.resources, self.shelf, self.conversion = mark, resources, shelf, conversion
        self.views: dict[tuple[str, str, str], View] = {}


class Definitions:
    """See the module's docstring. `served` holds what is served, by the definition's name."""

    def __init__(self, server: Server):
        self._server = server
        self._shelf: Shelf = server.cache.shelves[_KEY]
        self.served: dict[str, Served] = {}
        self._accepted: dict[str, tuple[str, Obj]] = {}  # name → (group, acceptedNames)
        self._refused: set[str] = set()  # those whose names are taken
        self._settling: set[str] = set()
        self._purging: set[str] = set()

    def load(self) -> None:
        """Serve what is established already; before the first request."""
        self._shelf.listeners.append(self._follow)
        for item in list(self._shelf.items.values()):
            self._look(item)

    def resume(self) -> None:
        """Go on with what an earlier process began."""
        for item in list(self._shelf.items.values()):
            self._work(item)

    def _follow(self, change: Change) -> None:
        """A listener of the definitions' shelf."""
        name = change.item.key
        if change.deleted:
            self._accepted.pop(name, None)
            self._refused.discard(name)
            self._drop(name)
            self._settle_others(name, decode(self._shelf.body(change.item))["spec"]["group"])
            return
        self._look(change.item)
        self._work(change.item)

    def _look(self, item: Item) -> None:
        found = _read(self._shelf.body(item))
        names = found.status.acceptedNames
        self._accepted[item.key] = (found.spec.group, msgspec.to_builtins(names))
        known = {c.type: c.status for c in found.status.conditions or ()}
        if known.get("NamesAccepted") == "False":
            self._refused.add(item.key)
        else:
            self._refused.discard(item.key)
        if known.get("Established") != "True":
            return
        mark = (found.metadata.uid, found.metadata.generation, msgspec.json.encode(names))
        held = self.served.get(item.key)
        if held is None or held.mark != mark:
            self._serve(item, found, mark, held)
        for resource in self.served[item.key].resources:
            going = found.metadata.deletionTimestamp is not None
            if resource.terminating != going:
                object.__setattr__(resource, "terminating", going)
                discovery.changed(self._server)

    def _work(self, item: Item) -> None:
        """Start what a definition waits for."""
        obj = self._shelf.obj(item)
        if obj["metadata"].get("deletionTimestamp"):
            if conditions.FINALIZER in (obj["metadata"].get("finalizers") or ()) and item.key not in self._purging:
                self._purging.add(item.key)
                self._server.spawn(self._purge(item.key))
        elif item.key not in self._settling and self._unsettled(obj):
            self._settling.add(item.key)
            self._server.spawn(self._settle(item.key))

    # what is served

    def _serve(self, item: Item, found: _Definition, mark: Any, held: Served | None) -> None:
        """Bring a definition's versions in; what they replace goes, and watches of it end."""
        spec, names, name = found.spec, found.status.acceptedNames, item.key
        storage = next(v.name for v in spec.versions if v.storage)
        versions: dict[str, Custom] = {}
        for version in spec.versions:
            made = Custom(
                spec.group, names, spec.scope == "Namespaced", version, storage, self._reader(name, version.name)
            )
            object.__setattr__(made, "deprecation", _deprecation(spec, names.kind, version))
            object.__setattr__(made, "siblings", versions)
            object.__setattr__(made, "mark", f"{found.metadata.uid} {found.metadata.generation} {mark[2]!r}")
            versions[made.api_version] = made
        hook = spec.conversion.webhook or {}
        webhook = hook.get("clientConfig") if spec.conversion.strategy == "Webhook" else None
        reviews = hook.get("conversionReviewVersions") or []
        conversion = Conversion(self._server, names.kind, versions, webhook, reviews)
        shelf = CustomShelf(versions[f"{spec.group}/{storage}"], conversion)
        if self._server.cache.shelves.get((spec.group, names.plural)) not in (None, held and held.shelf):
            return  # a resource of the server's own has this name
        served = Served(mark, [v for v in versions.values() if v.facts.served], shelf, conversion)
        if held is not None:
            shelf.adopt(held.shelf)
            self._withdraw(held)
        self.served[name] = served
        self._server.cache.bring(shelf)
        for resource in served.resources:
            self._server.resources[resource.key] = resource
            self._server.views.forget(resource.key)
        discovery.changed(self._server)

    def _reader(self, name: str, version: str) -> Any:
        def read() -> Obj:
            item = self._shelf.items.get(name)
            versions = self._shelf.obj(item)["spec"]["versions"] if item is not None else []
            return next((v for v in versions if v["name"] == version), {})

        return read

    def view(self, resource: Resource) -> View | None:
        """The view of a version, made on first use."""
        for served in self.served.values():
            if resource in served.resources:
                return self._view(served, resource)
        return None

    def _view(self, served: Served, resource: Resource) -> View:
        view = served.views.get(resource.key)
        if view is None:
            shelf: CustomShelf = served.shelf
            if resource.api_version != resource.storage_version:
                shelf = VersionShelf(resource, served.conversion, served.shelf, self._server)  # type: ignore[arg-type]
            view = served.views[resource.key] = View(resource, shelf)
        return view

    def _withdraw(self, served: Served) -> None:
        server = self._server
        for resource in served.resources:
            server.resources.pop(resource.key, None)
            server.views.forget(resource.key)
        for view in served.views.values():
            server.watching.end(view.shelf)
            if isinstance(view.shelf, VersionShelf):
                view.shelf.close()
        server.watching.end(served.shelf)
        server.cache.withdraw(served.shelf)

    def _drop(self, name: str) -> None:
        served = self.served.pop(name, None)
        if served is not None:
            self._withdraw(served)
            discovery.changed(self._server)

    # names and conditions

    def _group(self, obj: Obj) -> list[Obj]:
        """What the other definitions of a group say of their names."""
        group, name = obj["spec"]["group"], obj["metadata"]["name"]
        others = [names for key, (of, names) in self._accepted.items() if of == group and key != name]
        return [{"status": {"acceptedNames": names}} for names in others]

    def _wanted(self, obj: Obj) -> Obj:
        return conditions.settled(obj, self._group(obj), self._server.write.now())

    def _unsettled(self, obj: Obj) -> bool:
        return self._wanted(obj) != (obj.get("status") or {})

    def _settle_others(self, name: str, group: str) -> None:
        for key in [k for k in self._refused if k != name and k.endswith(f".{group}")]:
            self._work(self._shelf.items[key])

    async def _settle(self, name: str) -> None:
        """Write the status that a definition shall have."""

        def change(obj: Obj) -> Obj:
            obj["status"] = self._wanted(obj)
            return obj

        try:
            obj = await self._server.write.update(API, PLURAL, name, change, subresource="status")
        except StatusError as error:
            if error.code != 404:
                log.warning("the status of %s: %s", name, error.message)
            return
        finally:
            self._settling.discard(name)
        self._settle_others(name, obj["spec"]["group"])

    # going

    async def _purge(self, name: str) -> None:
        """Delete the instances of a definition that goes, wait until the last is gone, and let the definition go."""
        try:
            served = self.served.get(name)
            if served is not None and not await self._emptied(name, served):
                return
            await self._server.write.update(API, PLURAL, name, self._released)
        except StatusError as error:
            if error.code != 404:
                log.warning("removing %s: %s", name, error.message)
        finally:
            self._purging.discard(name)

    async def _emptied(self, name: str, served: Served) -> bool:
        await self._tell(name, "True", "InstanceDeletionInProgress", "CustomResource deletion is in progress")
        shelf = served.shelf
        gone = asyncio.Event()

        def look(change: Change) -> None:
            if not shelf.items:
                gone.set()

        shelf.listeners.append(look)
        try:
            await self._delete_instances(served)
            if shelf.items:
                await gone.wait()
        finally:
            shelf.listeners.remove(look)
        await self._tell(name, "False", "InstanceDeletionCompleted", "removed all instances")
        return True

    async def _delete_instances(self, served: Served) -> None:
        shelf = served.shelf
        view = View(shelf.resource, shelf)
        if shelf.lagging:
            try:
                await shelf.fresh()
            except StatusError as error:
                log.warning("%s: %s", shelf.prefix, error.message)
        keys = list(shelf.keys)
        for at in range(0, len(keys), _TOGETHER):
            await asyncio.gather(*(self._delete_one(view, key) for key in keys[at : at + _TOGETHER]))

    async def _delete_one(self, view: View, key: str) -> None:
        from kk.server.context import LOOPBACK

        namespace, _, name = key.rpartition("/")
        try:
            await delete(Write.inside(self._server, view, "DELETE", LOOPBACK, namespace, name), {})
        except StatusError as error:
            if error.code != 404:
                log.warning("deleting %s %s: %s", view.resource.kind, key, error.message)

    async def _tell(self, name: str, value: str, reason: str, message: str) -> None:
        now = self._server.write.now()

        def change(obj: Obj) -> Obj:
            status = obj["status"] = {**(obj.get("status") or {})}
            conditions.put(status, "Terminating", value, reason, message, now)
            return obj

        await self._server.write.update(API, PLURAL, name, change, subresource="status")

    @staticmethod
    def _released(obj: Obj) -> Obj:
        metadata = obj["metadata"]
        metadata["finalizers"] = [f for f in metadata.get("finalizers") or () if f != conditions.FINALIZER]
        if not metadata["finalizers"]:
            del metadata["finalizers"]
        return obj


def _deprecation(spec: _Spec, kind: str, version: Version) -> str:
    """The text of the warning that every request for a deprecated version gets."""
    if not version.deprecated:
        return ""
    if version.deprecationWarning is not None:
        return version.deprecationWarning
    text = f"{spec.group}/{version.name} {kind} is deprecated"
    rank = discovery.version_rank
    newer = [v.name for v in spec.versions if v.served and not v.deprecated and rank(v.name) < rank(version.name)]
    return f"{text}; use {spec.group}/{min(newer, key=rank)} {kind}" if newer else text


def of(server: Server) -> Definitions:
    """The definitions of a server that was started."""
    found: Definitions = server.state[__name__]
    return found


def start(server: Server) -> Definitions:
    """Serve custom resources; before the first request."""
    found = server.state[__name__] = Definitions(server)
    server.views.custom = found.view
    found.load()
    return found

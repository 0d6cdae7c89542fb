"""Shelves of custom resources: the stored objects in the shape that their schema has now, and other served versions of them.

An object is kept as it was written; what it says in another version, or under a schema that changed since, is worked out when somebody
looks, and kept. A `VersionShelf` follows the shelf of the stored version, so that reads, watches and tables of its version are those of
any shelf; where a webhook converts, it lags behind until the answer is there, and `fresh` waits for that.
"""

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from kk.base.errors import StatusError
from kk.server.cache import Change, Item, Shelf, selectable
from kk.server.custom import structural
from kk.server.encoding import Obj, decode, head_of, stored, with_revision

if TYPE_CHECKING:
    from kk.server.context import Server
    from kk.server.custom.conversion import Conversion
    from kk.server.custom.resource import Custom
    from kk.store.api import Event


class _Meta(msgspec.Struct):
    labels: dict[str, str] | None = None


class _Peek(msgspec.Struct):
    apiVersion: str
    metadata: _Meta


_peek = msgspec.json.Decoder(_Peek).decode


class Derived(Item):
    """An item that is made of another one: `source` is JSON after kind and apiVersion, of `api_version`; `obj` what a webhook made of it."""

    __slots__ = ("source", "api_version", "shelf", "obj", "_rest", "_fields")

    def __init__(self, key: str, revision: int, created: int, source: bytes, labels: Any, api_version: str, shelf: Any):
        self.key, self.revision, self.created, self.labels = key, revision, created, labels
        self.source, self.api_version, self.shelf = source, api_version, shelf
        self.obj: Obj | None = None
        self._rest: bytes | None = None
        self._fields: Any = None

    @property
    def rest(self) -> bytes:  # type: ignore[override]
        """Its JSON in the shelf's version."""
        if self._rest is None:
            self._rest, self._fields = self.shelf.derive(self)
            self.obj = None
        return self._rest

    @property
    def fields(self) -> Any:
        """Its selectable fields."""
        if self._rest is None:
            _ = self.rest
        return self._fields


class CustomShelf(Shelf):
    """The shelf of the stored version."""

    def __init__(self, resource: "Custom", conversion: "Conversion"):
        super().__init__(resource)
        self.head = self.item_head = head_of(resource.api_version, resource.kind)
        self.conversion = conversion
        self.pending: list[Derived] = []  # items that wait for a webhook

    @property
    def lagging(self) -> bool:  # type: ignore[override]
        """Whether something has to be converted before anybody may look."""
        return bool(self.pending)

    async def fresh(self) -> None:
        """Wait until nothing has to be converted. Raises StatusError where the webhook does not answer."""
        pending = self.pending
        if pending:
            await self.resolve(pending)
            self.pending = [item for item in self.pending if item.obj is None and item._rest is None]

    async def resolve(self, items: "list[Any]") -> None:
        """Have a webhook convert what waits for it. Raises StatusError."""
        waiting = [i for i in items if type(i) is Derived and self.foreign(i) and i.obj is None and i._rest is None]
        if waiting:
            objs = [decode(head_of(i.api_version, self.resource.kind) + i.source) for i in waiting]
            for item, obj in zip(waiting, await self.conversion.remote(objs, self.resource.api_version)):
                item.obj = obj

    def foreign(self, item: Derived) -> bool:
        """Whether only a webhook can tell what an item is in this version."""
        return self.conversion.webhook is not None and item.api_version != self.resource.api_version

    def make(self, key: str, revision: int, created: int, value: bytes, obj: Obj | None) -> Item:
        """An item of stored bytes of any version; `obj`: it was written just now, and so has the right shape."""
        if obj is not None and value.startswith(self.head):
            return super().make(key, revision, created, value, obj)
        seen = _peek(value)
        head = head_of(seen.apiVersion, self.resource.kind)
        rest = with_revision(value[len(head) :], revision)
        item = Derived(key, revision, created, rest, seen.metadata.labels, seen.apiVersion, self)
        if self.foreign(item):
            self.pending.append(item)
        return item

    def derive(self, item: Derived) -> tuple[bytes, Any]:
        """(JSON in this version, selectable fields) of an item."""
        obj = item.obj
        if obj is None:
            obj = decode(head_of(item.api_version, self.resource.kind) + item.source)
            obj = self.conversion.local(obj, self.resource.api_version)
        else:
            structural.prune(obj, self.resource.compiled)  # type: ignore[attr-defined]
        rest = with_revision(stored(obj)[len(self.head) :], item.revision)
        fields = tuple([selectable(obj, where) for _, where in self._fields])
        return (item.source if rest == item.source else rest), fields

    def adopt(self, old: Shelf) -> None:
        """Take over the items of the shelf that this one replaces: the definition changed."""
        for key, item in old.items.items():
            if type(item) is Derived:
                source, version = item.source, item.api_version
            else:
                source, version = item.rest, old.resource.storage_version
            taken = Derived(key, item.revision, item.created, source, item.labels, version, self)
            self.items[key] = taken
            if self.foreign(taken):
                self.pending.append(taken)
        self.keys = list(old.keys)
        self.version, self.ring_from = old.version, old.version
        self.ring_from = max(old.version, old.ring_from)


class VersionShelf(CustomShelf):
    """The shelf of another served version, which follows the one of the stored version."""

    base: CustomShelf

    def __init__(self, resource: "Custom", conversion: "Conversion", base: CustomShelf, server: "Server"):
        super().__init__(resource, conversion)
        self.base, self._server = base, server
        self._queue: list[Change] = []
        self._working: asyncio.Lock | None = None
        for key, item in base.items.items():
            self.items[key] = self._derived(item)
        self.keys = list(base.keys)
        self.version = self.ring_from = max(base.version, base.ring_from)
        base.listeners.append(self._follow)

    def _derived(self, item: Item) -> Derived:
        version = self.base.resource.storage_version
        source = item.source if type(item) is Derived and item._rest is None else item.rest
        if type(item) is Derived and item._rest is None:
            version = item.api_version
        made = Derived(item.key, item.revision, item.created, source, item.labels, version, self)
        if self.foreign(made):
            self.pending.append(made)
        return made

    def close(self) -> None:
        """Follow no longer."""
        if self._follow in self.base.listeners:
            self.base.listeners.remove(self._follow)

    @property
    def lagging(self) -> bool:  # type: ignore[override]
        """Whether the stored version is ahead."""
        return bool(self._queue or self.pending)

    def _follow(self, change: Change) -> None:
        """A listener of the stored version's shelf."""
        if self.conversion.webhook is None:
            self._take(change)
            return
        self._queue.append(change)
        if self.listeners:  # somebody watches: without them it is enough to convert when somebody asks
            self._server.spawn(self._catch_up())

    async def _catch_up(self) -> None:
        try:
            await self.fresh()
        except StatusError:
            self._server.watching.end(self)  # they come again, and are told why

    async def fresh(self) -> None:
        """Wait until this version shows what the stored one does. Raises StatusError where the webhook does not answer."""
        if self._working is None:
            self._working = asyncio.Lock()
        async with self._working:
            await super().fresh()
            while self._queue:
                queue = list(self._queue)
                made = [self._derived(change.item) for change in queue]
                self.pending = []
                await self.resolve(made)
                del self._queue[: len(queue)]
                for change, item in zip(queue, made):
                    self._take(change, item)
                self._server.watching.flush()

    def _take(self, change: Change, item: Derived | None = None) -> None:
        item = item or self._derived(change.item)
        old = self.place(item, change.deleted)
        self.version = change.revision
        self.joined.clear()
        mine = Change(change.revision, item, old, change.deleted)
        self._remember(mine)
        for listener in self.listeners:
            listener(mine)

    # writing

    async def write(self, key: str, obj: Obj, expect: int) -> Item:
        """Store an object of this version in the stored one. Raises Lost, StatusError."""
        pipeline = self._server.write
        kept = await self.conversion.one(obj, self.base.resource.api_version)
        item = await pipeline.put(self.base, key, kept, expect)
        if self.lagging:
            await self.fresh()
        found = self.items.get(key)
        if found is not None and found.revision == item.revision:
            return found
        made = self._derived(item)
        await self.resolve([made])
        return made

    async def erase(self, item: Item) -> Item:
        """Delete an object. Raises Lost."""
        kept = self.base.items.get(item.key)
        if kept is None or kept.revision != item.revision:
            from kk.server.pipeline import Lost

            raise Lost
        gone = await self._server.write.remove(self.base, kept)
        mine = Derived(item.key, gone.revision, item.created, item.rest, item.labels, self.resource.api_version, self)
        return mine


def remembered(event: "Event", shelf: Shelf) -> Item:
    """An item of an event of the store's log."""
    return shelf.make(event.key[len(shelf.prefix) :], event.revision, event.created, event.value, None)

"""What the server knows, in memory and already encoded: per resource, key → (revision, bytes, labels, selectable fields).

Filled from the store once, then only by committed batches, in the event loop's thread, in revision order. So a read is a
look-up, a list is a join, and a watch event is encoded once. Decodes only where somebody asks for objects.
"""

import logging
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kk.base import paths
from kk.kinds.kind import Resource
from kk.server.encoding import Obj, decode, head_of, with_revision
from kk.store.api import Event, Result, Store

log = logging.getLogger("kk.server")

#: objects of one resource that are kept decoded for hooks
_DECODED = 64
#: recent changes kept per resource for watches that resume
RING = 2048
#: and bytes that they may hold
RING_BYTES = 32 * 1024 * 1024


class Item:
    """One object as it stands: `rest` is its JSON after kind and apiVersion, with the revision in it."""

    __slots__ = ("key", "revision", "created", "rest", "labels", "fields")

    def __init__(self, key: str, revision: int, created: int, rest: bytes, labels: dict[str, str] | None, fields: Any):
        self.key, self.revision, self.created, self.rest = key, revision, created, rest
        self.labels, self.fields = labels, fields


class Change:
    """One committed change: `item` after it (for a delete: the last state, with the delete's revision), `old` before it."""

    __slots__ = ("revision", "item", "old", "deleted", "encoded")

    def __init__(self, revision: int, item: Item, old: Item | None, deleted: bool):
        self.revision, self.item, self.old, self.deleted = revision, item, old, deleted
        self.encoded: dict[Any, bytes] = {}

    @property
    def size(self) -> int:
        """About the bytes it holds: the object, and the line that was made of it for watchers."""
        return 2 * len(self.item.rest)


class Shelf:
    """All objects of one stored resource. Keys are "namespace/name", or "name" for what has no namespace."""

    def __init__(self, resource: Resource):
        self.resource = resource
        self.prefix = f"{resource.group or 'core'}/{resource.plural}/"
        self.head = head_of(resource.storage_version, resource.kind)
        self.items: dict[str, Item] = {}
        self.keys: list[str] = []
        self.version = 0  # revision of the newest change of this resource
        self.ring: deque[Change] = deque()
        self.ring_bytes = 0
        self.ring_from = 0  # every change after this revision is in the ring
        self.listeners: list[Callable[[Change], None]] = []
        self.joined: dict[str, bytes | None] = {}  # namespace → items of a list; None: asked for once
        self.decoded: dict[str, tuple[Item, Obj]] = {}  # what hooks asked for
        self._fields = tuple(resource.strategy.selectable.items())

    #: what items of a list begin with: those of custom resources say of what kind they are
    item_head = b"{"
    #: whether what is here has to be brought up to date (`await shelf.fresh()`) before anybody may look
    lagging = False
    #: the shelf that really stores, where this one shows its objects in another version
    base: "Shelf | None" = None

    async def fresh(self) -> None:
        """Wait until nothing lags."""

    async def resolve(self, items: "list[Item]") -> None:
        """Make ready what was read from the store's log."""

    # reading

    def bounds(self, namespace: str, start: str = "") -> tuple[int, int]:
        """Where the keys of a namespace (or all) that come after `start` lie in `keys`."""
        low, high = 0, len(self.keys)
        if namespace and self.resource.namespaced:
            low, high = bisect_left(self.keys, f"{namespace}/"), bisect_left(self.keys, f"{namespace}0")
        return (max(low, bisect_right(self.keys, start)) if start else low), high

    def span(self, namespace: str, start: str = "") -> list[str]:
        """The keys of a namespace, or all, in order, from after `start`."""
        low, high = self.bounds(namespace, start)
        return self.keys if high - low == len(self.keys) else self.keys[low:high]

    def join(self, namespace: str) -> bytes:
        """The items of a list, joined. What is asked for twice without a change between is kept."""
        found = self.joined.get(namespace)
        if found is not None:
            return found
        items = self.items
        head = self.item_head
        joined = (b"," + head).join([items[k].rest for k in self.span(namespace)])
        if joined:
            joined = head + joined
        self.joined[namespace] = joined if namespace in self.joined else None
        return joined

    def body(self, item: Item) -> bytes:
        """An object whole, in the stored version."""
        return self.head + item.rest

    def obj(self, item: Item) -> Obj:
        """An object decoded; the caller owns it."""
        return decode(self.head + item.rest)

    def field(self, item: Item, name: str) -> str:
        """A selectable field of an item as a string."""
        if name == "metadata.name":
            return item.key.rpartition("/")[2]
        if name == "metadata.namespace":
            return item.key.rpartition("/")[0]
        for (known, _), value in zip(self._fields, item.fields):
            if known == name:
                return value
        return ""

    # changing

    def make(self, key: str, revision: int, created: int, value: bytes, obj: Obj | None) -> Item:
        """An item of stored bytes; `obj` saves decoding them."""
        if not value.startswith(self.head):
            obj = decode(value)
            raise ValueError(f"{self.prefix}{key} is stored as {obj.get('apiVersion')} {obj.get('kind')}")
        rest = with_revision(value[len(self.head) :], revision)
        if obj is None:
            obj = decode(value)
        fields = tuple([selectable(obj, where) for _, where in self._fields]) if self._fields else ()
        return Item(key, revision, created, rest, obj["metadata"].get("labels"), fields)

    def put(self, item: Item) -> None:
        """Take an item while loading."""
        self.items[item.key] = item

    def ready(self, revision: int, gone: int = 0) -> None:
        """Loading is over. `gone`: the newest revision at which something may have been deleted."""
        self.keys = sorted(self.items)
        self.version = max(gone, max((i.revision for i in self.items.values()), default=0))
        self.ring_from = revision

    def place(self, item: Item, deleted: bool) -> Item | None:
        """Put an item in its place, or take it out; what was there before."""
        key = item.key
        old = self.items.get(key)
        if deleted:
            if old is not None:
                del self.items[key]
                del self.keys[bisect_left(self.keys, key)]
        else:
            self.items[key] = item
            if old is None:
                insort(self.keys, key)
        return old

    def apply(self, event: Event, obj: Obj | None) -> Item:
        """Take a committed change and tell the listeners."""
        key = event.key[len(self.prefix) :]
        item = self.make(key, event.revision, event.created, event.value, obj)
        old = self.place(item, event.deleted)
        self.version = event.revision
        if self.joined:
            self.joined.clear()
        change = Change(event.revision, item, old, event.deleted)
        self._remember(change)
        for listener in self.listeners:
            listener(change)
        return item

    def _remember(self, change: Change) -> None:
        self.ring.append(change)
        self.ring_bytes += change.size
        while len(self.ring) > RING or self.ring_bytes > RING_BYTES:
            self._drop()

    def _drop(self) -> None:
        change = self.ring.popleft()
        self.ring_bytes -= change.size
        self.ring_from = change.revision

    def forget(self, revision: int) -> None:
        """Drop changes from the ring up to a revision: the store answers for older ones while it has them."""
        while self.ring and self.ring[0].revision <= revision:
            self._drop()


def selectable(obj: Obj, where: Any) -> str:
    """The value of a selectable field as a string."""
    value = where(obj) if callable(where) else paths.get(obj, where, "")
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


class Cache:
    """All shelves, by (group, plural)."""

    def __init__(self, store: Store, resources: Iterable[Resource]):
        self.store = store
        self.revision = 0
        self.shelves: dict[tuple[str, str], Shelf] = {}
        self._by_prefix: dict[str, Shelf] = {}
        #: prefix → revision of the newest deletion that the log held when it was loaded
        self._deleted: dict[str, int] = {}
        self._unclaimed: dict[str, list[Event]] = {}  # what was stored of resources that nobody serves yet
        self.listeners: list[Callable[[Shelf, Item, Item | None, bool], None]] = []
        self.flushers: list[Callable[[], None]] = []  # asked when a batch is over
        for resource in resources:
            self.add(resource)

    def add(self, resource: Resource) -> Shelf | None:
        """Give a stored resource its shelf; versions that are not stored share it."""
        if resource.api_version != resource.storage_version:
            return None
        shelf = Shelf(resource)
        self.shelves[(resource.group, resource.plural)] = shelf
        self._by_prefix[shelf.prefix] = shelf
        return shelf

    def alias(self, group: str, plural: str, of: tuple[str, str]) -> None:
        """Let another group's resource read the shelf of the one that it is stored as."""
        self.shelves[(group, plural)] = self.shelves[of]

    def load(self) -> None:
        """Fill the shelves from the store, before the first request."""
        self.revision = self.store.revision()
        for event in self.store.load():
            shelf = self._shelf_of(event.key)
            if shelf is not None:
                shelf.put(shelf.make(event.key[len(shelf.prefix) :], event.revision, event.created, event.value, None))
            else:
                group, plural, _ = event.key.split("/", 2)
                self._unclaimed.setdefault(f"{group}/{plural}/", []).append(event)
        for key, revision in self.store.tombstones():
            group, plural, _ = key.split("/", 2)
            self._deleted[f"{group}/{plural}/"] = revision
        for shelf in self._by_prefix.values():
            shelf.ready(self.revision, self._gone(shelf))

    def _gone(self, shelf: Shelf) -> int:
        """The newest revision at which something of a shelf may have been deleted, as far as the log goes back.

        Without it whoever resumes from before the deletion, after a restart, would be told that nothing has changed.
        """
        return max(self.store.oldest(), self._deleted.get(shelf.prefix, 0))

    def bring(self, shelf: Shelf) -> None:
        """Serve a shelf from now on, with what is stored for it."""
        known = self._unclaimed.pop(shelf.prefix, ())
        for event in known:
            shelf.put(shelf.make(event.key[len(shelf.prefix) :], event.revision, event.created, event.value, None))
        if known:
            shelf.ready(self.revision, self._gone(shelf))
        elif not shelf.items:
            shelf.ring_from = self.revision
        self.shelves[(shelf.resource.group, shelf.resource.plural)] = shelf
        self._by_prefix[shelf.prefix] = shelf

    def withdraw(self, shelf: Shelf) -> None:
        """Serve a shelf no longer."""
        key = (shelf.resource.group, shelf.resource.plural)
        if self.shelves.get(key) is shelf:
            del self.shelves[key], self._by_prefix[shelf.prefix]

    def settled(self) -> None:
        """All that is served is here: what nobody claimed is forgotten."""
        self._unclaimed.clear()

    def _shelf_of(self, key: str) -> Shelf | None:
        group, plural, _ = key.split("/", 2)
        return self._by_prefix.get(f"{group}/{plural}/")

    def apply(self, results: list[Result]) -> None:
        """Take a committed batch, then answer those who wait for it; runs in the event loop's thread."""
        for result in results:
            event, token = result.event, result.token
            if event is None:
                if token is not None:
                    token.failed(result.error)
                continue
            self.revision = event.revision
            try:
                item = self._take(event, token.obj if token is not None else None)
            except Exception as error:  # whoever waits must be told, and the rest of the batch goes on
                log.exception("%s at revision %d", event.key, event.revision)
                if token is not None:
                    token.failed(error)
                continue
            if token is not None and item is not None:
                token.done(item)
        for flush in self.flushers:
            flush()

    def _take(self, event: Event, obj: Obj | None) -> Item | None:
        shelf = self._shelf_of(event.key)
        if shelf is None:
            return None
        old = shelf.items.get(event.key[len(shelf.prefix) :]) if self.listeners else None
        item = shelf.apply(event, obj)
        for listener in self.listeners:
            listener(shelf, item, old, event.deleted)
        return item

    # what hooks ask

    def item(self, group: str, plural: str, namespace: str, name: str) -> Item | None:
        """An item by name."""
        shelf = self.shelves.get((group, plural))
        if shelf is None:
            return None
        return shelf.items.get(f"{namespace}/{name}" if shelf.resource.namespaced else name)

    def get(self, group: str, plural: str, namespace: str, name: str) -> Obj | None:
        """An object by name, decoded, in the stored version; shared, so nobody changes it."""
        item = self.item(group, plural, namespace, name)
        if item is None:
            return None
        shelf = self.shelves[(group, plural)]
        held = shelf.decoded.get(item.key)
        if held is not None and held[0] is item:
            return held[1]
        if len(shelf.decoded) >= _DECODED:
            shelf.decoded.clear()
        found = shelf.obj(item)
        shelf.decoded[item.key] = (item, found)
        return found

    def list(self, group: str, plural: str, namespace: str = "") -> list[Obj]:
        """Objects of a namespace, or all, decoded, in key order."""
        return list(self.iterate(group, plural, namespace))

    def iterate(self, group: str, plural: str, namespace: str = "") -> Iterator[Obj]:
        """The same one by one."""
        shelf = self.shelves.get((group, plural))
        if shelf is not None:
            for key in shelf.span(namespace):
                yield shelf.obj(shelf.items[key])

    def version(self, group: str, plural: str) -> int:
        """A number that grows with each change of a resource."""
        shelf = self.shelves.get((group, plural))
        return shelf.version if shelf is not None else 0

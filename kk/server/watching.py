"""Watches: changes go from the cache to many streams, each encoded once per representation and written in batches.

A Channel is what watchers with equal selectors and form share; a Watcher is one stream with a bounded buffer: who reads too
slowly is cut off and resumes by its resourceVersion. Resuming comes from the shelf's ring, or from the store's log when older.
"""

import asyncio
import random
from collections.abc import Callable, Iterable
from typing import Any

from kk.base.errors import StatusError, expired
from kk.server import protobuf_write, watch_websocket
from kk.server.answers import warning_header
from kk.server.cache import Change, Item, Shelf
from kk.server.context import Request, Server
from kk.server.encoding import decode, encode
from kk.server.negotiate import PROTOBUF, Form, stream_form
from kk.server.protocol import breaker, chunk_writer, framed
from kk.server.reads import included
from kk.server.routing import truth
from kk.server.selection import ListOptions, integer, list_options, matches, select
from kk.server.views import View, clock
from kk.store.api import Compacted, Event, Future

#: bytes that may wait for a stream
_LAG = 16 * 1024 * 1024
#: a watch without timeoutSeconds lasts this long, up to twice as long
_LASTS = 1800.0
#: seconds that a client has for reading the rest of a watch that is over
_GRACE = 30.0
#: seconds between bookmarks, which are only sent where something happened meanwhile
_BOOKMARKS = 60.0


class Watcher:
    """One stream. While it is idle, chunks are written straight to its connection; else they wait in `buffer` for its task."""

    __slots__ = ("buffer", "size", "waiter", "over", "bookmarks", "revision", "channel", "direct", "told", "cut")

    def __init__(self, channel: "Channel", bookmarks: bool):
        self.channel, self.bookmarks = channel, bookmarks
        self.buffer: list[bytes] = []
        self.size = 0
        self.waiter: asyncio.Future[None] | None = None
        self.over = False
        self.revision = 0  # what it has been told up to by joining, or by a bookmark
        self.direct: Callable[[bytes], bool] | None = None
        self.told = False  # a Table's columns are told once
        self.cut: Callable[[], None] | None = None  # breaks the connection of a client that does not read

    def push(self, data: bytes, chunk: bytes) -> None:
        """Send lines (`chunk` is the same as HTTP frames them); cut the stream off where it lags too far."""
        if self.over:
            return
        if self.direct is not None and not self.buffer and self.direct(chunk):
            return
        self.size += len(data)
        if self.size > _LAG:
            self.buffer.clear()
            self.over = True
            if self.cut is not None:
                self.cut()  # its task waits for the client, who may never read again
        else:
            self.buffer.append(data)
        self.wake()

    def taken(self) -> bytes:
        """What waits; it does so no longer."""
        data = b"".join(self.buffer)
        self.buffer.clear()
        self.size = 0
        return data

    def wake(self) -> None:
        """Let the stream's task look."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    def end(self) -> None:
        """No more after what is queued."""
        self.over = True
        self.wake()


class Channel:
    """Watchers that see the same lines. Lines of one committed batch go out together."""

    def __init__(self, key: Any, view: View, options: ListOptions, form: Form, include: str, dirty: "list[Channel]"):
        self.key, self.view, self.options, self.form, self.include = key, view, options, form, include
        self.shelf: Shelf = view.shelf
        self._prefix = f"{options.namespace}/" if options.namespace else ""
        self._all = options.everything
        self._form = (view.resource.api_version, form, include)
        self._dirty = dirty
        self._pending: list[tuple[Change, str]] = []
        self.watchers: list[Watcher] = []
        self.sent = [0]  # events told; all channels of a resource count together

    def __call__(self, change: Change) -> None:
        """A listener of the shelf."""
        what = self.what(change)
        if what:
            if not self._pending:
                self._dirty.append(self)
            self._pending.append((change, what))

    def flush(self) -> None:
        """The batch is over: tell the watchers."""
        pending, self._pending = self._pending, []
        lines = [self.line(change, what) for change, what in pending]
        data = b"".join(lines)
        chunk = framed(data)
        self.sent[0] += len(lines) * len(self.watchers)
        table = self.form.kind == "Table"
        for watcher in self.watchers:
            if table and not watcher.told:
                watcher.told = True
                first = self.line(*pending[0], definitions=True) + b"".join(lines[1:])
                watcher.push(first, framed(first))
            else:
                watcher.push(data, chunk)

    def what(self, change: Change) -> str:
        """What a change is to these watchers: ADDED, MODIFIED, DELETED, or "" where it is none."""
        if not change.item.key.startswith(self._prefix):
            return ""
        old = change.old
        if self._all:
            before, after = old is not None, not change.deleted
        else:
            before = old is not None and matches(self.options, self.shelf, old)
            after = not change.deleted and matches(self.options, self.shelf, change.item)
        if after:
            return "MODIFIED" if before else "ADDED"
        return "DELETED" if before else ""

    def line(self, change: Change, what: str, definitions: bool = False) -> bytes:
        """A change as a line, made once for every channel of the same form."""
        key = (what, self._form, definitions)
        line = change.encoded.get(key)
        if line is None:
            item = change.item
            if what == "DELETED" and change.old is not None:
                item = restamped(change.old, change.revision)  # what the watcher knew, at the revision it went
            line = change.encoded[key] = self.render(what, item, definitions)
        return line

    def render(self, what: str, item: Item, definitions: bool = False) -> bytes:
        """An event line for an item."""
        view = self.view
        if self.form.media == PROTOBUF and not self.form.kind:
            return protobuf_write.frame(what, view.message(item))
        if self.form.kind == "Table":
            row = view.row(item, self.include, self.form.version, clock())
            body = view.table([row], {"resourceVersion": str(item.revision)}, self.form.version, definitions)
        elif self.form.kind:
            body = view.partial(item, self.form.version)
        else:
            body = view.whole(item)
        return event_line(self.form, what, body)

    def bookmark(self, revision: int, initial_end: bool = False) -> bytes:
        """A bookmark line in this channel's form."""
        metadata: dict[str, Any] = {"resourceVersion": str(revision), "creationTimestamp": None}
        if initial_end:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        resource = self.view.resource
        if self.form.kind == "Table":
            body: Any = self.view.printer.table([], {"resourceVersion": str(revision)}, self.form.version, False)
            if initial_end:
                body["rows"] = [
                    {
                        "cells": [],
                        "object": {
                            "kind": "PartialObjectMetadata",
                            "apiVersion": f"meta.k8s.io/{self.form.version}",
                            "metadata": metadata,
                        },
                    }
                ]
        elif self.form.kind:
            body = {
                "kind": "PartialObjectMetadata",
                "apiVersion": f"meta.k8s.io/{self.form.version}",
                "metadata": metadata,
            }
        else:
            body = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
        return event_line(self.form, "BOOKMARK", encode(body))


def event_line(form: Form, what: str, body: bytes) -> bytes:
    """An event as a stream of a form carries it; `body` is JSON."""
    if form.media == PROTOBUF:
        return protobuf_write.frame(what, protobuf_write.encode(decode(body)))
    return b'{"type":"%b","object":%b}\n' % (what.encode(), body)


def restamped(item: Item, revision: int) -> Item:
    """An item with another resourceVersion."""
    rest = item.rest.replace(b'"resourceVersion":"%d"' % item.revision, b'"resourceVersion":"%d"' % revision, 1)
    return Item(item.key, revision, item.created, rest, item.labels, item.fields)


class Watching:
    """All channels of a server, and the timer of bookmarks."""

    def __init__(self, server: Server):
        self._server = server
        self._channels: dict[Any, Channel] = {}
        self._dirty: list[Channel] = []
        self.sent: dict[tuple[str, str, str], list[int]] = {}
        server.cache.flushers.append(self.flush)
        self._bookmarks: asyncio.TimerHandle | None = None

    def join(self, view: View, options: ListOptions, form: Form, include: str, texts: Any, bookmarks: bool) -> Watcher:
        """A watcher that from now on gets every change."""
        key = (view.resource.key, options.namespace, options.name, texts, form, include)
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = Channel(key, view, options, form, include, self._dirty)
            view.shelf.listeners.append(channel)
            channel.sent = self.sent.setdefault(view.resource.key, channel.sent)
        watcher = Watcher(channel, bookmarks)
        watcher.revision = self._server.cache.revision
        channel.watchers.append(watcher)
        if bookmarks and self._bookmarks is None:
            self._bookmarks = self._server.loop.call_later(_BOOKMARKS, self._tick)
        return watcher

    def open(self) -> dict[tuple[str, str, str], int]:
        """How many streams are open, by (group, version, plural)."""
        found: dict[tuple[str, str, str], int] = {}
        for channel in self._channels.values():
            key = channel.view.resource.key
            found[key] = found.get(key, 0) + len(channel.watchers)
        return found

    def flush(self) -> None:
        """A batch is over: tell whom it concerns."""
        for channel in self._dirty:
            channel.flush()
        self._dirty.clear()

    def leave(self, watcher: Watcher) -> None:
        """The stream is over."""
        channel = watcher.channel
        channel.watchers.remove(watcher)
        if not channel.watchers:
            self._channels.pop(channel.key, None)
            channel.shelf.listeners.remove(channel)

    def end(self, shelf: Shelf | None = None) -> None:
        """End all streams, or those of a resource that is no longer served."""
        if shelf is None and self._bookmarks is not None:
            self._bookmarks.cancel()
        for channel in list(self._channels.values()):
            if shelf is None or channel.shelf is shelf:
                for watcher in channel.watchers:
                    watcher.end()

    def _tick(self) -> None:
        revision, some = self._server.cache.revision, False
        for channel in self._channels.values():
            line = b""
            if channel.shelf.lagging:
                some = True
                continue
            for watcher in channel.watchers:
                if watcher.bookmarks:
                    some = True
                    if watcher.revision < revision:
                        line = line or channel.bookmark(revision)
                        watcher.revision = revision
                        watcher.push(line, framed(line))
        self._bookmarks = self._server.loop.call_later(_BOOKMARKS, self._tick) if some else None


async def watch(request: Request, view: View) -> None:
    """Answer a watch request until it times out, the client leaves, it lags, or the server stops."""
    info, server = request.info, request.server
    form = stream_form(request.headers.get(b"accept", b""))
    options = list_options(info, view)
    seconds = integer(info, "timeoutSeconds") or _LASTS * (1 + random.random())
    bookmarks = "allowWatchBookmarks" in info.query and truth(info.param("allowWatchBookmarks"))
    texts = (info.param("labelSelector"), info.param("fieldSelector"))
    include = included(info)
    watcher = server.watching.join(view, options, form, include, texts, bookmarks)
    websocket = request.scope["type"] == "websocket"
    watcher.cut = breaker(request.send)
    gone = server.spawn(_until_gone(request, watcher))
    timer = server.loop.call_later(seconds, watcher.end)
    late = server.loop.call_later(seconds + _GRACE, watcher.cut)
    try:
        # at once: what exists and what is collected from now on must meet without a gap
        first = await _first(server, watcher, info, options)
        if form.kind.endswith("List"):  # a stream has no lists: upstream ends it without a word
            first = b""
            watcher.end()
        if websocket:
            await watch_websocket.serve(request, watcher, form, first)
            return
        await _start(request, form)
        if first:
            await request.send(_chunk(first))
        await _stream(request, watcher)
        await request.send({"type": "http.response.body", "body": b""})
    finally:
        timer.cancel()
        late.cancel()
        gone.cancel()
        server.watching.leave(watcher)


async def _start(request: Request, form: Form) -> None:
    media = f"{PROTOBUF};stream=watch".encode() if form.media == PROTOBUF else b"application/json"
    headers = [(b"cache-control", b"no-cache, private"), (b"content-type", media)]
    headers.extend((b"warning", warning_header(text)) for text in request.warnings)
    await request.send({"type": "http.response.start", "status": 200, "headers": headers})


def _chunk(data: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": True}


async def _until_gone(request: Request, watcher: Watcher) -> None:
    while (await request.receive())["type"] not in ("http.disconnect", "websocket.disconnect"):
        pass
    watcher.buffer.clear()
    watcher.end()


async def _stream(request: Request, watcher: Watcher) -> None:
    loop, direct = request.server.loop, chunk_writer(request.send)
    while True:
        if watcher.buffer:
            await request.send(_chunk(watcher.taken()))
            continue
        if watcher.over:
            return
        watcher.direct = direct
        watcher.waiter = loop.create_future()
        await watcher.waiter
        watcher.waiter = watcher.direct = None


# what a stream begins with


async def _first(server: Server, watcher: Watcher, info: Any, options: ListOptions) -> bytes:
    """The lines before live changes; the watcher already collects those from the newest revision on."""
    channel, current = watcher.channel, server.cache.revision
    text = options.version
    initial = info.query.get("sendInitialEvents")
    if initial is not None and truth(initial[0]):
        return _existing(channel, watcher) + channel.bookmark(current, initial_end=True)
    if text and not text.isdigit():
        why = f'invalid resource version "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise StatusError(400, "BadRequest", why)
    version = int(text or "0")
    if not version:
        return b"" if initial is not None else _existing(channel, watcher)
    if version >= channel.shelf.version:
        return b""
    if version >= channel.shelf.ring_from:
        return _lines(channel, watcher, (c for c in channel.shelf.ring if c.revision > version))
    try:
        return await _from_store(server, watcher, version, current)
    except StatusError as error:
        watcher.end()
        return event_line(channel.form, "ERROR", encode(error.status))


def _existing(channel: Channel, watcher: Watcher) -> bytes:
    items = select(channel.options, channel.shelf)
    lines = [channel.render("ADDED", i, definitions=n == 0) for n, i in enumerate(items)]
    watcher.told = bool(lines)
    return b"".join(lines)


def _lines(channel: Channel, watcher: Watcher, changes: Iterable[Change]) -> bytes:
    lines = []
    for change in changes:
        what = channel.what(change)
        if what:
            columns = channel.form.kind == "Table" and not watcher.told
            lines.append(channel.line(change, what, columns))
            watcher.told = True
    return b"".join(lines)


async def _from_store(server: Server, watcher: Watcher, version: int, current: int) -> bytes:
    """Changes after a version that the ring no longer has, up to the revision from which the watcher collects."""
    channel = watcher.channel
    shelf, store = channel.shelf, server.cache.store
    prefix = shelf.prefix + (f"{channel.options.namespace}/" if channel.options.namespace else "")

    def read() -> tuple[list[Event], list[Event]]:
        return store.load_at(prefix, version), store.after(version, prefix)

    try:
        state, events = await server.loop.run_in_executor(None, read)
    except Compacted as compacted:
        raise expired(f"too old resource version: {version} ({compacted.oldest})") from None
    except Future:
        return b""
    known = {e.key: _item(shelf, e) for e in state}
    changes = list(_replayed(shelf, known, (e for e in events if e.revision <= current)))
    await shelf.resolve([c.item for c in changes] + [c.old for c in changes if c.old is not None])
    return _lines(channel, watcher, changes)


def _item(shelf: Shelf, event: Event) -> Item:
    return shelf.make(event.key[len(shelf.prefix) :], event.revision, event.created, event.value, None)


def _replayed(shelf: Shelf, known: dict[str, Item], events: Iterable[Event]) -> Iterable[Change]:
    for event in events:
        item, old = _item(shelf, event), known.pop(event.key, None)
        if not event.deleted:
            known[event.key] = item
        yield Change(event.revision, item, old, event.deleted)

"""Informers: a local copy of a resource's objects, kept by one list and one watch, with handlers and indexes.

The rules are those of client-go's reflector: list, watch from there, resume from the last version when the stream ends, list again
after 410 Gone, back off with jitter while the server is away. All informers of a process share one thread (kk.client.loop).
Objects in the copy are shared: whoever wants to change one copies it first.
"""

import logging
import random
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from kk.base.backoff import Backoff
from kk.base.errors import StatusError

from . import codec
from .loop import Loop
from .resources import METADATA, base_path
from .transport import SocketAnswer, SocketTransport, Unreachable

if TYPE_CHECKING:
    from .http import Client

log = logging.getLogger(__name__)

Obj = dict[str, Any]
Objs = list[Obj]
Keys = list[str]
#: called as handler(event, obj, old): event is ADDED, MODIFIED or DELETED; old is the object before, None for ADDED
Handler = Callable[[str, Obj, Obj | None], None]
_ANSWER_TIMEOUT = 60.0
#: a note waits no longer than this for the loop, which may be listing
_NOTE_TIMEOUT = 10.0


def key_of(obj: Obj) -> str:
    """`namespace/name`, or `name`."""
    meta = obj["metadata"]
    namespace = meta.get("namespace")
    return f"{namespace}/{meta['name']}" if namespace else meta["name"]


def version_of(obj: Obj) -> int:
    """The resourceVersion as a number (comparable within a resource since Kubernetes 1.35); 0 where it is none."""
    text = obj["metadata"].get("resourceVersion") or "0"
    return int(text) if text.isdigit() else 0


def without_managed_fields(obj: Obj) -> Obj:
    """The default transform: managedFields are large and no controller reads them (an update without them keeps the server's)."""
    obj["metadata"].pop("managedFields", None)
    return obj


class _Retry:
    """One waiting attempt; a newer one, or an earlier start, makes it void."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[], None]):
        self.function = function


class Informer:
    """The objects of one resource that the selectors choose.

    metadata_only   objects are PartialObjectMetadata
    transform       changes an object before it is kept; default drops managedFields
    loop            shared by the informers of a factory; an informer without one runs its own
    """

    def __init__(
        self,
        client: "Client",
        api_version: str,
        plural: str,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
        transform: Callable[[Obj], Obj] = without_managed_fields,
        loop: Loop | None = None,
    ):
        self.client = client
        self.api_version, self.plural, self.namespace = api_version, plural, namespace
        self.metadata_only = metadata_only
        self.resource_version = "0"
        self.kind = ""
        self._path = base_path(api_version, plural, namespace)
        self._selectors = {"labelSelector": label_selector or None, "fieldSelector": field_selector or None}
        self._transform = transform
        self._own_loop = loop is None
        self._loop = loop or Loop(f"informer-{plural}")
        self._objects: dict[str, Obj] = {}
        self._indexers: dict[str, Callable[[Obj], Iterable[str]]] = {}
        self._indexes: dict[str, dict[str, dict[str, Obj]]] = {}
        self._handlers: list[Handler] = []
        self._synced = threading.Event()  # or stopped: whoever waits is let go
        self._listed = False
        self._backoff = Backoff(0.1, 15)
        self._answer: SocketAnswer | None = None
        self._pending: _Retry | None = None
        self._rest = b""
        self._events = 0
        self._started = self._stopped = False

    # ---- reading ----
    def get(self, key: str) -> Obj | None:
        """An object by `namespace/name` or `name`."""
        return self._objects.get(key)

    def list(self, namespace: str | None = None) -> list[Obj]:
        """All objects, or those of a namespace."""
        objects = list(self._objects.values())
        return objects if namespace is None else [o for o in objects if o["metadata"].get("namespace") == namespace]

    def keys(self) -> Keys:
        """The keys of all objects."""
        return list(self._objects)

    def by_index(self, name: str, value: str) -> Objs:
        """The objects that an index has under a value."""
        found = self._indexes[name].get(value)
        return list(found.values()) if found else []

    @property
    def synced(self) -> bool:
        """Whether the first list is here."""
        return self._listed

    def wait_synced(self, timeout: float | None = None) -> bool:
        """Wait for the first list; False after the timeout, or where the informer was stopped before."""
        return self._synced.wait(timeout) and self._listed

    # ---- writing through ----
    def note(self, obj: Obj) -> None:
        """Take over the answer to a write of this process before the watch tells of it; returns when the copy has it.

        So a reconciler reads its own writes and makes nothing twice. What the watch has already passed is not taken: the object may be gone.
        """
        taken = threading.Event()

        def take() -> None:
            try:
                if version_of(obj) > int(self.resource_version or 0):
                    self._apply("MODIFIED", key_of(obj), dict(obj, metadata=dict(obj["metadata"])))
            finally:
                taken.set()

        if self._loop.inside:
            take()
        elif not self._stopped:
            self._loop.call(take)
            taken.wait(_NOTE_TIMEOUT)

    # ---- setting up ----
    def add_index(self, name: str, function: Callable[[Obj], Iterable[str]]) -> None:
        """Keep an index: function gives the values under which an object is found. Before start, or on the loop."""
        if name in self._indexers:
            return
        index: dict[str, dict[str, Obj]] = {}
        for key, obj in list(self._objects.items()):
            for value in function(obj):
                index.setdefault(value, {})[key] = obj
        self._indexes[name] = index
        self._indexers[name] = function

    def add_handler(self, handler: Handler) -> None:
        """Be told of changes, on the loop; a handler that comes late is told of everything that is there as ADDED."""
        if not self._started:
            self._handlers.append(handler)
            return

        def join() -> None:
            self._handlers.append(handler)
            for obj in list(self._objects.values()):
                handler("ADDED", obj, None)

        self._loop.call(join)

    def start(self) -> None:
        """Begin to list and watch."""
        if self._started:
            return
        self._started = True
        self._loop.on_stop(self._drop)
        self._loop.call(self._list)
        if self._own_loop:
            self._loop.start()

    def stop(self) -> None:
        """End the watch; the copy stays as it is."""
        self._stopped = True
        self._synced.set()
        if self._own_loop:
            self._loop.stop()
        else:
            self._loop.call(self._drop)

    # ---- list ----
    def _list(self) -> None:
        if self._stopped:
            return
        accept = METADATA.format("List") if self.metadata_only else "application/json"
        query = {**self._selectors, "resourceVersion": "0" if self.resource_version == "0" else None}
        try:
            body = self.client.request("GET", self._path, query=query, accept=accept, timeout=_ANSWER_TIMEOUT).json()
        except (StatusError, Unreachable, ValueError) as error:
            self._later(self._list, error)
            return
        kind, version = body.get("kind", ""), body.get("apiVersion", "")
        if not self.metadata_only:
            self.kind = kind.removesuffix("List")
        self._replace(body.get("items") or [], version)
        self.resource_version = (body.get("metadata") or {}).get("resourceVersion") or "0"
        self._listed = True
        self._synced.set()
        self._watch()

    def _replace(self, items: Objs, version: str) -> None:
        found: dict[str, Obj] = {}
        for item in items:
            if not self.metadata_only:  # lists carry no type in their items
                item.setdefault("apiVersion", version)
                item.setdefault("kind", self.kind)
            found[key_of(item)] = item
        for key in [k for k in self._objects if k not in found]:
            self._apply("DELETED", key, self._objects[key])
        for key, item in found.items():
            self._apply("ADDED", key, item)

    # ---- watch ----
    def _watch(self) -> None:
        if self._stopped:
            return
        query = {
            "watch": True,
            "allowWatchBookmarks": True,
            "resourceVersion": self.resource_version,
            **self._selectors,
        }
        accept = METADATA.format("") if self.metadata_only else "application/json"
        try:
            stream = self.client.stream("GET", self._path, query=query, accept=accept, timeout=_ANSWER_TIMEOUT)
        except StatusError as error:
            if error.code == 410:
                self._relist()
            else:
                self._later(self._watch, error)
            return
        except Unreachable as error:
            self._later(self._watch, error)
            return
        answer = stream.answer
        assert isinstance(answer, SocketAnswer), "informers need a server that is reached without a proxy"
        wire = answer.wire
        if wire is None:
            self._later(self._watch, Unreachable("the watch ended at once"))
            return
        self._reached()
        keep_alive(wire.socket)
        wire.socket.setblocking(False)
        self._answer, self._rest, self._events = answer, b"", 0
        self._loop.register(wire.socket, self._readable)
        self._readable()  # what came with the head waits in the TLS layer, where the selector does not see it

    def _readable(self) -> None:
        answer = self._answer
        while answer is not None and answer is self._answer and answer.wire is not None:
            try:
                data = answer.wire.receive()
                piece = answer.feed(data) if data else b""
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                return
            except (OSError, ValueError) as error:
                self._ended(error)
                return
            if piece:
                self._lines(piece)
            if (not data or answer.done) and answer is self._answer:
                self._ended(None)
                return

    def _lines(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            if line.strip():
                self._event(codec.loads(line))
                if self._answer is None:
                    return

    def _event(self, event: Obj) -> None:
        kind, obj = event["type"], event["object"]
        self._events += 1
        if kind == "ERROR":
            self._drop()
            if obj.get("code") == 410 or obj.get("reason") in ("Expired", "Gone"):
                self._relist()
            else:
                self._later(self._watch, StatusError.from_status(obj))
            return
        if kind != "BOOKMARK":
            self._apply(kind, key_of(obj), obj)
        self.resource_version = obj["metadata"].get("resourceVersion") or self.resource_version

    def _ended(self, error: Exception | None) -> None:
        """The stream is over: go on from the last version, at once if it had brought something."""
        lively = self._events > 0
        self._drop()
        if lively and error is None:
            self._backoff.forget("")
            self._loop.call(self._watch)
        else:
            self._later(self._watch, error)

    def _relist(self) -> None:
        self.resource_version = ""
        self._loop.call(self._list)

    def _later(self, function: Callable[[], None], error: Exception | None) -> None:
        if self._stopped:
            return
        if error is not None:
            level = logging.WARNING if isinstance(error, StatusError) else logging.INFO
            log.log(level, "watch of %s %s: %s", self.api_version, self.plural, error)
        wait = self._backoff.next("")
        pending = self._pending = _Retry(function)

        def retry() -> None:
            if self._pending is pending:
                self._pending = None
                self._loop.waiting.pop(self, None)
                function()

        if isinstance(error, Unreachable):
            self._loop.waiting[self] = retry  # the first that finds the server again wakes all others
        self._loop.call_after(wait * (1 + random.random()), retry)

    def _reached(self) -> None:
        """The server answers: nobody need wait out a backoff of when it did not."""
        waiting = list(self._loop.waiting.values())
        self._loop.waiting.clear()
        for retry in waiting:
            self._loop.call(retry)

    def _drop(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and answer.wire is not None:
            self._loop.unregister(answer.wire.socket)
            answer.close()

    # ---- the copy ----
    def _apply(self, event: str, key: str, obj: Obj) -> None:
        old = self._objects.get(key)
        if event == "DELETED":
            if old is None:
                return
            obj = self._transform(obj)
            del self._objects[key]
            self._reindex(key, old, None)
        else:
            if old is not None and version_of(old) >= version_of(obj):
                return  # told before, by the answer to a write of our own (see note)
            obj = self._transform(obj)
            self._objects[key] = obj
            self._reindex(key, old, obj)
            event = "ADDED" if old is None else "MODIFIED"
            self._backoff.forget("")
            if old is not None and old["metadata"].get("uid") != obj["metadata"].get("uid"):
                self._tell("DELETED", old, old)  # deleted and made again while nobody was watching
                event, old = "ADDED", None
        self._tell(event, obj, old)

    def _reindex(self, key: str, old: Obj | None, new: Obj | None) -> None:
        for name, function in self._indexers.items():
            index = self._indexes[name]
            before = set(function(old)) if old is not None else set()
            after = set(function(new)) if new is not None else set()
            for value in before - after:
                entries = index.get(value)
                if entries is not None:
                    entries.pop(key, None)
                    if not entries:
                        del index[value]
            if new is not None:
                for value in after:
                    index.setdefault(value, {})[key] = new

    def _tell(self, event: str, obj: Obj, old: Obj | None) -> None:
        for handler in self._handlers:
            try:
                handler(event, obj, old)
            except Exception:  # a faulty handler must not keep the others, or the copy, from going on
                log.exception("a handler of %s failed", self.plural)


def keep_alive(sock: socket.socket) -> None:
    """Let the kernel find out that a peer is gone without a word; it costs no wake-up here."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 120), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


class InformerFactory:
    """One informer per resource, shared by everybody in a process, all on one thread."""

    def __init__(self, client: "Client"):
        self.client = client
        self.loop = Loop()
        self._informers: dict[tuple[Any, ...], Informer] = {}
        self._lock = threading.Lock()
        self._started = False
        if not isinstance(client.transport, SocketTransport):
            raise ValueError("informers need a server that is reached without a proxy")

    def informer(
        self,
        api_version: str,
        plural: str,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
        transform: Callable[[Obj], Obj] = without_managed_fields,
    ) -> Informer:
        """The informer of a resource; metadata_only is satisfied by one with whole objects that is there already."""
        where = (api_version, plural, namespace, label_selector, field_selector)
        with self._lock:
            found = self._informers.get((*where, False)) or (
                self._informers.get((*where, True)) if metadata_only else None
            )
            if found is None:
                found = Informer(
                    self.client,
                    api_version,
                    plural,
                    namespace,
                    label_selector=label_selector,
                    field_selector=field_selector,
                    metadata_only=metadata_only,
                    transform=transform,
                    loop=self.loop,
                )
                self._informers[*where, metadata_only] = found
                if self._started:
                    found.start()
        return found

    def forget(self, informer: Informer) -> None:
        """Stop an informer and have no more of it (its resource is no longer served)."""
        with self._lock:
            for key in [k for k, v in self._informers.items() if v is informer]:
                del self._informers[key]
        informer.stop()

    def start(self) -> None:
        """Begin; informers that come later begin at once."""
        with self._lock:
            self._started = True
            informers = list(self._informers.values())
        for informer in informers:
            informer.start()
        self.loop.start()

    def wait_synced(self, timeout: float | None = None) -> bool:
        """Wait for the first list of all informers there are now."""
        return all(i.wait_synced(timeout) for i in list(self._informers.values()))

    def stop(self) -> None:
        """End every watch and the thread."""
        for informer in list(self._informers.values()):
            informer._stopped = True
            informer._synced.set()
        self.loop.stop()

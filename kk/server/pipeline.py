"""The writing half of the server: hands finished objects to the store and awaits the commit that holds them.

In-process writers (bootstrap, eviction, admission that makes objects) come in here as well: `create`, `update`, `delete` run the same
steps as a request does. Which steps those are stands in kk.server.writes.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kk.base.errors import StatusError, bad_request, internal, no_such_path
from kk.base.times import format_time
from kk.server.admit import Admission
from kk.server.allocators import Allocators
from kk.server.cache import Item, Shelf
from kk.server.context import LOOPBACK, Server, User
from kk.server.encoding import Obj, stored, too_deep
from kk.server.turns import Turns
from kk.store.api import Conflict

if TYPE_CHECKING:
    from kk.server.views import View


class Lost(Exception):
    """Somebody else wrote the object first."""


class Token:
    """Who waits for one submitted write."""

    __slots__ = ("future", "obj")

    def __init__(self, future: "asyncio.Future[Item]", obj: Obj | None):
        self.future, self.obj = future, obj

    def done(self, item: Item) -> None:
        """Committed."""
        if not self.future.done():
            self.future.set_result(item)

    def failed(self, error: Exception | None) -> None:
        """Not committed: the expectation did not hold, or the disk refused."""
        if self.future.done():
            return
        if isinstance(error, Conflict) or error is None:
            self.future.set_exception(Lost())
        else:
            self.future.set_exception(internal(f"the store refused the write: {error}"))


class Pipeline:
    """See the module's docstring."""

    def __init__(self, server: Server):
        self._server = server
        self._submit = server.cache.store.submit_all
        self.admission = Admission()
        self.allocators = Allocators(server)
        self.turns = Turns(Lost)
        self._second, self._text, self._moment = 0, "", datetime.fromtimestamp(0, UTC)
        self._compaction: asyncio.TimerHandle | None = None
        self._waiting: list[tuple[str, bytes, int, Token, bool]] = []

    def ready(self) -> None:
        """The cache is filled."""
        self.allocators.ready()

    def stop(self) -> None:
        """No timers after this."""
        if self._compaction is not None:
            self._compaction.cancel()

    def now(self) -> str:
        """The time as objects carry it."""
        second = int(time.time())
        if second != self._second:
            self._moment = datetime.fromtimestamp(second, UTC)
            self._second, self._text = second, format_time(self._moment)
        return self._text

    def moment(self) -> datetime:
        """The same second as a datetime."""
        self.now()
        return self._moment

    # the store

    async def put(self, shelf: Shelf, key: str, obj: Obj, expect: int, value: bytes | None = None) -> Item:
        """Store an object (in the stored version) and wait until it is durable. Raises Lost."""
        if shelf.base is not None:
            return await shelf.write(key, obj, expect)  # type: ignore[attr-defined]
        future: asyncio.Future[Item] = self._server.loop.create_future()
        self._queue(shelf.prefix + key, value if value is not None else stored(obj), expect, Token(future, obj))
        return await future

    async def remove(self, shelf: Shelf, item: Item) -> Item:
        """Delete an item as it stands. Raises Lost."""
        if shelf.base is not None:
            return await shelf.erase(item)  # type: ignore[attr-defined]
        future: asyncio.Future[Item] = self._server.loop.create_future()
        last = shelf.head + item.rest.replace(b'"resourceVersion":"%d"' % item.revision, b'"resourceVersion":""', 1)
        self._queue(shelf.prefix + item.key, last, item.revision, Token(future, None), True)
        return await future

    def _queue(self, key: str, value: bytes, expect: int, token: Token, delete: bool = False) -> None:
        """Submit at the end of this turn of the loop: what one turn brought is one commit, and the writer's thread is woken once."""
        if too_deep(value):
            raise bad_request("exceeded max depth")
        if not self._waiting:
            self._server.loop.call_soon(self._flush)
        self._waiting.append((key, value, expect, token, delete))

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._submit(waiting)
        if self._compaction is None:
            self._plan_compaction()

    def _plan_compaction(self) -> None:
        """Some time after a write, history from before it is dropped; an idle server plans nothing."""
        history, server = self._server.config.history, self._server
        self._compaction = server.loop.call_later(history, self._compact, server.cache.revision)

    def compact(self, revision: int) -> None:
        """Forget history up to a revision."""
        self._server.cache.store.compact(revision)
        for shelf in self._server.cache.shelves.values():
            shelf.forget(revision)

    def _compact(self, revision: int) -> None:
        self._compaction = None
        self.compact(revision)
        if self._server.cache.revision > revision:
            self._plan_compaction()

    # in-process writers

    def _view(self, api_version: str, plural: str) -> "View":
        group, _, version = api_version.rpartition("/")
        view = self._server.views.get((group, version, plural))
        if view is None:
            raise no_such_path()
        return view

    async def create(self, api_version: str, plural: str, obj: Obj, namespace: str = "", user: User = LOOPBACK) -> Obj:
        """Create an object as a user; returns it as stored. Raises StatusError."""
        from kk.server.writes.create import create
        from kk.server.writes.write import Write

        view = self._view(api_version, plural)
        obj = {"kind": view.resource.kind, "apiVersion": api_version, "metadata": {}, **obj}
        write = Write.inside(self._server, view, "CREATE", user, namespace)
        return view.obj(await create(write, obj))

    async def update(
        self,
        api_version: str,
        plural: str,
        name: str,
        change: Callable[[Obj], Obj],
        namespace: str = "",
        subresource: str = "",
        user: User = LOOPBACK,
    ) -> Obj:
        """Change an object: `change` gets it decoded and returns what it shall be; asked again after a lost race. Raises StatusError."""
        from kk.server.writes.update import update
        from kk.server.writes.write import Write

        view = self._view(api_version, plural)
        write = Write.inside(self._server, view, "UPDATE", user, namespace, name, subresource)
        return view.obj(await update(write, change))

    async def delete(
        self,
        api_version: str,
        plural: str,
        name: str,
        namespace: str = "",
        options: dict[str, Any] | None = None,
        user: User = LOOPBACK,
    ) -> None:
        """Delete an object as a user. Raises StatusError."""
        from kk.server.writes.delete import delete
        from kk.server.writes.write import Write

        view = self._view(api_version, plural)
        await delete(Write.inside(self._server, view, "DELETE", user, namespace, name), options or {})


def lost(view: "View", name: str) -> StatusError:
    """409 for a stale write."""
    from kk.base.errors import MODIFIED, conflict

    return conflict(view.resource.plural, view.resource.group, name, MODIFIED)

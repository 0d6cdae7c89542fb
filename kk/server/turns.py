"""Taking turns at one object: who lost a race for it waits in a queue instead of racing on.

Writers of different objects never meet here, and the first try of each writer is free. Without turns sixteen writers of one object need
more than a hundred tries for sixteen changes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

_T = TypeVar("_T")
#: how often a write that anybody may redo is redone
RETRIES = 30


class _Queue:
    __slots__ = ("lock", "members")

    def __init__(self) -> None:
        self.lock, self.members = asyncio.Lock(), 0


class Turns:
    """The queues of the objects that are raced for; `lost` is the exception that tells of a lost race."""

    def __init__(self, lost: type[Exception]) -> None:
        self._lost = lost
        self._queues: dict[str, _Queue] = {}

    async def take(self, key: str, attempt: Callable[[], Awaitable[_T]]) -> _T:
        """What an attempt comes to. One that lost is made again, in turn. Raises `lost` when all of them lost."""
        queue = self._queues.get(key)
        if queue is None:
            try:
                return await attempt()
            except self._lost:
                queue = self._queues.setdefault(key, _Queue())
        queue.members += 1
        try:
            async with queue.lock:
                return await self._again(attempt)
        finally:
            queue.members -= 1
            if not queue.members:
                self._queues.pop(key, None)

    async def _again(self, attempt: Callable[[], Awaitable[_T]]) -> _T:
        for _ in range(RETRIES - 1):
            try:
                return await attempt()
            except self._lost:
                continue
        return await attempt()

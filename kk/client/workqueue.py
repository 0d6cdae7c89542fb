"""A queue of keys for reconcilers: each key waits once, and is worked on by one worker at a time.

The rules are client-go's `util/workqueue`: a key added while it is worked on comes again after done(). Waiting costs nothing: a
worker sleeps until a key is added or the earliest delayed one is due.
"""

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any

from kk.base.backoff import Backoff


class WorkQueue:
    """Thread-safe.

    base, cap   seconds of the backoff per key (client-go: 5 ms to 1000 s)
    """

    def __init__(self, base: float = 0.005, cap: float = 1000.0, monotonic: Callable[[], float] = time.monotonic):
        self._monotonic = monotonic
        self._backoff = Backoff(base, cap)
        self._changed = threading.Condition()
        self._ready: deque[Hashable] = deque()
        self._dirty: set[Hashable] = set()
        self._working: set[Hashable] = set()
        self._due: dict[Hashable, float] = {}
        self._heap: list[tuple[float, int, Hashable]] = []
        self._count = 0
        self._over = False

    def __len__(self) -> int:
        """Keys that are ready."""
        return len(self._ready)

    def add(self, key: Hashable) -> None:
        """Work on a key soon."""
        with self._changed:
            self._add(key)

    def _add(self, key: Hashable) -> None:
        if self._over or key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._working:
            self._ready.append(key)
            self._changed.notify()

    def add_after(self, key: Hashable, seconds: float) -> None:
        """Work on a key later; an earlier time that is set for it already stays."""
        if seconds <= 0:
            self.add(key)
            return
        with self._changed:
            at = self._monotonic() + seconds
            if self._over or self._due.get(key, at + 1) <= at:
                return
            self._due[key] = at
            self._count += 1
            heapq.heappush(self._heap, (at, self._count, key))
            if self._heap[0][2] is key:
                self._changed.notify()  # someone sleeps for longer than that

    def add_rate_limited(self, key: Hashable) -> None:
        """Work on a key after its backoff, which doubles until forget()."""
        self.add_after(key, self._backoff.next(key))

    def forget(self, key: Hashable) -> None:
        """A key succeeded: its backoff starts anew."""
        self._backoff.forget(key)

    def failures(self, key: Hashable) -> int:
        """How often a key was rate limited since it was forgotten."""
        return self._backoff.failures(key)

    def get(self, timeout: float | None = None) -> Any:
        """The next key, or None after shutdown (or after `timeout` seconds); give it back with done()."""
        end = None if timeout is None else self._monotonic() + timeout
        with self._changed:
            while True:
                wait = self._mature()
                if self._ready:
                    key = self._ready.popleft()
                    self._dirty.discard(key)
                    self._working.add(key)
                    if self._ready or self._heap:
                        self._changed.notify()  # another sleeper takes over the next one, or the clock
                    return key
                if self._over:
                    return None
                if end is not None:
                    left = end - self._monotonic()
                    if left <= 0:
                        return None
                    wait = left if wait is None else min(wait, left)
                self._changed.wait(wait)

    def _mature(self) -> float | None:
        """Move what is due to ready; seconds to the next, None without one."""
        now = self._monotonic()
        while self._heap:
            at, _, key = self._heap[0]
            if self._due.get(key) != at:
                heapq.heappop(self._heap)  # superseded by an earlier time
            elif at <= now:
                heapq.heappop(self._heap)
                del self._due[key]
                self._add(key)
            else:
                return at - now
        return None

    def done(self, key: Hashable) -> None:
        """A worker has finished with a key."""
        with self._changed:
            self._working.discard(key)
            if key in self._dirty:
                self._ready.append(key)
                self._changed.notify()

    def shutdown(self) -> None:
        """No more keys: every get() returns None once nothing is ready."""
        with self._changed:
            self._over = True
            self._heap.clear()
            self._due.clear()
            self._changed.notify_all()

"""The writer that every store shares: takes writes in order, checks expectations, gives revisions, commits in groups.

What differs between stores is only where rows lie (`append`, and the reads). Nothing here knows SQL.
"""

import abc
import queue
import threading
from collections.abc import Callable, Iterable
from typing import Any

from kk.store.api import Conflict, Event, Result

#: most writes of one commit: enough to hide the disk, few enough that nobody waits long
GROUP = 512
#: rows looked at in one step of compaction, between two commits: each step waits for the disk once more
STEP = 2048
#: history kept for watchers that resume and for lists in chunks, in revisions
KEEP = 20_000

_Write = tuple[str, bytes, int, Any, bool]


class LogWriter(abc.ABC):
    """The writing half of a store. A subclass gives `append(rows)`, `forget(first, last)` and the reads."""

    def __init__(self, keep: int = KEEP):
        self._keep = keep
        self._index: dict[str, tuple[int, int]] = {}  # live key → (revision, created)
        self._revision = 0
        self._compacted = 0
        self._target = 0  # compact up to here, a step at a time
        self._queue: queue.SimpleQueue[list[_Write] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False

    # what a subclass keeps

    @abc.abstractmethod
    def append(self, rows: list[Event]) -> None:
        """Make rows durable, all or none."""

    @abc.abstractmethod
    def forget(self, first: int, last: int) -> None:
        """Drop rows superseded by a row of (first, last], and tombstones in it; remember `last` as compacted."""

    # the contract

    def begin(self, rows: Iterable[tuple[str, int, int]], revision: int, compacted: int) -> None:
        """Take over what is on disk: (key, revision, created) of live rows."""
        self._index = {key: (at, created) for key, at, created in rows}
        self._revision, self._compacted, self._target = revision, compacted, compacted

    def run(self, on_batch: Callable[[list[Result]], None]) -> None:
        """Start the writer thread."""
        self._thread = threading.Thread(target=self._loop, args=(on_batch,), name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, key: str, value: bytes, expect: int, token: Any = None, delete: bool = False) -> None:
        """Queue a write; see kk.store.api.Store."""
        if self._closed:
            raise RuntimeError("the store is closed")
        self._queue.put([(key, value, expect, token, delete)])

    def submit_all(self, writes: list[_Write]) -> None:
        """Queue several writes, (key, value, expect, token, delete) each, at once: the writer's thread is woken once for all."""
        if self._closed:
            raise RuntimeError("the store is closed")
        self._queue.put(writes)

    def revision(self) -> int:
        """The newest committed revision."""
        return self._revision

    def oldest(self) -> int:
        """The oldest revision that can be read."""
        return self._compacted

    def compact(self, revision: int) -> None:
        """Ask for compaction; the newest row always stays, so that revisions never go back after a restart."""
        self._target = max(self._target, min(revision, self._revision - 1))

    def close(self) -> None:
        """Commit what was submitted and stop the thread."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            if self._thread is not None:
                self._thread.join()

    # the writer thread

    def _loop(self, on_batch: Callable[[list[Result]], None]) -> None:
        while True:
            writes = self._take()
            if writes:
                on_batch(self._commit(writes))
                self._compact_some()
            else:
                return

    def _take(self) -> list[_Write]:
        """The next group: everything that waits, at least one; empty at the end."""
        first = self._queue.get()
        if first is None:
            return []
        writes = first
        while len(writes) < GROUP:
            try:
                more = self._queue.get_nowait()
            except queue.Empty:
                break
            if more is None:
                self._queue.put(None)  # commit these first, end in the next round
                break
            writes += more
        return writes

    def _commit(self, writes: list[_Write]) -> list[Result]:
        rows: list[Event] = []
        results: list[Result] = []
        undo: dict[str, tuple[int, int] | None] = {}
        revision = self._revision
        for key, value, expect, token, delete in writes:
            current, created = self._index.get(key, (0, 0))
            if current != expect or (delete and not current):
                results.append(Result(token, None, Conflict(key, current)))
                continue
            revision += 1
            event = Event(revision, key, value, current, created or revision, delete)
            undo.setdefault(key, self._index.get(key))
            if delete:
                del self._index[key]
            else:
                self._index[key] = (revision, event.created)
            rows.append(event)
            results.append(Result(token, event))
        if rows:
            try:
                self.append(rows)
            except Exception as error:  # this thread owns the loop: a full disk fails these writes, not the server
                self._restore(undo)
                return [Result(write[3], None, error) for write in writes]
            self._revision = revision
        return results

    def _restore(self, undo: dict[str, tuple[int, int] | None]) -> None:
        for key, state in undo.items():
            if state is None:
                self._index.pop(key, None)
            else:
                self._index[key] = state

    def _compact_some(self) -> None:
        """One step at most, and only once enough is due, so that no writer waits for a big clean-up."""
        self._target = max(self._target, self._revision - self._keep)
        first, last = self._compacted, min(self._target, self._compacted + STEP)
        if last <= first or (last - first < STEP and last < self._target):
            return
        try:
            self.forget(first, last)
        except Exception:  # as above; history that could not be dropped is dropped with the next write
            return
        self._compacted = last

"""A store without a disk, for tests and throw-away clusters: the same contract, nothing survives the process."""

import bisect
from collections.abc import Callable, Iterator

from kk.store.api import Compacted, Event, Future, Result
from kk.store.log import KEEP, LogWriter


class MemoryStore(LogWriter):
    """The log as a list, in revision order."""

    def __init__(self, keep: int = KEEP):
        super().__init__(keep)
        self._rows: list[Event] = []

    def start(self, on_batch: Callable[[list[Result]], None]) -> None:
        """Start the writer thread; there is nothing to recover."""
        self.run(on_batch)

    def append(self, rows: list[Event]) -> None:
        """Keep the rows."""
        self._rows.extend(rows)

    def forget(self, first: int, last: int) -> None:
        """Drop what (first, last] supersedes."""
        step = [r for r in self._rows if first < r.revision <= last]
        gone = {r.previous for r in step} | {r.revision for r in step if r.deleted}
        self._rows = [r for r in self._rows if r.revision not in gone]

    def load(self, prefix: str = "") -> Iterator[Event]:
        """Live rows in key order."""
        yield from self.load_at(prefix, self.revision())

    def tombstones(self) -> Iterator[tuple[str, int]]:
        """Deletes in the log."""
        yield from ((r.key, r.revision) for r in self._rows if r.deleted)

    def after(self, revision: int, prefix: str = "", limit: int = 0) -> list[Event]:
        """Rows after a revision."""
        self._check(revision)
        rows = self._rows
        at = bisect.bisect_right(rows, revision, key=lambda r: r.revision)
        found = [r for r in rows[at:] if r.key.startswith(prefix)]
        return found[:limit] if limit else found

    def load_at(self, prefix: str, revision: int, start: str = "", limit: int = 0) -> list[Event]:
        """Live rows at a revision."""
        self._check(revision)
        newest = {r.key: r for r in self._rows if r.revision <= revision and r.key.startswith(prefix) and r.key > start}
        found = sorted((r for r in newest.values() if not r.deleted), key=lambda r: r.key)
        return found[:limit] if limit else found

    def count_at(self, prefix: str, revision: int, start: str = "") -> int:
        """How many live rows there were."""
        return len(self.load_at(prefix, revision, start))

    def row(self, revision: int) -> Event | None:
        """One row, or None."""
        at = bisect.bisect_left(self._rows, revision, key=lambda r: r.revision)
        return self._rows[at] if at < len(self._rows) and self._rows[at].revision == revision else None

    def _check(self, revision: int) -> None:
        if revision > self.revision():
            raise Future(self.revision())
        if revision < self.oldest():
            raise Compacted(self.oldest())

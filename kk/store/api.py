"""The contract of every store: one append-only log whose revision is the cluster's resourceVersion.

A store has one writer thread that takes writes in the order they were submitted, gives each a revision, commits many at once, and
then hands the whole batch to one callback, in revision order; whoever awaits a write learns of it there, after it is durable.
Values never hold their own revision: the caller joins the two when it reads. The model is k3s-io/kine `pkg/server/types.go`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the log. `value` is what stands after it; for a delete, the last state that the deleter gave."""

    revision: int
    key: str
    value: bytes
    previous: int  # revision of the row it replaced, 0 for a create
    created: int  # revision of the create of this incarnation
    deleted: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one submitted write: `event`, or None where the expectation did not hold or the disk refused (`error`)."""

    token: Any
    event: Event | None
    error: Exception | None = None


class Conflict(Exception):
    """The key's current revision is not the expected one; `.revision` is the current one, 0 where there is none."""

    def __init__(self, key: str, revision: int):
        super().__init__(f"{key} is at revision {revision}")
        self.key, self.revision = key, revision


class Compacted(Exception):
    """The revision asked for is no longer in the log; `.oldest` is the oldest that can be asked for."""

    def __init__(self, oldest: int):
        super().__init__(f"compacted up to revision {oldest}")
        self.oldest = oldest


class Future(Exception):
    """The revision asked for has not happened yet; `.current` is the newest."""

    def __init__(self, current: int):
        super().__init__(f"the newest revision is {current}")
        self.current = current


class Store(Protocol):
    """See the module's docstring. Keys are `/`-separated; a prefix is matched as a string."""

    def start(self, on_batch: Callable[[list[Result]], None]) -> None:
        """Open, recover, start the writer thread. `on_batch` is called in that thread after each commit, in revision order."""

    def submit(self, key: str, value: bytes, expect: int, token: Any = None, delete: bool = False) -> None:
        """Queue a write. `expect`: the key's current revision, 0 for «must not exist». Never blocks; the outcome comes to on_batch with `token`."""

    def submit_all(self, writes: list[tuple[str, bytes, int, Any, bool]]) -> None:
        """Queue several writes at once: (key, value, expect, token, delete) each, in order. The list is the store's from then on."""

    def load(self, prefix: str = "") -> Iterator[Event]:
        """The newest live rows in key order, as one snapshot (used at start-up to fill the caches)."""

    def tombstones(self) -> Iterator[tuple[str, int]]:
        """(key, revision) of each delete that is still in the log, in order (used at start-up: what is gone has changed too)."""

    def revision(self) -> int:
        """The newest committed revision."""

    def oldest(self) -> int:
        """The oldest revision that `after` and `load_at` still answer for."""

    def after(self, revision: int, prefix: str = "", limit: int = 0) -> list[Event]:
        """Rows with a greater revision, in order. Raises Compacted or Future."""

    def load_at(self, prefix: str, revision: int, start: str = "", limit: int = 0) -> list[Event]:
        """Live rows as they stood at a revision, in key order, from key > start. Raises Compacted or Future."""

    def count_at(self, prefix: str, revision: int, start: str = "") -> int:
        """How many rows `load_at` would give without a limit. Raises Compacted or Future."""

    def row(self, revision: int) -> Event | None:
        """One row of the log, or None where it is compacted (a watcher asks for the state that an event replaced)."""

    def compact(self, revision: int) -> None:
        """Forget superseded rows older than a revision, in small steps between commits; returns at once."""

    def close(self) -> None:
        """Commit what was submitted, then stop."""

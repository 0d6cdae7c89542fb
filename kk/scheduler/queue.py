"""Which pod is next: an active heap, pods that wait for their back-off, and pods that wait for a change that could help them.

The model is kubernetes/kubernetes `pkg/scheduler/backend/queue`. Nothing is tried again by the clock alone but back-offs.
"""

import heapq
import itertools
import threading
from dataclasses import dataclass, field

from kk.base.times import SYSTEM, Clock
from kk.scheduler.framework import PodInfo

#: seconds a pod that failed waits at least: doubling, as upstream's, from a tenth of its default
FIRST, LONGEST = 0.1, 10.0


@dataclass(slots=True)
class Entry:
    """A pod that waits: how often it failed, what would help, and whether something happened while it was tried."""

    pod: PodInfo
    since: float
    attempts: int = 0
    wakes: frozenset[str] = field(default_factory=frozenset)
    due: float = 0.0


class Queue:
    """Thread-safe. `pop` hands a pod to the one scheduling loop; `failed` or `done` must follow."""

    def __init__(self, clock: Clock = SYSTEM):
        self._clock = clock
        self._changed = threading.Condition()
        self._active: list[tuple[int, float, int, str]] = []  # (-priority, since, tie, uid)
        self._backoff: list[tuple[float, int, str]] = []
        self._entries: dict[str, Entry] = {}
        self._parked: set[str] = set()
        self._tried = ""
        self._happened: set[str] = set()  # changes while a pod was tried: it may have been decided on older facts
        self._tie = itertools.count()
        self._closed = False

    def add(self, pod: PodInfo) -> None:
        """A pod without a node appeared or changed: try it (again)."""
        with self._changed:
            entry = self._entries.get(pod.uid)
            if entry:
                entry.pod = pod
                if pod.uid in self._parked:
                    self._wake(entry)
            else:
                self._entries[pod.uid] = entry = Entry(pod, self._clock.monotonic())
                self._activate(entry)
            self._changed.notify()

    def remove(self, uid: str) -> None:
        """The pod is gone or has a node."""
        with self._changed:
            self._entries.pop(uid, None)
            self._parked.discard(uid)

    def happened(self, change: str) -> None:
        """Something changed ("node", "pod-deleted", "pod-added"): wake the pods that it could help."""
        with self._changed:
            self._happened.add(change)
            for uid in [u for u in self._parked if change in self._entries[u].wakes]:
                self._wake(self._entries[uid])
            self._changed.notify()

    def pop(self) -> PodInfo | None:
        """The next pod; blocks; None when closed."""
        with self._changed:
            while not self._closed:
                self._flush()
                while self._active:
                    uid = heapq.heappop(self._active)[3]
                    entry = self._entries.get(uid)
                    if entry and uid not in self._parked:
                        self._tried, self._happened = uid, set()
                        return entry.pod
                left = self._backoff[0][0] - self._clock.monotonic() if self._backoff else None
                self._changed.wait(left)
            return None

    def failed(self, pod: PodInfo, wakes: frozenset[str]) -> None:
        """It fits nowhere: park it until one of `wakes` happens; at once into back-off where that happened meanwhile."""
        with self._changed:
            entry = self._entries.get(pod.uid)
            if not entry:
                return
            entry.attempts += 1
            entry.wakes = wakes
            entry.due = self._clock.monotonic() + min(LONGEST, FIRST * 2 ** (entry.attempts - 1))
            self._parked.add(pod.uid)
            if wakes & self._happened or entry.pod is not pod:
                self._wake(entry)
            self._changed.notify()

    def close(self) -> None:
        """End `pop`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _activate(self, entry: Entry) -> None:
        heapq.heappush(self._active, (-entry.pod.priority, entry.since, next(self._tie), entry.pod.uid))

    def _wake(self, entry: Entry) -> None:
        self._parked.discard(entry.pod.uid)
        if entry.due > self._clock.monotonic():
            heapq.heappush(self._backoff, (entry.due, next(self._tie), entry.pod.uid))
        else:
            self._activate(entry)

    def _flush(self) -> None:
        now = self._clock.monotonic()
        while self._backoff and self._backoff[0][0] <= now:
            entry = self._entries.get(heapq.heappop(self._backoff)[2])
            if entry and entry.pod.uid not in self._parked:
                self._activate(entry)

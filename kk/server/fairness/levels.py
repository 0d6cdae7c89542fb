"""A priority level: how many requests it may run at a time, what it lends, and who waits in its queues.

Flows are dealt to queues by shuffle sharding and queues are served in turn, so that one loud client fills only its own hand of queues. Shares
are those of k8s.io/apiserver `pkg/util/flowcontrol`; lending is decided when a seat is asked for, not by a timer.
"""

import asyncio
import hashlib
import math
from collections import deque
from typing import Any

Obj = dict[str, Any]
Waiter = asyncio.Future[str]


class Level:
    """One PriorityLevelConfiguration at work. `limit` None: exempt."""

    def __init__(self, name: str, uid: str, spec: Obj):
        self.name, self.uid = name, uid
        self.executing = self.dispatched = 0
        self.rejected: dict[tuple[str, str], int] = {}
        self.waiting = 0
        self.limit: int | None = None
        self.queues: list[deque[Waiter]] = []
        self._turn = 0
        self.take(spec)

    def take(self, spec: Obj) -> None:
        """Take a (changed) spec; the limit follows from all levels together (see `share`)."""
        limited = spec.get("limited") if spec.get("type") == "Limited" else None
        own = limited if limited is not None else spec.get("exempt") or {}
        self.exempt = limited is None
        default = 0 if self.exempt else 30
        self.shares = default if own.get("nominalConcurrencyShares") is None else own["nominalConcurrencyShares"]
        self.lendable, self.borrowing = own.get("lendablePercent") or 0, own.get("borrowingLimitPercent")
        response = (limited or {}).get("limitResponse") or {}
        queuing = response.get("queuing") or {} if response.get("type") == "Queue" else None
        count = queuing.get("queues", 64) if queuing is not None else 0
        self.hand = min(queuing.get("handSize", 8), count) if queuing is not None else 0
        self.length = queuing.get("queueLengthLimit", 50) if queuing is not None else 0
        while len(self.queues) < count:
            self.queues.append(deque())

    @property
    def spare(self) -> int:
        """Seats that others may use now."""
        if self.limit is None:
            return 0
        return max(0, min(round(self.limit * self.lendable / 100), self.limit - self.executing))

    @property
    def most(self) -> float:
        """Seats that it may hold at most, borrowed ones included."""
        if self.limit is None or self.borrowing is None:
            return math.inf
        return self.limit + round(self.limit * self.borrowing / 100)

    def queue_of(self, flow: str) -> deque[Waiter]:
        """The shortest of the queues that are dealt to a flow."""
        digest = int.from_bytes(hashlib.sha256(flow.encode()).digest()[:16], "big")
        left, dealt = list(range(len(self.queues))), []
        for _ in range(self.hand):
            digest, at = divmod(digest, len(left))
            dealt.append(left.pop(at))
        return min((self.queues[i] for i in dealt), key=len)

    def next(self) -> Waiter | None:
        """Who is served next: the queues take turns."""
        for _ in range(len(self.queues) if self.waiting else 0):
            self._turn = (self._turn + 1) % len(self.queues)
            queue = self.queues[self._turn]
            while queue:
                waiter = queue.popleft()
                self.waiting -= 1
                if not waiter.done():
                    return waiter
        return None


def share(levels: "list[Level]", total: int) -> None:
    """Deal the server's seats by nominal shares."""
    shares = sum(level.shares for level in levels) or 1
    for level in levels:
        level.limit = None if level.exempt else math.ceil(total * level.shares / shares)

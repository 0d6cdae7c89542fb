"""Back-off of restarts and of image pulls as kubelet keeps it: 10 s doubling to 5 minutes, forgotten after 10 quiet minutes.

The first repetition is immediate. Kept in memory only, as in kubelet: an agent that starts again begins afresh. Pure but for its table.
"""

BASE, CAP = 10.0, 300.0


class CrashBackoff:
    """Delays by key; times are POSIX seconds."""

    def __init__(self, base: float = BASE, cap: float = CAP):
        self._base, self._cap = base, cap
        self._entries: dict[tuple[str, ...], tuple[float, float]] = {}  # key → (delay, when it was raised)

    def until(self, key: tuple[str, ...], event: float) -> float:
        """Until when an attempt after `event` (when the last one ended) must wait; 0 when it need not."""
        delay, raised = self._entries.get(key, (0.0, 0.0))
        if not delay or event - raised > 2 * self._cap:
            return 0.0
        return event + delay

    def delay(self, key: tuple[str, ...]) -> float:
        """The current delay in seconds, for messages."""
        return self._entries.get(key, (0.0, 0.0))[0]

    def raise_(self, key: tuple[str, ...], event: float, now: float) -> None:
        """An attempt is made now: the next one waits longer."""
        delay, raised = self._entries.get(key, (0.0, 0.0))
        fresh = not delay or event - raised > 2 * self._cap
        self._entries[key] = (self._base if fresh else min(delay * 2, self._cap), now)

    def forget(self, uid: str) -> None:
        """Drop all keys of a pod (the first part of a key is its uid)."""
        for key in [k for k in self._entries if k[0] == uid]:
            del self._entries[key]

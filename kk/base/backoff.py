"""Exponential backoff per key: how long to wait before the next try. It sleeps nowhere; its owner does."""

import threading


class Backoff:
    """Doubles from `base` seconds up to `cap` for each failure of a key. Thread-safe."""

    def __init__(self, base: float, cap: float, factor: float = 2.0):
        self.base, self.cap, self.factor = base, cap, factor
        self._failures: dict[object, int] = {}
        self._lock = threading.Lock()

    def next(self, key: object) -> float:
        """Seconds to wait now; the wait of the next call is longer."""
        with self._lock:
            failures = self._failures.get(key, 0)
            self._failures[key] = failures + 1
        try:
            return min(self.cap, self.base * self.factor**failures)
        except OverflowError:
            return self.cap

    def failures(self, key: object) -> int:
        """How often `next` was asked since the key was last forgotten."""
        return self._failures.get(key, 0)

    def forget(self, key: object) -> None:
        """The key succeeded: its next wait is `base` again."""
        with self._lock:
            self._failures.pop(key, None)

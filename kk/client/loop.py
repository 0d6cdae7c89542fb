"""One thread that reads every watch of a process: sockets in a selector, timers, and calls from other threads.

It sleeps in the kernel until something happens; there is no tick. What is called here must be quick and must not block on workers.
"""

import heapq
import logging
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

Call = Callable[[], None]


class Loop:
    """Start it once, share it by all informers of a process, stop() it at the end."""

    def __init__(self, name: str = "informers"):
        self._selector = selectors.DefaultSelector()
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._selector.register(self._read, selectors.EVENT_READ, self._drain)
        self._calls: deque[Call] = deque()
        self._timers: list[tuple[float, int, Call]] = []
        self._count = 0
        self._lock = threading.Lock()
        self._over = False
        self._closers: list[Call] = []
        self.waiting: dict[Any, Call] = {}  # what is to be tried again when the server answers; used on the loop only
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; does nothing where it runs already."""
        with self._lock:
            if self._thread.ident is None:
                self._thread.start()

    @property
    def inside(self) -> bool:
        """Whether the caller runs on the loop."""
        return threading.current_thread() is self._thread

    def call(self, function: Call) -> None:
        """Run a function on the loop; from any thread."""
        self._calls.append(function)
        if not self.inside:
            self._wake()

    def call_after(self, seconds: float, function: Call) -> None:
        """Run a function on the loop, later; from any thread."""
        with self._lock:
            self._count += 1
            heapq.heappush(self._timers, (time.monotonic() + seconds, self._count, function))
        if not self.inside:
            self._wake()

    def on_stop(self, function: Call) -> None:
        """Run a function on the loop when it ends."""
        self._closers.append(function)

    def register(self, sock: Any, readable: Call) -> None:
        """Call back when a socket has something to read; on the loop only."""
        self._selector.register(sock, selectors.EVENT_READ, readable)

    def unregister(self, sock: Any) -> None:
        """No more calls for a socket; on the loop only, before it is closed."""
        try:
            self._selector.unregister(sock)
        except (KeyError, ValueError):
            pass

    def stop(self) -> None:
        """End the loop and wait for it (not from within)."""
        self._over = True
        self._wake()
        if self._thread.ident is not None and not self.inside:
            self._thread.join()

    def _wake(self) -> None:
        try:
            os.write(self._write, b"\0")
        except OSError:
            pass  # full: it will wake anyway; closed: it has ended

    def _drain(self) -> None:
        try:
            os.read(self._read, 4096)
        except BlockingIOError:
            pass

    def _run(self) -> None:
        while not self._over:
            wait = self._due()
            for key, _ in self._selector.select(0 if self._calls else wait):
                self._safely(key.data)
            while self._calls and not self._over:
                self._safely(self._calls.popleft())
        for function in self._closers:
            self._safely(function)
        self._selector.close()
        os.close(self._read)
        os.close(self._write)

    def _due(self) -> float | None:
        with self._lock:
            now = time.monotonic()
            while self._timers and self._timers[0][0] <= now:
                self._calls.append(heapq.heappop(self._timers)[2])
            return self._timers[0][0] - now if self._timers else None

    def _safely(self, function: Call) -> None:
        try:
            function()
        except Exception:  # one faulty handler must not stop the watches of everything else
            log.exception("a call on the informers' loop failed")

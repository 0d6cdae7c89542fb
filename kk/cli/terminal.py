"""The terminal of the caller: raw mode for a while, its size, and the news of its changes. Knows nothing of what is on the other side."""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any


def is_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


class Terminal:
    """Raw mode between `with` and its end, on the terminal of a file number; outside of terminals it does nothing."""

    def __init__(self, number: int):
        self.number = number
        self._saved: list[Any] | None = None
        self._handler: Any = None
        self._watched = False

    def __enter__(self) -> Terminal:
        if os.isatty(self.number):
            import termios
            import tty

            self._saved = termios.tcgetattr(self.number)
            tty.setraw(self.number, termios.TCSADRAIN)
        return self

    def __exit__(self, *_: object) -> None:
        if self._watched:
            signal.signal(signal.SIGWINCH, self._handler)
            self._watched = False
        if self._saved is not None:
            import termios

            termios.tcsetattr(self.number, termios.TCSADRAIN, self._saved)
            self._saved = None

    def size(self) -> tuple[int, int] | None:
        """(columns, rows), None where there is no terminal."""
        for number in (self.number, 1, 2):
            try:
                found = os.get_terminal_size(number)
                return found.columns, found.lines
            except OSError:
                continue
        return None

    def on_resize(self, call: Callable[[], None]) -> None:
        """Call (from the signal handler: it must not block) when the size changes, until the end of `with`."""

        def handler(number: int, frame: FrameType | None) -> None:
            call()

        self._handler = signal.signal(signal.SIGWINCH, handler)
        self._watched = True


def write_all(number: int, data: bytes) -> None:
    """Write to a file number, all of it."""
    view = memoryview(data)
    while view:
        view = view[os.write(number, view) :]


def flush() -> None:
    """Send what Python's own streams still hold, before file numbers are written to."""
    sys.stdout.flush()
    sys.stderr.flush()

"""The file of audit events, a line each, begun anew when it is large; old files are kept by number and age.

Names and limits as those of kube-apiserver's --audit-log-* flags. Lines of one turn of the loop are written together, in a thread of their own.
"""

import gzip
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

_MEGA = 1024 * 1024
_DEFAULT_SIZE = 100
_DAY = 24 * 3600.0


class Rotating:
    """A log file. size in megabytes (0: 100), backups and days (0: all are kept)."""

    def __init__(self, path: Path, size: int, backups: int, days: int, compress: bool):
        self._path, self._limit = path, (size or _DEFAULT_SIZE) * _MEGA
        self._backups, self._days, self._compress = backups, days, compress
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._open()

    def _open(self) -> None:
        self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab", buffering=0)
        self._size = os.fstat(self._file.fileno()).st_size

    def write(self, data: bytes) -> None:
        """Append whole lines. Raises OSError."""
        if self._size and self._size + len(data) > self._limit:
            self.rotate()
        self._file.write(data)
        self._size += len(data)

    def rotate(self) -> None:
        """Put the file aside under the time of now, and begin a new one."""
        self._file.close()
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%f")[:-3]
        aside = self._path.with_name(f"{self._path.stem}-{stamp}{self._path.suffix}")
        os.replace(self._path, aside)
        self._open()
        if self._compress:
            packed = aside.with_name(f"{aside.name}.gz")
            descriptor = os.open(packed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as raw, gzip.open(raw, "wb") as out:
                out.write(aside.read_bytes())
            aside.unlink()
        self._clean()

    def _clean(self) -> None:
        pattern = f"{self._path.stem}-*{self._path.suffix}*"
        old = sorted((p for p in self._path.parent.glob(pattern) if p != self._path), reverse=True)
        past = time.time() - self._days * _DAY
        for number, path in enumerate(old):
            if self._backups and number >= self._backups or self._days and path.stat().st_mtime < past:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """No more."""
        self._file.close()


class Standard:
    """Standard output as a log."""

    def write(self, data: bytes) -> None:
        """Write whole lines."""
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def close(self) -> None:
        """Nothing to do: it is not ours."""


class Writer:
    """Gathers the lines of a turn of the loop and writes them beside it, in order."""

    def __init__(self, loop: "asyncio.AbstractEventLoop", sink: Any, complain: Callable[[OSError], None]):
        self._loop, self._sink, self._complain = loop, sink, complain
        self._lines: list[bytes] = []
        self._busy = False

    def put(self, line: bytes) -> None:
        """Write a line soon."""
        self._lines.append(line)
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._start)

    def _start(self) -> None:
        data = b"".join(self._lines)
        self._lines.clear()
        self._loop.run_in_executor(None, self._write, data).add_done_callback(self._done)

    def _write(self, data: bytes) -> None:
        try:
            self._sink.write(data)
        except OSError as error:
            self._complain(error)

    def _done(self, _: Any) -> None:
        if self._lines:
            self._start()
        else:
            self._busy = False

    def close(self) -> None:
        """Write what waits, and close."""
        if self._lines:
            self._write(b"".join(self._lines))
            self._lines.clear()
        self._sink.close()

"""A server process with seams: shorter limits, a clock that steps, a disk that fills up. Run by Served in place of kk.server.

    python -m tests.faults.served --data-dir D --port P --ready-fd N [--limits JSON] [--clock FILE] [--pages FILE]

The clock's file holds seconds to add to the time; the pages' file the number of pages that the database may have, 0 for any.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from kk.server.context import Config
from kk.server.limits import Limits
from kk.server.main import serve
from kk.store.sqlite import SQLiteStore


class Stepping:
    """The time, moved by what stands in a file."""

    def __init__(self, path: Path):
        self._path, self._real = path, time.time

    def __call__(self) -> float:
        try:
            return self._real() + float(self._path.read_text() or 0)
        except (OSError, ValueError):
            return self._real()


class Filling(SQLiteStore):
    """A store whose disk is as large as a file says."""

    pages: Path

    def append(self, rows):
        """Write where there is room."""
        allowed = int(self.pages.read_text() or 0) if self.pages.exists() else 0
        assert self._connection is not None
        # max_page_count cannot go below what is used already: a full disk
        self._connection.exec_driver_sql(f"PRAGMA max_page_count = {allowed or 1073741823}")
        self._connection.rollback()
        super().append(rows)


def main() -> int:
    """Serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ready-fd", type=int)
    parser.add_argument("--history", type=float, default=300.0)
    parser.add_argument("--limits", type=json.loads, default={})
    parser.add_argument("--clock", type=Path)
    parser.add_argument("--pages", type=Path)
    options = parser.parse_args()
    if options.clock:
        time.time = Stepping(options.clock)  # this process is the test's own: every part of the server reads this clock
    config = Config(
        options.data_dir,
        port=options.port,
        ready_fd=options.ready_fd,
        history=options.history,
        limits=Limits(**options.limits),
    )
    if options.pages is None:
        return serve(config)
    Filling.pages = options.pages
    return serve(config, Filling)


if __name__ == "__main__":
    sys.exit(main())

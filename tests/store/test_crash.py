"""kill -9 in the middle of writes: every acknowledged write is there afterwards, and revisions go on rising."""

import os
import signal
import subprocess
import sys

from kk.store.sqlite import SQLiteStore

WRITER = """
import os, sys, threading
from kk.store.sqlite import SQLiteStore
store, done = SQLiteStore(sys.argv[1]), threading.Event()
def acknowledge(batch):
    os.write(1, b"".join(b"%d %s\\n" % (r.event.revision, r.event.key.encode()) for r in batch if r.event))
    done.set()
store.start(acknowledge)
n = store.revision()
while True:
    done.clear()
    for _ in range(20):
        n += 1
        store.submit("/k/%d" % n, b"v%d" % n, 0, n)
    done.wait()
"""


def test_acknowledged_writes_survive_kill_9(tmp_path):
    path, acknowledged = tmp_path / "s.db", {}
    for round_ in range(8):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        for _ in range(100 + 37 * round_):  # a different moment each time
            revision, key = writer.stdout.readline().split()
            acknowledged[int(revision)] = key.decode()
        os.kill(writer.pid, signal.SIGKILL)
        for line in writer.stdout.read().splitlines(keepends=True):
            if line.endswith(b"\n"):
                revision, key = line.split()
                acknowledged[int(revision)] = key.decode()
        writer.wait()
        writer.stdout.close()
    store = SQLiteStore(path)
    store.start(lambda _: None)
    found = {e.revision: e.key for e in store.load()}
    store.close()
    assert acknowledged.items() <= found.items()
    assert sorted(found) == list(range(1, max(found) + 1)), "revisions have no gap and none was given twice"

"""One suite for every store: what kk.store.api promises."""

import threading

import pytest

from kk.store.api import Compacted, Conflict, Future
from kk.store.memory import MemoryStore
from kk.store.sqlite import SQLiteStore, StoreError


class Driver:
    """Submits and waits for the outcome, as the server does with its loop."""

    def __init__(self, store):
        self.store = store
        self.results = []
        self.batches = []
        self.changed = threading.Condition()
        store.start(self.on_batch)

    def on_batch(self, batch):
        with self.changed:
            self.batches.append(batch)
            self.results.extend(batch)
            self.changed.notify_all()

    def wait(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.results) >= count, 20)
            return self.results[:count]

    def put(self, key, value, expect=0, delete=False):
        token = object()
        self.store.submit(key, value, expect, token, delete)
        with self.changed:
            assert self.changed.wait_for(lambda: any(r.token is token for r in self.results), 20)
            result = next(r for r in self.results if r.token is token)
        if result.error:
            raise result.error
        return result.event


@pytest.fixture(params=["memory", "sqlite"])
def make(request, tmp_path):
    made = []

    def factory(**options):
        store = MemoryStore(**options) if request.param == "memory" else SQLiteStore(tmp_path / "store.db", **options)
        made.append(store)
        return Driver(store)

    yield factory
    for store in made:
        store.close()


def test_create_update_delete_have_rising_revisions(make):
    d = make()
    a = d.put("/a/1", b"one")
    b = d.put("/a/1", b"two", a.revision)
    c = d.put("/a/1", b"two", b.revision, delete=True)
    e = d.put("/a/1", b"three")
    assert [a.revision, b.revision, c.revision, e.revision] == [1, 2, 3, 4]
    assert (a.previous, b.previous, c.previous, e.previous) == (0, 1, 2, 0)
    assert (a.created, b.created, c.created, e.created) == (1, 1, 1, 4)
    assert [c.deleted, e.deleted] == [True, False]


@pytest.mark.parametrize("expect,delete,current", [(0, False, 1), (7, False, 1), (7, True, 1)])
def test_wrong_expectation_is_a_conflict_and_costs_no_revision(make, expect, delete, current):
    d = make()
    d.put("/a/1", b"one")
    with pytest.raises(Conflict) as found:
        d.put("/a/1", b"x", expect, delete)
    assert found.value.revision == current
    assert d.store.revision() == 1


def test_delete_of_nothing_is_a_conflict(make):
    with pytest.raises(Conflict):
        make().put("/a/1", b"", 0, delete=True)


def test_of_racing_writers_one_wins(make):
    d = make()
    d.put("/k", b"0")
    for n in range(20):
        d.store.submit("/k", str(n).encode(), 1, n)
    results = d.wait(21)[1:]
    assert [r.event is not None for r in results] == [True] + [False] * 19


def test_load_and_snapshots(make):
    d = make()
    for key in ("/b/1", "/a/2", "/a/1"):
        d.put(key, key.encode())
    d.put("/a/2", b"new", 2)
    d.put("/a/1", b"", 3, delete=True)
    assert [e.key for e in d.store.load()] == ["/a/2", "/b/1"]
    assert [e.value for e in d.store.load("/a/")] == [b"new"]
    assert [(e.key, e.value) for e in d.store.load_at("/a/", 3)] == [("/a/1", b"/a/1"), ("/a/2", b"/a/2")]
    assert [e.key for e in d.store.load_at("/a/", 3, limit=1)] == ["/a/1"]
    assert d.store.count_at("/a/", 3) == 2
    assert d.store.count_at("/a/", 3, start="/a/1") == 1
    assert [e.key for e in d.store.load_at("/a/", 3, start="/a/1")] == ["/a/2"]
    assert [e.revision for e in d.store.after(3)] == [4, 5]
    assert [e.revision for e in d.store.after(1, "/a/", limit=2)] == [2, 3]
    assert d.store.row(4).value == b"new"
    assert d.store.row(99) is None
    with pytest.raises(Future):
        d.store.after(99)


def test_deletes_are_told_until_they_are_compacted(make):
    d = make()
    for key in ("/a", "/b"):
        d.put(key, b"x")
    d.put("/b", b"x", 2, delete=True)
    d.put("/a", b"x", 1, delete=True)
    assert list(d.store.tombstones()) == [("/b", 3), ("/a", 4)]
    d.put("/c", b"x")
    d.store.compact(4)
    d.put("/d", b"x")
    d.put("/e", b"x")
    assert list(d.store.tombstones()) == []


def test_compaction_keeps_what_can_still_be_asked_for(make):
    d = make()
    d.put("/k", b"1")
    d.put("/gone", b"x")
    d.put("/gone", b"x", 2, delete=True)
    for n in range(3, 10):
        d.put("/k", str(n).encode(), d.store.row(d.store.revision()).revision if n > 3 else 1)
    d.store.compact(6)
    d.put("/other", b"")  # compaction happens between commits
    d.put("/other2", b"")
    assert d.store.oldest() == 6
    with pytest.raises(Compacted):
        d.store.after(5)
    with pytest.raises(Compacted):
        d.store.load_at("", 5)
    assert [e.revision for e in d.store.after(6)] == [7, 8, 9, 10, 11, 12]
    assert [(e.key, e.revision) for e in d.store.load_at("", 6)] == [("/k", 6)]
    assert d.store.row(2) is None


def test_history_is_bounded_by_itself(make):
    d = make(keep=100)
    d.store.submit("/k", b"0", 0, 0)
    for n in range(1, 3000):
        d.store.submit("/k", b"0", n, n)
    d.wait(3000)
    for n in range(3000, 3010):
        d.put("/k", b"0", n)
    assert 0 < 3010 - d.store.oldest() < 2000
    assert [e.revision for e in d.store.load()] == [3010]


def test_many_writes_share_commits_and_keep_their_order(make):
    d = make()
    for n in range(500):
        d.store.submit(f"/k/{n:04}", b"v", 0, n)
    results = d.wait(500)
    assert [r.token for r in results] == list(range(500))
    assert [r.event.revision for r in results] == list(range(1, 501))


def test_close_commits_what_was_submitted(make):
    d = make()
    for n in range(50):
        d.store.submit(f"/k/{n}", b"v", 0, n)
    d.store.close()
    assert len(d.results) == 50
    with pytest.raises(RuntimeError):
        d.store.submit("/x", b"", 0)


def test_sqlite_survives_a_restart(tmp_path):
    d = Driver(SQLiteStore(tmp_path / "s.db"))
    d.put("/a", b"1")
    d.put("/b", b"1")
    d.put("/b", b"1", 2, delete=True)
    d.store.close()
    d = Driver(SQLiteStore(tmp_path / "s.db"))
    assert d.store.revision() == 3
    assert [e.key for e in d.store.load()] == ["/a"]
    assert d.put("/b", b"2").revision == 4
    with pytest.raises(Conflict):
        d.put("/a", b"2")
    d.store.close()


def test_sqlite_file_is_for_one_process_and_private(tmp_path):
    d = Driver(SQLiteStore(tmp_path / "s.db"))
    with pytest.raises(StoreError, match="in use by another API server"):
        SQLiteStore(tmp_path / "s.db").start(lambda _: None)
    assert (tmp_path / "s.db").stat().st_mode & 0o077 == 0
    d.store.close()


def test_sqlite_refuses_a_newer_file(tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "s.db") as c:
        c.execute("PRAGMA user_version = 99")
    c.close()
    with pytest.raises(StoreError, match="newer kk"):
        SQLiteStore(tmp_path / "s.db").start(lambda _: None)


def test_a_failing_disk_fails_the_write_and_loses_nothing():
    class Full(MemoryStore):
        full = False

        def append(self, rows):
            if self.full:
                raise OSError(28, "No space left on device")
            super().append(rows)

    d = Driver(Full())
    d.put("/a", b"1")
    d.store.full = True
    with pytest.raises(OSError, match="No space"):
        d.put("/a", b"2", 1)
    with pytest.raises(OSError, match="No space"):
        d.put("/b", b"2")
    d.store.full = False
    assert d.put("/a", b"3", 1).revision == 2
    assert [e.key for e in d.store.load()] == ["/a"]
    d.store.close()

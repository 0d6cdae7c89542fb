"""The log on SQLite through SQLAlchemy Core: WAL mode, synchronous=FULL, one table, one writer.

An answered write has reached the disk, so it survives kill -9 and a power cut. Only one process may have a file open:
the expectations of writes are checked against an index in this process's memory.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    BLOB,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy import bindparam as bind
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DatabaseError

from kk.store.api import Compacted, Event, Future, Result
from kk.store.log import KEEP, LogWriter
from kk.store.migrations import APPLICATION, VERSION, migrate

_meta = MetaData()
_log = Table(
    "log",
    _meta,
    Column("revision", Integer, primary_key=True),
    Column("key", String, nullable=False),
    Column("created", Integer, nullable=False),
    Column("previous", Integer, nullable=False),
    Column("deleted", Integer, nullable=False),
    Column("value", BLOB, nullable=False),
)
_state = Table("state", _meta, Column("name", String, primary_key=True), Column("number", Integer, nullable=False))

#: compiled once: working out the statement again for each commit costs as much as the rows of a small one
_INSERT = str(insert(_log).compile(dialect=sqlite.dialect()))
_STEP = (_log.c.revision > bind("first")) & (_log.c.revision <= bind("last"))
_FORGET_OLDER = delete(_log).where(
    _log.c.revision.in_(select(_log.c.previous).where(_STEP & (_log.c.previous > 0)).scalar_subquery())
)
_FORGET_TOMBSTONES = delete(_log).where(_STEP & (_log.c.deleted == 1))
_COMPACTED = update(_state).where(_state.c.name == "compacted").values(number=bind("last"))
_COLUMNS = (_log.c.revision, _log.c.key, _log.c.value, _log.c.previous, _log.c.created, _log.c.deleted)


def _event(row: Any) -> Event:
    return Event(row[0], row[1], row[2], row[3], row[4], bool(row[5]))


def _end(prefix: str) -> str:
    """The first string after everything with this prefix; keys are compared as UTF-8 bytes."""
    return prefix + "\U0010ffff"


class StoreError(OSError):
    """The file cannot be used: in use by another process, written by a newer version, read-only, or no database any more."""


def _words(path: str, error: Exception) -> str:
    """Why a file cannot be opened. Nothing of it was changed."""
    why = str(getattr(error, "orig", error))
    if "readonly" in why or "unable to open" in why:
        return f"{path} cannot be opened for writing: {why}"
    if "locked" in why:
        return f"{path} is in use by another program: {why}"
    if "full" in why or "disk I/O" in why:
        return f"{path} cannot be written: {why}"
    return f"{path} is damaged or no store of kk: {why}; it was left as it is: put a copy of it in its place, or start with an empty data directory"


class SQLiteStore(LogWriter):
    """A store in one file (and its -wal, -shm and .lock neighbours), mode 0600."""

    def __init__(self, path: str | os.PathLike[str], keep: int = KEEP):
        super().__init__(keep)
        self._path = os.fspath(path)
        self._lock = -1
        self._engine: Engine | None = None
        self._connection: Connection | None = None

    def start(self, on_batch: Callable[[list[Result]], None]) -> None:
        """Open or make the file, read the index, start the writer. Raises StoreError."""
        self._take_lock()
        try:
            self._recover(self._look())
        except (DatabaseError, sqlite3.DatabaseError) as error:
            self.close()
            raise StoreError(_words(self._path, error)) from None
        except StoreError:
            self.close()
            raise
        self.run(on_batch)

    def _recover(self, version: int) -> None:
        self._engine = create_engine(f"sqlite:///{self._path}", pool_size=2, max_overflow=8)
        event.listen(self._engine, "connect", _configure)
        with self._engine.begin() as connection:
            self._prepare(connection, version)
            rows = connection.execute(
                select(_log.c.key, _log.c.revision, _log.c.created).where(_newest(self.revision()))
            )
            revision = connection.scalar(select(func.max(_log.c.revision))) or 0
            compacted = connection.scalar(select(_state.c.number).where(_state.c.name == "compacted")) or 0
            self.begin(((key, at, created) for key, at, created in rows), revision, compacted)
        # one connection for the writer's life: checking one out of the pool for each commit costs as much as the commit
        self._connection = self._engine.connect()

    def _take_lock(self) -> None:
        try:
            self._lock = os.open(self._path + ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"{self._path} cannot be opened for writing: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            self._lock = -1
            raise StoreError(f"{self._path} is in use by another API server") from None
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            self.close()
            raise StoreError(f"{self._path} cannot be opened for writing: {error.strerror}") from None

    def _look(self) -> int:
        """The file's format, 0 for a new one, found without writing. Raises StoreError where it is not to be touched."""
        found = sqlite3.connect(f"file:{quote(self._path)}?mode=ro", uri=True)
        try:
            version, application, tables = (
                int(found.execute(query).fetchone()[0])
                for query in ("PRAGMA user_version", "PRAGMA application_id", "SELECT count(*) FROM sqlite_master")
            )
        finally:
            found.close()
        if version > VERSION:
            raise StoreError(f"{self._path} was written by a newer kk (format {version}, this one reads {VERSION})")
        if tables and (not version or version > 1 and application != APPLICATION):
            raise StoreError(f"{self._path} is a database of another program; it was left as it is")
        return version

    def _prepare(self, connection: Connection, version: int) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # else pysqlite commits each of these by itself
        if not version:
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION}")
        elif version < VERSION:
            migrate(connection, version)
        _meta.create_all(connection)
        connection.exec_driver_sql("CREATE INDEX IF NOT EXISTS log_key ON log (key, revision)")
        if version < VERSION:
            connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
        if connection.scalar(select(func.count()).select_from(_state)) == 0:
            connection.execute(insert(_state).values(name="compacted", number=0))

    def append(self, rows: list[Event]) -> None:
        """One transaction, one fsync."""
        assert self._connection is not None
        values = [(r.revision, r.key, r.created, r.previous, int(r.deleted), r.value) for r in rows]
        try:
            with self._connection.begin():
                self._connection.exec_driver_sql(_INSERT, values)
        except DatabaseError as error:  # its own text shows the values
            raise StoreError(str(error.orig)) from None

    def forget(self, first: int, last: int) -> None:
        """`previous` of each row of the range is what it superseded, so no search for older rows is needed."""
        assert self._connection is not None
        span = {"first": first, "last": last}
        with self._connection.begin():
            self._connection.execute(_FORGET_OLDER, span)
            self._connection.execute(_FORGET_TOMBSTONES, span)
            self._connection.execute(_COMPACTED, span)

    def load(self, prefix: str = "") -> Iterator[Event]:
        """Live rows in key order, read in small pieces."""
        query = select(*_COLUMNS).where(_newest(self.revision()) & _within(prefix, "")).order_by(_log.c.key)
        try:
            with self._open().connect() as connection:
                for row in connection.execution_options(yield_per=1000).execute(query):
                    yield _event(row)
        except DatabaseError as error:
            raise StoreError(_words(self._path, error)) from None

    def tombstones(self) -> Iterator[tuple[str, int]]:
        """Deletes in the log."""
        query = select(_log.c.key, _log.c.revision).where(_log.c.deleted == 1).order_by(_log.c.revision)
        with self._open().connect() as connection:
            yield from ((row[0], row[1]) for row in connection.execution_options(yield_per=1000).execute(query))

    def after(self, revision: int, prefix: str = "", limit: int = 0) -> list[Event]:
        """Rows after a revision."""
        self._check(revision)
        query = select(*_COLUMNS).where((_log.c.revision > revision) & (_log.c.revision <= self.revision()))
        if prefix:
            query = query.where(_within(prefix, ""))
        return self._events(query.order_by(_log.c.revision).limit(limit or None))

    def load_at(self, prefix: str, revision: int, start: str = "", limit: int = 0) -> list[Event]:
        """Live rows at a revision."""
        self._check(revision)
        query = select(*_COLUMNS).where(_newest(revision) & _within(prefix, start)).order_by(_log.c.key)
        return self._events(query.limit(limit or None))

    def count_at(self, prefix: str, revision: int, start: str = "") -> int:
        """How many live rows there were, without reading their values."""
        self._check(revision)
        query = select(func.count()).select_from(_log).where(_newest(revision) & _within(prefix, start))
        with self._open().connect() as connection:
            return int(connection.scalar(query) or 0)

    def row(self, revision: int) -> Event | None:
        """One row, or None where it is compacted."""
        found = self._events(select(*_COLUMNS).where(_log.c.revision == revision))
        return found[0] if found else None

    def close(self) -> None:
        """Stop the writer, close the file, let others have it."""
        super().close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _open(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("the store is closed")
        return self._engine

    def _events(self, query: Any) -> list[Event]:
        with self._open().connect() as connection:
            rows = connection.execute(query).all()
        return [_event(row) for row in rows]

    def _check(self, revision: int) -> None:
        if revision > self.revision():
            raise Future(self.revision())
        if revision < self.oldest():
            raise Compacted(self.oldest())


def _newest(revision: int) -> Any:
    """The row that was current for its key at a revision, if it is not a tombstone; 0 stands for the newest."""
    other = _log.alias("other")
    newer = select(other.c.revision).where((other.c.key == _log.c.key) & (other.c.revision > _log.c.revision))
    if revision:
        newer = newer.where(other.c.revision <= bind("at", revision))
        return (_log.c.deleted == 0) & (_log.c.revision <= bind("at", revision)) & ~newer.exists()
    return (_log.c.deleted == 0) & ~newer.exists()


def _within(prefix: str, start: str) -> Any:
    lower = _log.c.key > start if start and start >= prefix else _log.c.key >= prefix
    return lower & (_log.c.key < _end(prefix)) if prefix else lower


def _configure(connection: Any, _record: Any) -> None:
    """Durable and quick: a commit is one fsync of the WAL; readers never wait for the writer."""
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "busy_timeout = 10000",
        "cache_size = -4000",
        "wal_autocheckpoint = 1000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()

"""A disk that is full, files that are damaged, foreign, locked, read-only, older or newer: what can go on goes on, and nothing is lost or overwritten."""

import gzip
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from kk.store import migrations
from kk.store.sqlite import SQLiteStore, StoreError
from tests.faults.conftest import Served, served

PATH = "/api/v1/namespaces/default/configmaps"
OLDER = Path(__file__).with_name("data") / "store-1.db.gz"


def made(name: str, size: int = 10) -> dict:
    return {"metadata": {"name": name}, "data": {"k": "v" * size}}


def fill(server: Served) -> tuple[set[str], list[tuple[int, dict]]]:
    """Create until the disk is full: (names that were acknowledged, answers that were not)."""
    written, refused = set(), []
    for number in range(500):
        status, answer = server.request("POST", PATH, made(f"c{number}", 20_000))
        if status == 201:
            written.add(f"c{number}")
        else:
            refused.append((status, answer))
            if len(refused) > 20:
                break
    return written, refused


def check_full(server: Served, before: set[str], free) -> None:
    written, refused = fill(server)
    assert refused, "the disk was never full"
    for status, answer in refused:
        assert (status, answer["kind"], answer["reason"]) == (500, "Status", "InternalError")
        assert "the store refused the write" in answer["message"] and "INSERT" not in answer["message"], answer
    names = {o["metadata"]["name"] for o in server.request("GET", PATH)[1]["items"]}
    assert written | before <= names and not names & {f"c{n}" for n in range(500)} - written
    assert server.request("GET", f"{PATH}/kept")[0] == 200, "reads go on"
    changed = server.request(
        "PATCH", f"{PATH}/kept", {"data": {"k": "w" * 20_000}}, {"Content-Type": "application/merge-patch+json"}
    )
    assert changed[0] == 500
    assert server.request("GET", f"{PATH}/kept")[1]["data"]["k"] == "v" * 10, "what was not written is not seen"
    assert server.alive() and not server.traces()
    free()
    assert server.request("POST", PATH, made("afterwards", 20_000))[0] == 201, "there is room again"
    revision = int(server.request("GET", PATH)[1]["metadata"]["resourceVersion"])
    server.kill()
    server.start()
    listed = server.request("GET", PATH)[1]
    assert {o["metadata"]["name"] for o in listed["items"]} == names | {"afterwards"}
    assert int(listed["metadata"]["resourceVersion"]) >= revision


def test_a_file_system_that_is_full(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    with served(tmp_path, None, "--pages", str(pages)) as server:
        server.request("POST", PATH, made("kept"))
        pages.write_text("200")
        check_full(server, {"kept"}, lambda: pages.write_text("0"))


def test_files_that_may_not_grow(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        server.request("POST", PATH, made("kept"))
        assert server.process is not None
        pid = server.process.pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        size = (server.data_dir / "store.db-wal").stat().st_size
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 100_000, hard))
        check_full(server, {"kept"}, lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard)))


# files that are not what they should be


def refused_start(data: Path) -> str:
    """Start a server that cannot; its last words."""
    command = [sys.executable, "-m", "kk.server", "--data-dir", str(data), "--port", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a store in it, closed."""
    with served(tmp_path_factory.mktemp("closed")) as server:
        server.request("POST", PATH, made("kept"))
        return server.data_dir


@pytest.fixture
def data(closed: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(closed, tmp_path / "data")


def broken(path: Path, how: str) -> None:
    whole = path.read_bytes()
    if how == "text":
        path.write_bytes(b"this is no database\n" * 100)
    elif how == "head":
        path.write_bytes(b"\x00" * 100 + whole[100:])
    elif how == "middle":
        path.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
    elif how == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif how == "foreign":
        path.unlink()
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE recipes (name TEXT)")
        other.close()
    elif how == "newer":
        with sqlite3.connect(path) as other:
            other.execute("PRAGMA user_version = 99")
        other.close()
    elif how == "row":
        with sqlite3.connect(path) as other:
            other.execute("UPDATE log SET value = x'00ff' WHERE key LIKE '%/kept'")
        other.close()


WORDS = {
    "text": "is damaged or no store of kk",
    "head": "is damaged or no store of kk",
    "middle": "is damaged or no store of kk",
    "cut": "is damaged or no store of kk",
    "foreign": "is a database of another program",
    "newer": "was written by a newer kk (format 99, this one reads",
    "row": "the store holds what cannot be read",
}


@pytest.mark.parametrize("how", WORDS)
def test_a_file_that_is_no_store(data: Path, how: str) -> None:
    path = data / "store.db"
    for rest in ("store.db-wal", "store.db-shm"):
        (data / rest).unlink(missing_ok=True)
    broken(path, how)
    before = path.read_bytes()
    assert WORDS[how] in refused_start(data)
    assert path.read_bytes() == before, "nothing was overwritten"


def test_a_second_server_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        assert "is in use by another API server" in refused_start(server.data_dir)
        assert server.request("POST", PATH, made("still"))[0] == 201


def test_a_directory_that_cannot_be_used(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert str(blocked) in refused_start(blocked / "data")


def test_a_disk_that_is_full_at_the_first_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kk.server", "--data-dir", str(tmp_path / "data"), "--port", "1"]
    limit = (1_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and "ERROR" in done.stderr, done.stderr
    with Served(tmp_path / "data") as server:
        assert server.request("POST", PATH, made("afterwards"))[0] == 201, "there is room again"


def test_a_store_that_is_a_directory(data: Path) -> None:
    (data / "store.db").rename(data / "moved")
    (data / "store.db").mkdir()
    assert "cannot be opened for writing" in refused_start(data)


def test_a_store_that_may_only_be_read(data: Path) -> None:
    (data / "store.db").chmod(0o400)
    if os.geteuid() == 0:  # root may write it all the same: then it is served
        with Served(data) as server:
            assert server.request("GET", f"{PATH}/kept")[0] == 200
    else:
        assert "cannot be opened for writing" in refused_start(data)


# formats


def test_a_file_of_the_version_before_is_served(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    (directory / "store.db").write_bytes(gzip.decompress(OLDER.read_bytes()))
    with Served(directory) as server:
        found = server.request("GET", f"{PATH}/from-before")[1]
        assert found["data"] == {"k": "v2"} and found["metadata"]["uid"] == "5d9e1c1e-0000-4000-8000-000000000001"
        assert server.request("GET", f"{PATH}/deleted-before")[0] == 404
        assert server.request("GET", "/apis/apps/v1/namespaces/default/deployments/web")[1]["spec"]["replicas"] == 3
        newest = int(server.request("GET", PATH)[1]["metadata"]["resourceVersion"])
        assert newest >= int(found["metadata"]["resourceVersion"])
        made_now = server.request("POST", PATH, made("from-now"))[1]
        assert int(made_now["metadata"]["resourceVersion"]) > newest
    with sqlite3.connect(directory / "store.db") as file:
        assert file.execute("PRAGMA user_version").fetchone() == (migrations.VERSION,)
    file.close()


def older(path: Path) -> Path:
    path.write_bytes(gzip.decompress(OLDER.read_bytes()))
    return path


def test_steps_run_in_order_and_once(tmp_path: Path) -> None:
    ran = []
    engine = create_engine(f"sqlite:///{older(tmp_path / 's.db')}")
    steps = {n: lambda _c, n=n: ran.append(n) for n in range(1, 5)}
    with engine.begin() as connection:
        assert migrations.migrate(connection, 2, steps, 5) == [3, 4, 5]
    assert ran == [2, 3, 4]
    engine.dispose()
    assert set(migrations.STEPS) == set(range(1, migrations.VERSION)), "each format has its step"


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = older(tmp_path / "s.db")
    with sqlite3.connect(path) as file:  # the step's own work is undone with it
        file.execute("DROP TABLE state")
        file.execute("CREATE VIEW state AS SELECT 1")
    file.close()
    with pytest.raises(StoreError):
        SQLiteStore(path).start(lambda _: None)
    with sqlite3.connect(path) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (1,)
        assert file.execute("PRAGMA application_id").fetchone() == (0,)
    file.close()


def test_an_older_file_keeps_its_rows(tmp_path: Path) -> None:
    path = older(tmp_path / "s.db")
    with sqlite3.connect(path) as file:
        rows = file.execute("SELECT revision, key, value FROM log ORDER BY revision").fetchall()
        assert file.execute("PRAGMA user_version").fetchone() == (1,)
    file.close()
    shutil.copy(path, tmp_path / "copy.db")
    store = SQLiteStore(path)
    store.start(lambda _: None)
    assert [(e.revision, e.key, e.value) for e in store.after(store.oldest())] == [
        r for r in rows if r[0] > store.oldest()
    ]
    store.close()

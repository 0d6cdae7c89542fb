"""A server that is killed in the middle of concurrent writes has, after a restart, every write that it acknowledged."""

import http.client
import threading
from pathlib import Path

import pytest

from tests.servers import APIServer

_PATH = "/api/v1/namespaces/default/configmaps"
_WRITERS, _ENOUGH = 4, 60


class Writer(threading.Thread):
    """Creates and changes objects until the server is gone; remembers what was acknowledged."""

    def __init__(self, api: APIServer, name: str, enough: threading.Semaphore):
        super().__init__()
        self.api, self.label, self.enough = api, name, enough
        self.acknowledged: dict[str, str] = {}
        self.deleted: set[str] = set()

    def run(self) -> None:
        """Write until the connection breaks."""
        connection = self.api.connect()
        try:
            for number in range(100_000):
                self.one(connection, f"{self.label}-{number}", number)
                self.enough.release()
        except (OSError, http.client.HTTPException):
            return
        finally:
            connection.close()

    def one(self, connection: http.client.HTTPSConnection, name: str, number: int) -> None:
        """Create; every other one is changed, every third deleted."""
        body = {"metadata": {"name": name}, "data": {"n": "0"}}
        status, _, _ = self.api.raw("POST", _PATH, body, connection=connection)
        assert status == 201
        self.acknowledged[name] = "0"
        if number % 2:
            body["data"]["n"] = "1"
            self.acknowledged[name] = "0 or 1"  # until the answer is here, either may stand
            status, _, _ = self.api.raw("PUT", f"{_PATH}/{name}", body, connection=connection)
            assert status == 200
            self.acknowledged[name] = "1"
        if number % 3 == 0:
            self.acknowledged.pop(name)
            status, _, _ = self.api.raw("DELETE", f"{_PATH}/{name}", connection=connection)
            assert status == 200
            self.deleted.add(name)


@pytest.mark.parametrize("round", range(3))
def test_every_acknowledged_write_survives_a_kill(tmp_path: Path, round: int) -> None:
    api = APIServer(tmp_path / "data")
    api.start()
    enough = threading.Semaphore(0)
    writers = [Writer(api, f"w{i}", enough) for i in range(_WRITERS)]
    for writer in writers:
        writer.start()
    for _ in range(_ENOUGH * (round + 1)):
        enough.acquire()
    api.kill()
    for writer in writers:
        writer.join()
    with api:
        _, found = api.request("GET", _PATH)
        have = {o["metadata"]["name"]: o["data"]["n"] for o in found["items"]}
        newest = int(found["metadata"]["resourceVersion"])
        status, made = api.request("POST", _PATH, {"metadata": {"name": "after"}})
    for writer in writers:
        assert writer.acknowledged
        for name, value in writer.acknowledged.items():
            assert have[name] in value.split(" or "), name
        assert not writer.deleted & set(have)
    assert status == 201
    assert int(made["metadata"]["resourceVersion"]) > newest

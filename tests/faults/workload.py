"""Writers and watchers that survive a server's deaths and write down what they were told, for tests.faults.history."""

import http.client
import itertools
import json
import threading
from typing import Any

from tests.faults.history import Ack, Doubt, Seen
from tests.servers import APIServer

PATH = "/api/v1/namespaces/default/configmaps"
MERGE = {"Content-Type": "application/merge-patch+json"}
#: a label that all objects of a run have, so that others do not count
LABEL = "labelSelector=run%3Dfaults"
_values = itertools.count(1)


def body(name: str, value: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"run": "faults"}}, "data": {"n": value}}


class Worker(threading.Thread):
    """A thread with a connection that comes back when the server does."""

    def __init__(self, api: APIServer, up: threading.Event, stop: threading.Event):
        super().__init__(daemon=True)
        self.api, self.up, self.stop = api, up, stop
        self.connections = 0

    def run(self) -> None:
        while not self.stop.is_set():
            if not self.up.wait(1):
                continue
            connection = self.api.connect(10)
            self.connections += 1
            try:
                if self.work(connection):
                    return
            except (OSError, http.client.HTTPException, ValueError):
                self.stop.wait(0.02)
            finally:
                connection.close()

    def work(self, connection: http.client.HTTPSConnection) -> bool:
        """Work until it breaks; True where all is done."""
        raise NotImplementedError


class Writer(Worker):
    """Creates, changes in three ways and deletes objects of its own; a name whose fate is unknown is left alone."""

    def __init__(self, label: str, *rest: Any):
        super().__init__(*rest)
        self.label = label
        self.acks: list[Ack] = []
        self.doubts: list[Doubt] = []
        self._numbers = itertools.count()

    def work(self, connection: http.client.HTTPSConnection) -> bool:
        while not self.stop.is_set():
            self._life(connection, f"{self.label}-{next(self._numbers)}")
        return True

    def _life(self, connection: http.client.HTTPSConnection, name: str) -> None:
        number = int(name.rpartition("-")[2])
        self._one(connection, "create", name, "POST", PATH)
        for step in range(number % 4):
            method = ("PUT", "PATCH")[step % 2]
            self._one(connection, "change", name, method, f"{PATH}/{name}")
        if number % 3 == 0:
            self._one(connection, "delete", name, "DELETE", f"{PATH}/{name}")

    def _one(self, connection: http.client.HTTPSConnection, op: str, name: str, method: str, path: str) -> None:
        value = "" if op == "delete" else str(next(_values))
        sent = None if op == "delete" else {"data": {"n": value}} if method == "PATCH" else body(name, value)
        try:
            status, _, data = self.api.raw(method, path, sent, MERGE if method == "PATCH" else None, connection)
        except (OSError, http.client.HTTPException):
            self.doubts.append(Doubt(op, name, value))
            raise
        assert status in (200, 201), data
        revision = 0 if op == "delete" else int(json.loads(data)["metadata"]["resourceVersion"])
        self.acks.append(Ack(op, name, value, revision))


class Watcher(Worker):
    """Follows the objects and resumes from the last revision that it saw, until it sees the one named end."""

    def __init__(self, start: str, *rest: Any):
        super().__init__(*rest)
        self.revision = start
        self.events: list[Seen] = []

    def work(self, connection: http.client.HTTPSConnection) -> bool:
        connection.request("GET", f"{PATH}?watch=true&{LABEL}&resourceVersion={self.revision}&allowWatchBookmarks=true")
        response = connection.getresponse()
        while True:
            line = response.readline()
            if not line.endswith(b"\n"):
                return False
            event = json.loads(line)
            metadata = event["object"]["metadata"]
            assert event["type"] != "ERROR", event
            self.revision = metadata["resourceVersion"]
            if event["type"] != "BOOKMARK":
                found = Seen(event["type"], metadata["name"], event["object"]["data"]["n"], int(self.revision))
                if found.name == "end":
                    return True
                self.events.append(found)

"""Servers for the tests of faults."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.custom import CRDS, CUSTOM, definition
from tests.faults.wire import Wire
from tests.servers import APIServer


class Served(APIServer):
    """A server with seams; see tests.faults.served."""

    module = "tests.faults.served"

    def wire(self, timeout: float = 30) -> Wire:
        """A connection that sends what it is told, as the admin."""
        return Wire(self.port, self.tls, timeout)

    def alive(self) -> bool:
        """It still runs and answers."""
        assert self.process is not None
        return self.process.poll() is None and self.request("GET", "/version")[0] == 200

    def traces(self) -> str:
        """The part of the log where a trace begins, or ""."""
        text = self.log.read_text()
        at = text.find("Traceback")
        return text[max(0, at - 300) : at + 3000] if at >= 0 else ""


def served(directory: Path, limits: dict[str, Any] | None = None, *arguments: str) -> Served:
    """A server in a directory, not yet started."""
    return Served(directory / "data", 0, "--limits", json.dumps(limits or {}), *arguments)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A running server, with a ServiceAccount so that pods can be made."""
    with served(tmp_path_factory.mktemp("faults")) as server:
        path = "/api/v1/namespaces/default/serviceaccounts"
        assert server.request("POST", path, {"metadata": {"name": "default"}})[0] == 201
        for custom in CUSTOM:
            assert server.request("POST", CRDS, definition(custom))[0] == 201
        yield server

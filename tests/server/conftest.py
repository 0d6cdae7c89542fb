"""Fixtures of the API server's tests: one real server per test module, a namespace per test."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers import APIServer

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[APIServer]:
    """A running server."""
    with APIServer(tmp_path_factory.mktemp("api") / "data") as server:
        yield server


class Space:
    """A namespace of the server, and requests in it."""

    def __init__(self, api: APIServer, name: str):
        self.api, self.name = api, name
        self.path = f"/api/v1/namespaces/{name}"

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """A request below the namespace: path is `configmaps/a`, or `apps/v1:deployments/d` for another group."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.api.request(method, self.where(path), body, sent)

    def where(self, path: str) -> str:
        """The whole path."""
        group, colon, rest = path.partition(":")
        if not colon or "/" not in group:
            return f"{self.path}/{path}"
        return f"/apis/{group}/namespaces/{self.name}/{rest}"

    def patch(self, path: str, body: Any, kind: str = "merge-patch+json") -> tuple[int, Any]:
        """A PATCH."""
        return self("PATCH", path, body, Content_Type=f"application/{kind}")

    def watch(self, path: str) -> list[dict[str, Any]]:
        """All events of a watch that ends by itself (timeoutSeconds in the path)."""
        status, _, data = self.api.raw("GET", self.where(path))
        assert status == 200, data
        return [json.loads(line) for line in data.splitlines() if line]


@pytest.fixture
def ns(api: APIServer) -> Space:
    """A namespace of the test's own."""
    name = f"t{next(_numbers)}"
    status, _ = api.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    assert status == 201
    return Space(api, name)


def config_map(name: str, data: dict[str, str] | None = None, **metadata: Any) -> dict[str, Any]:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": data or {"k": "v"}}

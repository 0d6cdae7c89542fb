"""Fixtures of the clients' tests: one real server a module, reached the way each library reaches it."""

import itertools
from collections.abc import Iterator

import pytest

from tests.servers import APIServer

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[APIServer]:
    """A running server."""
    with APIServer(tmp_path_factory.mktemp("api") / "data") as server:
        yield server


@pytest.fixture
def namespace(api: APIServer) -> str:
    """The name of a namespace of the test's own, with its default ServiceAccount."""
    name = f"c{next(_numbers)}"
    assert api.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})[0] == 201
    account = {"metadata": {"name": "default"}}
    assert api.request("POST", f"/api/v1/namespaces/{name}/serviceaccounts", account)[0] == 201
    return name

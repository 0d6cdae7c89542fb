"""Every recorded scenario of kube-apiserver 1.36.2 holds against the server, field by field and message by message.

Servers are shared by the scenarios of one test worker: one alone, and one with controllers (no scheduler, no agent) for those
that need them. What must differ stands in differences.py; a scenario that is listed there and holds is a failure too.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.golden.differences import DIFFERENCES, UNSTEADY
from tests.golden.player import load, play
from tests.servers import APIServer

_HERE = Path(__file__).parent
_NAMES = sorted(str(path.relative_to(_HERE).with_suffix("")) for path in _HERE.glob("*/*.yaml"))


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[APIServer]:
    """An API server without controllers."""
    with APIServer(tmp_path_factory.mktemp("golden") / "data") as server:
        yield server


@pytest.fixture(scope="session")
def controlled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[APIServer]:
    """An API server with all controllers."""
    with APIServer(tmp_path_factory.mktemp("golden") / "data") as server:
        config = server.data_dir / "kubeconfig" / "controller-manager.conf"
        command = [sys.executable, "-m", "kk.control", "--kubeconfig", str(config)]
        with open(server.log, "ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as controllers:
            _until_aggregated(server)
            yield server
            controllers.terminate()
            controllers.wait(timeout=30)


def _until_aggregated(server: APIServer) -> None:
    """Wait until the aggregated roles are whole: edit holds what view has, and admin what edit has."""
    path, wanted = "/apis/rbac.authorization.k8s.io/v1/clusterroles", "bindings"
    for _ in range(600):
        _, role = server.request("GET", f"{path}/admin")
        if any(wanted in rule.get("resources", ()) for rule in role.get("rules") or ()):
            return
        time.sleep(0.1)
    raise AssertionError("the role admin is not aggregated")


@pytest.mark.cluster
@pytest.mark.parametrize("name", _NAMES)
def test_answers_as_recorded(name: str, request: pytest.FixtureRequest) -> None:
    scenario = load(_HERE / f"{name}.yaml")
    server = request.getfixturevalue("controlled" if "control" in scenario["needs"] else "alone")
    with closing(play(scenario, server, 0.1 if name in DIFFERENCES else 2)) as found:
        if name in DIFFERENCES:
            assert next(found, None) or name in UNSTEADY, f"{name} holds now: take it out of the list of differences"
        else:
            told = list(found)
            assert not told, "\n".join([scenario["what"], *told[:40]])


def test_differences_name_scenarios_and_give_reasons() -> None:
    assert UNSTEADY <= set(DIFFERENCES) <= set(_NAMES)
    assert all(reason.strip() for reason in DIFFERENCES.values())

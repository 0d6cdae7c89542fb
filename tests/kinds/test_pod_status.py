"""The one word of a Pod, its readiness and its restarts, as `kubectl get pods` shows them."""

from typing import Any

import pytest

from kk.kinds import _podcells

NOW = 1_700_000_000.0  # 2023-11-14T22:13:20Z
DELETED = {"name": "p", "deletionTimestamp": "2023-11-14T22:13:00Z"}


def pod(status: dict[str, Any], containers: int = 1, init: list[dict[str, Any]] | None = None, **metadata: Any) -> Any:
    spec: dict[str, Any] = {"containers": [{"name": f"c{i}"} for i in range(containers)]}
    if init:
        spec["initContainers"] = init
    return {"metadata": {"name": "p", **metadata}, "spec": spec, "status": status}


def state(name: str, restarts: int = 0, ready: bool = False, **state: Any) -> dict[str, Any]:
    last = state.pop("last", {})
    return {"name": name, "restartCount": restarts, "ready": ready, "state": state, "lastState": last}


RUNNING = state("c0", ready=True, running={})
DONE = state("c0", terminated={"exitCode": 0, "reason": "Completed"})
SIDECAR = {"name": "s", "restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("obj", "ready", "word"),
    [
        (pod({"phase": "Pending"}), "0/1", "Pending"),
        (pod({"phase": "Running", "containerStatuses": [RUNNING]}), "1/1", "Running"),
        (
            pod({"phase": "Running", "containerStatuses": [state("c0", waiting={"reason": "CrashLoopBackOff"})]}),
            "0/1",
            "CrashLoopBackOff",
        ),
        (
            pod({"phase": "Pending", "containerStatuses": [state("c0", waiting={"reason": "ContainerCreating"})]}),
            "0/1",
            "ContainerCreating",
        ),
        (pod({"phase": "Succeeded", "containerStatuses": [DONE]}), "0/1", "Completed"),
        (pod({"phase": "Failed", "containerStatuses": [state("c0", terminated={"exitCode": 3})]}), "0/1", "ExitCode:3"),
        (
            pod({"phase": "Failed", "containerStatuses": [state("c0", terminated={"exitCode": 137, "signal": 9})]}),
            "0/1",
            "Signal:9",
        ),
        (pod({"phase": "Failed", "reason": "Evicted"}), "0/1", "Evicted"),
        (
            pod({"phase": "Running", "containerStatuses": [DONE, {**RUNNING, "name": "c1"}]}, 2),
            "1/2",
            "NotReady",
        ),
        (
            pod(
                {
                    "phase": "Running",
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "containerStatuses": [DONE, {**RUNNING, "name": "c1"}],
                },
                2,
            ),
            "1/2",
            "Running",
        ),
        (
            pod(
                {
                    "phase": "Pending",
                    "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}],
                }
            ),
            "0/1",
            "SchedulingGated",
        ),
        (pod({"phase": "Running", "containerStatuses": [RUNNING]}, **DELETED), "1/1", "Terminating"),
        (pod({"phase": "Succeeded", "containerStatuses": [DONE]}, **DELETED), "0/1", "Completed"),
        (pod({"phase": "Running", "reason": "NodeLost", "containerStatuses": [RUNNING]}, **DELETED), "1/1", "Unknown"),
        (
            pod(
                {"phase": "Pending", "initContainerStatuses": [state("i", running={})]},
                init=[{"name": "i"}, {"name": "j"}],
            ),
            "0/1",
            "Init:0/2",
        ),
        (
            pod(
                {
                    "phase": "Pending",
                    "initContainerStatuses": [state("i", terminated={"exitCode": 1, "reason": "Error"})],
                },
                init=[{"name": "i"}],
            ),
            "0/1",
            "Init:Error",
        ),
        (
            pod(
                {"phase": "Pending", "initContainerStatuses": [state("i", waiting={"reason": "ErrImagePull"})]},
                init=[{"name": "i"}],
            ),
            "0/1",
            "Init:ErrImagePull",
        ),
        (
            pod(
                {
                    "phase": "Running",
                    "initContainerStatuses": [{**state("s", ready=True, running={}), "started": True}],
                    "containerStatuses": [RUNNING],
                },
                init=[SIDECAR],
            ),
            "2/2",
            "Running",
        ),
    ],
)
def test_readiness_and_the_word(obj: Any, ready: str, word: str) -> None:
    assert (_podcells.ready(obj), _podcells.status(obj)) == (ready, word)


@pytest.mark.parametrize(
    ("statuses", "text"),
    [
        ([RUNNING], "0"),
        ([state("c0", 3, running={}, last={"terminated": {"finishedAt": "2023-11-14T22:08:20Z"}})], "3 (5m ago)"),
        ([state("c0", 2, running={})], "2"),
        ([state("c0", 1, last={"terminated": {"finishedAt": "2023-11-14T22:13:10Z"}}), state("c1", 1)], "2 (10s ago)"),
    ],
)
def test_restarts(statuses: Any, text: str) -> None:
    assert _podcells.restarts(pod({"phase": "Running", "containerStatuses": statuses}), NOW) == text


def test_gates_and_addresses() -> None:
    obj = pod({"podIPs": [{"ip": "10.0.0.1"}], "podIP": "10.0.0.1", "conditions": [{"type": "a/b", "status": "True"}]})
    obj["spec"]["readinessGates"] = [{"conditionType": "a/b"}, {"conditionType": "c/d"}]
    assert _podcells.readiness_gates(obj) == "1/2"
    assert _podcells.address(obj) == "10.0.0.1"
    assert _podcells.address(pod({})) == "<none>"

"""What is reported: phases, conditions and container states from worlds."""

import pytest

from kk.agent.pods.plan import Fail
from kk.agent.pods.status import compute, patch
from kk.agent.pods.world import Probed
from tests.agent.test_plan import NOW, SIDE, end, pod, run, world

PHASES = {
    "nothing yet": (pod("a"), [], {}, "Pending"),
    "init runs": (pod("a", inits=["i"]), [run("i")], {}, "Pending"),
    "init failed": (pod("a", inits=["i"], policy="Never"), [end("i", 1)], {}, "Failed"),
    "init crashes": (pod("a", inits=["i"]), [end("i", 1)], {}, "Pending"),
    "one waits": (pod("a", "b"), [run("a")], {}, "Pending"),
    "all run": (pod("a", "b"), [run("a"), run("b")], {}, "Running"),
    "one ended": (pod("a", "b", policy="Never"), [run("a"), end("b", 1)], {}, "Running"),
    "crash loop": (pod("a"), [end("a", 1)], {"waiting": {"a": ("CrashLoopBackOff", "x")}}, "Running"),
    "completed, always": (pod("a"), [end("a")], {}, "Running"),
    "completed, never": (pod("a", policy="Never"), [end("a")], {}, "Succeeded"),
    "failed, never": (pod("a", "b", policy="Never"), [end("a"), end("b", 1)], {}, "Failed"),
    "failed, on failure": (pod("a", policy="OnFailure"), [end("a", 1)], {}, "Running"),
    "with sidecar": (pod("a", inits=[SIDE]), [run("side"), run("a")], {}, "Running"),
    "stays": (pod("a", phase="Failed"), [run("a")], {}, "Failed"),
}


@pytest.mark.parametrize("case", PHASES.values(), ids=PHASES)
def test_phase(case):
    obj, attempts, more, expected = case
    assert compute(world(obj, *attempts, **more), NOW)["phase"] == expected


def states(obj, *attempts, **more):
    status = compute(world(obj, *attempts, **more), NOW)["containerStatuses"][0]
    return status["state"], status["lastState"], status["restartCount"], status["ready"]


def test_container_states():
    assert states(pod("a")) == ({"waiting": {"reason": "ContainerCreating"}}, {}, 0, False)
    assert states(pod("a", inits=["i"])) == ({"waiting": {"reason": "PodInitializing"}}, {}, 0, False)
    assert states(pod("a"), run("a")) == ({"running": {"startedAt": "1970-01-01T00:00:01Z"}}, {}, 0, True)
    assert states(pod("a"), run("a"), probed={"a": Probed(False, True)})[3] is False
    ended = {
        "exitCode": 3, "reason": "Error", "startedAt": "1970-01-01T00:00:01Z",
        "finishedAt": "1970-01-12T13:46:39Z", "containerID": "kk-host://id-a-0",
    }  # fmt: skip
    assert states(pod("a"), end("a", 3)) == ({"terminated": ended}, {}, 0, False)
    assert states(pod("a"), end("a", 3), run("a", number=1))[1:] == ({"terminated": ended}, 1, True)
    waiting = {"a": ("CrashLoopBackOff", "back-off")}
    expected = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
    assert states(pod("a"), end("a", 3), waiting=waiting)[:2] == (expected, {"terminated": ended})


def conditions(obj, *attempts, **more):
    found = compute(world(obj, *attempts, **more), NOW)["conditions"]
    return {c["type"]: (c["status"], c.get("reason"), c.get("message")) for c in found}


def test_conditions():
    assert conditions(pod("a", "b"), run("a")) == {
        "PodReadyToStartContainers": ("True", None, None),
        "Initialized": ("True", None, None),
        "Ready": ("False", "ContainersNotReady", "containers with unready status: [b]"),
        "ContainersReady": ("False", "ContainersNotReady", "containers with unready status: [b]"),
    }
    assert set(conditions(pod("a"), run("a")).values()) == {("True", None, None)}
    initial = conditions(pod("a", inits=["i"]), run("i"))
    assert initial["Initialized"] == ("False", "ContainersNotInitialized", "containers with incomplete status: [i]")
    done = conditions(pod("a", policy="Never"), end("a"))
    assert (done["Ready"][:2], done["Initialized"][:2]) == (("False", "PodCompleted"), ("True", "PodCompleted"))
    gated = pod("a", readinessGates=[{"conditionType": "x/y"}])
    assert conditions(gated, run("a"))["Ready"][1] == "ReadinessGatesNotReady"


def test_kept_and_changed():
    obj = pod("a")
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": "1970-01-01T00:00:00Z"}
    obj["status"] |= {"conditions": [scheduled], "qosClass": "BestEffort"}
    first = compute(world(obj, run("a"), pod_ip="127.2.3.4", host_ip="127.0.0.1"), NOW)
    assert (
        scheduled in first["conditions"]
        and first["podIPs"] == [{"ip": "127.2.3.4"}]
        and first["qosClass"] == "BestEffort"
    )
    obj["status"] = first
    assert patch(world(obj), compute(world(obj, run("a"), pod_ip="127.2.3.4", host_ip="127.0.0.1"), NOW + 60)) is None
    later = compute(world(obj, pod_ip="127.2.3.4"), NOW + 60)
    assert set(patch(world(obj), later)["status"]) == {"phase", "conditions", "containerStatuses"}


@pytest.mark.parametrize("code, expected", [(0, "Succeeded"), (143, "Failed")])
def test_the_last_status_of_a_deleted_pod(code, expected):
    assert compute(world(pod("a", deleted=30), end("a", code)), NOW, over=True)["phase"] == expected


def test_given_up():
    status = compute(world(pod("a"), run("a")), NOW, Fail("DeadlineExceeded", "too long"))
    assert (status["phase"], status["reason"], status["message"]) == ("Failed", "DeadlineExceeded", "too long")

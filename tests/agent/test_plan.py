"""The pod worker's decisions as a table: a world in, actions out."""

from pathlib import Path

import pytest

from kk.agent.pods.plan import Fail, Finish, Kill, Start, plan
from kk.agent.pods.world import Probed, World, spec_hash
from kk.agent.runtime.api import Container, ContainerConfig

NOW = 1_000_000.0


def pod(*containers, inits=(), policy="Always", deleted=None, phase="Pending", **spec):
    meta = {"uid": "u", "name": "p", "namespace": "d"}
    if deleted is not None:
        meta |= {"deletionTimestamp": "1970-01-12T13:47:00Z", "deletionGracePeriodSeconds": deleted}
    body = {"restartPolicy": policy, "containers": [spec_of(c) for c in containers], **spec}
    if inits:
        body["initContainers"] = [spec_of(c) for c in inits]
    return {"metadata": meta, "spec": body, "status": {"phase": phase, "startTime": "1970-01-12T13:46:00Z"}}


def spec_of(container):
    return container if isinstance(container, dict) else {"name": container, "image": "busybox"}


def attempt(name, state, code=0, number=0, image="busybox"):
    notes = {"hash": spec_hash({"name": name, "image": image})}
    config = ContainerConfig(name, number, ("x",), {}, "/", image, "id", notes=notes)
    return Container(f"id-{name}-{number}", "u", config, Path("/x"), 1.0, state, 1, 1.0, NOW - 1, code)


def world(obj, *attempts, **more):
    made = World(obj, sandbox=True, **more)
    for one in attempts:
        made.containers.setdefault(one.config.name, []).append(one)
        if one.state == "running":
            made.probed.setdefault(one.config.name, Probed(True, True))
    return made


SIDE = {"name": "side", "image": "busybox", "restartPolicy": "Always"}
RULED = {
    "name": "a",
    "image": "busybox",
    "restartPolicy": "Never",
    "restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}],
}
run, end = (lambda n, **k: attempt(n, "running", **k)), (lambda n, code=0, **k: attempt(n, "exited", code, **k))

CASES = {
    "first start": (pod("a", "b"), [], {}, [Start("a", False, 0), Start("b", False, 0)]),
    "all run": (pod("a"), [run("a")], {}, []),
    "init first": (pod("a", inits=["i", "j"]), [], {}, [Start("i", True, 0)]),
    "init runs": (pod("a", inits=["i"]), [run("i")], {}, []),
    "second init": (pod("a", inits=["i", "j"]), [end("i")], {}, [Start("j", True, 0)]),
    "inits done": (pod("a", inits=["i"]), [end("i")], {}, [Start("a", False, 0)]),
    "init failed": (pod("a", inits=["i"]), [end("i", 1)], {}, [Start("i", True, 1, NOW - 1)]),
    "init failed, never": (pod("a", inits=["i"], policy="Never"), [end("i", 1)], {}, []),
    "init not again": (pod("a", inits=["i"]), [end("i"), end("a", 1)], {}, [Start("a", False, 1, NOW - 1)]),
    "crashed": (pod("a"), [end("a", 1)], {}, [Start("a", False, 1, NOW - 1)]),
    "completed, always": (pod("a"), [end("a", 0)], {}, [Start("a", False, 1, NOW - 1)]),
    "crashed, backing off": (pod("a"), [end("a", 1)], {"not_before": {"a": NOW + 5}}, []),
    "on failure, 0": (pod("a", policy="OnFailure"), [end("a", 0)], {}, []),
    "on failure, 1": (pod("a", policy="OnFailure"), [end("a", 1)], {}, [Start("a", False, 1, NOW - 1)]),
    "never": (pod("a", policy="Never"), [end("a", 1)], {}, []),
    "never, other runs": (pod("a", "b", policy="Never"), [end("a", 1), run("b")], {}, []),
    "rule restarts": (pod(RULED, policy="Never"), [end("a", 42)], {}, [Start("a", False, 1, NOW - 1)]),
    "rule does not match": (pod(RULED, policy="Always"), [end("a", 1)], {}, []),
    "image changed, runs": (
        pod("a"), [run("a", image="old")], {},
        [Kill("a", "id-a-0", 30, "Container a definition changed, will be restarted")],
    ),
    "image changed, ended": (pod("a", policy="Never"), [end("a", image="old")], {}, [Start("a", False, 1)]),
    "unhealthy": (
        pod("a", terminationGracePeriodSeconds=7), [run("a")], {"probed": {"a": Probed(False, True, "liveness")}},
        [Kill("a", "id-a-0", 7, "Container a failed liveness probe, will be restarted")],
    ),
    "unhealthy, told already": (
        pod("a"), [run("a")], {"probed": {"a": Probed(False, True, "liveness")}, "killing": {"id-a-0"}}, [],
    ),
    "sidecar first": (pod("a", inits=[SIDE]), [], {}, [Start("side", True, 0)]),
    "sidecar runs": (pod("a", inits=[SIDE]), [run("side")], {}, [Start("a", False, 0)]),
    "sidecar not started": (pod("a", inits=[SIDE]), [run("side")], {"probed": {"side": Probed()}}, []),
    "sidecar crashed": (pod("a", inits=[SIDE]), [end("side", 1), run("a")], {}, [Start("side", True, 1, NOW - 1)]),
    "sidecar outlives the work": (
        pod("a", inits=[SIDE], policy="Never"), [run("side"), end("a")], {}, [Kill("side", "id-side-0", 30)],
    ),
    "debugged": (pod("a", ephemeralContainers=[spec_of("dbg")]), [run("a")], {}, [Start("dbg", False, 0)]),
    "debugged once": (pod("a", ephemeralContainers=[spec_of("dbg")]), [run("a"), end("dbg", 1)], {}, []),
    "debugged while it initialises": (
        pod("a", inits=["i"], ephemeralContainers=[spec_of("dbg")]), [run("i")], {}, [Start("dbg", False, 0)],
    ),
    "deleted, runs": (pod("a", deleted=30), [run("a")], {}, [Kill("a", "id-a-0", 20.0)]),
    "deleted, overdue": (pod("a", deleted=0), [run("a")], {}, [Kill("a", "id-a-0", 0.0)]),
    "deleted, stopping": (pod("a", deleted=30), [run("a")], {"killing": {"id-a-0"}}, []),
    "deleted, ended": (pod("a", deleted=30), [end("a")], {}, [Finish()]),
    "deleted before it ran": (pod("a", deleted=30), [], {}, [Finish()]),
    "deleted, sidecar last": (pod("a", inits=[SIDE], deleted=30), [run("side"), run("a")], {}, [Kill("a", "id-a-0", 20.0)]),
    "deleted, only sidecar": (pod("a", inits=[SIDE], deleted=30), [run("side"), end("a")], {}, [Kill("side", "id-side-0", 20.0)]),
    "gone": (pod("a", terminationGracePeriodSeconds=3), [run("a")], {"gone": True}, [Kill("a", "id-a-0", 3.0)]),
    "succeeded": (pod("a", phase="Succeeded"), [end("a")], {}, []),
    "failed, one still runs": (pod("a", phase="Failed"), [run("a")], {}, [Kill("a", "id-a-0", 0)]),
    "too long active": (
        pod("a", activeDeadlineSeconds=5), [run("a")], {},
        [Fail("DeadlineExceeded", "Pod was active on the node longer than the specified deadline"), Kill("a", "id-a-0", 30)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_actions(case):
    obj, attempts, more, expected = case
    assert list(plan(world(obj, *attempts, **more), NOW).actions) == expected


def test_when_to_look_again():
    waiting = plan(world(pod("a"), end("a", 1), not_before={"a": NOW + 5}), NOW)
    assert waiting.wake_at == NOW + 5 and waiting.backing_off == (("a", NOW + 5),)
    assert plan(world(pod("a", activeDeadlineSeconds=100000), run("a")), NOW).wake_at == 999960 + 100000

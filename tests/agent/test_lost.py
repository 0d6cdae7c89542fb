"""Containers that the API server knows and the node does not."""

from kk.agent.pods.lost import UNKNOWN, restore
from kk.agent.pods.plan import Start, plan
from kk.agent.pods.status import compute, patch
from tests.agent.test_plan import NOW, end, pod, run, world


def reported(obj, *attempts):
    """The pod as it was once reported with these attempts."""
    obj["status"] = compute(world(obj, *attempts), NOW)
    return obj


def seen_again(obj):
    found = world(obj)
    restore(found)
    return found


def test_what_had_ended_stays_as_it_was():
    obj = reported(pod("a", policy="Never"), end("a", 3))
    assert plan(seen_again(obj), NOW).actions == ()
    assert (
        "containerStatuses" not in (patch(seen_again(obj), compute(seen_again(obj), NOW)) or {"status": {}})["status"]
    )


def test_what_ran_has_ended_somehow():
    obj = reported(pod("a", policy="Never"), run("a"))
    state = compute(seen_again(obj), NOW)["containerStatuses"][0]["state"]["terminated"]
    assert (state["exitCode"], state["reason"]) == (137, UNKNOWN)
    obj = reported(pod("a"), run("a", number=2))
    assert [(a.name, a.attempt) for a in plan(seen_again(obj), NOW).actions if isinstance(a, Start)] == [("a", 3)]


def test_what_never_ran_is_not_restored():
    obj = reported(pod("a"))
    assert seen_again(obj).containers == {}

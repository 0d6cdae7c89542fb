"""What a namespace on its way out says, and how long it waits."""

from kk.client.discovery import APIResource
from kk.control.controllers.namespace import Remains, conditions
from kk.control.controllers.podgc import surplus
from kk.control.controllers.root_ca import NAME, plan

MAPS = APIResource("", "v1", "configmaps", "configmap", "ConfigMap", True)


def test_conditions_of_an_empty_one():
    found = conditions(Remains(), [], "now")
    assert {c["status"] for c in found} == {"False"}
    assert conditions(Remains(), found, "later") == found


def test_what_remains_is_told():
    remains = Remains(faults=["no"])
    remains.add(MAPS, [{"metadata": {"finalizers": ["a/b"]}}, {"metadata": {"deletionGracePeriodSeconds": 30}}])
    messages = {c["type"]: c["message"] for c in conditions(remains, [], "now")}
    assert messages["NamespaceContentRemaining"] == "Some resources are remaining: configmaps. has 2 resource instances"
    assert messages["NamespaceFinalizersRemaining"].endswith("finalizers remaining: a/b in 1 resource instances")
    assert messages["NamespaceDeletionContentFailure"] == "Failed to delete all resource types, 1 remaining: no"
    assert remains.wait == 30


def test_root_ca():
    space = {"metadata": {"name": "n"}, "status": {"phase": "Active"}}
    verb, made = plan(space, None, "PEM")
    assert (verb, made["metadata"]["name"], made["data"]) == ("create", NAME, {"ca.crt": "PEM"})
    assert plan(space, made, "PEM") is None
    assert plan(space, {**made, "data": {}}, "PEM")[0] == "update"
    assert plan({**space, "status": {"phase": "Terminating"}}, None, "PEM") is None


def test_surplus_of_finished_pods():
    pods = [
        {
            "metadata": {"name": str(n), "creationTimestamp": f"2026-01-0{n}T00:00:00Z"},
            "status": {"phase": "Failed" if n < 5 else "Running"},
        }
        for n in range(1, 8)
    ]
    assert [p["metadata"]["name"] for p in surplus(pods, 2)] == ["1", "2"]
    assert surplus(pods, 0) == []

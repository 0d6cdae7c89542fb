"""Endpoints and slices of a service: which pods, which ports, how slices are filled and used again."""

import pytest

from kk.control.controllers import _endpoints as e
from kk.control.controllers import endpointslice as s
from kk.control.controllers import endpointslicemirroring as m
from kk.control.controllers.endpoints import subsets, truncated


def service(*ports, **spec):
    return {"metadata": {"name": "s", "namespace": "n"}, "spec": {"selector": {"a": "x"}, "ports": list(ports), **spec}}


def pod(name, ready=True, ip=None, ports=(), phase="Running", **meta):
    status = {"phase": phase, "conditions": [{"type": "Ready", "status": str(ready)}]}
    if ip != "":
        status["podIPs"] = [{"ip": ip or f"10.0.0.{name}"}]
    containers = [{"name": "c", "ports": [{"name": n, "containerPort": p} for n, p in ports]}]
    return {
        "metadata": {"name": name, "namespace": "n", "uid": name, "labels": {"a": "x"}, **meta},
        "spec": {"containers": containers, "nodeName": "node"},
        "status": status,
    }


def test_chosen():
    pods = [pod("1"), pod("2", ip=""), pod("3", phase="Failed"), pod("4", labels={}), pod("5", deletionTimestamp="t")]
    assert [p["metadata"]["name"] for p in e.chosen(service(), pods, True)] == ["1", "5"]
    assert [p["metadata"]["name"] for p in e.chosen(service(), pods, False)] == ["1"]


@pytest.mark.parametrize(
    ("ready", "going", "always", "expected"),
    [
        (True, False, False, (True, True, False)),
        (False, False, False, (False, False, False)),
        (True, True, False, (False, True, True)),
        (False, False, True, (True, False, False)),
    ],
)
def test_conditions(ready, going, always, expected):
    one = pod("1", ready, **({"deletionTimestamp": "t"} if going else {}))
    found = s.endpoint(service(publishNotReadyAddresses=always), one, "IPv4", "z")
    assert tuple(found["conditions"].values()) == expected
    assert found["zone"] == "z"


def test_named_ports_make_groups():
    svc = service({"port": 80, "targetPort": "web", "name": "web"})
    pods = [pod("1", ports=[("web", 8080)]), pod("2", ports=[("web", 9090)]), pod("3")]
    groups = s.wanted(svc, pods, {})
    assert sorted([p["port"] for p in ports] for _, ports, _ in groups.values()) == [[], [8080], [9090]]
    found = subsets(svc, pods)
    assert [(x["ports"][0]["port"], len(x["addresses"])) for x in found] == [(8080, 1), (9090, 1)]


def plan(svc, pods, slices=()):
    return s.plan(s.wanted(svc, pods, {}), list(slices))


def test_slices_are_filled_kept_and_used_again():
    svc = service({"port": 80, "targetPort": 80})
    create, update, delete = plan(svc, [])
    assert (len(create), update, delete) == (1, [], [])
    assert create[0]["endpoints"] == []
    empty = {**create[0], "metadata": {"name": "one"}}
    create, update, delete = plan(svc, [pod("1")], [empty])
    assert (create, delete, update[0]["metadata"]["name"]) == ([], [], "one")
    assert plan(svc, [pod("1")], update) == ([], [], [])
    many = [pod(str(n)) for n in range(150)]
    create, update, delete = plan(svc, many, update)
    assert ([len(c["endpoints"]) for c in create], [len(u["endpoints"]) for u in update], delete) == ([50], [100], [])
    create, update, delete = plan(svc, [], update)
    assert (create, delete, update[0]["endpoints"], update[0]["ports"]) == ([], [], [], [])


def test_endpoints_join_ports_of_the_same_addresses():
    svc = service({"port": 80, "name": "a"}, {"port": 81, "name": "b"})
    found = subsets(svc, [pod("1"), pod("2", ready=False)])
    assert [p["name"] for p in found[0]["ports"]] == ["a", "b"]
    assert [a["ip"] for a in found[0]["addresses"]] == ["10.0.0.1"]
    assert [a["ip"] for a in found[0]["notReadyAddresses"]] == ["10.0.0.2"]
    assert subsets(service(clusterIP="None"), [pod("1")])[0].get("ports") is None


def test_truncated():
    big = [{"addresses": [{"ip": str(n)} for n in range(1200)], "ports": []}]
    found, over = truncated(big)
    assert (len(found[0]["addresses"]), over) == (1000, True)


def test_triggers_tell_only_changes():
    triggers = e.Triggers()
    svc = service()
    svc["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    one = pod("1")
    one["status"]["conditions"][0]["lastTransitionTime"] = "2026-01-02T00:00:00Z"
    assert triggers.changed("k", svc, []) == "2026-01-01T00:00:00Z"
    assert triggers.changed("k", svc, [one]) == "2026-01-02T00:00:00Z"
    assert triggers.changed("k", svc, [one]) == ""


def test_endpoints_made_by_hand_are_mirrored():
    made = {
        "metadata": {"name": "s", "namespace": "n"},
        "subsets": [
            {"addresses": [{"ip": "10.0.0.1"}], "notReadyAddresses": [{"ip": "fd00::1"}], "ports": [{"port": 80}]}
        ],
    }
    assert m.mirrored(made, {"spec": {}})
    assert not m.mirrored(made, service())
    assert not m.mirrored(
        {**made, "metadata": {"labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}}}, {"spec": {}}
    )
    found = m.groups(made)
    assert sorted((f, e[0]["addresses"], e[0]["conditions"]) for f, _, e in found.values()) == [
        ("IPv4", ["10.0.0.1"], {"ready": True}),
        ("IPv6", ["fd00::1"], {"ready": False}),
    ]
    create, _, _ = s.plan(found, [])
    assert len(create) == 2
    kept = [{**c, "metadata": {"name": str(n)}} for n, c in enumerate(create)]
    assert s.plan(m.groups({"metadata": {}}), kept)[2] == kept

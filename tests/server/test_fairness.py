"""Priority and fairness over real HTTP: the class of a request, a level's bound, queues, and the plain bounds without it."""

import json
import threading
import time

import pytest

from kk.server.context import User
from kk.server.fairness.levels import Level, share
from kk.server.fairness.rules import find, ordered
from kk.server.flowcontrol import levels, schemas
from kk.server.routing import parse
from tests.servers import APIServer

FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1"
EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
MAPS = "/api/v1/namespaces/default/configmaps"


def grant(server):
    """Let the group `slow` do everything."""
    subject = {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "slow"}
    ref = {"kind": "ClusterRole", "apiGroup": "rbac.authorization.k8s.io", "name": "cluster-admin"}
    binding = {"metadata": {"name": "slow"}, "roleRef": ref, "subjects": [subject]}
    path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    assert server.request("POST", path, binding)[0] == 201


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    flags = ("--max-requests-inflight=10", "--max-mutating-requests-inflight=10")
    with APIServer(tmp_path_factory.mktemp("api") / "data", 0, *flags) as server:
        grant(server)
        yield server


def level(api, name, response):
    """A level of one seat, and a schema that leads the user of its name there. Returns both uids."""
    limited = {"nominalConcurrencyShares": 1, "borrowingLimitPercent": 0, "limitResponse": response}
    body = {"metadata": {"name": name}, "spec": {"type": "Limited", "limited": limited}}
    status, made = api.request("POST", f"{FLOW}/prioritylevelconfigurations", body)
    assert status == 201, made
    rules = [{"subjects": [{"kind": "User", "user": {"name": name}}], "resourceRules": [EVERYTHING]}]
    spec = {"priorityLevelConfiguration": {"name": name}, "matchingPrecedence": 50, "rules": rules}
    status, schema = api.request("POST", f"{FLOW}/flowschemas", {"metadata": {"name": name}, "spec": spec})
    assert status == 201, schema
    return schema["metadata"]["uid"], made["metadata"]["uid"]


def get(api, name):
    return api.raw("GET", MAPS, None, {"Impersonate-User": name, "Impersonate-Group": "slow"})


class Pending:
    """A POST whose body has not come yet: it holds its seat until `finish`."""

    def __init__(self, api, name, key):
        self.connection = api.connect()
        self.body = json.dumps({"metadata": {"name": key}}).encode()
        self.connection.putrequest("POST", MAPS)
        headers = {"Impersonate-User": name, "Impersonate-Group": "slow", "Content-Type": "application/json"}
        for header, value in {**headers, "Content-Length": str(len(self.body))}.items():
            self.connection.putheader(header, value)
        self.connection.endheaders()

    def finish(self):
        self.connection.send(self.body)
        answer = self.connection.getresponse()
        answer.read()
        self.connection.close()
        return answer.status


def until(check, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come to pass")


def test_answers_tell_their_class(api):
    uids = level(api, "told", {"type": "Reject"})
    headers = until(lambda: (h := get(api, "told")[1]).get("x-kubernetes-pf-flowschema-uid") == uids[0] and h)
    assert headers["x-kubernetes-pf-prioritylevel-uid"] == uids[1]
    _, exempt = api.request("GET", f"{FLOW}/flowschemas/exempt")
    assert api.raw("GET", MAPS)[1]["x-kubernetes-pf-flowschema-uid"] == exempt["metadata"]["uid"]
    schema, own = api.raw("GET", f"{MAPS}?watch=1&timeoutSeconds=1")[1], exempt["metadata"]["uid"]
    assert schema["x-kubernetes-pf-flowschema-uid"] == own


def test_a_full_level_refuses(api):
    level(api, "strict", {"type": "Reject"})
    assert until(lambda: get(api, "strict")[0] == 200)
    held = Pending(api, "strict", "one")
    status, headers, body = until(lambda: (a := get(api, "strict"))[0] == 429 and a)
    assert headers["retry-after"] == "1"
    assert body == b"Too many requests, please try again later.\n"
    assert api.raw("GET", MAPS)[0] == 200  # another level has seats
    assert held.finish() == 201
    assert until(lambda: get(api, "strict")[0] == 200)


def test_a_full_level_lets_some_wait(api):
    queuing = {"queues": 1, "handSize": 1, "queueLengthLimit": 1}
    level(api, "patient", {"type": "Queue", "queuing": queuing})
    assert until(lambda: get(api, "patient")[0] == 200)
    held = Pending(api, "patient", "two")
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(get(api, "patient")[0])) for _ in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: 429 in answers)  # one waits, and there is no room for the other
    assert answers == [429]
    assert held.finish() == 201
    for thread in threads:
        thread.join(20)
    assert answers == [429, 200]


def test_without_fairness_two_plain_bounds_hold(tmp_path):
    flags = ("--enable-priority-and-fairness=false", "--max-mutating-requests-inflight=1")
    with APIServer(tmp_path / "data", 0, *flags) as api:
        assert "x-kubernetes-pf-flowschema-uid" not in api.raw("GET", MAPS)[1]
        grant(api)
        held = Pending(api, "eve", "one")
        patch = {"Impersonate-User": "eve", "Impersonate-Group": "slow", "Content-Type": "application/merge-patch+json"}
        until(lambda: api.raw("PATCH", f"{MAPS}/x", {}, patch)[0] == 429)
        assert api.raw("GET", MAPS, None, {"Impersonate-User": "eve"})[0] == 403  # reads are another bound
        assert api.raw("PATCH", f"{MAPS}/x", {}, {"Content-Type": "application/merge-patch+json"})[0] == 404
        assert held.finish() == 201


CASES = [
    (
        "system:kube-scheduler",
        (),
        "GET",
        "/apis/coordination.k8s.io/v1/namespaces/a/leases/l",
        "system-leader-election",
    ),
    ("system:kube-scheduler", (), "GET", "/api/v1/pods", "kube-scheduler"),
    ("system:node:n", ("system:nodes",), "PATCH", "/api/v1/nodes/n/status", "system-node-high"),
    ("system:node:n", ("system:nodes",), "GET", "/api/v1/pods", "system-nodes"),
    (
        "system:serviceaccount:kube-system:x",
        ("system:serviceaccounts",),
        "GET",
        "/api/v1/pods",
        "kube-system-service-accounts",
    ),
    ("system:serviceaccount:a:x", ("system:serviceaccounts",), "GET", "/api/v1/pods", "service-accounts"),
    ("eve", ("system:authenticated",), "GET", "/api/v1/pods", "global-default"),
    ("eve", ("system:authenticated",), "GET", "/livez", "probes"),
    ("root", ("system:masters",), "GET", "/livez", "exempt"),
]


@pytest.mark.parametrize(("user", "groups", "method", "path", "schema"), CASES)
def test_default_schemas(user, groups, method, path, schema):
    found = find(ordered(schemas()), User(user, "", groups), parse(method, path.encode(), b""))
    assert found["metadata"]["name"] == schema


def test_seats_are_dealt_by_shares():
    known = [Level(o["metadata"]["name"], "", o["spec"]) for o in levels()]
    share(known, 600)
    limits = {level.name: level.limit for level in known}
    assert limits["exempt"] is None
    assert limits["workload-low"] == 245
    assert limits["catch-all"] == 13

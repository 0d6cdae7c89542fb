"""The flow control objects that every cluster has: priority levels and flow schemas, mandatory and suggested.

Data only, as Kubernetes writes it. kk answers requests as they come and queues none, so these objects are kept, shown and edited, and change nothing.
"""

from typing import Any

Obj = dict[str, Any]
_KEEP = {"apf.kubernetes.io/autoupdate-spec": "true"}
_API = "flowcontrol.apiserver.k8s.io/v1"
#: name → (nominal shares, lendable percent, (queues, hand size) or None for reject)
_LEVELS: dict[str, tuple[int, int, tuple[int, int] | None]] = {
    "catch-all": (5, 0, None),
    "global-default": (20, 50, (128, 6)),
    "leader-election": (10, 0, (16, 4)),
    "node-high": (40, 25, (64, 6)),
    "system": (30, 33, (64, 6)),
    "workload-high": (40, 50, (128, 6)),
    "workload-low": (100, 90, (128, 6)),
}
_ALL_RESOURCES = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}]
_ALL_PATHS = [{"verbs": ["*"], "nonResourceURLs": ["*"]}]


def _groups(*names: str) -> list[Obj]:
    return [{"kind": "Group", "group": {"name": n}} for n in names]


def _users(*names: str) -> list[Obj]:
    return [{"kind": "User", "user": {"name": n}} for n in names]


def _accounts(*names: str) -> list[Obj]:
    return [{"kind": "ServiceAccount", "serviceAccount": {"namespace": "kube-system", "name": n}} for n in names]


def _resources(group: str, *plurals: str, verbs: tuple[str, ...] = ("get", "create", "update")) -> Obj:
    return {"verbs": list(verbs), "apiGroups": [group], "resources": list(plurals), "namespaces": ["*"]}


_EVERYBODY = _groups("system:unauthenticated", "system:authenticated")
_CONTROL, _SCHEDULER = "system:kube-controller-manager", "system:kube-scheduler"
_ELECTION = "coordination.k8s.io"
_NODES = _resources("", "nodes", "nodes/status", verbs=("*",)) | {"clusterScope": True}
#: (name, level, precedence, distinguisher, subjects, resource rules, path rules)
_SCHEMAS: tuple[tuple[str, str, int, str, list[Obj], list[Obj], list[Obj]], ...] = (
    ("exempt", "exempt", 1, "", _groups("system:masters"), _ALL_RESOURCES, _ALL_PATHS),
    (
        "probes",
        "exempt",
        2,
        "",
        _EVERYBODY,
        [],
        [{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}],
    ),
    (
        "system-leader-election",
        "leader-election",
        100,
        "ByUser",
        _users(_CONTROL, _SCHEDULER) + _accounts("*"),
        [_resources(_ELECTION, "leases")],
        [],
    ),
    (
        "endpoint-controller",
        "workload-high",
        150,
        "ByUser",
        _users(_CONTROL) + _accounts("endpoint-controller", "endpointslicemirroring-controller"),
        [_resources("", "endpoints")],
        [],
    ),
    (
        "workload-leader-election",
        "leader-election",
        200,
        "ByUser",
        _accounts("*"),
        [_resources("", "endpoints", "configmaps"), _resources(_ELECTION, "leases")],
        [],
    ),
    (
        "system-node-high",
        "node-high",
        400,
        "ByUser",
        _groups("system:nodes"),
        [_NODES, _resources(_ELECTION, "leases", verbs=("*",))],
        [],
    ),
    ("system-nodes", "system", 500, "ByUser", _groups("system:nodes"), _ALL_RESOURCES, _ALL_PATHS),
    ("kube-controller-manager", "workload-high", 800, "ByNamespace", _users(_CONTROL), _ALL_RESOURCES, _ALL_PATHS),
    ("kube-scheduler", "workload-high", 800, "ByNamespace", _users(_SCHEDULER), _ALL_RESOURCES, _ALL_PATHS),
    ("kube-system-service-accounts", "workload-high", 900, "ByNamespace", _accounts("*"), _ALL_RESOURCES, _ALL_PATHS),
    (
        "service-accounts",
        "workload-low",
        9000,
        "ByUser",
        _groups("system:serviceaccounts"),
        _ALL_RESOURCES,
        _ALL_PATHS,
    ),
    ("global-default", "global-default", 9900, "ByUser", _EVERYBODY, _ALL_RESOURCES, _ALL_PATHS),
    ("catch-all", "catch-all", 10000, "ByUser", _EVERYBODY, _ALL_RESOURCES, _ALL_PATHS),
)


def levels() -> list[Obj]:
    """PriorityLevelConfigurations."""
    exempt = {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}}
    found = [_object("PriorityLevelConfiguration", "exempt", exempt)]
    for name, (shares, lendable, queue) in _LEVELS.items():
        response: Obj = {"type": "Reject"}
        if queue is not None:
            queuing = {"queues": queue[0], "handSize": queue[1], "queueLengthLimit": 50}
            response = {"type": "Queue", "queuing": queuing}
        limited = {"nominalConcurrencyShares": shares, "limitResponse": response, "lendablePercent": lendable}
        found.append(_object("PriorityLevelConfiguration", name, {"type": "Limited", "limited": limited}))
    return found


def schemas() -> list[Obj]:
    """FlowSchemas, without their status."""
    found = []
    for name, level, precedence, distinguisher, subjects, resources, paths in _SCHEMAS:
        spec: Obj = {"priorityLevelConfiguration": {"name": level}, "matchingPrecedence": precedence}
        if distinguisher:
            spec["distinguisherMethod"] = {"type": distinguisher}
        rule: Obj = {"subjects": subjects}
        if resources:
            rule["resourceRules"] = resources
        if paths:
            rule["nonResourceRules"] = paths
        found.append(_object("FlowSchema", name, {**spec, "rules": [rule]}))
    return found


def _object(kind: str, name: str, spec: Obj) -> Obj:
    return {"apiVersion": _API, "kind": kind, "metadata": {"name": name, "annotations": dict(_KEEP)}, "spec": spec}

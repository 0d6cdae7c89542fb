"""Rules of single core kinds, in upstream's words: nodes, quotas, limits, namespaces, claims, data, and what is warned of."""

from typing import Any

import pytest

from kk.kinds import (
    _keyed,
    _podspec_resources,
    csistoragecapacity,
    limitrange,
    namespace,
    node,
    persistentvolume,
    persistentvolumeclaim,
    podtemplate,
    resourceclaim,
    resourcequota,
    resourceslice,
    runtimeclass,
    serviceaccount,
    storageclass,
)
from kk.kinds._nodeselector import check_term
from kk.kinds._podspec_warnings import spec_warnings, term_warnings

Obj = dict[str, Any]
TAINT = {"key": "a", "effect": "NoExecute"}


def texts(faults: Any) -> list[str]:
    return [str(fault) for fault in faults]


def a_node(spec: Obj | None = None, status: Obj | None = None) -> Obj:
    return {"metadata": {"name": "n"}, "spec": spec or {}, "status": status or {}}


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        ({"taints": [TAINT, TAINT]}, {}, "metadata.taints[1]: Duplicate value: "),
        ({"taints": [{"key": "a", "effect": "Odd"}]}, {}, 'metadata.taints[0].effect: Unsupported value: "Odd": supported values: "NoSchedule"'),
        ({"podCIDRs": ["10.0.0.0/24", "10.0.1.0/24"]}, {}, "may specify no more than one CIDR for each IP family"),
        ({"podCIDRs": ["10.0.0.0/24", "10.0.0.0/24"]}, {}, 'spec.podCIDRs[1]: Duplicate value: "10.0.0.0/24"'),
        ({"podCIDRs": ["10.0.0.0/24", "fd00::/64"]}, {}, ""),
        ({}, {"capacity": {"pods": "1500m"}}, 'status.capacity.pods: Invalid value: "1500m": must be an integer'),
        ({}, {"capacity": {"odd": "1", "hugepages-2Mi": "0"}}, ""),
    ],
)  # fmt: skip
def test_a_new_node(spec: Obj, status: Obj, expected: str) -> None:
    found = texts(node.validate(a_node(spec, status), None))
    assert any(expected in text for text in found) if expected else found == []


def test_a_changed_node() -> None:
    old = a_node({"podCIDRs": ["10.0.0.0/24"], "providerID": "a"})
    address = {"type": "InternalIP", "address": "10.0.0.1"}
    new = a_node({"podCIDRs": [], "providerID": "b", "externalID": "x"}, {"addresses": [address, address]})
    assert texts(node.validate_status(new, old)) == [
        'status.addresses[1]: Duplicate value: {"Type":"InternalIP","Address":"10.0.0.1"}',
        'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
        'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
        "spec.externalID: Forbidden: may not be updated",
    ]
    assert list(node.warnings(new, old)) == ["spec.externalID: this field is deprecated, and is unused by Kubernetes"]


def test_limits_of_what_cannot_be_shared() -> None:
    def faults(**item: Any) -> list[str]:
        return texts(limitrange.validate({"spec": {"limits": [item]}}, None))

    assert faults(type="Container", default={"example.com/x": "2"}, defaultRequest={"example.com/x": "1"}) == [
        'spec.limits[0].defaultRequest[example.com/x]: Invalid value: "1": '
        "default value 2 must equal to defaultRequest value 1 in example.com/x"
    ]
    assert "must be a standard resource for containers" in faults(type="Pod", max={"storage": "1"})[0]


def test_scopes_of_a_quota() -> None:
    def faults(*expressions: Obj) -> list[str]:
        spec = {"scopeSelector": {"matchExpressions": list(expressions)}}
        return texts(resourcequota.validate({"spec": spec}, None))

    both = [{"scopeName": name, "operator": "Exists"} for name in ("BestEffort", "NotBestEffort")]
    assert faults(*both) == ["spec.scopeSelector.matchExpressions: Invalid value: null: conflicting scopes"]
    odd = {"scopeName": "PriorityClass", "operator": "Exists", "values": ["a"]}
    assert "must be no value when `operator` is 'Exist' or 'DoesNotExist'" in faults(odd)[0]


def test_huge_pages_come_whole() -> None:
    resources = {"limits": {"cpu": "1", "hugepages-2Mi": "3Mi"}, "requests": {"hugepages-2Mi": "3Mi"}}
    assert texts(_podspec_resources.check_container("r", resources, set())) == [
        f'r.{side}[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi'
        for side in ("limits", "requests")
    ]


def test_finalizers_are_told_apart_where_they_are_written() -> None:
    obj = {"metadata": {"name": "n"}, "spec": {"finalizers": ["kubernetes", "odd"]}}
    detail = "name is neither a standard finalizer name nor is it fully qualified"
    check = namespace.KIND.validate_subresource["finalize"]
    assert texts(check(obj, obj)) == [f'spec.finalizers[1]: Invalid value: "odd": {detail}']
    assert texts(namespace.validate(obj, None)) == [f'spec.finalizers: Invalid value: "odd": {detail}']


def test_how_far_a_resize_is() -> None:
    status: Obj = {
        "capacity": {"storage": "-1"},
        "allocatedResourceStatuses": {
            "storage": "Odd",
            "cpu": "NodeResizePending",
            "example.com/x": "NodeResizePending",
        },
        "allocatedResources": {"storage": "1Gi", "memory": "1"},
    }
    assert texts(persistentvolumeclaim.validate_status({"status": status}, {})) == [
        "status.capacity[storage]: Invalid value: -1: must be a valid resource quantity",
        'status.allocatedResourceStatus: Unsupported value: "storage": supported values: "ControllerResizeInProgress", '
        '"ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"',
        'status.allocatedResourceStatus: Unsupported value: "cpu": supported values: "storage"',
        'status.allocatedResources: Unsupported value: "memory": supported values: "storage"',
    ]


def test_data_that_is_too_much_or_fixed() -> None:
    big = {"data": {"a": "x" * (1024 * 1024 + 1)}}
    assert texts(_keyed.check_data(big, None, ("data", "binaryData")))[0].startswith("[]: Too long")
    fixed = {"data": {"a": "x"}, "immutable": True}
    assert texts(_keyed.check_data({"data": {"a b": "x"}}, fixed, ("data", "binaryData")))[:2] == [
        "immutable: Forbidden: field is immutable when `immutable` is set",
        "data: Forbidden: field is immutable when `immutable` is set",
    ]


def test_consumers_of_a_claim() -> None:
    one = {"resource": "pods", "name": "p", "uid": "u"}
    obj: Obj = {"metadata": {"name": "c"}, "spec": {}, "status": {"reservedFor": [one]}}
    assert texts(resourceclaim.validate_status(obj, {"status": {}})) == [
        "status.reservedFor: Forbidden: may not be specified when `allocated` is not set"
    ]
    obj["metadata"]["deletionTimestamp"], obj["status"]["allocation"] = "now", {}
    assert texts(resourceclaim.validate_status(obj, {"status": {"allocation": {}}})) == [
        "status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or "
        "`deletionTimestamp` are set"
    ]
    assert texts(resourceclaim.validate_status(obj, obj)) == []


MASTER = "node-role.kubernetes.io/master"
INSTEAD = 'use "node-role.kubernetes.io/control-plane" instead'


def test_old_labels_are_warned_of_wherever_nodes_are_chosen() -> None:
    expression = {"key": MASTER, "operator": "Exists"}
    volume = {
        "metadata": {},
        "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}},
    }
    assert persistentvolume.warnings(volume, None) == [
        f"spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: {MASTER} is {INSTEAD}"
    ]
    klass = {"allowedTopologies": [{"matchLabelExpressions": [{"key": MASTER, "values": ["a"]}]}]}
    assert list(storageclass.warnings(klass, None)) == [f"allowedTopologies[0].matchLabelExpressions[0]: {INSTEAD}"]
    capacity = {"nodeTopology": {"matchLabels": {MASTER: ""}}}
    assert list(csistoragecapacity.KIND.warnings(capacity, None)) == [f"nodeTopology.matchLabels.{MASTER}: {INSTEAD}"]
    runtime = {"scheduling": {"nodeSelector": {MASTER: ""}}}
    assert list(runtimeclass.warnings(runtime, None)) == [f"scheduling.nodeSelector: {INSTEAD}"]


def test_values_that_no_label_has() -> None:
    term = {"matchExpressions": [{"key": "a", "operator": "In", "values": ["a b"]}]}
    assert texts(check_term("t", term))[0].startswith(
        't.matchExpressions[0].values[0]: Invalid value: "a b": a valid label'
    )
    assert texts(check_term("t", term, values=False)) == []
    assert next(term_warnings("t", term, values=True)).startswith(
        "t.matchExpressions[0].values[0]: a b is invalid, a valid"
    )


def test_an_address_of_the_host_without_its_port() -> None:
    port = {"containerPort": 80, "protocol": "TCP", "hostIP": "10.0.0.1"}
    assert list(spec_warnings("", {"containers": [{"name": "c", "ports": [port]}]})) == [
        "spec.containers[0].ports[0]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:80 Protocol:TCP HostIP:10.0.0.1}"
    ]


def reachable(key: str) -> Obj:
    term = {"matchExpressions": [{"key": key, "operator": "In", "values": ["a"]}]}
    volume: Obj = {
        "metadata": {"name": "v"},
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]},
    }
    volume["spec"] |= {"local": {"path": "/a"}, "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}}
    persistentvolume.default(volume)
    return volume


def test_where_a_volume_is_stays_but_for_new_names() -> None:
    old = reachable("failure-domain.beta.kubernetes.io/zone")
    assert texts(persistentvolume.validate(reachable("topology.kubernetes.io/zone"), old)) == []
    assert texts(persistentvolume.validate(reachable("example.com/zone"), old)) == [
        'nodeAffinity: Invalid value: {"Required":{"NodeSelectorTerms":[{"MatchExpressions":[{"Key":"example.com/zone",'
        '"Operator":"In","Values":["a"]}],"MatchFields":null}]}}: field is immutable, except for updating from beta label to GA'
    ]


def test_devices_of_a_slice() -> None:
    def faults(old: Obj | None = None, **fields: Any) -> list[str]:
        spec = {"driver": "d.example.com", "nodeName": "n", "pool": {"name": "p", "resourceSliceCount": 1}, **fields}
        return texts(resourceslice.validate({"spec": spec}, old))

    devices = [{"name": f"d{i}"} for i in range(65)]
    assert faults(devices=devices) == []
    devices[0]["taints"] = [{"key": "a", "effect": "NoExecute"}]  # type: ignore[assignment]
    assert faults(devices=devices)[0].startswith("spec.devices: Too many: 65: must have at most 64 items")
    assert faults(devices=[], sharedCounters=[]) == [
        'spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed'
    ]
    assert faults({"spec": {"driver": "d.example.com", "nodeName": "m", "pool": {"name": "p"}}}) == [
        'spec.nodeName: Invalid value: "n": field is immutable'
    ]


def test_devices_that_drivers_tell_of() -> None:
    one = {"driver": "d.example.com", "pool": "p", "device": "x"}
    known = {"allocation": {"devices": {"results": [{"request": "r", **one}]}}}
    old: Obj = {"metadata": {"name": "c"}, "spec": {}, "status": known}
    assert texts(resourceclaim.validate_status({**old, "status": {**known, "devices": [one]}}, old)) == []
    other = {**one, "device": "y"}
    assert texts(resourceclaim.validate_status({**old, "status": {**known, "devices": [other, one, one]}}, old)) == [
        "status.devices[0]: Invalid value: d.example.com/p/y: must be an allocated device in the claim",
        "status.devices[2]: Duplicate value: d.example.com/p/x",
    ]


def test_an_annotation_of_accounts_that_is_retired() -> None:
    obj = {"metadata": {"name": "a", "annotations": {"kubernetes.io/enforce-mountable-secrets": "true"}}}
    assert list(serviceaccount.warnings(obj, None)) == [
        "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; "
        "prefer separate namespaces to isolate access to mounted secrets"
    ]
    assert list(serviceaccount.warnings(obj, obj)) == []


def test_templates_are_warned_of_too() -> None:
    claim = {"spec": {"resources": {"requests": {"storage": "1500m"}}}}
    spec = {"nodeSelector": {MASTER: ""}, "volumes": [{"name": "v", "ephemeral": {"volumeClaimTemplate": claim}}]}
    assert list(podtemplate.KIND.warnings({"template": {"spec": spec}}, None)) == [
        f"template.spec.nodeSelector[{MASTER}]: {INSTEAD}",
        "template.spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources.requests[storage]: "
        'fractional byte value "1500m" is invalid, must be an integer',
    ]

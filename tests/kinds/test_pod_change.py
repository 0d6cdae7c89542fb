"""What writes to a pod that exists may change: its spec, its annotations, its resources, its status."""

import copy
from typing import Any

import pytest

from kk.kinds import _pod_annotations, _pod_change, _pod_status, _podspec, pod

Obj = dict[str, Any]
TERMS = "requiredDuringSchedulingIgnoredDuringExecution"


def made(annotations: Obj | None = None, status: Obj | None = None, container: Obj | None = None, **fields: Any) -> Obj:
    spec: Obj = {"containers": [{"name": "c", "image": "nginx", **(container or {})}], **fields}
    obj: Obj = {"metadata": {"name": "p", "annotations": annotations or {}}, "spec": spec, "status": status or {}}
    _podspec.default_spec(spec)
    _podspec.default_pod_only(spec)
    return obj


def texts(faults: Any) -> list[str]:
    return [str(fault) for fault in faults]


def affinity(*terms: list[str]) -> Obj:
    listed = [{"matchExpressions": [{"key": key, "operator": "Exists"} for key in term]} for term in terms]
    return {"nodeAffinity": {TERMS: {"nodeSelectorTerms": listed}}}


GATE = [{"name": "example.com/g"}]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {"containers": [{"name": "c", "image": ""}]}, "spec.containers[0].image: Required value"),
        ({}, {"containers": []}, "spec.containers: Forbidden: pod updates may not add or remove containers"),
        ({}, {"activeDeadlineSeconds": 2**31}, "spec.activeDeadlineSeconds: Invalid value: 2147483648: must be between 0 and 2147483647, inclusive"),
        ({"activeDeadlineSeconds": 9}, {}, "spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value"),
        ({}, {"schedulingGates": GATE}, "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'example.com/g'"),
        ({"schedulingGates": GATE}, {}, ""),
        ({"schedulingGates": GATE, "nodeSelector": {"a": "b"}}, {"nodeSelector": {"a": "b", "c": "d"}}, ""),
        ({"schedulingGates": GATE, "nodeSelector": {"a": "b"}}, {"nodeSelector": {"a": "x"}},
         'spec.nodeSelector: Invalid value: {"a":"x"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)'),
        ({"nodeSelector": {"a": "b"}}, {"nodeSelector": {"a": "b", "c": "d"}}, "spec: Forbidden: pod updates may not change fields"),
        ({"schedulingGates": GATE}, {"affinity": affinity(["a"])}, ""),
        ({"schedulingGates": GATE, "affinity": affinity(["a"])}, {"affinity": affinity(["a", "b"])}, ""),
        ({"schedulingGates": GATE, "affinity": affinity(["a"])}, {"affinity": affinity(["b"])},
         f'spec.affinity.nodeAffinity.{TERMS}.nodeSelectorTerms[0]: Invalid value: {{"MatchExpressions":[{{"Key":"b","Operator":"Exists","Values":null}}],'
         '"MatchFields":null}: only additions are allowed (no mutations or deletions)'),
        ({"schedulingGates": GATE, "affinity": affinity(["a"])}, {"affinity": affinity(["a"], ["b"])},
         "no additions/deletions to non-empty NodeSelectorTerms list are allowed"),
        ({"schedulingGates": GATE}, {"affinity": {"podAffinity": {}}}, "spec: Forbidden: pod updates may not change fields"),
        ({}, {"tolerations": [{"key": "a", "operator": "Odd"}]}, "spec.tolerations[0].operator: Unsupported value"),
    ],
)  # fmt: skip
def test_a_changed_spec(old: Obj, new: Obj, expected: str) -> None:
    found = texts(_pod_change.check_update(made(**new), made(**old)))
    assert any(expected in text for text in found) if expected else found == []


def test_what_is_not_touched_is_not_judged_again() -> None:
    odd = made(restartPolicy="Odd")
    assert texts(_pod_change.check_update(copy.deepcopy(odd), odd)) == []


@pytest.mark.parametrize(
    ("annotations", "spec", "expected"),
    [
        ({"kubernetes.io/config.mirror": "x"}, {}, "metadata.annotations[kubernetes.io/config.mirror]: Invalid value: \"x\": must set spec.nodeName"),
        ({"controller.kubernetes.io/pod-deletion-cost": "+1"}, {}, "must be a 32bit integer"),
        ({"controller.kubernetes.io/pod-deletion-cost": "-17"}, {}, ""),
        ({"seccomp.security.alpha.kubernetes.io/pod": "odd"}, {}, "must be a valid seccomp profile"),
        ({"container.apparmor.security.beta.kubernetes.io/zz": "odd"}, {}, 'Invalid value: "zz": container not found'),
        ({"container.apparmor.security.beta.kubernetes.io/c": "odd"}, {}, 'invalid AppArmor profile name: "odd"'),
        ({"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}, {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}},
         "spec.securityContext.seccompProfile.type: Forbidden: seccomp type in annotation and field must match"),
        ({"container.apparmor.security.beta.kubernetes.io/c": "localhost/a"},
         {"securityContext": {"appArmorProfile": {"type": "Localhost", "localhostProfile": "b"}}},
         "spec.containers[0].securityContext.appArmorProfile.localhostProfile: Forbidden: apparmor profile in annotation and field must match"),
    ],
)  # fmt: skip
def test_annotations_of_a_new_pod(annotations: Obj, spec: Obj, expected: str) -> None:
    found = texts(pod.validate(made(annotations, **spec), None))
    assert any(expected in text for text in found) if expected else found == []


def test_annotations_that_stay() -> None:
    old, new = {"kubernetes.io/config.mirror": "a"}, {"container.apparmor.security.beta.kubernetes.io/c": "unconfined"}
    assert texts(_pod_annotations.check_update("metadata.annotations", new, old, made()["spec"])) == [
        "metadata.annotations[kubernetes.io/config.mirror]: Forbidden: may not remove or update mirror pod annotation",
        "metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: Forbidden: may not add AppArmor annotations",
    ]


def sized(requests: Obj, limits: Obj | None = None, **more: Any) -> Obj:
    return {"resources": {"requests": requests, **({"limits": limits} if limits else {})}, **more}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (sized({"cpu": "1"}), sized({"cpu": "2"}), []),
        (sized({"cpu": "1", "memory": "1Gi"}), sized({"cpu": "1"}),
         ["spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed"]),
        (sized({"cpu": "1"}, {"cpu": "2", "memory": "1Gi"}), sized({"cpu": "1", "memory": "1Gi"}, {"cpu": "2"}),
         ["spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed"]),
        (sized({"cpu": "1", "ephemeral-storage": "1Gi"}), sized({"cpu": "1", "ephemeral-storage": "2Gi"}),
         ["spec: Forbidden: only cpu and memory resources are mutable"]),
        (sized({}), sized({"cpu": "1"}), ['spec: Invalid value: "BestEffort": Pod QOS Class may not change as a result of resizing']),
    ],
)  # fmt: skip
def test_a_resize(old: Obj, new: Obj, expected: list[str]) -> None:
    assert texts(_pod_change.check_resize(made(container=new), made(container=old))) == expected


def test_pods_that_cannot_be_resized() -> None:
    plain, more = made(container=sized({"cpu": "1"})), made(container=sized({"cpu": "2"}))
    static = made({"kubernetes.io/config.mirror": "a"}, nodeName="n")
    assert texts(_pod_change.check_resize(static, static)) == ["[]: Forbidden: static pods cannot be resized"]
    assert texts(_pod_change.check_ephemeral(static, static)) == [
        "[]: Forbidden: static pods do not support ephemeral containers"
    ]
    plain["status"] = {"containerStatuses": [{"name": "c", "state": {"running": {}}}]}
    assert texts(_pod_change.check_resize(more, plain)) == [
        "spec: Forbidden: Pod running on node without support for resize"
    ]
    init = {"initContainers": [{"name": "i", "image": "i", **sized({"cpu": "1"})}]}
    other = {"initContainers": [{"name": "i", "image": "i", **sized({"cpu": "2"})}]}
    assert texts(_pod_change.check_resize(made(**other), made(**init))) == [
        "spec: Forbidden: resources for non-sidecar init containers are immutable"
    ]


def ended(name: str = "c", code: int = 0) -> list[Obj]:
    return [{"name": name, "state": {"terminated": {"exitCode": code}}}]


RUNS = [{"name": "c", "state": {"running": {}}}]


@pytest.mark.parametrize(
    ("spec", "old", "new", "expected"),
    [
        ({}, {}, {"conditions": [{"type": "a b"}]}, "metadata.conditions[0].Type: Invalid value: \"a b\": name part must"),
        ({}, {"qosClass": "Burstable"}, {"qosClass": "BestEffort"}, 'status.qosClass: Invalid value: "BestEffort": field is immutable'),
        ({}, {"containerStatuses": ended()}, {"containerStatuses": RUNS}, ""),
        ({"restartPolicy": "Never"}, {"containerStatuses": ended()}, {"containerStatuses": RUNS},
         "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"),
        ({"restartPolicy": "OnFailure"}, {"initContainerStatuses": ended()}, {"initContainerStatuses": RUNS},
         "status.initContainerStatuses[0].state: Forbidden"),
        ({}, {"ephemeralContainerStatuses": ended(code=1)}, {"ephemeralContainerStatuses": RUNS}, "status.ephemeralContainerStatuses[0].state: Forbidden"),
        ({}, {}, {"hostIPs": [{"ip": "10.0.0.1"}]}, 'status.hostIPs[0].ip: Invalid value: "10.0.0.1": must be equal to `hostIP`'),
        ({}, {}, {"podIPs": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.1"}]}, 'status.podIPs[1]: Duplicate value: {"IP":"10.0.0.1"}'),
        ({}, {}, {"podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}]}, ""),
        ({}, {}, {"resourceClaimStatuses": [{"name": "x"}]}, "must match the name of an entry in `spec.resourceClaims`"),
        ({}, {}, {"containerStatuses": [{"name": "c", "allocatedResourcesStatus": [{"name": "a/b", "resources": [{"resourceID": "1", "health": "Odd"}]}]}]},
         "must match one of the container's resource requests"),
        ({}, {}, {"containerStatuses": [{"name": "c", "user": {"linux": {"uid": -1, "gid": 0}}}]},
         "status.containerStatuses[0].linux.uid: Invalid value: -1: must be between 0 and 2147483647, inclusive"),
    ],
)  # fmt: skip
def test_a_status(spec: Obj, old: Obj, new: Obj, expected: str) -> None:
    found = texts(_pod_status.check(made(status=new, **spec), made(status=old, **spec)))
    assert any(expected in text for text in found) if expected else found == []


def test_what_a_status_keeps() -> None:
    old = made(
        status={
            "qosClass": "Burstable",
            "observedGeneration": 2,
            "conditions": [{"type": "Ready", "observedGeneration": 2}],
        }
    )
    new = made(status={"conditions": [{"type": "Ready"}]})
    _pod_status.prepare(new, old)
    assert new["status"] == old["status"]


def test_only_new_pods_are_warned_of() -> None:
    odd = made(nodeSelector={"beta.kubernetes.io/os": "linux"})
    assert any("deprecated since v1.14" in text for text in pod.warnings(odd, None))
    assert list(pod.warnings(odd, made())) == []

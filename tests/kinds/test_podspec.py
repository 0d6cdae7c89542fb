"""Pod specs: what is filled in, what is refused and with which words, what is only warned of, what an update may change."""

import copy
from typing import Any

import pytest

from kk.kinds import _pod_change, _podspec, _podspec_check, _podspec_resources, _podspec_warnings, pod

Obj = dict[str, Any]


def spec(container: Obj | None = None, **more: Any) -> Obj:
    made: Obj = {"containers": [{"name": "c", "image": "nginx", **(container or {})}], **more}
    _podspec.default_spec(made)
    return made


def faults(made: Obj, as_pod: bool = True) -> list[str]:
    return [f"{e.field}: {e.body}" for e in _podspec_check.check_spec("spec", made, as_pod)]


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.2", "IfNotPresent"),
        ("registry:5000/a/b", "Always"),
        ("registry:5000/a/b:1", "IfNotPresent"),
        ("a@sha256:" + "0" * 64, "IfNotPresent"),
    ],
)
def test_the_pull_policy_follows_the_tag(image: str, policy: str) -> None:
    assert _podspec.pull_policy(image) == policy


def test_a_plain_pod_is_filled_and_good() -> None:
    made = spec({"livenessProbe": {"httpGet": {"port": 80}}, "ports": [{"containerPort": 80}]}, volumes=[{"name": "v"}])
    assert faults(made) == []
    assert made["dnsPolicy"] == "ClusterFirst"
    assert made["volumes"] == [{"name": "v", "emptyDir": {}}]
    container = made["containers"][0]
    assert container["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert container["livenessProbe"]["httpGet"] == {"port": 80, "path": "/", "scheme": "HTTP"}
    again = copy.deepcopy(made)
    _podspec.default_spec(again)
    assert again == made


def test_what_only_pods_get() -> None:
    made = spec({"resources": {"limits": {"cpu": "1"}}, "ports": [{"containerPort": 80}]}, hostNetwork=True)
    assert faults(made, as_pod=False) == []
    assert faults(made) == [
        "spec.containers[0].ports[0].hostPort: Invalid value: 0: must match `containerPort` when `hostNetwork` is true"
    ]
    _podspec.default_pod_only(made)
    assert faults(made) == []
    assert made["containers"][0]["resources"]["requests"] == {"cpu": "1"}
    assert made["enableServiceLinks"] is True


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (spec({"lifecycle": {"stopSignal": "SIGTERM"}}), "spec.containers[0].lifecycle.stopSignal: Forbidden"),
        (spec({"lifecycle": {"stopSignal": "NOPE"}}, os={"name": "linux"}), "stopSignal: Unsupported value"),
        (spec({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a b']"}}}]}), "name part must"),
        (spec({"volumeMounts": [{"name": "v", "mountPath": "/a", "subPath": "../b"}]}, volumes=[{"name": "v"}]), "must not contain '..'"),
        (spec({"securityContext": {"privileged": True, "allowPrivilegeEscalation": False}}), "cannot set `allowPrivilegeEscalation`"),
        (spec(shareProcessNamespace=True, hostPID=True), "ShareProcessNamespace and HostPID cannot both be enabled"),
        (spec(preemptionPolicy="Odd"), "spec.preemptionPolicy: Unsupported value"),
        (spec({"resources": {"limits": {"hugepages-2Mi": "2Mi"}}}), "HugePages require cpu or memory"),
        (spec({"resources": {"requests": {"example.com/x": "1"}, "limits": {"example.com/x": "2"}}}), "must be equal to example.com/x limit"),
        (spec(schedulingGates=[{"name": "a"}], nodeName="n"), "cannot be set until all schedulingGates have been cleared"),
        (spec({"restartPolicy": "Sometimes"}), "spec.containers[0].restartPolicy: Unsupported value"),
        (spec(setHostnameAsFQDN=True, hostnameOverride="a"), "mutually exclusive"),
        (spec(volumes=[{"name": "v", "projected": {"sources": [{"secret": {}}]}}]), "sources[0].secret.name: Required value"),
        (spec(initContainers=[{"name": "i", "image": "i", "lifecycle": {}}]), "may not be set for init containers"),
    ],
)  # fmt: skip
def test_what_is_refused(made: Obj, expected: str) -> None:
    assert any(expected in fault for fault in faults(made)), faults(made)


@pytest.mark.parametrize(
    ("containers", "qos"),
    [
        ([{}], "BestEffort"),
        ([{"requests": {"cpu": "0"}}], "BestEffort"),
        ([{"requests": {"cpu": "1"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m", "memory": "1Gi"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}, {}], "Burstable"),
        ([{"limits": {"ephemeral-storage": "1Gi"}}], "BestEffort"),
    ],
)
def test_the_qos_class(containers: list[Obj], qos: str) -> None:
    assert _podspec_resources.qos_class({"containers": [{"resources": r} for r in containers]}) == qos


def changed(**fields: Any) -> list[str]:
    old = spec(tolerations=[{"key": "a", "operator": "Exists"}], activeDeadlineSeconds=100)
    new = copy.deepcopy(old)
    for field, value in fields.items():
        if value is None:
            new.pop(field, None)
        else:
            new[field] = value
    return [f"{e.field}: {e.body}" for e in _pod_change.check_spec_update(new, old)]


def test_what_an_update_of_a_pod_may_change() -> None:
    assert changed() == []
    assert changed(activeDeadlineSeconds=50) == []
    assert changed(tolerations=[{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}]) == []
    assert "must be less than or equal to previous value" in changed(activeDeadlineSeconds=200)[0]
    assert "existing toleration can not be modified" in changed(tolerations=[])[0]
    assert changed(hostNetwork=True)[0].startswith("spec: Forbidden: pod updates may not change fields other than")
    assert "only deletion is allowed" in changed(schedulingGates=[{"name": "x"}])[0]


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (spec({"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}), 'env[1]: hides previous definition of "A"'),
        (spec({"ports": [{"containerPort": 1}, {"containerPort": 1, "hostPort": 2}]}), "overlapping port definition"),
        (spec(nodeSelector={"beta.kubernetes.io/os": "linux"}), 'deprecated since v1.14; use "kubernetes.io/os" instead'),
        (spec(volumes=[{"name": "v", "secret": {"secretName": "s", "items": [{"key": "a", "path": "p"}, {"key": "b", "path": "p/q"}]}}]),
         'volume "v" (Secret "s"): overlapping paths: "p/q" with "p"'),
        (spec(imagePullSecrets=[{"name": "a"}, {"name": "a"}]), 'spec.imagePullSecrets[1].name: duplicate name "a"'),
        (spec({"resources": {"limits": {"memory": "1500m"}}}), "fractional byte value"),
    ],
)  # fmt: skip
def test_what_is_warned_of(made: Obj, text: str) -> None:
    assert any(text in warning for warning in _podspec_warnings.spec_warnings("", made))


def test_one_variable_that_builds_on_another_is_no_warning() -> None:
    made = spec({"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "$(A)2"}]})
    assert list(_podspec_warnings.spec_warnings("", made)) == []


@pytest.mark.parametrize(
    ("obj", "asked", "seconds"),
    [
        ({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30}}, None, 30),
        ({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30}}, 5, 5),
        ({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30}}, 0, 0),
        ({"spec": {"terminationGracePeriodSeconds": 30}}, None, 0),
        ({"spec": {"nodeName": "n"}, "status": {"phase": "Succeeded"}}, 10, 0),
        ({"spec": {"nodeName": "n"}}, -1, 1),
    ],
)
def test_the_grace_of_a_delete(obj: Obj, asked: int | None, seconds: int) -> None:
    assert pod.grace(obj, {} if asked is None else {"gracePeriodSeconds": asked}) == seconds


def test_label_keys_become_requirements_with_the_pods_values() -> None:
    made = spec(topologySpreadConstraints=[{"labelSelector": {}, "matchLabelKeys": ["app", "missing"]}])
    _podspec.merge_label_keys(made, {"app": "a"})
    assert made["topologySpreadConstraints"][0]["labelSelector"] == {
        "matchExpressions": [{"key": "app", "operator": "In", "values": ["a"]}]
    }

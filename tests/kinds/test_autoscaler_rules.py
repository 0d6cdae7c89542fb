"""What HorizontalPodAutoscalers may say: targets, metrics and their sources, behavior."""

from typing import Any

import pytest

from kk.kinds import horizontalpodautoscaler

Obj = dict[str, Any]
KIND = horizontalpodautoscaler.KIND
TYPES = 'supported values: "ContainerResource", "External", "Object", "Pods", "Resource"'
VALUE = {"type": "AverageValue", "averageValue": "1"}
PODS = {"metric": {"name": "m"}, "target": VALUE}


def made(*metrics: Obj, **spec: Any) -> Obj:
    target = {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}
    found: Obj = {"metadata": {"name": "a"}, "spec": {"maxReplicas": 3, "scaleTargetRef": target, **spec}}
    if metrics:
        found["spec"]["metrics"] = list(metrics)
    KIND.default(found)
    return found


def told(obj: Obj, old: Obj | None = None) -> list[str]:
    return [str(fault).removeprefix("spec.") for fault in KIND.validate(obj, old)]


def container(**source: Any) -> Obj:
    return {
        "type": "ContainerResource",
        "containerResource": {"name": "cpu", "container": "c", "target": VALUE, **source},
    }


@pytest.mark.parametrize(
    ("metric", "faults"),
    [
        ({"type": "Pods", "pods": PODS}, []),
        ({"type": "", "pods": PODS},
         ["metrics[0].type: Required value: must specify a metric source type",
          *[f'metrics[0].type: Unsupported value: "": {TYPES}'] * 2]),
        ({"type": "Resource", "pods": {"metric": {"name": "m"}, "target": {}}},
         ["metrics[0].pods.target.type: Required value: must specify a metric target type",
          'metrics[0].pods.target.type: Invalid value: "": must be either Utilization, Value, or AverageValue',
          "metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue",
          "metrics[0].resource: Required value: must populate information for the given metric source"]),
        ({"type": "Pods", "pods": PODS, "external": PODS},
         ["metrics[0].external: Forbidden: must populate the given metric source only"]),
        ({"type": "External", "external": {"metric": {"name": "m"}, "target": {"type": "Value"}}},
         ["metrics[0].external.target.averageValue: Required value: must set either a target value for metric or a per-pod target"]),
        (container(), []),
        (container(container=""), ["metrics[0].containerResource.container: Required value: must specify a container"]),
        (container(name="pods"), ['metrics[0].containerResource.name: Invalid value: "pods": must be a standard resource for containers']),
        ({"type": "Pods", "pods": {"metric": {"name": "m"}, "target": {"type": "AverageValue", "averageValue": "0"}}},
         ['metrics[0].pods.target.averageValue: Invalid value: "0": must be positive']),
    ],
)  # fmt: skip
def test_metrics(metric: Obj, faults: list[str]) -> None:
    assert told(made(metric)) == faults


def test_a_container_is_a_label() -> None:
    assert [text.partition(":")[0] for text in told(made(container(container="C")))] == [
        "metrics[0].containerResource.container"
    ]


NO_GROUP = 'scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group'


def test_targets_are_of_a_group() -> None:
    core = made(scaleTargetRef={"kind": "Thing", "name": "d", "apiVersion": "v1"})
    assert told(core) == [NO_GROUP]
    assert told(core, core) == []
    assert told(core, made()) == [NO_GROUP]
    assert told(made(scaleTargetRef={"kind": "ReplicationController", "name": "d", "apiVersion": "v1"})) == []
    assert told(made(scaleTargetRef={"kind": "Thing", "name": "d", "apiVersion": "a/b/c"})) == [
        'scaleTargetRef.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c'
    ]


def test_a_behavior_is_filled_on_both_sides() -> None:
    behavior = made(behavior={})["spec"]["behavior"]
    assert [policy["type"] for policy in behavior["scaleUp"]["policies"]] == ["Pods", "Percent"]
    assert behavior["scaleDown"]["selectPolicy"] == "Max"

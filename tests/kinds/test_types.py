"""Objects read by their types: what is accepted and how it is written then, and the words for what is not."""

import json
from typing import Any

import msgspec
import pytest

from kk.base.errors import StatusError
from kk.kinds import types
from kk.kinds.kind import Resource
from kk.kinds.registry import registry


def resource(plural: str, group: str = "", version: str = "v1") -> Resource:
    found = registry().get(group, version, plural)
    assert found is not None
    return found


DEPLOYMENT = resource("deployments", "apps")
CONFIG_MAP = resource("configmaps")


def decoded(kind: Resource, obj: Any, field_validation: str = "Strict") -> tuple[dict[str, Any], list[str]]:
    data = obj if isinstance(obj, bytes) else json.dumps(obj).encode()
    return types.decode(kind, data, field_validation)


def refusal(kind: Resource, obj: Any, field_validation: str = "Strict") -> str:
    with pytest.raises(StatusError) as caught:
        decoded(kind, obj, field_validation)
    assert caught.value.code == 400
    return caught.value.message.partition("cannot be handled as a ")[2].partition(": ")[2]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({"limits": {"cpu": "1000m", "memory": "1024Mi"}}, {"limits": {"cpu": "1", "memory": "1Gi"}}),
        ({"limits": {"cpu": 0.5}}, {"limits": {"cpu": "500m"}}),
        ({"limits": {}}, {}),
        ({"limits": None}, {}),
    ],
)
def test_quantities_are_canonical_and_empty_maps_go(given: Any, written: Any) -> None:
    pod, _ = decoded(resource("pods"), {"spec": {"containers": [{"name": "c", "resources": given}]}})
    assert pod["spec"]["containers"][0]["resources"] == written


@pytest.mark.parametrize(
    ("time", "written"),
    [
        ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"),
        ("2024-01-02T03:04:05.999Z", "2024-01-02T03:04:05Z"),
        ("2024-01-02T05:04:05+02:00", "2024-01-02T03:04:05Z"),
    ],
)
def test_times_are_written_in_utc_by_the_second(time: str, written: str) -> None:
    event, _ = decoded(resource("events"), {"firstTimestamp": time})
    assert event["firstTimestamp"] == written


def test_zeros_go_where_absence_is_the_same_and_stay_where_it_is_not() -> None:
    obj = {"spec": {"replicas": 0, "minReadySeconds": 0, "paused": False, "template": {"spec": {"hostNetwork": False}}}}
    assert decoded(DEPLOYMENT, obj)[0]["spec"] == {"replicas": 0, "template": {"spec": {}}}


def test_what_upstream_always_writes_is_written() -> None:
    event, _ = decoded(resource("events"), {"metadata": {"name": "e"}})
    assert event["eventTime"] is None
    assert event["reportingComponent"] == ""
    pod, _ = decoded(
        resource("pods"), {"status": {"conditions": [{"type": "A"}], "containerStatuses": [{"name": "c"}]}}
    )
    assert pod["status"]["conditions"][0] == {
        "type": "A",
        "status": "",
        "lastProbeTime": None,
        "lastTransitionTime": None,
    }
    assert pod["status"]["containerStatuses"][0]["lastState"] == {}


def test_an_empty_object_owns_nothing() -> None:
    event, _ = decoded(resource("events"), {"metadata": {"name": "e"}, "reason": "R"})
    zeros = types.zeros("io.k8s.api.core.v1.Event", event)
    assert {"eventTime", "reportingComponent", "source"} <= set(zeros)
    assert "reason" not in zeros
    assert types.zeros("io.k8s.api.core.v1.Event", {"reportingComponent": "x"}) == {}


def test_null_is_absence() -> None:
    obj = {"metadata": {"name": "a", "creationTimestamp": None, "labels": {"x": None}}, "data": None}
    assert decoded(CONFIG_MAP, obj)[0] == {"metadata": {"name": "a", "labels": {"x": ""}}}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"replicas": "3"}, "cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"),
        (
            {"replicas": 1.5},
            "cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        ({"replicas": 2**40}, f"number {2**40} into Go struct field DeploymentSpec.spec.replicas of type int32"),
        ({"paused": 1}, "cannot unmarshal number into Go struct field DeploymentSpec.spec.paused of type bool"),
        ([], "cannot unmarshal array into Go struct field Deployment.spec of type v1.DeploymentSpec"),
        ({"strategy": {"rollingUpdate": {"maxSurge": 1.5}}}, "number 1.5 into Go value of type int32"),
        (
            {"template": {"spec": {"containers": {"name": "c"}}}},
            "cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
        ),
        (
            {"template": {"spec": {"containers": [{"resources": {"limits": {"cpu": "abc"}}}]}}},
            "quantities must match the regular expression",
        ),
    ],
)
def test_wrong_types_are_told_in_upstreams_words(spec: Any, words: str) -> None:
    assert words in refusal(DEPLOYMENT, {"spec": spec})


@pytest.mark.parametrize(
    ("kind", "obj", "words"),
    [
        (resource("secrets"), {"data": {"a": "abc"}}, "illegal base64 data at input byte 3"),
        (resource("secrets"), {"data": {"a": 5}}, "of type []uint8"),
        (
            resource("leases", "coordination.k8s.io"),
            {"spec": {"renewTime": "yesterday"}},
            'cannot parse "yesterday" as "2006"',
        ),
        (CONFIG_MAP, {"metadata": {"generation": 10**30}}, "ObjectMeta.metadata.generation of type int64"),
        (CONFIG_MAP, [], "cannot unmarshal array into Go value of type v1.ConfigMap"),
        (CONFIG_MAP, b'{"data":' + b"[" * 50_000 + b"]" * 50_000 + b"}", "exceeded max depth"),
    ],
)
def test_other_values_that_do_not_fit(kind: Resource, obj: Any, words: str) -> None:
    assert words in refusal(kind, obj)


def test_unknown_and_doubled_fields_by_field_validation() -> None:
    data = b'{"metadata":{"name":"a","nope":1},"data":{"k":"1","k":"2"},"data":{"z":"3"},"Data":{}}'
    texts = [
        'duplicate field "data.k"',
        'duplicate field "data"',
        'unknown field "metadata.nope"',
        'unknown field "Data"',
    ]
    assert refusal(CONFIG_MAP, data) == "strict decoding error: " + ", ".join(texts)
    joined = {"metadata": {"name": "a"}, "data": {"k": "2", "z": "3"}}
    assert decoded(CONFIG_MAP, data, "Warn") == (joined, texts)
    assert decoded(CONFIG_MAP, data, "Ignore") == (joined, [])


def test_a_type_that_holds_itself() -> None:
    inner = {"type": "object", "properties": {"a": {"type": "string", "bogus": 1}}}
    crd = {"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": inner}}]}}
    words = refusal(resource("customresourcedefinitions", "apiextensions.k8s.io"), crd)
    assert words.endswith('unknown field "spec.versions[0].schema.openAPIV3Schema.properties.a.bogus"')


def test_faults_lists_what_does_not_fit() -> None:
    assert types.faults(CONFIG_MAP, {"x": 1, "metadata": {"y": 2}}) == [
        'unknown field "x"',
        'unknown field "metadata.y"',
    ]
    assert types.faults(CONFIG_MAP, {"data": 1}) == [
        "json: cannot unmarshal number into Go struct field ConfigMap.data of type map[string]string"
    ]
    assert types.faults(CONFIG_MAP, {"data": {"a": "b"}}) == []


def test_what_is_no_json_is_left_to_the_caller() -> None:
    with pytest.raises(msgspec.DecodeError):
        decoded(CONFIG_MAP, b'{"a":')

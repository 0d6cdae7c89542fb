"""Pieces of single kinds: schedules, events in two forms, autoscalers in two versions, changes of Services, metadata."""

from typing import Any

import pytest

from kk.base import cron
from kk.kinds import _cron, _hpa_v1, _service_change, event, job, meta
from kk.kinds._events import check_core, check_new

Obj = dict[str, Any]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("*/5 * * * *", ""),
        ("0,30 9-17 1-7 jan-jun MON-FRI", ""),
        ("@every 1h30m", ""),
        ("@daily", ""),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("61 * * * *", "end of range (61) above maximum (59): 61"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("@sometimes", "unrecognized descriptor: @sometimes"),
    ],
)
def test_schedules(text: str, fault: str) -> None:
    assert _cron.fault(text) == fault


def test_a_parsed_schedule() -> None:
    made = cron.parse("*/20 8 1 * sun")
    assert (made.minutes, made.hours, made.weekdays) == ({0, 20, 40}, {8}, {0})
    assert (made.any_day, made.any_weekday) == (False, False)
    assert cron.parse("@every 90s").every == 90


NEW: Obj = {
    "metadata": {"name": "e", "namespace": "d"},
    "eventTime": "2024-01-01T00:00:00.123456Z",
    "reportingController": "example.com/c",
    "reportingInstance": "i",
    "action": "A",
    "reason": "R",
    "type": "Normal",
    "note": "n",
    "regarding": {"kind": "Pod", "namespace": "d", "name": "p"},
}


def test_an_event_goes_to_core_and_back() -> None:
    stored = event.to_stored(NEW)
    assert stored["message"] == "n"
    assert stored["involvedObject"]["name"] == "p"
    event.default(stored)
    shown = event.from_stored(stored)
    assert {key: shown[key] for key in NEW} == NEW
    assert shown["deprecatedFirstTimestamp"] is None


def test_the_two_forms_have_rules_of_their_own() -> None:
    stored = event.to_stored(NEW)
    assert list(check_new(stored, None)) == []
    old_form = {**stored, "eventTime": None, "count": 3}
    assert list(check_core(old_form, None)) == []
    assert [e.field for e in check_new(old_form, None)] == ["eventTime", "count"]
    assert [e.field for e in check_new({**stored, "message": "other"}, stored)] == ["message"]
    assert [e.field for e in check_core({**stored, "reportingComponent": ""}, None)] == ["reportingComponent"] * 3


def test_an_autoscaler_goes_through_v1_unharmed() -> None:
    v2: Obj = {
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h", "annotations": {"a": "b"}},
        "spec": {
            "maxReplicas": 3,
            "metrics": [
                {
                    "type": "Pods",
                    "pods": {"metric": {"name": "q"}, "target": {"type": "AverageValue", "averageValue": "10"}},
                },
                _hpa_v1.cpu_metric(60),
            ],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}},
        },
        "status": {"desiredReplicas": 1, "currentMetrics": None},
    }
    v1 = _hpa_v1.from_v2(v2)
    assert v1["spec"]["targetCPUUtilizationPercentage"] == 60
    assert _hpa_v1.METRICS in v1["metadata"]["annotations"]
    back = _hpa_v1.to_v2(v1)
    assert (back["spec"], back["metadata"]) == (v2["spec"], v2["metadata"])


def test_v1_without_a_target_asks_for_80_percent() -> None:
    assert _hpa_v1.to_v2({"metadata": {}, "spec": {}})["spec"]["metrics"] == [_hpa_v1.cpu_metric(80)]


def test_the_target_column() -> None:
    obj = {"spec": {"metrics": [_hpa_v1.cpu_metric(80)] * 3}, "status": {}}
    assert _hpa_v1.targets_text(obj) == "cpu: <unknown>/80%, cpu: <unknown>/80% + 1 more..."


def test_a_service_keeps_what_it_was_given_and_drops_what_its_type_has_no_use_for() -> None:
    old: Obj = {
        "type": "NodePort",
        "clusterIP": "10.0.0.1",
        "clusterIPs": ["10.0.0.1"],
        "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30080}],
        "externalTrafficPolicy": "Cluster",
    }
    new: Obj = {"type": "NodePort", "ports": [{"port": 80, "protocol": "TCP"}]}
    _service_change.keep(new, old)
    assert (new["clusterIP"], new["ports"][0]["nodePort"]) == ("10.0.0.1", 30080)
    to_cluster: Obj = {**old, "type": "ClusterIP", "ports": [dict(old["ports"][0])]}
    _service_change.drop(to_cluster, old)
    assert "nodePort" not in to_cluster["ports"][0]
    assert "externalTrafficPolicy" not in to_cluster
    to_name: Obj = {**old, "type": "ExternalName"}
    _service_change.drop(to_name, old)
    assert "clusterIP" not in to_name


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ({}, "Running"),
        ({"conditions": [{"type": "Complete", "status": "True"}]}, "Complete"),
        ({"conditions": [{"type": "Failed", "status": "True"}]}, "Failed"),
        ({"conditions": [{"type": "Suspended", "status": "True"}]}, "Suspended"),
    ],
)
def test_the_word_of_a_job(status: Obj, word: str) -> None:
    assert job.status_text({"metadata": {}, "status": status}) == word


@pytest.mark.parametrize(
    ("metadata", "texts"),
    [
        ({"name": "a", "namespace": "d"}, []),
        ({"namespace": "d"}, ["metadata.name: Required value: name or generateName is required"]),
        ({"name": "a"}, ["metadata.namespace: Required value"]),
        ({"name": "a", "namespace": "d", "generation": -1}, ["metadata.generation: Invalid value: -1: must be greater than or equal to 0"]),
        ({"name": "a", "namespace": "d", "finalizers": ["orphan", "foregroundDeletion"]},
         ['metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set']),
        ({"name": "a", "namespace": "d", "ownerReferences": [{"apiVersion": "v1", "kind": "Event", "name": "o", "uid": "u"}]},
         ['metadata.ownerReferences: Invalid value: {"apiVersion":"v1","kind":"Event","name":"o","uid":"u"}: /v1, Kind=Event is disallowed from being an owner']),
    ],
)  # fmt: skip
def test_metadata(metadata: Obj, texts: list[str]) -> None:
    assert [str(e) for e in meta.validate(metadata, None, True)] == texts


def test_what_metadata_may_not_change() -> None:
    old = {"name": "a", "namespace": "d", "uid": "u", "generation": 2, "deletionTimestamp": "t"}
    new = {**old, "uid": "v", "generation": 1, "finalizers": ["x/y"]}
    assert [e.field for e in meta.validate(new, old, True)] == [
        "metadata.finalizers",
        "metadata.generation",
        "metadata.uid",
    ]


def test_big_annotations_are_told_by_their_size() -> None:
    big = {"name": "a", "namespace": "d", "annotations": {"k": "x" * (256 * 1024)}}
    assert str(meta.validate(big, None, True)[0]) == "metadata.annotations: Too long: may not be more than 262144 bytes"

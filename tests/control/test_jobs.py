"""Jobs: counting, how they end, how many pods they want, indexes, backoff, failure policies."""

from datetime import UTC, datetime, timedelta

import pytest

from kk.base.times import format_time
from kk.control.controllers import _jobs as j
from kk.control.controllers.ttlafterfinished import due_in

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def job(status=None, **spec):
    spec.setdefault("template", {"spec": {"restartPolicy": "Never", "containers": [{"name": "c"}]}})
    return {"metadata": {"name": "j", "namespace": "n", "uid": "u"}, "spec": spec, "status": status or {}}


def pod(uid, phase="Running", index=None, ended=None, code=1, failures=0, **meta):
    annotations = {j.INDEX: str(index), j.INDEX_FAILURES: str(failures)} if index is not None else {}
    state = {"terminated": {"exitCode": code, "finishedAt": format_time(ended or NOW - timedelta(days=1))}}
    return {
        "metadata": {
            "name": uid,
            "namespace": "n",
            "uid": uid,
            "finalizers": [j.FINALIZER],
            "annotations": annotations,
            **meta,
        },
        "spec": {},
        "status": {
            "phase": phase,
            "containerStatuses": [{"name": "c", "state": state if phase in ("Failed", "Succeeded") else {}}],
        },
    }


def test_a_pod_counts_once():
    held = {"succeeded": 1, "uncountedTerminatedPods": {"succeeded": ["a"]}}
    seen = j.count(
        job(held, completions=3, parallelism=3),
        [pod("a", "Succeeded"), pod("b", "Succeeded"), pod("c"), pod("d", "Failed", finalizers=[])],
    )
    assert (seen.succeeded, seen.failed, len(seen.active)) == (3, 0, 1)
    assert [p["metadata"]["uid"] for p in seen.new_succeeded] == ["b"]


@pytest.mark.parametrize(
    ("spec", "pods", "expected"),
    [
        ({"completions": 1}, [pod("a")], None),
        ({"completions": 1}, [pod("a", "Succeeded")], ("Complete", "CompletionsReached")),
        ({"completions": 2}, [pod("a", "Succeeded")], None),
        ({}, [pod("a", "Succeeded"), pod("b")], None),
        ({}, [pod("a", "Succeeded")], ("Complete", "CompletionsReached")),
        ({"completions": 1, "backoffLimit": 0}, [pod("a", "Failed")], ("Failed", "BackoffLimitExceeded")),
        ({"completions": 1, "backoffLimit": 1}, [pod("a", "Failed")], None),
        ({"completions": 1, "activeDeadlineSeconds": 5}, [pod("a")], ("Failed", "DeadlineExceeded")),
        ({"completions": 2, "completionMode": "Indexed"}, [pod("a", "Succeeded", 0), pod("b", "Succeeded", 0)], None),
        (
            {"completions": 2, "completionMode": "Indexed"},
            [pod("a", "Succeeded", 0), pod("b", "Succeeded", 1)],
            ("Complete", "CompletionsReached"),
        ),
        (
            {"completions": 2, "completionMode": "Indexed", "backoffLimitPerIndex": 0, "backoffLimit": 99},
            [pod("a", "Succeeded", 0), pod("b", "Failed", 1)],
            ("Failed", "FailedIndexes"),
        ),
        (
            {"completions": 9, "completionMode": "Indexed", "successPolicy": {"rules": [{"succeededCount": 1}]}},
            [pod("a", "Succeeded", 4)],
            ("Complete", "SuccessPolicy"),
        ),
        (
            {
                "completions": 1,
                "podFailurePolicy": {
                    "rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}]
                },
            },
            [pod("a", "Failed", code=42)],
            ("Failed", "PodFailurePolicy"),
        ),
        (
            {
                "completions": 1,
                "backoffLimit": 0,
                "podFailurePolicy": {
                    "rules": [{"action": "Ignore", "onExitCodes": {"operator": "NotIn", "values": [42]}}]
                },
            },
            [pod("a", "Failed")],
            None,
        ),
    ],
)
def test_end(spec, pods, expected):
    one = job({"startTime": format_time(NOW - timedelta(seconds=9))}, **spec)
    found = j.end(one, j.count(one, pods), NOW)
    assert (found and (found.type, found.reason)) == expected


@pytest.mark.parametrize(
    ("spec", "pods", "expected"),
    [
        ({"completions": 3, "parallelism": 2}, [], 2),
        ({"completions": 3, "parallelism": 2}, [pod("a", "Succeeded"), pod("b", "Succeeded")], 1),
        ({"completions": 3, "parallelism": 1}, [pod("a"), pod("b")], -1),
        ({"parallelism": 2}, [pod("a", "Succeeded"), pod("b")], 0),
        ({"parallelism": 2, "suspend": True}, [pod("a")], -1),
        ({"completions": 1, "parallelism": 1, "podReplacementPolicy": "Failed"}, [pod("a", deletionTimestamp="t")], 0),
        ({"completions": 1, "parallelism": 1}, [pod("a", deletionTimestamp="t")], 1),
    ],
)
def test_difference(spec, pods, expected):
    one = job(**spec)
    assert j.difference(one, j.count(one, pods)) == expected


@pytest.mark.parametrize(("failures", "wait"), [(0, 0), (1, 10), (2, 20), (3, 40), (20, 600)])
def test_backoff(failures, wait):
    pods = [pod(str(n), "Failed", ended=NOW) for n in range(failures)]
    assert j.backoff_in([*pods, pod("s", "Succeeded", ended=NOW - timedelta(hours=1))], NOW) == wait


def test_indexes():
    assert j.parse_indexes("0-2,5") == {0, 1, 2, 5}
    assert j.format_indexes({5, 0, 2, 1}) == "0-2,5"
    one = job(completions=4, parallelism=4, completionMode="Indexed")
    assert j.free_indexes(one, j.count(one, [pod("a", index=0), pod("b", "Succeeded", 2)]), 5) == [1, 3]


def test_an_indexed_pod_knows_its_index():
    made = j.pod_of(job(completions=1, completionMode="Indexed"), {}, 3)
    assert made["spec"]["hostname"] == "j-3"
    assert made["metadata"]["labels"][j.INDEX] == "3"
    assert made["spec"]["containers"][0]["env"][0]["name"] == "JOB_COMPLETION_INDEX"
    assert made["metadata"]["finalizers"] == [j.FINALIZER]


def test_time_to_live():
    ended = {
        "conditions": [
            {"type": "Complete", "status": "True", "lastTransitionTime": format_time(NOW - timedelta(seconds=7))}
        ]
    }
    assert due_in(job(ended, ttlSecondsAfterFinished=10), NOW) == 3
    assert due_in(job(ended), NOW) is None
    assert due_in(job(ttlSecondsAfterFinished=10), NOW) is None

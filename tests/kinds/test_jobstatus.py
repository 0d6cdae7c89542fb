"""What a Job's status may say."""

import pytest

from kk.kinds._jobstatus import check, intervals

DONE = {"startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:01:00Z", "succeeded": 1}


def conditions(*kinds):
    return [{"type": kind, "status": "True"} for kind in kinds]


def faults(status, before=None, **spec):
    found = check({"spec": spec, "status": status}, {"spec": spec, "status": before or {}})
    return [(fault.field, fault.detail) for fault in found]


def test_a_job_that_completes_says_when_and_why():
    assert faults({**DONE, "conditions": conditions("SuccessCriteriaMet", "Complete")}) == []
    assert [f for f, _ in faults({"conditions": conditions("Complete")})] == [
        "status.conditions",
        "status.completionTime",
        "status.startTime",
    ]


def test_what_ended_stays_so():
    before = {**DONE, "conditions": conditions("SuccessCriteriaMet", "Complete")}
    told = {detail for _, detail in faults({**DONE, "succeeded": 0}, before)}
    assert "cannot disable the terminal Complete=True condition" in told
    assert "cannot decrease the succeeded counter" in told


def test_old_oddities_are_left_alone():
    before = {"conditions": conditions("Complete")}
    assert faults(before, before) == []


@pytest.mark.parametrize(
    ("text", "found"), [("", []), ("1,3-5", [(1, 1), (3, 5)]), ("0-1", [(0, 1)]), ("+1", [(1, 1)])]
)
def test_indexes_are_read(text, found):
    assert intervals(text, 10) == found


@pytest.mark.parametrize("text", ["x", "3,1", "5-4", "1-2-3", "10", "1,", "2-2"])
def test_malformed_indexes_are_refused(text):
    with pytest.raises(ValueError):
        intervals(text, 10)


def test_an_index_is_done_or_failed_not_both():
    spec = {"completionMode": "Indexed", "completions": 2_000_000_000, "backoffLimitPerIndex": 1}
    told = faults({"completedIndexes": "0-3,7-1999999999", "failedIndexes": "4-8"}, **spec)
    assert told == [("status.failedIndexes", "failedIndexes and completedIndexes overlap at index: 7")]

"""Schedules in time: next and missed runs, zones, deadlines, history."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from kk.base.cron import parse
from kk.control.controllers import _cronjobs as c


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("* * * * *", "2026-01-02T03:04:05", "2026-01-02T03:05:00"),
        ("*/15 * * * *", "2026-01-02T03:45:00", "2026-01-02T04:00:00"),
        ("0 0 1 1 *", "2026-01-02T03:04:05", "2027-01-01T00:00:00"),
        ("30 9 * * 1", "2026-01-02T03:04:05", "2026-01-05T09:30:00"),
        ("0 0 13 * 5", "2026-01-02T03:04:05", "2026-01-09T00:00:00"),
        ("0 0 29 2 *", "2026-01-02T03:04:05", "2028-02-29T00:00:00"),
        ("0 0 31 2 *", "2026-01-02T03:04:05", None),
    ],
)
def test_upcoming(schedule, after, expected):
    assert c.upcoming(parse(schedule), at(after), UTC) == (at(expected) if expected else None)


def test_latest_counts_the_last_missed_run_only():
    schedule = parse("0 * * * *")
    assert c.latest(schedule, at("2026-01-01T00:30:00"), at("2026-01-02T03:04:05"), UTC) == at("2026-01-02T03:00:00")
    assert c.latest(schedule, at("2026-01-02T03:00:00"), at("2026-01-02T03:04:05"), UTC) is None


def test_a_time_that_the_clocks_skip():
    berlin = ZoneInfo("Europe/Berlin")
    assert c.upcoming(parse("30 2 * * *"), at("2026-03-28T12:00:00"), berlin) == at("2026-03-30T00:30:00")
    assert c.upcoming(parse("0 12 * * *"), at("2026-07-01T12:00:00"), berlin) == at("2026-07-02T10:00:00")


def cron_job(schedule, last=None, **spec):
    status = {"lastScheduleTime": last} if last else {}
    meta = {"name": "c", "namespace": "n", "creationTimestamp": "2026-01-02T00:00:30Z"}
    return {"metadata": meta, "spec": {"schedule": schedule, "jobTemplate": {"spec": {}}, **spec}, "status": status}


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (cron_job("0 * * * *"), ("2026-01-02T03:00:00", 3355)),
        (cron_job("0 * * * *", "2026-01-02T03:00:00Z"), (None, 3355)),
        (cron_job("0 * * * *", startingDeadlineSeconds=60), (None, 3355)),
        (cron_job("0 * * * *", startingDeadlineSeconds=600), ("2026-01-02T03:00:00", 3355)),
        (cron_job("@every 1h", "2026-01-02T02:00:00Z"), ("2026-01-02T03:00:00", 3355)),
    ],
)
def test_due(one, expected):
    run, wait = c.due(one, at("2026-01-02T03:04:05"))
    assert (run, wait) == (at(expected[0]) if expected[0] else None, expected[1])


def test_surplus():
    def job(name, type):
        conditions = [{"type": type, "status": "True"}] if type else []
        return {
            "metadata": {"name": name},
            "status": {"startTime": f"2026-01-01T00:00:0{name}Z", "conditions": conditions},
        }

    jobs = [job("3", "Complete"), job("1", "Complete"), job("2", "Failed"), job("4", "")]
    found = c.surplus(cron_job("* * * * *", successfulJobsHistoryLimit=1, failedJobsHistoryLimit=1), jobs)
    assert [j["metadata"]["name"] for j in found] == ["1"]


def test_job_of():
    made = c.job_of(cron_job("* * * * *"), {}, at("2026-01-02T03:04:00"))
    assert made["metadata"]["name"] == "c-29455384"
    assert made["metadata"]["annotations"][c.SCHEDULED] == "2026-01-02T03:04:00Z"

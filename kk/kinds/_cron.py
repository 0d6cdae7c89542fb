"""Schedules and time zones of CronJobs: what is wrong with a text, as a message. Source: `pkg/apis/batch/validation` of Kubernetes."""

import re
import zoneinfo
from collections.abc import Iterator

from kk.base import cron

_ZONE_PART = re.compile(r"[A-Za-z.\-_0-9+]{1,14}")
_ZONE_PREFIX = re.compile(r"(?:CRON_)?TZ=")


def fault(schedule: str) -> str:
    """What is wrong with a schedule, or ""; one that begins with a time zone is read as the library of upstream reads it."""
    prefix = _ZONE_PREFIX.match(schedule)
    if prefix is not None:
        zone, _, schedule = schedule[prefix.end() :].partition(" ")
        if zone not in ("", "UTC", "Local") and not _known(zone):
            return f"provided bad location {zone}: unknown time zone {zone}"
        schedule = schedule.strip()
    try:
        cron.parse(schedule)
    except ValueError as error:
        return str(error)
    return ""


def zone_faults(zone: str) -> Iterator[str]:
    """What is wrong with a time zone."""
    if not zone:
        yield "timeZone must be nil or non-empty string"
        return
    parts = zone.split("/")
    if any(part in (".", "..") or part.startswith("-") or not _ZONE_PART.fullmatch(part) for part in parts):
        yield f"unknown time zone {zone}"
        return
    if zone.lower() == "local":
        yield "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
    if zone not in ("UTC", "Local") and not _known(zone):
        yield f"unknown time zone {zone}"


def _known(zone: str) -> bool:
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True

"""Schedules and time zones of CronJobs: what is wrong with a text, as a message. Source: `pkg/apis/batch/validation` of Kubernetes."""

import zoneinfo

from kk.base import cron


def fault(schedule: str) -> str:
    """What is wrong with a schedule, or ""."""
    try:
        cron.parse(schedule)
    except ValueError as error:
        return str(error)
    return ""


def zone_fault(zone: str) -> str:
    """What is wrong with a time zone, or ""."""
    if not zone:
        return "timeZone must be nil or non-empty string"
    if zone.lower() == "local":
        return "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return f"unknown time zone {zone}"
    return ""

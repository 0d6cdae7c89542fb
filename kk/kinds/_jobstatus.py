"""Status of Jobs: what a finished job must say and what cannot be taken back.

Source: `validateJobStatus` and `ValidateJobStatusUpdate` of `pkg/apis/batch/validation` in Kubernetes, asked for as the
strategy of Jobs asks: most rules hold only where what they look at changes.
"""

import re
from collections.abc import Iterator

from kk.base.errors import OMITTED, duplicate, invalid_value, required
from kk.base.times import parse_time
from kk.kinds._checks import Errors, Obj

_NUMBER = re.compile(r"[+]?[0-9]{1,18}")

Intervals = list[tuple[int, int]]


def true(status: Obj, kind: str) -> bool:
    """Whether a condition holds."""
    return any(c.get("type") == kind and c.get("status") == "True" for c in status.get("conditions") or ())


def check(obj: Obj, old: Obj) -> Errors:
    """Faults of a status, given the one before."""
    status, before = obj.get("status") or {}, old.get("status") or {}
    yield from _uncounted(status)
    yield from _conditions(status, before)
    yield from _times(status, before)
    yield from _counts(status, before)
    yield from _indexes(obj["spec"], status, before)
    yield from _kept(obj["spec"], status, before)


def _changed(status: Obj, before: Obj, *fields: str) -> bool:
    return any((status.get(f) or None) != (before.get(f) or None) for f in fields)


def _turned(status: Obj, before: Obj, *kinds: str) -> bool:
    return any(true(status, k) for k in kinds) != any(true(before, k) for k in kinds)


def _finished(status: Obj) -> bool:
    return true(status, "Complete") or true(status, "Failed")


def _uncounted(status: Obj) -> Errors:
    seen: set[str] = set()
    for field in ("succeeded", "failed"):
        listed = (status.get("uncountedTerminatedPods") or {}).get(field) or []
        for at, uid in enumerate(listed):
            where = f"status.uncountedTerminatedPods.{field}[{at}]"
            if not uid:
                yield invalid_value(where, uid, "must not be empty")
            elif uid in seen:
                yield duplicate(where, uid)
            seen.add(uid)


def _conditions(status: Obj, before: Obj) -> Errors:
    complete, failed = true(status, "Complete"), true(status, "Failed")
    target, met = true(status, "FailureTarget"), true(status, "SuccessCriteriaMet")
    completing, failing = _turned(status, before, "Complete"), _turned(status, before, "Failed")
    aiming, meeting = _turned(status, before, "FailureTarget"), _turned(status, before, "SuccessCriteriaMet")
    for wrong, text in (
        ((completing or failing) and complete and failed, "cannot set Complete=True and Failed=true conditions"),
        ((completing or aiming) and complete and target, "cannot set Complete=True and FailureTarget=true conditions"),
        (
            (failing or aiming) and failed and not target,
            "cannot set Failed=True condition without the FailureTarget=true condition",
        ),
        (
            (completing or meeting) and complete and not met,
            "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
        ),
        (met and failed, "cannot set SuccessCriteriaMet=True and Failed=true conditions"),
        (met and target, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"),
    ):
        if wrong:
            yield invalid_value("status.conditions", OMITTED, text)


def _times(status: Obj, before: Obj) -> Errors:
    start, end, complete = status.get("startTime"), status.get("completionTime"), true(status, "Complete")
    if _turned(status, before, "Complete") or _changed(status, before, "completionTime"):
        if end and not complete:
            detail = "cannot set completionTime when there is no Complete=True condition"
            yield invalid_value("status.completionTime", end, detail)
        if not end and complete:
            yield required("status.completionTime", "completionTime is required for Complete jobs")
    if start and end and _changed(status, before, "startTime", "completionTime"):
        if parse_time(end) < parse_time(start):
            yield invalid_value("status.completionTime", end, "completionTime cannot be set before startTime")
    turned = _turned(status, before, "Complete", "Failed")
    if not start and _finished(status) and (turned or _changed(status, before, "startTime")):
        yield required("status.startTime", "startTime is required for finished job")


def _counts(status: Obj, before: Obj) -> Errors:
    finished, turned = _finished(status), _turned(status, before, "Complete", "Failed")
    for field in ("active", "terminating"):
        if (status.get(field) or 0) > 0 and finished and (turned or _changed(status, before, field)):
            yield invalid_value(f"status.{field}", status[field], f"{field}>0 is invalid for finished job")
    uncounted = status.get("uncountedTerminatedPods") or {}
    if finished and (turned or _changed(status, before, "uncountedTerminatedPods")) and any(uncounted.values()):
        shown = {"Succeeded": uncounted.get("succeeded"), "Failed": uncounted.get("failed")}
        detail = "uncountedTerminatedPods needs to be empty for finished job"
        yield invalid_value("status.uncountedTerminatedPods", shown, detail)
    ready = status.get("ready")
    if ready is not None and ready > (status.get("active") or 0):
        yield invalid_value("status.ready", ready, "cannot set more ready pods than active")


def _indexes(spec: Obj, status: Obj, before: Obj) -> Errors:
    completed, failed = status.get("completedIndexes") or "", status.get("failedIndexes")
    completions = spec.get("completions")
    read: list[Intervals] = []
    for field, text, asked in (
        ("completedIndexes", completed, True),
        ("failedIndexes", failed, spec.get("backoffLimitPerIndex") is not None),
    ):
        if text is None or completions is None or not asked:
            continue
        try:
            read.append(intervals(text, completions))
        except ValueError as error:
            if _changed(status, before, field):
                yield invalid_value(f"status.{field}", text, f"error parsing {field}: {error}")
    if completed and spec.get("completionMode") != "Indexed" and _changed(status, before, "completedIndexes"):
        detail = "cannot set non-empty completedIndexes when non-indexed completion mode"
        yield invalid_value("status.completedIndexes", completed, detail)
    if failed is not None and spec.get("backoffLimitPerIndex") is None and _changed(status, before, "failedIndexes"):
        detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        yield invalid_value("status.failedIndexes", failed, detail)
    both = _overlap(*read) if len(read) == 2 else None
    if both is not None and _changed(status, before, "completedIndexes", "failedIndexes"):
        detail = f"failedIndexes and completedIndexes overlap at index: {both}"
        yield invalid_value("status.failedIndexes", failed, detail)


def _overlap(one: Intervals, other: Intervals) -> int | None:
    """The first number in both, of intervals in order."""
    i = j = 0
    while i < len(one) and j < len(other):
        first = max(one[i][0], other[j][0])
        if first <= min(one[i][1], other[j][1]):
            return first
        if one[i][0] <= other[j][0]:
            i += 1
        else:
            j += 1
    return None


def intervals(text: str, completions: int) -> Intervals:
    """First and last index of each part of a text such as 1,3-5. Raises ValueError in upstream's words."""
    found: Intervals = []
    for part in text.split(",") if text else ():
        ends = part.split("-")
        if len(ends) > 2:
            detail = "violates the requirement that an index interval can have at most two parts separated by '-'"
            raise ValueError(f'the fragment "{part}" {detail}')
        numbers = list(_numbers(ends, completions))
        first, last = numbers[0], numbers[-1]
        if len(numbers) == 2 and first >= last:
            raise ValueError(f"non-increasing order, previous: {first}, current: {last}")
        if found and found[-1][1] >= first:
            raise ValueError(f"non-increasing order, previous: {found[-1][1]}, current: {first}")
        found.append((first, last))
    return found


def _numbers(ends: list[str], completions: int) -> Iterator[int]:
    for end in ends:
        if not _NUMBER.fullmatch(end):
            raise ValueError(f'cannot convert string to integer for index: "{end}"')
        if int(end) >= completions:
            raise ValueError(f'too large index: "{end}"')
        yield int(end)


def _kept(spec: Obj, status: Obj, before: Obj) -> Errors:
    for kind in ("Failed", "Complete", "FailureTarget"):
        if true(before, kind) and not true(status, kind):
            yield invalid_value("status.conditions", OMITTED, f"cannot disable the terminal {kind}=True condition")
    scaled = spec.get("completionMode") == "Indexed" and spec.get("completions") == spec.get("parallelism")
    for field in ("failed", "succeeded"):
        if (status.get(field) or 0) < (before.get(field) or 0) and not (scaled and field == "succeeded"):
            yield invalid_value(f"status.{field}", status.get(field) or 0, f"cannot decrease the {field} counter")
    end, was = status.get("completionTime"), before.get("completionTime")
    if end and was and end != was:
        yield invalid_value("status.completionTime", end, "completionTime cannot be mutated")
    if before.get("startTime") and status.get("startTime") != before["startTime"] and not spec.get("suspend"):
        yield required("status.startTime", "startTime cannot be removed for unsuspended job")
    if true(before, "SuccessCriteriaMet") and not true(status, "SuccessCriteriaMet"):
        yield invalid_value("status.conditions", OMITTED, "cannot disable the SuccessCriteriaMet=True condition")
    elif true(before, "Complete") and not true(before, "SuccessCriteriaMet") and true(status, "SuccessCriteriaMet"):
        detail = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions"
        yield invalid_value("status.conditions", OMITTED, detail)

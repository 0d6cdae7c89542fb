"""What becomes of a job: which pods count, whether it has ended and why, how many pods it wants. Pure.

Counting, conditions, reasons and messages are upstream's `pkg/controller/job`. A pod counts once: its uid stands in
`uncountedTerminatedPods` from when it is seen finished until its finalizer is gone.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kk.base.times import format_time, parse_time

from .. import pods as podlib

Obj = dict[str, Any]
FINALIZER = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"
INDEX_FAILURES = "batch.kubernetes.io/job-index-failure-count"
_BACKOFF, _MOST_BACKOFF = 10.0, 600.0


@dataclass(frozen=True, slots=True)
class End:
    """How a job ends: the type of the condition that stays (Complete or Failed), reason and message."""

    type: str
    reason: str
    message: str

    @property
    def early(self) -> str:
        """The condition that is set while pods still end."""
        return "SuccessCriteriaMet" if self.type == "Complete" else "FailureTarget"


@dataclass
class Count:
    """The pods of a job, counted."""

    active: list[Obj] = field(default_factory=list)
    terminating: int = 0
    ready: int = 0
    succeeded: int = 0
    failed: int = 0
    new_succeeded: list[Obj] = field(default_factory=list)
    new_failed: list[Obj] = field(default_factory=list)
    ignored: list[Obj] = field(default_factory=list)
    indexes: set[int] = field(default_factory=set)
    failed_indexes: set[int] = field(default_factory=set)
    fail_message: str = ""


def finished(job: Obj) -> bool:
    """Whether it is Complete or Failed."""
    return any((c := podlib.condition(job, t)) is not None and c["status"] == "True" for t in ("Complete", "Failed"))


def indexed(job: Obj) -> bool:
    """Whether each pod works on an index of its own."""
    return job["spec"].get("completionMode") == "Indexed"


def index_of(pod: Obj) -> int | None:
    """The completion index of a pod."""
    text = (pod["metadata"].get("annotations") or {}).get(INDEX, "")
    return int(text) if text.isdigit() else None


def tracked(pod: Obj) -> bool:
    """Whether it is still to be counted."""
    return FINALIZER in (pod["metadata"].get("finalizers") or ())


def failed(job: Obj, pod: Obj) -> bool:
    """Whether a pod has failed; one that is being deleted counts as failed unless only Failed ones are replaced."""
    phase = (pod.get("status") or {}).get("phase")
    if phase == "Failed":
        return True
    if job["spec"].get("podReplacementPolicy") == "Failed" and podlib.condition(job, "FailureTarget") is None:
        return False
    return bool(pod["metadata"].get("deletionTimestamp")) and phase != "Succeeded"


def count(job: Obj, pods: list[Obj]) -> Count:
    """Count the pods of a job, those in its status included."""
    status = job.get("status") or {}
    waiting = status.get("uncountedTerminatedPods") or {}
    known = {*(waiting.get("succeeded") or ()), *(waiting.get("failed") or ())}
    found = Count(
        succeeded=status.get("succeeded", 0) + len(waiting.get("succeeded") or ()),
        failed=status.get("failed", 0) + len(waiting.get("failed") or ()),
        indexes=parse_indexes(status.get("completedIndexes", "")),
        failed_indexes=parse_indexes(status.get("failedIndexes") or ""),
    )
    for pod in pods:
        phase = (pod.get("status") or {}).get("phase")
        if podlib.active(pod):
            found.active.append(pod)
            found.ready += podlib.ready(pod)
        elif not podlib.finished(pod):
            found.terminating += 1
        if not tracked(pod) or pod["metadata"]["uid"] in known:
            continue
        if phase == "Succeeded":
            _succeeded(job, pod, found)
        elif failed(job, pod):
            _failed(job, pod, found)
    if indexed(job):
        found.succeeded = len(found.indexes)
        found.failed_indexes -= found.indexes
    return found


def _succeeded(job: Obj, pod: Obj, found: Count) -> None:
    if indexed(job):
        index = index_of(pod)
        if index is None or index >= job["spec"].get("completions", 0):
            found.ignored.append(pod)
            return
        found.indexes.add(index)
    found.new_succeeded.append(pod)
    found.succeeded += 1


def _failed(job: Obj, pod: Obj, found: Count) -> None:
    action, message = policy(job, pod)
    if action == "Ignore":
        found.ignored.append(pod)
        return
    if action == "FailJob":
        found.fail_message = found.fail_message or message
    index, limit = index_of(pod), job["spec"].get("backoffLimitPerIndex")
    itself = (pod.get("status") or {}).get("phase") == "Failed" and not pod["metadata"].get("deletionTimestamp")
    if itself and limit is not None and index is not None and (action == "FailIndex" or index_failures(pod) >= limit):
        found.failed_indexes.add(index)
    found.new_failed.append(pod)
    found.failed += 1


def index_failures(pod: Obj) -> int:
    """How often the index of a pod had failed before it."""
    text = (pod["metadata"].get("annotations") or {}).get(INDEX_FAILURES, "")
    return int(text) if text.isdigit() else 0


def policy(job: Obj, pod: Obj) -> tuple[str, str]:
    """(action, message) of the first rule of podFailurePolicy that a failed pod matches, ("", "") without one."""
    if (pod.get("status") or {}).get("phase") != "Failed":
        return "", ""
    meta = pod["metadata"]
    where = f"pod {meta['namespace']}/{meta['name']}"
    for number, rule in enumerate((job["spec"].get("podFailurePolicy") or {}).get("rules") or ()):
        tail = f"matching {rule['action']} rule at index {number}"
        container = _exit_code_match(rule.get("onExitCodes"), pod)
        if container is not None:
            name, code = container
            return rule["action"], f"Container {name} for {where} failed with exit code {code} {tail}"
        for pattern in rule.get("onPodConditions") or ():
            held = podlib.condition(pod, pattern["type"])
            if held is not None and held["status"] == pattern.get("status", "True"):
                return rule["action"], f"{where[0].upper()}{where[1:]} has condition {pattern['type']} {tail}"
    return "", ""


def _exit_code_match(wanted: Obj | None, pod: Obj) -> tuple[str, int] | None:
    if not wanted:
        return None
    status = pod.get("status") or {}
    for one in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        ended = (one.get("state") or {}).get("terminated")
        if not ended or not ended.get("exitCode"):
            continue
        if wanted.get("containerName") and wanted["containerName"] != one["name"]:
            continue
        if (ended["exitCode"] in wanted["values"]) == (wanted["operator"] == "In"):
            return one["name"], ended["exitCode"]
    return None


# ---- how it ends ----
def end(job: Obj, seen: Count, now: datetime) -> End | None:
    """Whether, and how, a job ends; what an earlier round has decided stays."""
    for type, early in (("Complete", "SuccessCriteriaMet"), ("Failed", "FailureTarget")):
        held = podlib.condition(job, early)
        if held is not None and held["status"] == "True":
            return End(type, held.get("reason", ""), held.get("message", ""))
    spec = job["spec"]
    if seen.fail_message:
        return End("Failed", "PodFailurePolicy", seen.fail_message)
    if seen.failed > spec.get("backoffLimit", 6) or _restarted_too_often(spec, seen):
        return End("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    left = deadline_in(job, now)
    if left is not None and left <= 0:
        return End("Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
    most, wanted = spec.get("maxFailedIndexes"), spec.get("completions")
    if most is not None and len(seen.failed_indexes) > most:
        words = "Job has exceeded the specified maximal number of failed indexes"
        return End("Failed", "MaxFailedIndexesExceeded", words)
    matched = _success_rule(job, seen)
    if matched is not None:
        return End("Complete", "SuccessPolicy", f"Matched rules at index {matched}")
    if seen.failed_indexes and len(seen.failed_indexes) + seen.succeeded >= (wanted or 0):
        return End("Failed", "FailedIndexes", "Job has failed indexes")
    if wanted is None:
        done = seen.succeeded > 0 and not seen.active
    else:
        done = seen.succeeded >= wanted and not spec.get("suspend")
    return End("Complete", "CompletionsReached", "Reached expected number of succeeded pods") if done else None


def _restarted_too_often(spec: Obj, seen: Count) -> bool:
    if (spec["template"]["spec"].get("restartPolicy")) != "OnFailure":
        return False
    restarts = sum(
        s.get("restartCount", 0)
        for p in seen.active
        if (p.get("status") or {}).get("phase") in ("Running", "Pending")
        for kind in ("initContainerStatuses", "containerStatuses")
        for s in (p.get("status") or {}).get(kind) or ()
    )
    limit = spec.get("backoffLimit", 6)
    return restarts > 0 if not limit else restarts >= limit


def _success_rule(job: Obj, seen: Count) -> int | None:
    if not indexed(job):
        return None
    for number, rule in enumerate((job["spec"].get("successPolicy") or {}).get("rules") or ()):
        wanted = parse_indexes(rule["succeededIndexes"]) if rule.get("succeededIndexes") else None
        hits = seen.indexes if wanted is None else seen.indexes & wanted
        least = rule.get("succeededCount") or len(wanted or ())
        if least and len(hits) >= least:
            return number
    return None


def deadline_in(job: Obj, now: datetime) -> float | None:
    """Seconds until activeDeadlineSeconds is over, None without one."""
    limit, start = job["spec"].get("activeDeadlineSeconds"), (job.get("status") or {}).get("startTime")
    if limit is None or not start or job["spec"].get("suspend"):
        return None
    return float(limit) - (now - parse_time(start)).total_seconds()


# ---- what it wants ----
def difference(job: Obj, seen: Count) -> int:
    """Pods to create (positive) or to delete (negative)."""
    spec = job["spec"]
    if spec.get("suspend"):
        return -len(seen.active)
    wanted = spec.get("parallelism", 1)
    completions = spec.get("completions")
    if completions is None:
        wanted = len(seen.active) if seen.succeeded else wanted
    else:
        wanted = min(wanted, max(0, completions - seen.succeeded - len(seen.failed_indexes)))
    missing = wanted - len(seen.active)
    if missing > 0 and spec.get("podReplacementPolicy") == "Failed":
        missing = max(0, missing - seen.terminating)
    return missing


def free_indexes(job: Obj, seen: Count, number: int) -> list[int]:
    """The lowest indexes that nobody works on and that have not succeeded."""
    taken = seen.indexes | seen.failed_indexes | {i for p in seen.active if (i := index_of(p)) is not None}
    return [i for i in range(job["spec"].get("completions") or 0) if i not in taken][:number]


def backoff_in(pods: list[Obj], now: datetime) -> float:
    """Seconds to wait before a failed pod is replaced: ten, doubling with every failure since the last success."""
    ended = sorted(
        ((at, (p.get("status") or {}).get("phase")) for p in pods if (at := _finished_at(p)) is not None),
        key=lambda e: e[0],
        reverse=True,
    )
    failures = 0
    for _, phase in ended:
        if phase != "Failed":
            break
        failures += 1
    if not failures:
        return 0.0
    wait = min(_MOST_BACKOFF, _BACKOFF * 2 ** (failures - 1))
    return max(0.0, (ended[0][0] + timedelta(seconds=wait) - now).total_seconds())


def _finished_at(pod: Obj) -> datetime | None:
    if not podlib.finished(pod):
        return None
    status = pod.get("status") or {}
    times = [
        parse_time(t["finishedAt"])
        for s in status.get("containerStatuses") or ()
        if (t := (s.get("state") or {}).get("terminated")) and t.get("finishedAt")
    ]
    if times:
        return max(times)
    condition = podlib.condition(pod, "Ready")
    if condition is not None and condition.get("lastTransitionTime"):
        return parse_time(condition["lastTransitionTime"])
    return None


def failures_of(index: int, pods: list[Obj]) -> int:
    """How often an index has failed, by the pods that are still there."""
    return max((index_failures(p) + 1 for p in pods if index_of(p) == index and not podlib.active(p)), default=0)


def pod_of(job: Obj, reference: Obj, index: int | None, failures: int = 0) -> Obj:
    """A pod of a job, for an index where it has one; failures is how often that index has failed."""
    made = podlib.from_template(job["spec"]["template"], job, reference)
    meta = made["metadata"]
    meta["namespace"] = job["metadata"]["namespace"]
    meta["finalizers"] = [*(meta.get("finalizers") or ()), FINALIZER]
    if index is None:
        return made
    name = job["metadata"]["name"]
    meta["generateName"] = f"{name}-{index}-"
    meta["annotations"] = {**(meta.get("annotations") or {}), INDEX: str(index)}
    if job["spec"].get("backoffLimitPerIndex") is not None:
        meta["annotations"][INDEX_FAILURES] = str(failures)
    meta["labels"] = {**(meta.get("labels") or {}), INDEX: str(index)}
    path = {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}}
    spec = {**made["spec"], "hostname": f"{name}-{index}"}
    for kind in ("containers", "initContainers"):
        if spec.get(kind):
            spec[kind] = [_with_index(c, path) for c in spec[kind]]
    return {**made, "spec": spec}


def _with_index(container: Obj, value_from: Obj) -> Obj:
    env = container.get("env") or []
    if any(e["name"] == "JOB_COMPLETION_INDEX" for e in env):
        return container
    return {**container, "env": [*env, {"name": "JOB_COMPLETION_INDEX", "valueFrom": value_from}]}


# ---- status ----
def set_condition(conditions: list[Obj], type: str, value: str, reason: str, message: str, now: datetime) -> list[Obj]:
    """Conditions with one set, at its place."""
    held = next((c for c in conditions if c["type"] == type), None)
    if held is not None and (held["status"], held.get("reason"), held.get("message")) == (value, reason, message):
        return conditions
    stamp = format_time(now)
    made = {
        "type": type,
        "status": value,
        "lastProbeTime": stamp,
        "lastTransitionTime": stamp,
        "reason": reason,
        "message": message,
    }
    if held is not None and held["status"] == value:
        made["lastTransitionTime"] = held["lastTransitionTime"]
    return [made if c is held else c for c in conditions] if held is not None else [*conditions, made]


def parse_indexes(text: str) -> set[int]:
    """`0-2,5` → {0, 1, 2, 5}."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def format_indexes(indexes: set[int]) -> str:
    """{0, 1, 2, 5} → `0-2,5`."""
    parts: list[str] = []
    ordered = sorted(indexes)
    at = 0
    while at < len(ordered):
        start = at
        while at + 1 < len(ordered) and ordered[at + 1] == ordered[at] + 1:
            at += 1
        parts.append(str(ordered[start]) if at == start else f"{ordered[start]}-{ordered[at]}")
        at += 1
    return ",".join(parts)

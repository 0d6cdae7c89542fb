"""How the kinds that keep pods are described."""

from __future__ import annotations

from typing import Any

from kk.base.times import human_duration, parse_time
from kk.kinds._describe_podspec import template
from kk.kinds.describing import (
    Ask,
    Obj,
    Page,
    annotation_lines,
    boolean,
    conditions,
    controlled_by,
    controller,
    events,
    head,
    labels,
    meta,
    moment,
    pairs_text,
    pod_counts,
    quantity,
    selector_text,
)


def deployment(obj: Obj, ask: Ask) -> list[str]:
    """The description of a Deployment."""
    page, spec, status = Page(), obj.get("spec") or {}, obj.get("status") or {}
    head(page, obj)
    page.line(0, "CreationTimestamp:", moment(meta(obj).get("creationTimestamp")))
    labels(page, "Labels", meta(obj).get("labels"))
    annotation_lines(page, "Annotations", meta(obj).get("annotations"))
    page.line(0, "Selector:", selector_text(spec.get("selector")))
    counts = [
        f"{spec.get('replicas', 0)} desired",
        f"{status.get('updatedReplicas', 0)} updated",
        f"{status.get('replicas', 0)} total",
        f"{status.get('availableReplicas', 0)} available",
        f"{status.get('unavailableReplicas', 0)} unavailable",
    ]
    page.line(0, "Replicas:", " | ".join(counts))
    strategy = spec.get("strategy") or {}
    page.line(0, "StrategyType:", strategy.get("type", ""))
    page.line(0, "MinReadySeconds:", spec.get("minReadySeconds", 0))
    rolling = strategy.get("rollingUpdate")
    if rolling:
        text = f"{rolling.get('maxUnavailable')} max unavailable, {rolling.get('maxSurge')} max surge"
        page.line(0, "RollingUpdateStrategy:", text)
    template(page, spec.get("template"))
    conditions(page, status.get("conditions"))
    _replica_sets(page, obj, spec, ask)
    events(page, ask, obj)
    return page.lines()


def _replica_sets(page: Page, obj: Obj, spec: Obj, ask: Ask) -> None:
    selector = selector_text(spec.get("selector"))
    found = ask.list("apps/v1", "replicasets", meta(obj).get("namespace", ""), selector) or []
    owned = [r for r in found if (controller(r) or {}).get("uid") == meta(obj).get("uid")]
    if not owned:
        return
    owned.sort(key=lambda r: (meta(r).get("creationTimestamp") or "", meta(r).get("name", "")))
    new = next((r for r in owned if _same_template(r["spec"]["template"], spec["template"])), None)
    old = [r for r in owned if r is not new]
    page.line(0, "OldReplicaSets:", _replica_set_texts(old))
    page.line(0, "NewReplicaSet:", _replica_set_texts([new] if new else []))


def _same_template(one: Obj, other: Obj) -> bool:
    """Whether two templates are the same but for the hash label that a ReplicaSet's has."""

    def bare(found: Obj) -> Any:
        metadata = found.get("metadata") or {}
        kept = {k: v for k, v in (metadata.get("labels") or {}).items() if k != "pod-template-hash"}
        rest = {k: v for k, v in metadata.items() if k not in ("labels", "creationTimestamp") and v}
        return (kept, rest, found.get("spec"))

    return bare(one) == bare(other)


def _replica_set_texts(found: list[Obj]) -> str:
    texts = [
        f"{meta(r)['name']} ({(r.get('status') or {}).get('replicas', 0)}/{r['spec'].get('replicas', 0)} replicas created)"
        for r in found
    ]
    return ", ".join(texts) or "<none>"


def replica_set(obj: Obj, ask: Ask) -> list[str]:
    """The description of a ReplicaSet."""
    return _replicas(obj, ask, selector_text((obj.get("spec") or {}).get("selector")))


def replication_controller(obj: Obj, ask: Ask) -> list[str]:
    """The description of a ReplicationController."""
    return _replicas(obj, ask, pairs_text((obj.get("spec") or {}).get("selector")))


def _replicas(obj: Obj, ask: Ask, selector: str) -> list[str]:
    page, spec, status = Page(), obj.get("spec") or {}, obj.get("status") or {}
    head(page, obj)
    page.line(0, "Selector:", selector)
    labels(page, "Labels", meta(obj).get("labels"))
    annotation_lines(page, "Annotations", meta(obj).get("annotations"))
    if obj.get("kind") != "ReplicationController":
        controlled_by(page, obj)
    page.line(0, "Replicas:", f"{status.get('replicas', 0)} current / {spec.get('replicas', 0)} desired")
    page.line(0, "Pods Status:", pod_counts(ask, obj, selector))
    template(page, spec.get("template"))
    conditions(page, status.get("conditions"))
    events(page, ask, obj)
    return page.lines()


def stateful_set(obj: Obj, ask: Ask) -> list[str]:
    """The description of a StatefulSet."""
    page, spec, status = Page(), obj.get("spec") or {}, obj.get("status") or {}
    selector = selector_text(spec.get("selector"))
    head(page, obj)
    page.line(0, "CreationTimestamp:", moment(meta(obj).get("creationTimestamp")))
    page.line(0, "Selector:", selector)
    labels(page, "Labels", meta(obj).get("labels"))
    annotation_lines(page, "Annotations", meta(obj).get("annotations"))
    page.line(0, "Replicas:", f"{spec.get('replicas', 0)} desired | {status.get('replicas', 0)} total")
    strategy = spec.get("updateStrategy") or {}
    page.line(0, "Update Strategy:", strategy.get("type", ""))
    rolling = strategy.get("rollingUpdate") or {}
    if rolling.get("partition") is not None:
        page.line(1, "Partition:", rolling["partition"])
        if rolling.get("maxUnavailable") is not None:
            page.line(1, "MaxUnavailable:", rolling["maxUnavailable"])
    page.line(0, "Pods Status:", pod_counts(ask, obj, selector))
    template(page, spec.get("template"))
    _claims(page, spec.get("volumeClaimTemplates"))
    events(page, ask, obj)
    return page.lines()


def _claims(page: Page, found: list[Obj] | None) -> None:
    if not found:
        page.line(0, "Volume Claims:", "<none>")
        return
    page.write(0, "Volume Claims:\n")
    for claim in found:
        spec = claim.get("spec") or {}
        page.line(1, "Name:", meta(claim).get("name", ""))
        page.line(1, "StorageClass:", spec.get("storageClassName") or "")
        labels(page, "Labels", meta(claim).get("labels"), "  ")
        labels(page, "Annotations", meta(claim).get("annotations"), "  ")
        size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
        page.line(1, "Capacity:", quantity(size) if size else "<default>")
        page.line(1, "Access Modes:", "[" + " ".join(spec.get("accessModes") or ()) + "]")


def daemon_set(obj: Obj, ask: Ask) -> list[str]:
    """The description of a DaemonSet."""
    page, spec, status = Page(), obj.get("spec") or {}, obj.get("status") or {}
    selector = selector_text(spec.get("selector"))
    head(page, obj)
    page.line(0, "Selector:", selector)
    pod = (spec.get("template") or {}).get("spec") or {}
    page.line(0, "Node-Selector:", pairs_text(pod.get("nodeSelector")))
    labels(page, "Labels", meta(obj).get("labels"))
    annotation_lines(page, "Annotations", meta(obj).get("annotations"))
    for title, field in (
        ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ):
        page.write(0, f"{title}: {status.get(field, 0)}\n")
    page.line(0, "Pods Status:", pod_counts(ask, obj, selector))
    template(page, spec.get("template"))
    events(page, ask, obj)
    return page.lines()


def job(obj: Obj, ask: Ask) -> list[str]:
    """The description of a Job."""
    page, spec, status = Page(), obj.get("spec") or {}, obj.get("status") or {}
    head(page, obj)
    page.line(0, "Selector:", selector_text(spec.get("selector")))
    labels(page, "Labels", meta(obj).get("labels"))
    annotation_lines(page, "Annotations", meta(obj).get("annotations"))
    controlled_by(page, obj)
    _job_spec(page, spec)
    _job_times(page, spec, status)
    active, done, failed = (status.get(k, 0) for k in ("active", "succeeded", "failed"))
    ready = f" ({status['ready']} Ready)" if status.get("ready") is not None else ""
    page.line(0, "Pods Statuses:", f"{active} Active{ready} / {done} Succeeded / {failed} Failed")
    if spec.get("completionMode") == "Indexed":
        page.line(0, "Completed Indexes:", _indexes(status.get("completedIndexes", "")))
    template(page, spec.get("template"))
    events(page, ask, obj)
    return page.lines()


def _job_spec(page: Page, spec: Obj) -> None:
    if spec.get("parallelism") is not None:
        page.line(0, "Parallelism:", spec["parallelism"])
    page.line(0, "Completions:", "<unset>" if spec.get("completions") is None else spec["completions"])
    if spec.get("completionMode"):
        page.line(0, "Completion Mode:", spec["completionMode"])
    if spec.get("suspend") is not None:
        page.line(0, "Suspend:", "true" if spec["suspend"] else "false")
    for title, field in (("Backoff Limit", "backoffLimit"), ("TTL Seconds After Finished", "ttlSecondsAfterFinished")):
        if spec.get(field) is not None:
            page.line(0, f"{title}:", spec[field])


def _job_times(page: Page, spec: Obj, status: Obj) -> None:
    started, ended = status.get("startTime"), status.get("completionTime")
    if started:
        page.line(0, "Start Time:", moment(started))
    if ended:
        page.line(0, "Completed At:", moment(ended))
    if started and ended:
        page.line(0, "Duration:", human_duration((parse_time(ended) - parse_time(started)).total_seconds()))
    if spec.get("activeDeadlineSeconds") is not None:
        page.line(0, "Active Deadline Seconds:", f"{spec['activeDeadlineSeconds']}s")


def _indexes(text: str, most: int = 50) -> str:
    if not text:
        return "<none>"
    cut = text.find(",", most)
    return text if cut < 0 else text[: cut + 1] + "..."


def cron_job(obj: Obj, ask: Ask) -> list[str]:
    """The description of a CronJob."""
    page, spec, status = Page(), obj.get("spec") or {}, obj.get("status") or {}

    def unset(value: Any, end: str = "") -> Any:
        return "<unset>" if value is None else f"{value}{end}"

    head(page, obj)
    labels(page, "Labels", meta(obj).get("labels"))
    annotation_lines(page, "Annotations", meta(obj).get("annotations"))
    page.line(0, "Schedule:", spec.get("schedule", ""))
    page.line(0, "Concurrency Policy:", spec.get("concurrencyPolicy", ""))
    page.line(0, "Suspend:", boolean(spec.get("suspend")))
    page.line(0, "Time Zone:", unset(spec.get("timeZone")))
    page.line(0, "Successful Job History Limit:", unset(spec.get("successfulJobsHistoryLimit")))
    page.line(0, "Failed Job History Limit:", unset(spec.get("failedJobsHistoryLimit")))
    page.line(0, "Starting Deadline Seconds:", unset(spec.get("startingDeadlineSeconds"), "s"))
    inner = (spec.get("jobTemplate") or {}).get("spec") or {}
    page.line(0, "Selector:", selector_text(inner["selector"]) if inner.get("selector") else "<unset>")
    page.line(0, "Parallelism:", unset(inner.get("parallelism")))
    page.line(0, "Completions:", unset(inner.get("completions")))
    if inner.get("activeDeadlineSeconds") is not None:
        page.line(0, "Active Deadline Seconds:", f"{inner['activeDeadlineSeconds']}s")
    template(page, inner.get("template"))
    last = status.get("lastScheduleTime")
    page.line(0, "Last Schedule Time:", moment(last) if last else "<unset>")
    page.line(0, "Active Jobs:", ", ".join(j.get("name", "") for j in status.get("active") or ()) or "<none>")
    events(page, ask, obj)
    return page.lines()

"""How a pod is described."""

from __future__ import annotations

from kk.base import paths
from kk.kinds import _describe_podspec as podspec
from kk.kinds.describing import (
    Ask,
    Obj,
    Page,
    annotation_lines,
    controlled_by,
    events,
    head,
    labels,
    meta,
    moment,
    since,
)


def describe(pod: Obj, ask: Ask) -> list[str]:
    """The description of a pod."""
    page, spec, status = Page(), pod.get("spec") or {}, pod.get("status") or {}
    head(page, pod)
    _facts(page, pod, spec, status)
    labels(page, "Labels", meta(pod).get("labels"))
    annotation_lines(page, "Annotations", meta(pod).get("annotations"))
    _phase(page, pod, status, ask)
    _addresses(page, status)
    controlled_by(page, pod)
    if status.get("nominatedNodeName"):
        page.line(0, "NominatedNodeName:", status["nominatedNodeName"])
    if spec.get("resources"):
        page.write(0, "Resources:\n")
        podspec.resources(page, spec["resources"], 1)
    _containers(page, pod, spec, status)
    _conditions(page, spec, status)
    podspec.volumes(page, spec.get("volumes"))
    page.line(0, "QoS Class:", status.get("qosClass") or "BestEffort")
    labels(page, "Node-Selectors", spec.get("nodeSelector"))
    podspec.tolerations(page, spec.get("tolerations"))
    podspec.spread(page, spec.get("topologySpreadConstraints"))
    events(page, ask, pod)
    return page.lines()


def _facts(page: Page, pod: Obj, spec: Obj, status: Obj) -> None:
    if spec.get("priority") is not None:
        page.line(0, "Priority:", spec["priority"])
    for title, field in (
        ("Priority Class Name", "priorityClassName"),
        ("Runtime Class Name", "runtimeClassName"),
        ("Service Account", "serviceAccountName"),
    ):
        if spec.get(field):
            page.line(0, f"{title}:", spec[field])
    page.line(0, "Node:", f"{spec['nodeName']}/{status.get('hostIP', '')}" if spec.get("nodeName") else "<none>")
    if status.get("startTime"):
        page.line(0, "Start Time:", moment(status["startTime"]))


def _phase(page: Page, pod: Obj, status: Obj, ask: Ask) -> None:
    going = meta(pod).get("deletionTimestamp")
    if going and status.get("phase") not in ("Failed", "Succeeded"):
        page.line(0, "Status:", f"Terminating (lasts {since(going, ask.now)})")
        page.line(0, "Termination Grace Period:", f"{meta(pod).get('deletionGracePeriodSeconds', 0)}s")
    else:
        page.line(0, "Status:", status.get("phase", ""))
    for title, field in (("Reason", "reason"), ("Message", "message")):
        if status.get(field):
            page.line(0, f"{title}:", status[field])
    profile = ((pod.get("spec") or {}).get("securityContext") or {}).get("seccompProfile")
    if profile:
        page.line(0, "SeccompProfile:", profile.get("type", ""))
        if profile.get("type") == "Localhost":
            page.line(0, "LocalhostProfile:", profile.get("localhostProfile", ""))


def _addresses(page: Page, status: Obj) -> None:
    page.line(0, "IP:", status.get("podIP", ""))
    if not status.get("podIPs"):
        page.line(0, "IPs:", "<none>")
        return
    page.write(0, "IPs:\n")
    for entry in status["podIPs"]:
        page.line(1, "IP:", entry.get("ip", ""))


def _containers(page: Page, pod: Obj, spec: Obj, status: Obj) -> None:
    def resolve(ref: Obj) -> str:
        path = ref.get("fieldPath", "")
        if path.endswith("']") and "['" in path:
            base, _, key = path.removesuffix("']").partition("['")
            return str((paths.get(pod, f".{base}") or {}).get(key, ""))
        value = paths.get(pod, f".{path}") if path else None
        return "" if value is None else str(value)

    if spec.get("initContainers"):
        states = status.get("initContainerStatuses")
        podspec.containers(page, "Init Containers", spec["initContainers"], states, resolve)
    podspec.containers(page, "Containers", spec.get("containers") or [], status.get("containerStatuses"), resolve)
    if spec.get("ephemeralContainers"):
        states = status.get("ephemeralContainerStatuses")
        podspec.containers(page, "Ephemeral Containers", spec["ephemeralContainers"], states, resolve)


def _conditions(page: Page, spec: Obj, status: Obj) -> None:
    found = status.get("conditions") or []
    if spec.get("readinessGates"):
        page.write(0, "Readiness Gates:\n  Type\tStatus\n")
        for gate in spec["readinessGates"]:
            kind = gate.get("conditionType", "")
            state = next((c.get("status") for c in found if c.get("type") == kind), "<none>")
            page.write(1, f"{kind} \t{state} \n")
    if found:
        page.write(0, "Conditions:\n  Type\tStatus\n")
        for condition in found:
            page.write(1, f"{condition.get('type', '')} \t{condition.get('status', '')} \n")

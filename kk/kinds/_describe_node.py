"""How a node is described: what it is, and what the pods on it ask for."""

from __future__ import annotations

from kk.base.quantity import Quantity
from kk.kinds.describing import (
    Ask,
    Obj,
    Page,
    annotation_lines,
    events_table,
    labels,
    meta,
    moment,
    quantity,
    since,
)

_ROLE, _OLD_ROLE = "node-role.kubernetes.io/", "kubernetes.io/role"
_INFO = (
    ("Machine ID", "machineID"),
    ("System UUID", "systemUUID"),
    ("Boot ID", "bootID"),
    ("Kernel Version", "kernelVersion"),
    ("OS Image", "osImage"),
    ("Operating System", "operatingSystem"),
    ("Architecture", "architecture"),
    ("Container Runtime Version", "containerRuntimeVersion"),
    ("Kubelet Version", "kubeletVersion"),
)


def describe(node: Obj, ask: Ask) -> list[str]:
    """The description of a Node."""
    page, spec, status, name = Page(), node.get("spec") or {}, node.get("status") or {}, meta(node).get("name", "")
    page.line(0, "Name:", name)
    page.line(0, "Roles:", ",".join(_roles(node)) or "<none>")
    labels(page, "Labels", meta(node).get("labels"))
    annotation_lines(page, "Annotations", meta(node).get("annotations"))
    page.line(0, "CreationTimestamp:", moment(meta(node).get("creationTimestamp")))
    _taints(page, spec.get("taints"))
    page.line(0, "Unschedulable:", "true" if spec.get("unschedulable") else "false")
    _lease(page, ask, name)
    _conditions(page, status.get("conditions"))
    page.write(0, "Addresses:\n")
    for address in status.get("addresses") or ():
        page.line(1, f"{address.get('type', '')}:", address.get("address", ""))
    for title, field in (("Capacity", "capacity"), ("Allocatable", "allocatable")):
        if status.get(field):
            page.write(0, f"{title}:\n")
            for resource, value in sorted(status[field].items()):
                page.line(1, f"{resource}:", quantity(value))
    page.write(0, "System Info:\n")
    for title, field in _INFO:
        page.line(1, f"{title}:", (status.get("nodeInfo") or {}).get(field, ""))
    for title, value in (("PodCIDR", spec.get("podCIDR")), ("PodCIDRs", ",".join(spec.get("podCIDRs") or ()))):
        if value:
            page.line(0, f"{title}:", value)
    if spec.get("providerID"):
        page.line(0, "ProviderID:", spec["providerID"])
    _pods(page, ask, name, status.get("allocatable") or status.get("capacity") or {})
    _events(page, ask, node)
    return page.lines()


def _roles(node: Obj) -> list[str]:
    found = set()
    for key, value in (meta(node).get("labels") or {}).items():
        if key.startswith(_ROLE) and len(key) > len(_ROLE):
            found.add(key[len(_ROLE) :])
        elif key == _OLD_ROLE and value:
            found.add(value)
    return sorted(found)


def _taints(page: Page, found: list[Obj] | None) -> None:
    ordered = sorted(found or (), key=lambda t: (t.get("effect", ""), t.get("key", "")))
    texts = []
    for taint in ordered:
        value = f"={taint['value']}" if taint.get("value") else ""
        texts.append(f"{taint.get('key', '')}{value}:{taint.get('effect', '')}")
    for place, text in enumerate(texts or ["<none>"]):
        page.write(0, f"Taints:\t{text}\n" if place == 0 else f"\t{text}\n")


def _lease(page: Page, ask: Ask, name: str) -> None:
    lease = ask.get("coordination.k8s.io/v1", "leases", "kube-node-lease", name)
    if lease is None:
        page.line(0, "Lease:", f'Failed to get lease: leases.coordination.k8s.io "{name}" not found')
        return
    spec = lease.get("spec") or {}
    page.write(0, "Lease:\n")
    page.line(1, "HolderIdentity:", spec.get("holderIdentity") or "<unset>")
    for title, field in (("AcquireTime", "acquireTime"), ("RenewTime", "renewTime")):
        page.line(1, f"{title}:", moment(spec[field]) if spec.get(field) else "<unset>")


def _conditions(page: Page, found: list[Obj] | None) -> None:
    if not found:
        return
    page.write(0, "Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage\n")
    page.write(1, "----\t------\t-----------------\t------------------\t------\t-------\n")
    for c in found:
        beat, changed = moment(c.get("lastHeartbeatTime")), moment(c.get("lastTransitionTime"))
        reason, message = c.get("reason", ""), c.get("message", "")
        page.write(1, f"{c.get('type', '')} \t{c.get('status', '')} \t{beat} \t{changed} \t{reason} \t{message}\n")


def _pods(page: Page, ask: Ask, name: str, allocatable: Obj) -> None:
    pods = ask.list("v1", "pods", "", "", f"spec.nodeName={name},status.phase!=Succeeded,status.phase!=Failed")
    if pods is None:
        page.line(0, "Pods:", "not authorized")
        return
    page.line(0, "Non-terminated Pods:", f"({len(pods)} in total)")
    page.line(1, "Namespace", "Name", "", "CPU Requests", "CPU Limits", "Memory Requests", "Memory Limits", "Age")
    page.line(1, "---------", "----", "", "------------", "----------", "---------------", "-------------", "---")
    total: dict[str, dict[str, Quantity]] = {"requests": {}, "limits": {}}
    for pod in pods:
        asked = {side: pod_resources(pod, side) for side in total}
        for side, values in asked.items():
            for resource, value in values.items():
                total[side][resource] = total[side].get(resource, Quantity.parse("0")) + value
        cells = [_share(asked[s], r, allocatable) for r in ("cpu", "memory") for s in ("requests", "limits")]
        age = since(meta(pod).get("creationTimestamp"), ask.now)
        page.line(1, meta(pod).get("namespace", ""), meta(pod).get("name", ""), "", *cells, age)
    page.write(0, "Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)\n")
    page.line(1, "Resource", "Requests", "Limits")
    page.line(1, "--------", "--------", "------")
    huge = sorted(r for r in allocatable if r.startswith("hugepages-"))
    for resource in ("cpu", "memory", "ephemeral-storage", *huge):
        page.line(1, resource, *(_share(total[s], resource, allocatable) for s in ("requests", "limits")))
    standard = {"cpu", "memory", "ephemeral-storage", "pods", *huge}
    zero = Quantity.parse("0")
    for resource in sorted(r for r in allocatable if r not in standard):
        page.line(1, resource, *(total[s].get(resource, zero).canonical() for s in ("requests", "limits")))


def _share(values: dict[str, Quantity], resource: str, allocatable: Obj) -> str:
    value = values.get(resource, Quantity.parse("0"))
    whole = Quantity.parse(allocatable.get(resource, "0"))
    measure = Quantity.milli if resource == "cpu" else Quantity.value
    percent = int(measure(value) / measure(whole) * 100) if measure(whole) else 0
    return f"{value.canonical()} ({percent}%)"


def pod_resources(pod: Obj, side: str) -> dict[str, Quantity]:
    """What a pod asks for in all: its containers together or the largest init container, and overhead."""
    spec = pod.get("spec") or {}
    found: dict[str, Quantity] = {}

    def of(container: Obj) -> dict[str, Quantity]:
        values = (container.get("resources") or {}).get(side) or {}
        return {k: Quantity.parse(v) for k, v in values.items()}

    running: dict[str, Quantity] = {}
    for container in [
        *(spec.get("containers") or ()),
        *(c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"),
    ]:
        for name, value in of(container).items():
            running[name] = running[name] + value if name in running else value
    found.update(running)
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") != "Always":
            for name, value in of(container).items():
                if name not in found or value > found[name]:
                    found[name] = value
    for name, text in (spec.get("overhead") or {}).items():
        if side == "requests" or name in found:
            extra = Quantity.parse(text)
            found[name] = found[name] + extra if name in found else extra
    return found


def _events(page: Page, ask: Ask, node: Obj) -> None:
    """Events about the node: controllers name it by UID, the agent by its name."""
    by_uid = ask.events(node)
    if by_uid is None:
        return
    by_name = ask.events({**node, "metadata": {**meta(node), "uid": meta(node).get("name", "")}}) or []
    seen = {meta(e).get("uid") for e in by_uid}
    events_table(page, [*by_uid, *(e for e in by_name if meta(e).get("uid") not in seen)], ask.now)

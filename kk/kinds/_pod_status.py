"""The faults of a Pod's status: conditions, addresses, container states that go on, claims and devices.

Words and rules: `ValidatePodStatusUpdate` of Kubernetes.
"""

from typing import Any

from kk.base import names
from kk.base.errors import duplicate, forbidden_value, invalid_value, not_supported
from kk.kinds import _pod_annotations
from kk.kinds._addresses import legacy_ip
from kk.kinds._checks import IMMUTABLE, Errors, bad, each, section

Obj = dict[str, Any]
_LISTS = (
    ("containerStatuses", "containers"),
    ("initContainerStatuses", "initContainers"),
    ("ephemeralContainerStatuses", "ephemeralContainers"),
)
_SYSTEM = ("PodScheduled", "Ready", "Initialized")
_HEALTH = ("Healthy", "Unhealthy", "Unknown")
_MOST_ID = 2**31 - 1


def prepare(pod: Obj, old: Obj) -> None:
    """What a writer of the status leaves out and must not lose: the QoS class, and which generation was seen."""
    status, before = section(pod, "status"), old.get("status") or {}
    for field in ("qosClass", "observedGeneration"):
        if not status.get(field) and before.get(field):
            status[field] = before[field]
    seen: dict[str, list[Any]] = {}
    for condition in before.get("conditions") or ():
        seen.setdefault(condition.get("type") or "", []).append(condition.get("observedGeneration"))
    for condition in status.get("conditions") or ():
        known = seen.get(condition.get("type") or "")
        generation = known.pop(0) if known else None
        if generation and not condition.get("observedGeneration"):
            condition["observedGeneration"] = generation


def check(pod: Obj, old: Obj) -> Errors:
    """All faults of a write to status."""
    spec, status, before = pod.get("spec") or {}, pod.get("status") or {}, old.get("status") or {}
    notes, old_notes = (o["metadata"].get("annotations") or {} for o in (pod, old))
    if notes != old_notes:
        yield from _pod_annotations.check_update("metadata.annotations", notes, old_notes, spec)
    for where, condition in each("metadata.conditions", status.get("conditions")):
        kind = condition.get("type") or ""
        if kind not in _SYSTEM:
            # the path is upstream's, letter for letter
            yield from bad(f"{where}.Type", kind, names.qualified_name(kind))
    nominated = status.get("nominatedNodeName") or ""
    if nominated and nominated != before.get("nominatedNodeName"):
        yield from bad("status.nominatedNodeName", nominated, names.dns_subdomain(nominated))
    if (status.get("qosClass") or "") != (before.get("qosClass") or ""):
        yield invalid_value("status.qosClass", status.get("qosClass") or "", IMMUTABLE)
    for field, _ in _LISTS:
        if before.get(field):
            yield from _ended(field, status.get(field), before[field], spec)
    yield from _claims("status.resourceClaimStatuses", status.get("resourceClaimStatuses"), spec)
    yield from _addresses("status.podIPs", status.get("podIPs"))
    first = (status.get("hostIPs") or [{}])[0].get("ip") or ""
    if status.get("hostIPs") and first != (status.get("hostIP") or ""):
        yield invalid_value("status.hostIPs[0].ip", first, "must be equal to `hostIP`")
    yield from _addresses("status.hostIPs", status.get("hostIPs"))
    for field, _ in _LISTS:
        for where, container in each(f"status.{field}", status.get(field)):
            if container.get("user") is not None:
                yield from _user(f"{where}.linux", container["user"].get("linux"), spec)
    for field, listed in _LISTS:
        for where, container in each(f"status.{field}", status.get(field)):
            if container.get("allocatedResourcesStatus"):
                yield from _devices(f"{where}.allocatedResourcesStatus", container, listed, spec)


def _addresses(path: str, listed: list[Obj] | None) -> Errors:
    for where, address in each(path, listed):
        yield from legacy_ip(where, address.get("ip") or "")
    if listed is None or len(listed) < 2:
        return
    ips = [a.get("ip") or "" for a in listed]
    versions = {parsed.version for ip in ips if (parsed := names.parse_ip(ip)) is not None}
    if len(ips) > 2 or len(versions) < 2:
        yield invalid_value(path, [{"IP": ip} for ip in ips], "may specify no more than one IP for each IP family")
    for at, ip in enumerate(ips):
        if ip in ips[:at]:
            yield duplicate(f"{path}[{at}]", {"IP": ip})


def _ended(field: str, now: list[Obj] | None, before: list[Obj], spec: Obj) -> Errors:
    """A container that ended for good stays ended."""
    policy = "Never" if field == "ephemeralContainerStatuses" else spec.get("restartPolicy")
    if policy == "Always":
        return
    sidecars = {c.get("name") for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"}
    for where, container in each(f"status.{field}", before):
        terminated = (container.get("state") or {}).get("terminated")
        if terminated is None or (policy == "OnFailure" and terminated.get("exitCode")):
            continue
        if field == "initContainerStatuses" and container.get("name") in sidecars:
            continue
        if _restarts(container, spec):
            continue
        for new in now or ():
            if new.get("name") == container.get("name") and (new.get("state") or {}).get("terminated") is None:
                yield forbidden_value(f"{where}.state", "may not be transitioned to non-terminated state")


def _restarts(status: Obj, spec: Obj) -> bool:
    """Whether a container has a word of its own on restarts: its policy or rules."""
    for _, container in _pod_annotations.containers("", spec):
        if container.get("name") == status.get("name"):
            return bool(container.get("restartPolicyRules")) or container.get("restartPolicy") in (
                "Always",
                "OnFailure",
            )
    return False


def _claims(path: str, listed: list[Obj] | None, spec: Obj) -> Errors:
    known = {claim.get("name") for claim in spec.get("resourceClaims") or ()}
    seen: set[str] = set()
    for where, claim in each(path, listed):
        name = claim.get("name") or ""
        if name not in known:
            yield invalid_value(f"{where}.name", name, "must match the name of an entry in `spec.resourceClaims`")
        if name in seen:
            yield duplicate(f"{where}.name", name)
        seen.add(name)
        if (of := claim.get("resourceClaimName")) is not None:
            yield from bad(f"{where}.name", of, names.dns_subdomain(of))


def _user(path: str, user: Obj | None, spec: Obj) -> Errors:
    if user is None:
        return
    if (spec.get("os") or {}).get("name") == "windows":
        yield forbidden_value(path, "cannot be set for a windows pod")
        return
    ids = [(f"{path}.{field}", user.get(field) or 0) for field in ("uid", "gid")]
    for where, number in [*ids, *each(f"{path}.supplementalGroups", user.get("supplementalGroups"))]:
        yield from bad(where, number, names.in_range(number, 0, _MOST_ID))


def _devices(path: str, status: Obj, listed: str, spec: Obj) -> Errors:
    """Devices of a container and how they are: those that it asked for, each once."""
    if listed == "ephemeralContainers":
        yield forbidden_value(path, "must not be specified in container status")
        return
    container = next((c for c in spec.get(listed) or () if c.get("name") == status.get("name")), None)
    for where, resource in each(path, status["allocatedResourcesStatus"]):
        if container is not None:
            yield from _asked(f"{where}.name", resource.get("name") or "", container.get("resources") or {})
        seen: set[str] = set()
        for there, one in each(f"{where}.resources", resource.get("resources")):
            health, number = one.get("health") or "", one.get("resourceID") or ""
            if health not in _HEALTH:
                yield not_supported(f"{there}.health", health, _HEALTH)
            if number in seen:
                yield duplicate(f"{there}.resourceID", number)
            seen.add(number)


def _asked(path: str, name: str, resources: Obj) -> Errors:
    if not name.startswith("claim:"):
        if name not in (resources.get("requests") or {}):
            yield invalid_value(path, name, "must match one of the container's resource requests")
        return
    claims = [
        f"claim:{claim.get('name')}" + (f"/{claim['request']}" if claim.get("request") else "")
        for claim in resources.get("claims") or ()
    ]
    if name not in claims:
        detail = (
            "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' "
            "or 'claim:<claimName>' if request is empty"
        )
        yield invalid_value(path, name, detail)

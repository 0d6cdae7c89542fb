"""What a service leads to: its pods as endpoints, ports, and when they changed. Pure, but for the memory of `Triggers`.

Shared by the endpointslice and the endpoints controller; the rules are upstream's `staging/endpointslice` and `pkg/controller/endpoint`.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from kk.base.selectors import from_map
from kk.base.times import format_time, parse_time

from .. import pods as podlib

Obj = dict[str, Any]
HEADLESS = "service.kubernetes.io/headless"
TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"


def keys_of_pod(services: Iterable[Obj], pod: Obj, old: Obj | None, event: str) -> Iterable[str]:
    """The services whose endpoints a change of a pod may change."""
    if event == "MODIFIED" and old is not None and _shape(pod) == _shape(old):
        return
    for service in services:
        selector = service["spec"].get("selector")
        if not selector:
            continue
        chosen = from_map(selector)
        if chosen.matches(pod["metadata"].get("labels")) or (old and chosen.matches(old["metadata"].get("labels"))):
            yield f"{service['metadata']['namespace']}/{service['metadata']['name']}"


def _shape(pod: Obj) -> tuple[Any, ...]:
    """All that an endpoint is made of."""
    meta, status = pod["metadata"], pod.get("status") or {}
    return (
        meta.get("labels"),
        meta.get("deletionTimestamp"),
        pod["spec"].get("nodeName"),
        status.get("podIPs"),
        podlib.ready(pod),
        podlib.finished(pod),
    )


def chosen(service: Obj, pods: Iterable[Obj], terminating: bool) -> list[Obj]:
    """The pods of a service that have an address and are not finished; those on their way out only where wanted."""
    selector = from_map(service["spec"]["selector"])
    return [
        p
        for p in pods
        if selector.matches(p["metadata"].get("labels"))
        and addresses(p)
        and not podlib.finished(p)
        and (terminating or not p["metadata"].get("deletionTimestamp"))
    ]


def addresses(pod: Obj) -> list[str]:
    """Its addresses."""
    status = pod.get("status") or {}
    found = [a["ip"] for a in status.get("podIPs") or () if a.get("ip")]
    return found or ([status["podIP"]] if status.get("podIP") else [])


def address(pod: Obj, family: str) -> str | None:
    """Its address of a family, IPv4 or IPv6."""
    return next((a for a in addresses(pod) if (":" in a) == (family == "IPv6")), None)


def headless(service: Obj) -> bool:
    """Whether it has no address of its own."""
    return service["spec"].get("clusterIP") == "None"


def target_port(port: Obj, pod: Obj) -> int | None:
    """The number that a service port leads to in a pod; a name is looked up in its containers."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    spec = pod["spec"]
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for container in (*spec.get("containers", ()), *sidecars):
        for one in container.get("ports") or ():
            if one.get("name") == target and one.get("protocol", "TCP") == port.get("protocol", "TCP"):
                return int(one["containerPort"])
    return None


def hostname(service: Obj, pod: Obj) -> str | None:
    """The name that the pod has in the service's domain."""
    spec = pod["spec"]
    fits = spec.get("subdomain") == service["metadata"]["name"]
    return spec.get("hostname") if fits else None


def target_ref(pod: Obj) -> Obj:
    """The reference of an endpoint to its pod."""
    meta = pod["metadata"]
    return {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}


class Triggers:
    """Remembers when pods and services changed, to tell in an annotation what a write is the answer to."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[datetime | None, dict[str, datetime]]] = {}

    def forget(self, key: str) -> None:
        """A service is gone."""
        self._known.pop(key, None)

    def changed(self, key: str, service: Obj, pods: Iterable[Obj]) -> str:
        """The earliest change since the last call for this service, "" where nothing changed."""
        before, known = self._known.get(key, (None, {}))
        found: list[datetime] = []
        times: dict[str, datetime] = {}
        for pod in pods:
            condition = podlib.condition(pod, "Ready")
            at = condition.get("lastTransitionTime") if condition else None
            if not at:
                continue
            moment = parse_time(at)
            name = pod["metadata"]["name"]
            times[name] = moment
            if name not in known or moment > known[name]:
                found.append(moment)
        made = parse_time(service["metadata"]["creationTimestamp"])
        if before is None or made > before:
            found.append(made)
        self._known[key] = (made, times)
        return format_time(min(found)) if found else ""

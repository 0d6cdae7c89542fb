"""Endpoints: the elder form of endpoint slices, kept for those who still read them; one object a service, at most 1000 addresses."""

from collections.abc import Iterable
from typing import Any

from kk.base.errors import StatusError
from kk.kinds._endpointsubsets import repacked

from ..controller import Controller, Watch
from ..pods import ready as pod_ready
from . import _endpoints as e
from .endpointslice import by_namespace
from .serviceaccount import gone_or_going

Obj = dict[str, Any]
MOST = 1000
_OVER = "endpoints.kubernetes.io/over-capacity"
_MANAGED = {"endpoints.kubernetes.io/managed-by": "endpoint-controller"}


def subsets(service: Obj, pods: list[Obj]) -> list[Obj]:
    """The subsets: ports that lead to the same addresses stand together. Pure."""
    family = (service["spec"].get("ipFamilies") or ["IPv4"])[0]
    always = bool(service["spec"].get("publishNotReadyAddresses"))
    by_port: dict[tuple[str, int, str, str] | None, tuple[dict[str, Obj], dict[str, Obj]]] = {}
    for pod in pods:
        ip = e.address(pod, family)
        if ip is None:
            continue
        one = _address(service, pod, ip)
        number = 0 if always or pod_ready(pod) else 1
        for port in _ports(service, pod):
            by_port.setdefault(port, ({}, {}))[number][ip] = one
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[tuple[str, int, str, str] | None]] = {}
    for port, (ready, rest) in by_port.items():
        groups.setdefault((tuple(sorted(ready)), tuple(sorted(rest))), []).append(port)
    found = []
    for (ready_ips, rest_ips), its in groups.items():
        ready, rest = by_port[its[0]]
        subset: Obj = {}
        if ready_ips:
            subset["addresses"] = [ready[ip] for ip in ready_ips]
        if rest_ips:
            subset["notReadyAddresses"] = [rest[ip] for ip in rest_ips]
        shown = [_shown(p) for p in its if p is not None]
        if shown:
            subset["ports"] = shown
        found.append(subset)
    return found


def _ports(service: Obj, pod: Obj) -> Iterable[tuple[str, int, str, str] | None]:
    listed = service["spec"].get("ports") or ()
    if not listed and e.headless(service):
        yield None
    for port in listed:
        number = e.target_port(port, pod)
        if number is not None:
            yield (port.get("name", ""), number, port.get("protocol", "TCP"), port.get("appProtocol", ""))


def _shown(port: tuple[str, int, str, str]) -> Obj:
    name, number, protocol, app = port
    found: Obj = {"name": name, "port": number, "protocol": protocol, "appProtocol": app}
    return {k: v for k, v in found.items() if v}


def _address(service: Obj, pod: Obj, ip: str) -> Obj:
    found = {
        "ip": ip,
        "hostname": e.hostname(service, pod),
        "nodeName": pod["spec"].get("nodeName"),
        "targetRef": e.target_ref(pod),
    }
    return {k: v for k, v in found.items() if v}


def truncated(found: list[Obj]) -> tuple[list[Obj], bool]:
    """At most 1000 addresses, ready ones first. Pure."""
    total = sum(len(s.get(k) or ()) for s in found for k in ("addresses", "notReadyAddresses"))
    if total <= MOST:
        return found, False
    room, out = MOST, []
    for subset in found:
        one = dict(subset)
        for kind in ("addresses", "notReadyAddresses"):
            kept = (one.pop(kind, None) or [])[:room]
            room -= len(kept)
            if kept:
                one[kind] = kept
        if "addresses" in one or "notReadyAddresses" in one:
            out.append(one)
    return out, True


def reconcile(ctx: Any, key: str) -> None:
    """key is namespace/name of a service."""
    service = ctx.informer("v1", "services").get(key)
    namespace, _, name = key.partition("/")
    resource = ctx.resource("v1", "endpoints", namespace)
    current = ctx.informer("v1", "endpoints").get(key)
    if service is None:
        ctx.state["triggers"].forget(key)
        if current is not None and (current["metadata"].get("labels") or {}).items() >= _MANAGED.items():
            _quietly(resource.delete, name)
        return
    if not service["spec"].get("selector") or service["spec"].get("type") == "ExternalName":
        return
    pods = e.chosen(service, ctx.informer("v1", "pods").by_index("namespace", namespace), False)
    found, over = truncated(subsets(service, pods))
    found = repacked(found)  # as the server keeps them: else each look would find a difference
    labels = {**(service["metadata"].get("labels") or {}), **_MANAGED}
    if e.headless(service):
        labels[e.HEADLESS] = ""
    held = (current or {}).get("metadata", {})
    if current is not None and (current.get("subsets") or []) == found and (held.get("labels") or {}) == labels:
        return
    trigger = ctx.state["triggers"].changed(key, service, pods)
    notes = {k: v for k, v in (held.get("annotations") or {}).items() if k not in (e.TRIGGER, _OVER)}
    notes.update({e.TRIGGER: trigger} if trigger else {}, **({_OVER: "truncated"} if over else {}))
    meta: Obj = {**held, "name": name, "namespace": namespace, "labels": labels}
    meta.pop("annotations", None)
    if notes:
        meta["annotations"] = notes
    body: Obj = {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta}
    if found:
        body["subsets"] = found
    if current is None:
        _quietly(resource.create, body)
    else:
        resource.update(body)


def _quietly(call: Any, argument: Any) -> None:
    try:
        call(argument)
    except StatusError as error:
        if not gone_or_going(error):
            raise


def _pod_keys(ctx: Any, event: str, pod: Obj, old: Obj | None) -> Iterable[str]:
    services = ctx.informer("v1", "services").by_index("namespace", pod["metadata"]["namespace"])
    return e.keys_of_pod(services, pod, old, event)


def _setup(ctx: Any) -> None:
    ctx.state["triggers"] = e.Triggers()
    ctx.informer("v1", "pods").add_index("namespace", by_namespace)
    ctx.informer("v1", "services").add_index("namespace", by_namespace)


def _started(ctx: Any) -> None:
    """Endpoints whose service went while nobody looked."""
    for one in ctx.informer("v1", "endpoints").list():
        meta = one["metadata"]
        if (meta.get("labels") or {}).items() >= _MANAGED.items():
            ctx.enqueue(f"{meta['namespace']}/{meta['name']}")


CONTROLLER = Controller(
    "endpoints-controller",
    reconcile,
    watches=(Watch("v1", "services"), Watch("v1", "pods", _pod_keys), Watch("v1", "endpoints")),
    aliases=("endpoint",),
    setup=_setup,
    started=_started,
)

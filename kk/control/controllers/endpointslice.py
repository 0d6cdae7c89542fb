"""Endpoint slices: where the pods of a service with a selector are, a hundred to a slice, grouped by ports and address family."""

import json
from collections.abc import Iterable
from typing import Any

from kk.base.errors import StatusError

from ..controller import Controller, Watch, controller_of, controller_reference
from ..pods import ready as pod_ready
from . import _endpoints as e
from .serviceaccount import gone_or_going

Obj = dict[str, Any]
MOST = 100
MANAGER = "endpointslice-controller.k8s.io"
SERVICE = "kubernetes.io/service-name"
MANAGED = "endpointslice.kubernetes.io/managed-by"
_DISCOVERY = ("discovery.k8s.io/v1", "endpointslices")


def endpoint(service: Obj, pod: Obj, family: str, zone: str | None) -> Obj:
    """One endpoint. Pure."""
    serving = pod_ready(pod)
    going = bool(pod["metadata"].get("deletionTimestamp"))
    always = bool(service["spec"].get("publishNotReadyAddresses"))
    found: Obj = {
        "addresses": [e.address(pod, family)],
        "conditions": {"ready": always or (serving and not going), "serving": serving, "terminating": going},
        "targetRef": e.target_ref(pod),
    }
    if pod["spec"].get("nodeName"):
        found["nodeName"] = pod["spec"]["nodeName"]
    if zone:
        found["zone"] = zone
    name = e.hostname(service, pod)
    if name:
        found["hostname"] = name
    return found


def ports(service: Obj, pod: Obj) -> list[Obj]:
    """The ports of a service as this pod has them; a named one that it lacks is left out. Pure."""
    found = []
    for port in service["spec"].get("ports") or ():
        number = e.target_port(port, pod)
        if number is None:
            continue
        one = {"name": port.get("name", ""), "protocol": port.get("protocol", "TCP"), "port": number}
        if port.get("appProtocol"):
            one["appProtocol"] = port["appProtocol"]
        found.append(one)
    return found


def wanted(service: Obj, pods: list[Obj], zones: dict[str, str]) -> dict[str, tuple[str, list[Obj], list[Obj]]]:
    """group → (family, ports, endpoints); a family without endpoints has one empty group. Pure."""
    groups: dict[str, tuple[str, list[Obj], list[Obj]]] = {}
    for family in service["spec"].get("ipFamilies") or ["IPv4"]:
        found = False
        for pod in pods:
            if e.address(pod, family) is None:
                continue
            found = True
            its = ports(service, pod)
            key = group_key(family, its)
            zone = zones.get(pod["spec"].get("nodeName", ""))
            groups.setdefault(key, (family, its, []))[2].append(endpoint(service, pod, family, zone))
        if not found:
            groups[group_key(family, [])] = (family, [], [])
    return groups


def group_key(family: str, its: list[Obj]) -> str:
    """What slices are grouped by."""
    return family + json.dumps(sorted(its, key=lambda p: p["name"]), sort_keys=True)


def plan(
    groups: dict[str, tuple[str, list[Obj], list[Obj]]], slices: list[Obj]
) -> tuple[list[Obj], list[Obj], list[Obj]]:
    """(slices to create, to update, to delete), as (part of) objects: addressType, ports, endpoints. Pure.

    Endpoints stay in the slice they are in; new ones fill slices that have room; slices that would be deleted are used for new ones.
    """
    create: list[Obj] = []
    update: list[Obj] = []
    spare: list[Obj] = []
    by_group: dict[str, list[Obj]] = {}
    for one in slices:
        key = group_key(one["addressType"], one.get("ports") or [])
        (by_group.setdefault(key, []) if key in groups else spare).append(one)
    for key, (family, its, endpoints) in groups.items():
        left = {_uid(x): x for x in endpoints}
        held = by_group.get(key, [])
        filled: list[tuple[Obj, list[Obj]]] = []
        for one in held:
            kept = [left.pop(_uid(x)) for x in one.get("endpoints") or () if _uid(x) in left]
            filled.append((one, kept))
        rest = list(left.values())
        for one, kept in filled:
            room = MOST - len(kept)
            kept += rest[:room]
            rest = rest[room:]
            if not kept and (endpoints or one is not held[0]):
                spare.append(one)
            elif kept != (one.get("endpoints") or []):
                update.append({**one, "endpoints": kept})
        while rest or (not held and not endpoints):
            create.append({"addressType": family, "ports": its, "endpoints": rest[:MOST]})
            rest = rest[MOST:]
            if not endpoints:
                break
    while create and spare and (match := _same_family(create[0], spare)) is not None:
        spare.remove(match)
        update.append({**match, **create.pop(0)})
    return create, update, spare


def _same_family(made: Obj, spare: list[Obj]) -> Obj | None:
    return next((s for s in spare if s["addressType"] == made["addressType"]), None)


def _uid(one: Obj) -> str:
    """What an endpoint is known by: its pod, or its address where it was made by hand."""
    return str((one.get("targetRef") or {}).get("uid") or one["addresses"][0])


def labels(service: Obj) -> dict[str, str]:
    """The labels of a service's slices. Pure."""
    found = {
        k: v for k, v in (service["metadata"].get("labels") or {}).items() if k not in (SERVICE, MANAGED, e.HEADLESS)
    }
    if e.headless(service):
        found[e.HEADLESS] = ""
    return {**found, SERVICE: service["metadata"]["name"], MANAGED: MANAGER}


def reconcile(ctx: Any, key: str) -> None:
    """key is namespace/name of a service."""
    service = ctx.informer("v1", "services").get(key)
    if service is None:
        ctx.state["triggers"].forget(key)
        return
    if service["metadata"].get("deletionTimestamp") or not service["spec"].get("selector"):
        return
    if service["spec"].get("type") == "ExternalName":
        return
    namespace = service["metadata"]["namespace"]
    pods = e.chosen(service, ctx.informer("v1", "pods").by_index("namespace", namespace), True)
    slices = [
        s for s in ctx.informer(*_DISCOVERY).by_index("service", key) if not s["metadata"].get("deletionTimestamp")
    ]
    create, update, delete = plan(wanted(service, pods, _zones(ctx, pods)), slices)
    its = labels(service)
    changed = {s["metadata"]["name"] for s in (*update, *delete)}
    update += [s for s in slices if (s["metadata"].get("labels") or {}) != its and s["metadata"]["name"] not in changed]
    if create or update or delete:
        _write(ctx, service, create, update, delete, ctx.state["triggers"].changed(key, service, pods))


def _zones(ctx: Any, pods: list[Obj]) -> dict[str, str]:
    nodes = ctx.informer("v1", "nodes")
    found = {}
    for name in {p["spec"].get("nodeName") for p in pods}:
        node = nodes.get(name) if name else None
        zone = ((node or {}).get("metadata", {}).get("labels") or {}).get("topology.kubernetes.io/zone")
        if zone:
            found[name] = zone
    return found


def _write(ctx: Any, service: Obj, create: list[Obj], update: list[Obj], delete: list[Obj], trigger: str) -> None:
    meta = service["metadata"]
    resource = ctx.resource(*_DISCOVERY, meta["namespace"])
    informer = ctx.informer(*_DISCOVERY)
    notes = {e.TRIGGER: trigger} if trigger else {}
    for body in create:
        made = {
            "generateName": f"{meta['name']}-",
            "namespace": meta["namespace"],
            "labels": labels(service),
            "ownerReferences": [controller_reference(service)],
            **({"annotations": notes} if notes else {}),
        }
        full = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": made, **body}
        try:
            informer.note(resource.create(full))
        except StatusError as error:
            if not gone_or_going(error):
                raise
    for body in update:
        held = {k: v for k, v in (body["metadata"].get("annotations") or {}).items() if k != e.TRIGGER}
        full = {**body, "metadata": {**body["metadata"], "labels": labels(service), "annotations": {**held, **notes}}}
        informer.note(resource.update(full))
    for body in delete:
        try:
            resource.delete(body["metadata"]["name"], preconditions={"uid": body["metadata"]["uid"]})
        except StatusError as error:
            if error.code != 404:
                raise


def _by_service(one: Obj) -> list[str]:
    """Index: the service whose slice it is, where the slice is ours."""
    held = one["metadata"].get("labels") or {}
    if held.get(MANAGED) != MANAGER or SERVICE not in held:
        return []
    return [f"{one['metadata']['namespace']}/{held[SERVICE]}"]


def by_namespace(obj: Obj) -> list[str]:
    """Index: the namespace."""
    return [obj["metadata"].get("namespace", "")]


def _pod_keys(ctx: Any, event: str, pod: Obj, old: Obj | None) -> Iterable[str]:
    services = ctx.informer("v1", "services").by_index("namespace", pod["metadata"]["namespace"])
    return e.keys_of_pod(services, pod, old, event)


def _slice_keys(ctx: Any, event: str, one: Obj, old: Obj | None) -> Iterable[str]:
    del ctx, event
    owner = controller_of(one)
    if owner is not None and owner["kind"] == "Service":
        yield from _by_service(one)
        yield from _by_service(old) if old is not None else ()


def _setup(ctx: Any) -> None:
    ctx.state["triggers"] = e.Triggers()
    ctx.informer("v1", "pods").add_index("namespace", by_namespace)
    ctx.informer("v1", "services").add_index("namespace", by_namespace)
    ctx.informer(*_DISCOVERY).add_index("service", _by_service)


CONTROLLER = Controller(
    "endpointslice-controller",
    reconcile,
    watches=(
        Watch("v1", "services"),
        Watch("v1", "pods", _pod_keys),
        Watch(*_DISCOVERY, _slice_keys),
        Watch("v1", "nodes", lambda *_: ()),
    ),
    setup=_setup,
)

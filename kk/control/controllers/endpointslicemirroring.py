"""Endpoints that somebody makes by hand, for a service without a selector, are mirrored to endpoint slices, which proxies read."""

from collections.abc import Iterable
from typing import Any

from kk.base.errors import StatusError

from ..controller import Controller, Watch, controller_of, controller_reference
from .endpointslice import MANAGED, SERVICE, group_key, plan
from .serviceaccount import gone_or_going

Obj = dict[str, Any]
MANAGER = "endpointslicemirroring-controller.k8s.io"
_SKIP = "endpointslice.kubernetes.io/skip-mirror"
_LEADER = "control-plane.alpha.kubernetes.io/leader"
_NOT_COPIED = ("endpoints.kubernetes.io/last-change-trigger-time", "kubectl.kubernetes.io/last-applied-configuration")
_DISCOVERY = ("discovery.k8s.io/v1", "endpointslices")


def mirrored(endpoints: Obj | None, service: Obj | None) -> bool:
    """Whether there is to be a mirror. Pure."""
    if endpoints is None or service is None or service["spec"].get("selector"):
        return False
    meta = endpoints["metadata"]
    skipped = (meta.get("labels") or {}).get(_SKIP) == "true" or _LEADER in (meta.get("annotations") or {})
    return not skipped and not meta.get("deletionTimestamp")


def groups(endpoints: Obj) -> dict[str, tuple[str, list[Obj], list[Obj]]]:
    """group → (family, ports, endpoints), as slices want them. Pure."""
    found: dict[str, tuple[str, list[Obj], list[Obj]]] = {}
    for subset in endpoints.get("subsets") or ():
        ports = [_port(p) for p in subset.get("ports") or ()]
        for kind, ready in (("addresses", True), ("notReadyAddresses", False)):
            for address in subset.get(kind) or ():
                family = "IPv6" if ":" in address["ip"] else "IPv4"
                group = found.setdefault(group_key(family, ports), (family, ports, []))
                group[2].append(_endpoint(address, ready))
    return found


def _port(port: Obj) -> Obj:
    made = {"name": port.get("name", ""), "protocol": port.get("protocol", "TCP"), "port": port["port"]}
    return {**made, "appProtocol": port["appProtocol"]} if port.get("appProtocol") else made


def _endpoint(address: Obj, ready: bool) -> Obj:
    kept = {k: address[k] for k in ("hostname", "nodeName", "targetRef") if address.get(k)}
    return {"addresses": [address["ip"]], "conditions": {"ready": ready}, **kept}


def reconcile(ctx: Any, key: str) -> None:
    """key is namespace/name of Endpoints and of their service."""
    namespace, _, name = key.partition("/")
    endpoints = ctx.informer("v1", "endpoints").get(key)
    informer = ctx.informer(*_DISCOVERY)
    slices = [s for s in informer.by_index("mirror", key) if not s["metadata"].get("deletionTimestamp")]
    resource = ctx.resource(*_DISCOVERY, namespace)
    if endpoints is None or not mirrored(endpoints, ctx.informer("v1", "services").get(key)):
        for one in slices:
            _delete(resource, one)
        return
    labels = {**(endpoints["metadata"].get("labels") or {}), SERVICE: name, MANAGED: MANAGER}
    notes = {k: v for k, v in (endpoints["metadata"].get("annotations") or {}).items() if k not in _NOT_COPIED}
    create, update, delete = plan(groups(endpoints), slices)
    meta: Obj = {"labels": labels, **({"annotations": notes} if notes else {})}
    for body in create:
        own = {"generateName": f"{name}-", "namespace": namespace, "ownerReferences": [controller_reference(endpoints)]}
        full = {"apiVersion": _DISCOVERY[0], "kind": "EndpointSlice", "metadata": {**own, **meta}, **body}
        try:
            informer.note(resource.create(full))
        except StatusError as error:
            if not gone_or_going(error):
                raise
    for body in update:
        informer.note(resource.update({**body, "metadata": {**body["metadata"], **meta}}))
    for one in delete:
        _delete(resource, one)


def _delete(resource: Any, one: Obj) -> None:
    try:
        resource.delete(one["metadata"]["name"], preconditions={"uid": one["metadata"]["uid"]})
    except StatusError as error:
        if error.code != 404:
            raise


def _mirror(one: Obj) -> list[str]:
    """Index: the service whose Endpoints a slice mirrors."""
    held = one["metadata"].get("labels") or {}
    return (
        [f"{one['metadata']['namespace']}/{held[SERVICE]}"] if held.get(MANAGED) == MANAGER and SERVICE in held else []
    )


def _slice_keys(ctx: Any, event: str, one: Obj, old: Obj | None) -> Iterable[str]:
    del ctx, event, old
    owner = controller_of(one)
    if owner is not None and owner["kind"] == "Endpoints":
        yield from _mirror(one)


CONTROLLER = Controller(
    "endpointslice-mirroring-controller",
    reconcile,
    watches=(Watch("v1", "endpoints"), Watch("v1", "services"), Watch(*_DISCOVERY, _slice_keys)),
    aliases=("endpointslicemirroring",),
    setup=lambda ctx: ctx.informer(*_DISCOVERY).add_index("mirror", _mirror),
)

"""The objects that every cluster has: made at the first start, completed at each later one, never taken away.

System namespaces, RBAC defaults (rules that are missing are given back, unless a role says autoupdate: "false"), priority classes, flow
control, the `kubernetes` Service with its endpoints, the CA for extension servers, and what joining nodes read. With all in place it costs a few milliseconds.
"""

import asyncio
import ipaddress
import logging
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kk.base.errors import StatusError
from kk.server import cluster_info, flowcontrol, flowcontrol_status, policy, reconciled
from kk.server.context import LOOPBACK, Config, Server

log = logging.getLogger("kk.server.bootstrap")

Obj = dict[str, Any]
NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_RBAC = "rbac.authorization.k8s.io"
_FLOW = "flowcontrol.apiserver.k8s.io"
_TRACKING = "kube-apiserver-legacy-service-account-token-tracking"
_CRITICAL = (
    (
        "system-node-critical",
        2000001000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
    (
        "system-cluster-critical",
        2000000000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
)


async def bootstrap(server: Server) -> None:
    """Make what is missing. Faults of single objects are logged: a server with most of them is better than none."""
    await _make(server, "", "namespaces", (_named("v1", "Namespace", n) for n in NAMESPACES))
    await asyncio.gather(
        _roles(server),
        _make(server, "scheduling.k8s.io", "priorityclasses", _priority_classes()),
        _flow_control(server),
        _service(server),
        _make(server, "", "configmaps", _config_maps(server.config)),
        _cluster_info(server),
    )


def _named(api_version: str, kind: str, name: str, namespace: str = "", **more: Any) -> Obj:
    metadata: Obj = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


async def _make(server: Server, group: str, plural: str, objects: Iterable[Obj]) -> list[Obj]:
    """Create those that are not there, at once; returns them."""
    missing = [
        o
        for o in objects
        if server.cache.item(group, plural, o["metadata"].get("namespace", ""), o["metadata"]["name"]) is None
    ]
    if missing:
        await asyncio.gather(*(_create(server, group, plural, o) for o in missing))
    return missing


async def _create(server: Server, group: str, plural: str, obj: Obj) -> None:
    api_version, namespace = obj["apiVersion"], obj["metadata"].get("namespace", "")
    if server.resource(group, api_version.rpartition("/")[2], plural) is None:
        return
    try:
        await server.write.create(api_version, plural, obj, namespace, LOOPBACK)
    except StatusError as error:
        if error.reason != "AlreadyExists":
            log.warning("%s %s was not made: %s", plural, obj["metadata"]["name"], error.message)


async def _update(server: Server, plural: str, obj: Obj, fields: Obj, subresource: str = "") -> None:
    """Set top-level fields of an object."""
    meta = obj["metadata"]

    def change(held: Obj) -> Obj:
        return {**held, **fields}

    try:
        namespace = meta.get("namespace", "")
        await server.write.update(obj["apiVersion"], plural, meta["name"], change, namespace, subresource, LOOPBACK)
    except StatusError as error:
        if error.reason != "NotFound":
            log.warning("%s %s was not updated: %s", plural, meta["name"], error.message)


# RBAC


async def _roles(server: Server) -> None:
    # plain roles before those that gather them, so that the gathered rules are there from the first moment
    for plural, objects in (
        ("clusterroles", list(cluster_roles())),
        ("roles", list(roles())),
        ("clusterrolebindings", list(cluster_bindings())),
        ("rolebindings", list(bindings())),
    ):
        made = {id(o) for o in await _make(server, _RBAC, plural, objects)}
        for wanted in objects:
            if id(wanted) not in made:
                await _complete(server, plural, wanted)


async def _complete(server: Server, plural: str, wanted: Obj) -> None:
    """Give back what was taken out of a default role or binding."""
    meta = wanted["metadata"]
    name, namespace = meta["name"], meta.get("namespace", "")
    held = server.cache.get(_RBAC, plural, namespace, name)
    if held is None or reconciled.protected(held):
        return
    if reconciled.rebound(held, wanted):
        await server.write.delete(wanted["apiVersion"], plural, name, namespace, user=LOOPBACK)
        await _create(server, _RBAC, plural, wanted)
    elif fields := reconciled.completed(held, wanted):
        await _update(server, plural, wanted, fields)


def _default(kind: str, name: str, namespace: str = "", labels: dict[str, str] | None = None, **more: Any) -> Obj:
    found = _named(f"{_RBAC}/v1", kind, name, namespace, **more)
    found["metadata"]["labels"] = {"kubernetes.io/bootstrapping": "rbac-defaults", **(labels or {})}
    found["metadata"]["annotations"] = {reconciled.AUTOUPDATE: "true"}
    return found


def cluster_roles() -> Iterator[Obj]:
    """The default ClusterRoles."""
    for name, rules in policy.CLUSTER_ROLES.items():
        yield _default("ClusterRole", name, labels=policy.LABELS.get(name), rules=[policy.rule(r) for r in rules])
    for name, rules in policy.CONTROLLERS.items():
        yield _default("ClusterRole", f"system:controller:{name}", rules=[policy.rule(r) for r in rules])
    for name, suffix in policy.AGGREGATED.items():
        selector = {"matchLabels": {f"rbac.authorization.k8s.io/aggregate-to-{suffix}": "true"}}
        aggregation = {"clusterRoleSelectors": [selector]}
        yield _default("ClusterRole", name, labels=policy.LABELS.get(name), rules=None, aggregationRule=aggregation)
    everything = dict.fromkeys(r for rules in policy.CONTROLLERS.values() for r in rules)
    yield _default("ClusterRole", policy.KK_CONTROLLERS, rules=[policy.rule(r) for r in (*everything, policy.KK_PATHS)])


def roles() -> Iterator[Obj]:
    """The default Roles."""
    for (namespace, name), rules in policy.ROLES.items():
        yield _default("Role", name, namespace, rules=[policy.rule(r) for r in rules])


def cluster_bindings() -> Iterator[Obj]:
    """The default ClusterRoleBindings."""
    wanted = dict(policy.CLUSTER_BINDINGS)
    for name in policy.CONTROLLERS:
        full = f"system:controller:{name}"
        wanted[full] = (full, (f"ServiceAccount kube-system/{name}",))
    wanted[policy.KK_CONTROLLERS] = (policy.KK_CONTROLLERS, ("User system:kube-controller-manager",))
    for name, (role, subjects) in wanted.items():
        yield _binding("ClusterRoleBinding", name, "", "ClusterRole", role, subjects)


def bindings() -> Iterator[Obj]:
    """The default RoleBindings."""
    for (namespace, name), (role, subjects) in policy.BINDINGS.items():
        yield _binding("RoleBinding", name, namespace, "Role", role, subjects)


def _binding(kind: str, name: str, namespace: str, ref: str, role: str, subjects: tuple[str, ...]) -> Obj:
    more: Obj = {"subjects": [policy.subject(s) for s in subjects]} if subjects else {}
    return _default(kind, name, namespace, **more, roleRef={"apiGroup": _RBAC, "kind": ref, "name": role})


# the rest


def _priority_classes() -> Iterator[Obj]:
    for name, value, description in _CRITICAL:
        fields: Obj = {"value": value, "description": description, "preemptionPolicy": "PreemptLowerPriority"}
        yield _named("scheduling.k8s.io/v1", "PriorityClass", name, **fields)


async def _flow_control(server: Server) -> None:
    await _make(server, _FLOW, "prioritylevelconfigurations", flowcontrol.levels())
    await _make(server, _FLOW, "flowschemas", flowcontrol.schemas())
    flowcontrol_status.follow(server)


async def _service(server: Server) -> None:
    """The Service that pods find the API by, and where it leads."""
    network = ipaddress.ip_network(server.config.service_cidr)
    first = str(network[1])
    family = f"IPv{network.version}"
    cidr = _named("networking.k8s.io/v1", "ServiceCIDR", "kubernetes", spec={"cidrs": [str(network)]})
    await _make(server, "networking.k8s.io", "servicecidrs", [cidr])
    port = {"name": "https", "protocol": "TCP", "port": 443, "targetPort": server.config.port}
    spec = {
        "type": "ClusterIP",
        "clusterIP": first,
        "clusterIPs": [first],
        "ipFamilies": [family],
        "ipFamilyPolicy": "SingleStack",
        "ports": [port],
        "sessionAffinity": "None",
    }
    service = _named("v1", "Service", "kubernetes", "default", spec=spec)
    service["metadata"]["labels"] = {"component": "apiserver", "provider": "kubernetes"}
    await _make(server, "", "services", [service])
    await _lead(server)


async def _lead(server: Server) -> None:
    """Endpoints and EndpointSlice of the `kubernetes` Service, kept at this server's address."""
    address = ipaddress.ip_address(_advertised(server.config))
    if address.is_loopback:
        # endpoints may not be loopback addresses; pods of this machine reach the server through their environment
        return
    port = {"name": "https", "port": server.config.port, "protocol": "TCP"}
    subsets = [{"addresses": [{"ip": str(address)}], "ports": [port]}]
    points = _named("v1", "Endpoints", "kubernetes", "default", subsets=subsets)
    points["metadata"]["labels"] = {"endpointslice.kubernetes.io/skip-mirror": "true"}
    ready = {"addresses": [str(address)], "conditions": {"ready": True}}
    piece = _named("discovery.k8s.io/v1", "EndpointSlice", "kubernetes", "default", addressType=f"IPv{address.version}")
    piece |= {"endpoints": [ready], "ports": [port]}
    piece["metadata"]["labels"] = {"kubernetes.io/service-name": "kubernetes"}
    for group, plural, wanted, keys in (
        ("", "endpoints", points, ("subsets",)),
        ("discovery.k8s.io", "endpointslices", piece, ("endpoints", "ports")),
    ):
        held = server.cache.get(group, plural, "default", "kubernetes")
        if held is None:
            await _create(server, group, plural, wanted)
        elif any(held.get(k) != wanted[k] for k in keys):
            await _update(server, plural, wanted, {k: wanted[k] for k in keys})


def _advertised(config: Config) -> str:
    try:
        address = ipaddress.ip_address(config.host)
    except ValueError:
        return "127.0.0.1"
    return "127.0.0.1" if address.is_unspecified else str(address)


async def _cluster_info(server: Server) -> None:
    wanted = cluster_info.config_map(server.config)
    held = server.cache.get("", "configmaps", cluster_info.NAMESPACE, cluster_info.NAME)
    if held is None:
        role, binding = cluster_info.readers()
        await _make(server, _RBAC, "roles", [role])
        await _make(server, _RBAC, "rolebindings", [binding])
        await _create(server, "", "configmaps", wanted)
        return
    data = held.get("data") or {}
    if cluster_info.stale(data.get("kubeconfig", ""), server.config):
        await _update(server, "configmaps", held, {"data": {**data, **wanted["data"]}})


def _config_maps(config: Config) -> Iterator[Obj]:
    """What extension API servers need to trust this one's clients and its front proxy."""
    pki = Path(config.data_dir) / "pki"
    data = {
        "client-ca-file": (pki / "ca.crt").read_text(),
        "requestheader-allowed-names": '["front-proxy-client"]',
        "requestheader-client-ca-file": (pki / "front-proxy-ca.crt").read_text(),
        "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
        "requestheader-group-headers": '["X-Remote-Group"]',
        "requestheader-uid-headers": '["X-Remote-Uid"]',
        "requestheader-username-headers": '["X-Remote-User"]',
    }
    yield _named("v1", "ConfigMap", "extension-apiserver-authentication", "kube-system", data=data)
    # from this day on the last use of tokens in Secrets is told on them
    since = time.strftime("%Y-%m-%d", time.gmtime())
    yield _named("v1", "ConfigMap", _TRACKING, "kube-system", data={"since": since})

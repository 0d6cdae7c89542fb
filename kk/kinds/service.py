"""Service: one address for the pods that a selector names. kk.control.endpointslice follows the pods; the server gives addresses and ports."""

from collections.abc import Iterator
from typing import Any

from kk.base import names
from kk.base.errors import invalid_value
from kk.kinds import _service_change, _service_check
from kk.kinds._cells import balancer_addresses
from kk.kinds._checks import Errors, fill, section
from kk.kinds._later import later
from kk.kinds._workload import labels_text
from kk.kinds.kind import AGE, Column, Kind

Obj = dict[str, Any]


def default(obj: Obj) -> None:
    """ClusterIP, no affinity, the target port as the port, traffic to the whole cluster."""
    spec = section(obj, "spec")
    fill(spec, "sessionAffinity", "None")
    fill(spec, "type", "ClusterIP")
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        fill(section(section(spec, "sessionAffinityConfig"), "clientIP"), "timeoutSeconds", 10800)
    for port in spec.get("ports") or ():
        fill(port, "protocol", "TCP")
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port.get("port") or 0
    outside = spec["type"] in ("NodePort", "LoadBalancer")
    if outside or (spec["type"] == "ClusterIP" and spec.get("externalIPs")):
        fill(spec, "externalTrafficPolicy", "Cluster")
    if spec["type"] in ("NodePort", "LoadBalancer", "ClusterIP"):
        fill(spec, "internalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer":
        fill(spec, "allocateLoadBalancerNodePorts", True)
    balancer = section(section(obj, "status"), "loadBalancer")
    for ingress in balancer.get("ingress") or ():
        if ingress.get("ip"):
            fill(ingress, "ipMode", "VIP")


def prepare_create(obj: Obj) -> None:
    """Status belongs to who balances the load."""
    obj["status"] = {"loadBalancer": {}}


def prepare_update(obj: Obj, old: Obj) -> None:
    """What was given stays where it is not told, and goes where the new type has no use for it."""
    _service_change.keep(obj["spec"], old["spec"])
    _service_change.drop(obj["spec"], old["spec"])


def warnings(obj: Obj, old: Obj | None) -> Iterator[str]:
    """A name that is not used."""
    spec = obj["spec"]
    if spec.get("externalName") and spec.get("type") != "ExternalName":
        yield 'spec.externalName is ignored when spec.type is not "ExternalName"'


def check_name(name: str) -> list[str]:
    """Names of Services are DNS labels that begin with a letter or, since 1.34, a digit."""
    return names.dns_label(name)


_WITH_ADDRESS = frozenset({"ClusterIP", "NodePort", "LoadBalancer"})


def validate(obj: Obj, old: Obj | None) -> Errors:
    """The spec; addresses that were given stay."""
    spec, before = obj["spec"], (old or {}).get("spec")
    yield from _service_check.check_spec(spec, before)
    if before is not None and {spec.get("type"), before.get("type")} <= _WITH_ADDRESS:
        new, was = spec.get("clusterIPs") or [], before.get("clusterIPs") or []
        if was and new[:1] != was[:1]:
            yield invalid_value("spec.clusterIPs[0]", new, "may not change once set")


def validate_status(obj: Obj, old: Obj) -> Errors:
    """Addresses of the load balancer."""
    yield from _service_check.check_status(obj.get("status") or {})


def _external(obj: Obj) -> str:
    spec = obj.get("spec") or {}
    listed = ",".join(spec.get("externalIPs") or ())
    if spec.get("type") == "ExternalName":
        return spec.get("externalName") or ""
    if spec.get("type") == "LoadBalancer":
        balanced = balancer_addresses(obj.get("status"))
        return ",".join(part for part in (balanced, listed) if part) or "<pending>"
    return listed or "<none>"


def _ports(obj: Obj) -> str:
    texts = []
    for port in (obj.get("spec") or {}).get("ports") or ():
        outside = f":{port['nodePort']}" if port.get("nodePort") else ""
        texts.append(f"{port.get('port', 0)}{outside}/{port.get('protocol', '')}")
    return ",".join(texts) or "<none>"


KIND = Kind(
    "v1",
    "Service",
    describe=later("_describe_core", "service"),
    default=default,
    prepare_create=prepare_create,
    prepare_update=prepare_update,
    warnings=warnings,
    validate=validate,
    validate_status=validate_status,
    validate_name=check_name,
    columns=(
        Column("Type", ".spec.type"),
        Column(
            "Cluster-IP", lambda obj: (obj.get("spec") or {}).get("clusterIP") or "<none>", describes=".spec.clusterIP"
        ),
        Column("External-IP", _external, describes=".spec.externalIPs"),
        Column("Port(s)", _ports, describes=".spec.ports"),
        AGE,
        Column(
            "Selector",
            lambda obj: labels_text((obj.get("spec") or {}).get("selector")),
            priority=1,
            describes=".spec.selector",
        ),
    ),
    selectable={"spec.clusterIP": ".spec.clusterIP", "spec.type": ".spec.type"},
    generation=False,
    create_on_update=True,
)

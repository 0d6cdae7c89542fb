"""Faults of a Service. Rules and words: `ValidateService` of Kubernetes. Which addresses and ports are free is the server's allocator's question."""

import ipaddress
from typing import Any

from kk.base import names
from kk.base.errors import duplicate, forbidden_value, invalid_value, not_supported, required
from kk.kinds._checks import Errors, bad, each
from kk.kinds._labelselector import check_labels

Obj = dict[str, Any]
_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_DAY = 86400
_NOT_SPECIAL = (
    ("is_unspecified", "may not be unspecified (0.0.0.0 or ::)"),
    ("is_loopback", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
    ("is_link_local", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
)


def _not_special(path: str, text: str) -> Errors:
    parsed = names.parse_ip(text)
    if names.ip(text) or parsed is None:
        yield from bad(path, text, names.ip(text))
        return
    for field, detail in _NOT_SPECIAL:
        if getattr(parsed, field):
            yield invalid_value(path, text, detail)


def check_spec(spec: Obj, old: Obj | None) -> Errors:
    """Faults of the spec; `old` is the spec before."""
    kind = spec.get("type") or ""
    ports = spec.get("ports") or []
    if not ports and spec.get("clusterIP") != "None" and kind != "ExternalName":
        yield required("spec.ports")
    yield from _by_type(kind, spec)
    for where, port in each("spec.ports", ports):
        yield from _port(where, port, len(ports) > 1, ports)
    yield from check_labels(spec.get("selector"), "spec.selector")
    affinity = spec.get("sessionAffinity") or ""
    if not affinity:
        yield required("spec.sessionAffinity")
    elif affinity not in ("ClientIP", "None"):
        yield not_supported("spec.sessionAffinity", affinity, ("ClientIP", "None"))
    yield from _affinity_config(spec, affinity)
    if kind not in _TYPES:
        yield not_supported("spec.type", kind, _TYPES) if kind else required("spec.type")
    yield from _addresses(spec, kind)
    for where, address in each("spec.externalIPs", spec.get("externalIPs")):
        yield from _not_special(where, address)
    yield from _policies(spec, kind)
    yield from _balancer(spec, kind, old)
    yield from _node_ports(kind, ports)


def _by_type(kind: str, spec: Obj) -> Errors:
    headless = spec.get("clusterIP") == "None"
    if kind in ("NodePort", "LoadBalancer") and headless:
        yield invalid_value("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {kind} services")
    elif kind == "ExternalName":
        if spec.get("clusterIPs") or spec.get("clusterIP"):
            yield forbidden_value("spec.clusterIPs", "may not be set for ExternalName services")
        name = spec.get("externalName") or ""
        if name:
            bare = name[:-1] if name.endswith(".") else name
            yield from bad("spec.externalName", bare, names.dns_subdomain(bare))
        else:
            yield required("spec.externalName")


def _port(path: str, port: Obj, named: bool, ports: list[Obj]) -> Errors:
    name, number = port.get("name") or "", port.get("port") or 0
    at = next(i for i, other in enumerate(ports) if other is port)
    before = ports[:at]
    if not name and named:
        yield required(f"{path}.name")
    elif name:
        yield from bad(f"{path}.name", name, names.dns_label(name))
        if any(other.get("name") == name for other in before):
            yield duplicate(f"{path}.name", name)
    yield from bad(f"{path}.port", number, names.port_number(number))
    protocol = port.get("protocol") or ""
    if not protocol:
        yield required(f"{path}.protocol")
    elif protocol not in ("SCTP", "TCP", "UDP"):
        yield not_supported(f"{path}.protocol", protocol, ("SCTP", "TCP", "UDP"))
    target = port.get("targetPort")
    faults = names.port_name(target) if isinstance(target, str) else names.port_number(target or 0)
    yield from bad(f"{path}.targetPort", target or 0, faults)
    if port.get("appProtocol") is not None:
        yield from bad(f"{path}.appProtocol", port["appProtocol"], names.qualified_name(port["appProtocol"]))
    if any((o.get("protocol"), o.get("port")) == (protocol, number) for o in before):
        shown = {
            "Name": "",
            "Protocol": protocol,
            "AppProtocol": None,
            "Port": number,
            "TargetPort": 0,
            "NodePort": 0,
        }
        yield duplicate(path, shown)


def _affinity_config(spec: Obj, affinity: str) -> Errors:
    config = spec.get("sessionAffinityConfig")
    where = "spec.sessionAffinityConfig"
    if affinity == "None" and config is not None:
        yield forbidden_value(where, "must not be set when session affinity is None")
    if affinity == "ClientIP":
        seconds = ((config or {}).get("clientIP") or {}).get("timeoutSeconds")
        if seconds is None:
            yield required(where, "when session affinity type is ClientIP")
        elif not 0 < seconds <= _DAY:
            detail = f"must be greater than 0 and less than {_DAY}"
            yield invalid_value(f"{where}.clientIP.timeoutSeconds", seconds, detail)


def _addresses(spec: Obj, kind: str) -> Errors:
    one, many = spec.get("clusterIP") or "", spec.get("clusterIPs") or []
    if kind == "ExternalName":
        return
    if many and not one:
        yield invalid_value("spec.clusterIPs", many, "must be empty when `clusterIP` is not specified")
    elif many and many[0] != one:
        yield invalid_value("spec.clusterIPs", many, "first value must match `clusterIP`")
    elif one and not many:
        many = [one]
    for where, address in each("spec.clusterIPs", many if one else []):
        if address == "None":
            continue
        yield from bad(where, address, names.ip(address))
    if len(many) > 1 and "None" in many:
        yield invalid_value("spec.clusterIPs", many, "'None' must be the first and only value")
    if len(many) > 2:
        detail = "may only hold up to 2 values"
        yield invalid_value("spec.clusterIPs", many, detail)
    yield from _families(spec, many)


def _families(spec: Obj, addresses: list[str]) -> Errors:
    families = spec.get("ipFamilies") or []
    seen: set[str] = set()
    for where, family in each("spec.ipFamilies", families):
        if family not in ("IPv4", "IPv6"):
            yield not_supported(where, family, ("IPv4", "IPv6"))
        elif family in seen:
            yield duplicate(where, family)
        seen.add(family)
    policy = spec.get("ipFamilyPolicy")
    policies = ("PreferDualStack", "RequireDualStack", "SingleStack")
    if policy is not None and policy not in policies:
        yield not_supported("spec.ipFamilyPolicy", policy, policies)
    for at, (family, address) in enumerate(zip(families, addresses)):
        parsed = names.parse_ip(address)
        if parsed is not None and f"IPv{parsed.version}" != family:
            detail = f"expected an {family} value as indicated by `ipFamilies[{at}]`"
            yield invalid_value(f"spec.clusterIPs[{at}]", address, detail)


def _policies(spec: Obj, kind: str) -> Errors:
    external, internal = spec.get("externalTrafficPolicy") or "", spec.get("internalTrafficPolicy")
    outside = kind in ("NodePort", "LoadBalancer") or (kind == "ClusterIP" and bool(spec.get("externalIPs")))
    if external and not outside:
        detail = "may only be set for externally-accessible services"
        yield invalid_value("spec.externalTrafficPolicy", external, detail)
    elif outside and external not in ("Cluster", "Local"):
        yield (
            not_supported("spec.externalTrafficPolicy", external, ("Cluster", "Local"))
            if external
            else required("spec.externalTrafficPolicy")
        )
    if internal is not None and internal not in ("Cluster", "Local"):
        yield not_supported("spec.internalTrafficPolicy", internal, ("Cluster", "Local"))
    spread = spec.get("trafficDistribution")
    allowed = ("PreferClose", "PreferSameZone", "PreferSameNode")
    if spread is not None and spread not in allowed:
        yield not_supported("spec.trafficDistribution", spread, allowed)
    check = spec.get("healthCheckNodePort") or 0
    if check and (kind != "LoadBalancer" or external != "Local"):
        detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        yield invalid_value("spec.healthCheckNodePort", check, detail)


def _balancer(spec: Obj, kind: str, old: Obj | None) -> Errors:
    ranges = spec.get("loadBalancerSourceRanges")
    where = "spec.LoadBalancerSourceRanges"
    if ranges and kind != "LoadBalancer":
        yield forbidden_value(where, "may only be used when `type` is 'LoadBalancer'")
    elif ranges:
        for there, value in each(where, ranges):
            yield from bad(there, value, names.cidr(value.strip()))
    if spec.get("allocateLoadBalancerNodePorts") is not None and kind != "LoadBalancer":
        yield forbidden_value("spec.allocateLoadBalancerNodePorts", "may only be used when `type` is 'LoadBalancer'")
    name = spec.get("loadBalancerClass")
    if name is not None:
        yield from bad("spec.loadBalancerClass", name, names.qualified_name(name))
        if kind != "LoadBalancer":
            yield forbidden_value("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'")
    if old is not None and old.get("type") == kind == "LoadBalancer" and old.get("loadBalancerClass") != name:
        yield invalid_value("spec.loadBalancerClass", name, "may not change once set")


def _node_ports(kind: str, ports: list[Obj]) -> Errors:
    seen: set[tuple[Any, Any]] = set()
    for where, port in each("spec.ports", ports):
        number = port.get("nodePort") or 0
        if not number:
            continue
        if kind in ("ClusterIP", "ExternalName"):
            yield forbidden_value(f"{where}.nodePort", f"may not be used when `type` is '{kind}'")
        if (port.get("protocol"), number) in seen:
            yield duplicate(f"{where}.nodePort", number)
        seen.add((port.get("protocol"), number))


def check_status(status: Obj) -> Errors:
    """Addresses of the load balancer."""
    for where, ingress in each("status.loadBalancer.ingress", (status.get("loadBalancer") or {}).get("ingress")):
        if ingress.get("ip"):
            yield from bad(f"{where}.ip", ingress["ip"], names.ip(ingress["ip"]))
            if ingress.get("ipMode") not in ("Proxy", "VIP"):
                yield not_supported(f"{where}.ipMode", ingress.get("ipMode") or "", ("Proxy", "VIP"))
        elif ingress.get("ipMode") is not None:
            yield forbidden_value(f"{where}.ipMode", "may not be specified when `ip` is not set")
        if ingress.get("hostname"):
            host = ingress["hostname"]
            yield from bad(f"{where}.hostname", host, names.dns_subdomain(host))
            if _is_address(host):
                yield invalid_value(f"{where}.hostname", host, "must be a DNS name, not an IP address")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True

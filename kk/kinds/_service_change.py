"""What a change of a Service keeps of the old one, and what a change of its type makes fall away.

Rules: `patchAllocatedValues` and `dropTypeDependentFields` of `pkg/registry/core/service` in Kubernetes.
"""

from typing import Any

Obj = dict[str, Any]


def _has_address(spec: Obj) -> bool:
    return spec.get("type") in ("ClusterIP", "NodePort", "LoadBalancer")


def _has_node_ports(spec: Obj) -> bool:
    return spec.get("type") in ("NodePort", "LoadBalancer")


def _has_health_port(spec: Obj) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def _is_outside(spec: Obj) -> bool:
    return spec.get("type") in ("NodePort", "LoadBalancer") or (
        spec.get("type") == "ClusterIP" and bool(spec.get("externalIPs"))
    )


def keep(new: Obj, old: Obj) -> None:
    """Addresses and ports that were given stay where the change does not tell them."""
    if _has_address(old) and _has_address(new):
        if not new.get("clusterIP"):
            if old.get("clusterIP"):
                new["clusterIP"] = old["clusterIP"]
        if not new.get("clusterIPs") and new.get("clusterIP") == old.get("clusterIP") and old.get("clusterIPs"):
            new["clusterIPs"] = list(old["clusterIPs"])
    if new.get("clusterIP") != old.get("clusterIP") and new.get("clusterIPs") == old.get("clusterIPs"):
        # a client that knows the one field alone means both
        new.pop("clusterIPs", None)
        if new.get("clusterIP"):
            new["clusterIPs"] = [new["clusterIP"]]
    if _has_node_ports(old) and _has_node_ports(new):
        given = {(p.get("protocol"), p.get("port")): p.get("nodePort") for p in old.get("ports") or ()}
        told = {p.get("nodePort") for p in new.get("ports") or () if p.get("nodePort")}
        for port in new.get("ports") or ():
            number = given.get((port.get("protocol"), port.get("port")))
            if not port.get("nodePort") and number and number not in told:
                port["nodePort"] = number
    if _has_health_port(old) and _has_health_port(new) and not new.get("healthCheckNodePort"):
        if old.get("healthCheckNodePort"):
            new["healthCheckNodePort"] = old["healthCheckNodePort"]


def _drop_same(new: Obj, old: Obj, *fields: str) -> None:
    for field in fields:
        if field in new and new[field] == old.get(field):
            del new[field]


def drop(new: Obj, old: Obj) -> None:
    """What the old type needed and the new one does not, where the change left it as it was."""
    if _has_address(old) and not _has_address(new):
        if new.get("clusterIP") == old.get("clusterIP") and new.get("clusterIPs") == old.get("clusterIPs"):
            _drop_same(new, old, "clusterIP", "clusterIPs")
        _drop_same(new, old, "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy")
    if _has_node_ports(old) and not _has_node_ports(new):
        before = {p.get("nodePort") for p in old.get("ports") or ()}
        if all(p.get("nodePort") in before for p in new.get("ports") or () if p.get("nodePort")):
            for port in new.get("ports") or ():
                port.pop("nodePort", None)
    if _has_health_port(old) and not _has_health_port(new):
        _drop_same(new, old, "healthCheckNodePort")
    if old.get("type") == "LoadBalancer" and new.get("type") != "LoadBalancer":
        _drop_same(new, old, "allocateLoadBalancerNodePorts", "loadBalancerClass")
    if _is_outside(old) and not _is_outside(new):
        _drop_same(new, old, "externalTrafficPolicy")

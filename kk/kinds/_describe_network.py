"""How the kinds of the networking and discovery groups are described, and Endpoints."""

from typing import Any

from kk.kinds._cells import balancer_addresses
from kk.kinds._describe_core import endpoints_text
from kk.kinds.describing import (
    Ask,
    Obj,
    Page,
    annotation_lines,
    events,
    head,
    labels,
    meta,
    selector_text,
    timed_conditions,
    titled,
)


def ingress(obj: Obj, ask: Ask) -> list[str]:
    """The description of an Ingress, with the endpoints behind its backends."""
    page, spec, space = Page(), obj.get("spec") or {}, meta(obj).get("namespace", "")
    page.line(0, "Name:", meta(obj).get("name", ""))
    labels(page, "Labels", meta(obj).get("labels"))
    page.line(0, "Namespace:", space)
    page.line(0, "Address:", balancer_addresses(obj.get("status")))
    page.line(0, "Ingress Class:", spec.get("ingressClassName") or "<none>")
    fallback = spec.get("defaultBackend")
    shown = _backend(fallback, space, ask) if fallback else "<default>"
    page.line(0, "Default backend:", shown)
    if spec.get("tls"):
        page.line(0, "TLS:")
    for tls in spec.get("tls") or ():
        hosts = ",".join(tls.get("hosts") or ())
        page.line(1, f"{tls['secretName']} terminates {hosts}" if tls.get("secretName") else f"SNI routes {hosts}")
    page.write(0, "Rules:\n  Host\tPath\tBackends\n")
    page.line(1, "----", "----", "--------")
    rules = [rule for rule in spec.get("rules") or () if rule.get("http") is not None]
    for rule in rules:
        page.write(1, f"{rule.get('host') or '*'}\t\n")
        for path in rule["http"].get("paths") or ():
            page.write(2, f"\t{path.get('path', '')} \t{_backend(path.get('backend') or {}, space, ask)}\n")
    if not rules:
        page.line(1, "*", "*", shown)
    annotation_lines(page, "Annotations", meta(obj).get("annotations"))
    events(page, ask, obj)
    return page.lines()


def _backend(backend: Obj, space: str, ask: Ask) -> str:
    resource, service = backend.get("resource"), backend.get("service")
    if service is None:
        found = resource or {}
        return f"APIGroup: {found.get('apiGroup') or '<none>'}, Kind: {found.get('kind')}, Name: {found.get('name')}"
    name, wanted = service.get("name", ""), service.get("port") or {}
    text = f"{name}:{wanted.get('number') or wanted.get('name') or ''}"
    live = ask.get("v1", "services", space, name)
    if live is None:
        return f'{text} (<error: services "{name}" not found>)'
    ports = (live.get("spec") or {}).get("ports") or []
    number, port_name = wanted.get("number"), wanted.get("name")
    match = [p for p in ports if (p.get("port") == number if number else p.get("name") == port_name)]
    slices = ask.list("discovery.k8s.io/v1", "endpointslices", space, f"kubernetes.io/service-name={name}") or []
    return f"{text} ({endpoints_text(slices, (match[0].get('name') or '') if match else '')})"


def ingress_class(obj: Obj, ask: Ask) -> list[str]:
    """The description of an IngressClass."""
    page, spec = Page(), obj.get("spec") or {}
    titled(page, obj, namespace=False)
    page.line(0, "Controller:", spec.get("controller", ""))
    parameters = spec.get("parameters")
    if parameters is not None:
        page.line(0, "Parameters:")
        if parameters.get("apiGroup") is not None:
            page.line(1, "APIGroup:", parameters["apiGroup"])
        page.line(1, "Kind:", parameters.get("kind", ""))
        page.line(1, "Name:", parameters.get("name", ""))
    events(page, ask, obj)
    return page.lines()


# ---- network policies ----
def network_policy(obj: Obj, ask: Ask) -> list[str]:
    """The description of a NetworkPolicy."""
    page, spec = Page(), obj.get("spec") or {}
    head(page, obj)
    created = str(meta(obj).get("creationTimestamp") or "0001-01-01T00:00:00Z")
    page.line(0, "Created on:", created.replace("T", " ").replace("Z", " +0000 UTC"))
    labels(page, "Labels", meta(obj).get("labels"))
    annotation_lines(page, "Annotations", meta(obj).get("annotations"))
    page.line(0, "Spec:")
    chosen = selector_text(spec.get("podSelector"))
    everyone = "<none> (Allowing the specific traffic to all pods in this namespace)"
    page.write(1, f"PodSelector:     {everyone if chosen == '<none>' else chosen}\n")
    types = spec.get("policyTypes") or []
    for kind, field, peers in (("Ingress", "ingress", "from"), ("Egress", "egress", "to")):
        if kind in types:
            page.write(1, f"Allowing {field} traffic:\n")
            _rules(page, spec.get(field) or [], field, peers)
        else:
            page.write(1, f"Not affecting {field} traffic\n")
    page.write(1, f"Policy Types: {', '.join(types)}\n")
    return page.lines()


def _rules(page: Page, rules: list[Obj], field: str, peers: str) -> None:
    if not rules:
        page.write(2, f"<none> (Selected pods are isolated for {field} connectivity)\n")
    open_to = "From: <any> (traffic not restricted by source)"
    if peers == "to":
        open_to = "To: <any> (traffic not restricted by destination)"
    for place, rule in enumerate(rules):
        for port in rule.get("ports") or ():
            page.write(2, _port_line(port))
        if not rule.get("ports"):
            page.write(2, "To Port: <any> (traffic allowed to all ports)\n")
        for peer in rule.get(peers) or ():
            page.write(2, f"{peers.title()}:\n")
            _peer(page, peer)
        if not rule.get(peers):
            page.write(2, f"{open_to}\n")
        if place < len(rules) - 1:
            page.write(2, "----------\n")


def _port_line(port: Obj) -> str:
    protocol, number = port.get("protocol") or "TCP", port.get("port")
    if port.get("endPort") is not None:
        return f"To Port Range: {number}-{port['endPort']}/{protocol}\n"
    return f"To Port: {'<nil>' if number is None else number}/{protocol}\n"


def _peer(page: Page, peer: Obj) -> None:
    for title, field in (("NamespaceSelector", "namespaceSelector"), ("PodSelector", "podSelector")):
        if peer.get(field) is not None:
            page.write(3, f"{title}: {selector_text(peer[field])}\n")
    block = peer.get("ipBlock")
    if block is not None and peer.get("podSelector") is None and peer.get("namespaceSelector") is None:
        page.write(3, "IPBlock:\n")
        page.write(4, f"CIDR: {block.get('cidr', '')}\n")
        page.write(4, f"Except: {', '.join(block.get('except') or ())}\n")


# ---- endpoints ----
def endpoints(obj: Obj, ask: Ask) -> list[str]:
    """The description of Endpoints."""
    page = Page()
    titled(page, obj)
    page.line(0, "Subsets:")
    for subset in obj.get("subsets") or ():
        for title, field in (("Addresses", "addresses"), ("NotReadyAddresses", "notReadyAddresses")):
            ips = ",".join(a.get("ip", "") for a in subset.get(field) or ())
            page.line(1, f"{title}:", ips or "<none>")
        if subset.get("ports"):
            page.line(1, "Ports:")
            _ports(page, subset["ports"], 2)
        page.write(0, "\n")
    events(page, ask, obj)
    return page.lines()


def _ports(page: Page, ports: list[Obj], level: int) -> None:
    page.line(level, "Name", "Port", "Protocol")
    page.line(level, "----", "----", "--------")
    for port in ports:
        number = "<unset>" if port.get("port") is None else port["port"]
        page.line(level, port.get("name") or "<unset>", number, port.get("protocol") or "")


def endpoint_slice(obj: Obj, ask: Ask) -> list[str]:
    """The description of an EndpointSlice."""
    page = Page()
    titled(page, obj)
    page.line(0, "AddressType:", obj.get("addressType", ""))
    if obj.get("ports"):
        page.line(0, "Ports:")
        _ports(page, obj["ports"], 1)
    else:
        page.write(0, "Ports: <unset>\n")
    if not obj.get("endpoints"):
        page.write(0, "Endpoints: <none>\n")
    else:
        page.line(0, "Endpoints:")
    for endpoint in obj.get("endpoints") or ():
        _endpoint(page, endpoint)
    events(page, ask, obj)
    return page.lines()


def _endpoint(page: Page, endpoint: Obj) -> None:
    page.line(1, "- Addresses:", ", ".join(endpoint.get("addresses") or ()))
    page.line(2, "Conditions:")
    ready: Any = (endpoint.get("conditions") or {}).get("ready")
    page.line(3, "Ready:", "<unset>" if ready is None else str(ready).lower())
    page.line(2, "Hostname:", endpoint.get("hostname") or "<unset>")
    target = endpoint.get("targetRef")
    if target:
        page.line(2, "TargetRef:", f"{target.get('kind', '')}/{target.get('name', '')}")
    page.line(2, "NodeName:", endpoint.get("nodeName") or "<unset>")
    page.line(2, "Zone:", endpoint.get("zone") or "<unset>")
    topology = endpoint.get("deprecatedTopology") or {}
    if topology:
        page.line(2, "Topology:")
        for key in sorted(topology):
            page.line(3, f"{key}:", topology[key])


# ---- addresses of services ----
def ip_address(obj: Obj, ask: Ask) -> list[str]:
    """The description of an IPAddress."""
    page = Page()
    titled(page, obj, namespace=False)
    parent = (obj.get("spec") or {}).get("parentRef")
    if parent:
        page.line(0, "Parent Reference:")
        for title in ("Group", "Resource", "Namespace", "Name"):
            page.line(1, f"{title}:", parent.get(title.lower(), ""))
    events(page, ask, obj)
    return page.lines()


def service_cidr(obj: Obj, ask: Ask) -> list[str]:
    """The description of a ServiceCIDR."""
    page = Page()
    titled(page, obj, namespace=False)
    page.line(0, "CIDRs:", ", ".join((obj.get("spec") or {}).get("cidrs") or ()))
    found = (obj.get("status") or {}).get("conditions")
    if found:
        page.line(0, "Status:")
        timed_conditions(page, found)
    events(page, ask, obj)
    return page.lines()

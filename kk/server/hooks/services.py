"""Where a Service can be reached: its ready endpoints, else its cluster address, else the name that it stands for.

Used by webhooks, aggregated API servers and services/proxy. Reads the cache only; makes no connection.
"""

import random
from typing import Any

from kk.base.errors import StatusError, service_unavailable
from kk.server.context import Server

Obj = dict[str, Any]
_SERVICE_NAME = "kubernetes.io/service-name"


def slices(server: Server, namespace: str, name: str) -> list[Obj]:
    """The EndpointSlices of a Service."""
    return [
        piece
        for piece in server.cache.iterate("discovery.k8s.io", "endpointslices", namespace)
        if (piece["metadata"].get("labels") or {}).get(_SERVICE_NAME) == name
    ]


def ready(pieces: list[Obj], port: str) -> list[tuple[str, int]]:
    """(address, port) pairs of ready endpoints by the name of a Service's port."""
    found = []
    for piece in pieces:
        numbers = [p["port"] for p in piece.get("ports") or () if (p.get("name") or "") == port and p.get("port")]
        for end in piece.get("endpoints") or ():
            if (end.get("conditions") or {}).get("ready") is not False:
                found += [(a, n) for a in end.get("addresses") or () for n in numbers]
    return found


def of_endpoints(server: Server, namespace: str, name: str, port: str) -> tuple[bool, list[tuple[str, int]]]:
    """(whether there is such an object, its ready pairs) of the Endpoints of a Service: what people write by hand has no slices where no controller mirrors it."""
    points = server.cache.get("", "endpoints", namespace, name)
    if points is None:
        return False, []
    found = []
    for subset in points.get("subsets") or ():
        numbers = [p["port"] for p in subset.get("ports") or () if (p.get("name") or "") == port]
        found += [(a["ip"], n) for a in subset.get("addresses") or () for n in numbers]
    return True, found


def endpoints(server: Server, namespace: str, name: str, port: str) -> tuple[bool, list[tuple[str, int]]]:
    """(whether anything tells of endpoints, the ready ones of a named port)."""
    pieces = slices(server, namespace, name)
    found = ready(pieces, port)
    if found:
        return True, found
    known, others = of_endpoints(server, namespace, name, port)
    return known or bool(pieces), others


def resolve(server: Server, namespace: str, name: str, port: int) -> tuple[str, int]:
    """One (host, port) behind a port of a Service. Raises StatusError with the text that upstream's resolver has."""
    service = server.cache.get("", "services", namespace, name)
    if service is None:
        raise StatusError(404, "NotFound", f'service "{name}" not found')
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return spec.get("externalName") or "", port
    wanted = [p for p in spec.get("ports") or () if p.get("port") == port]
    if not wanted:
        raise service_unavailable(f'no service port {port} found for service "{name}"')
    known, found = endpoints(server, namespace, name, wanted[0].get("name") or "")
    if found:
        return random.choice(found)
    address = spec.get("clusterIP")
    if known or not address or address == "None":
        raise service_unavailable(f'no endpoints available for service "{name}"')
    return address, port

"""EndpointSlice: some of the endpoints of a Service, of one address type. kk.control.endpointslice makes them, kk.proxy reads them."""

from collections.abc import Iterator

from kk.base import names
from kk.base.errors import duplicate, invalid_value, required, too_many
from kk.kinds import _addresses
from kk.kinds._cells import cut
from kk.kinds._checks import IMMUTABLE, Errors, Obj, bad, each, fill, listed, one_of
from kk.kinds._later import later
from kk.kinds.kind import AGE, Column, Kind

_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
#: controllers that write addresses in their standard form
_OWN = ("endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io")
_TYPES = ("FQDN", "IPv4", "IPv6")
_MOST = {"endpoints": 1000, "ports": 20000, "addresses": 100, "topology": 16, "zones": 8, "nodes": 8}


def default(obj: Obj) -> None:
    """Ports have a name and speak TCP; lists that upstream always writes are null when empty."""
    for one in obj.get("ports") or []:
        fill(one, "name", "")
        fill(one, "protocol", "TCP")
    for endpoint in obj.get("endpoints") or []:
        fill(endpoint, "conditions", {})
    obj.setdefault("endpoints", None)
    obj.setdefault("ports", None)


def prepare_create(obj: Obj) -> None:
    """The old topology map can only be read; empty lists are kept as null, though who sent one owns it."""
    listed(obj, "endpoints")
    listed(obj, "ports")
    for endpoint in obj.get("endpoints") or []:
        endpoint.pop("deprecatedTopology", None)


def prepare_update(obj: Obj, old: Obj) -> None:
    """Empty lists are kept as null here too; the old topology map stays only where no endpoint changes."""
    listed(obj, "endpoints")
    listed(obj, "ports")
    if obj["endpoints"] != (old.get("endpoints") or None):
        for endpoint in obj["endpoints"] or []:
            endpoint.pop("deprecatedTopology", None)


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Address type first: all else hangs on it."""
    kind = obj.get("addressType") or ""
    if old is not None and kind != old.get("addressType"):
        yield invalid_value("addressType", kind, IMMUTABLE)
        return
    if not kind:
        yield required("addressType")
    else:
        yield from one_of("addressType", kind, _TYPES)
    endpoints, ports = obj.get("endpoints") or [], obj.get("ports") or []
    if len(endpoints) > _MOST["endpoints"]:
        yield too_many("endpoints", len(endpoints), _MOST["endpoints"])
    else:
        known = {a for e in (old or {}).get("endpoints") or [] for a in e.get("addresses") or []}
        for path, endpoint in each("endpoints", endpoints):
            yield from _endpoint(path, endpoint, kind, known)
    yield from _ports(ports)


def _endpoint(path: str, endpoint: Obj, kind: str, known: set[str]) -> Errors:
    addresses = endpoint.get("addresses") or []
    if not addresses:
        yield required(f"{path}.addresses", "must contain at least 1 address")
    elif len(addresses) > _MOST["addresses"]:
        yield too_many(f"{path}.addresses", len(addresses), _MOST["addresses"])
    for where, address in each(f"{path}.addresses", addresses):
        yield from _address(path, where, address, kind, address in known)
    node, hostname = endpoint.get("nodeName"), endpoint.get("hostname")
    if node is not None:
        yield from bad(f"{path}.nodeName", node, names.dns_subdomain(node))
    topology = endpoint.get("deprecatedTopology") or {}
    if len(topology) > _MOST["topology"]:
        yield too_many(f"{path}.deprecatedTopology", len(topology), _MOST["topology"])
    if hostname is not None:
        yield from bad(f"{path}.hostname", hostname, names.dns_label(hostname))
    for field, most in (("forZones", _MOST["zones"]), ("forNodes", _MOST["nodes"])):
        yield from _hints(f"{path}.hints.{field}", (endpoint.get("hints") or {}).get(field) or [], most)


def _address(path: str, where: str, address: str, kind: str, known: bool) -> Errors:
    if kind == "FQDN":
        yield from bad(where, address, names.dns_subdomain(address))
        return
    found = _addresses.parse(address)
    if kind not in ("IPv4", "IPv6"):
        return
    if not known:
        yield from _addresses.legacy_ip(where, address)
    if found is not None and f"IPv{found.version}" != kind:
        # upstream names the list here, not the item
        yield invalid_value(f"{path}.addresses", address, f"must be an {kind} address")
    if found is not None:
        yield from _addresses.ordinary_ip(where, address)


def _hints(path: str, hints: list[Obj], most: int) -> Errors:
    if len(hints) > most:
        yield too_many(path, len(hints), most)
        return
    seen: set[str] = set()
    for where, hint in each(path, hints):
        name = hint.get("name") or ""
        if name in seen:
            yield duplicate(f"{where}.name", name)
        seen.add(name)
        check = names.label_value if path.endswith("forZones") else names.dns_subdomain
        yield from bad(f"{where}.name", name, check(name))


def _ports(ports: list[Obj]) -> Errors:
    if len(ports) > _MOST["ports"]:
        yield too_many("ports", len(ports), _MOST["ports"])
        return
    seen: set[str] = set()
    for path, one in each("ports", ports):
        name = one.get("name") or ""
        if name:
            yield from bad(f"{path}.name", name, names.dns_label(name))
        if name in seen:
            yield duplicate(f"{path}.name", name)
        seen.add(name)
        yield from one_of(f"{path}.protocol", one.get("protocol"), ("SCTP", "TCP", "UDP"))
        if one.get("appProtocol") is not None:
            yield from bad(f"{path}.appProtocol", one["appProtocol"], names.qualified_name(one["appProtocol"]))


def _ports_cell(obj: Obj) -> str:
    shown = [
        str(one["port"]) if one.get("port") is not None else one.get("name", "*") for one in obj.get("ports") or []
    ]
    return cut(shown)


def _endpoints_cell(obj: Obj) -> str:
    return cut(a for e in obj.get("endpoints") or [] for a in e.get("addresses") or [])


def warnings(obj: Obj, old: Obj | None) -> Iterator[str]:
    """FQDN slices have no consumer upstream; addresses may be in odd forms."""
    if obj.get("addressType") == "FQDN":
        yield "spec.addressType: FQDN endpoints are deprecated"
    elif (obj["metadata"].get("labels") or {}).get(_MANAGED_BY) not in _OWN:
        for path, endpoint in each("endpoints", obj.get("endpoints")):
            for where, address in each(f"{path}.addresses", endpoint.get("addresses")):
                yield from _addresses.ip_warnings(where, address)


KIND = Kind(
    "discovery.k8s.io/v1",
    "EndpointSlice",
    default=default,
    prepare_create=prepare_create,
    prepare_update=prepare_update,
    validate=validate,
    warnings=warnings,
    columns=(
        Column("AddressType", ".addressType"),
        Column("Ports", _ports_cell, describes=".ports"),
        Column("Endpoints", _endpoints_cell, describes=".endpoints"),
        AGE,
    ),
    describe=later("_describe_network", "endpoint_slice"),
)

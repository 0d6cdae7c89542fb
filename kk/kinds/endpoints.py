"""Endpoints: the addresses behind a Service, the older form of EndpointSlice. kk.control.endpoint fills it; nothing here does I/O."""

from kk.base import names
from kk.base.errors import required
from kk.kinds import _addresses
from kk.kinds._cells import cut
from kk.kinds._checks import Errors, Obj, bad, each, fill, one_of, port
from kk.kinds._endpointsubsets import repacked
from kk.kinds._later import later
from kk.kinds.kind import AGE, Column, Kind

_DEPRECATED = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"


def default(obj: Obj) -> None:
    """Ports speak TCP unless they say otherwise."""
    for subset in obj.get("subsets") or []:
        for one in subset.get("ports") or []:
            fill(one, "protocol", "TCP")


def prepare_create(obj: Obj) -> None:
    """Subsets get their one form."""
    _repack(obj, None)


def prepare_update(obj: Obj, old: Obj) -> None:
    """As on create."""
    _repack(obj, old)


def _repack(obj: Obj, old: Obj | None) -> None:
    # upstream does it when an object is found valid; faults have the places that were sent
    if obj.get("subsets") and next(iter(validate(obj, old)), None) is None:
        obj["subsets"] = repacked(obj["subsets"])


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Addresses, ports; an address that stood there before is not asked again for its form."""
    known = {a.get("ip") or "" for s in (old or {}).get("subsets") or [] for a in _addresses_of(s)}
    for path, subset in each("subsets", obj.get("subsets")):
        yield from _subset(path, subset, known)


def _addresses_of(subset: Obj) -> list[Obj]:
    return [*(subset.get("addresses") or []), *(subset.get("notReadyAddresses") or [])]


def _subset(path: str, subset: Obj, known: set[str]) -> Errors:
    if not _addresses_of(subset):
        yield required(path, "must specify `addresses` or `notReadyAddresses`")
    for field in ("addresses", "notReadyAddresses"):
        for where, address in each(f"{path}.{field}", subset.get(field)):
            yield from _address(where, address, known)
    ports = subset.get("ports") or []
    for where, one in each(f"{path}.ports", ports):
        yield from _port(where, one, len(ports) > 1)


def _address(path: str, address: Obj, known: set[str]) -> Errors:
    ip = address.get("ip") or ""
    if ip not in known:
        yield from _addresses.legacy_ip(f"{path}.ip", ip)
    if address.get("hostname"):
        yield from bad(f"{path}.hostname", address["hostname"], names.dns_label(address["hostname"]))
    node = address.get("nodeName")
    if node is not None:
        yield from bad(f"{path}.nodeName", node, names.dns_subdomain(node))
    yield from _addresses.ordinary_ip(f"{path}.ip", ip)


def _port(path: str, one: Obj, need_name: bool) -> Errors:
    name = one.get("name") or ""
    if need_name and not name:
        yield required(f"{path}.name")
    elif name:
        yield from bad(f"{path}.name", name, names.dns_label(name))
    yield from port(f"{path}.port", one.get("port"))
    yield from _protocol(f"{path}.protocol", one.get("protocol"))
    if one.get("appProtocol") is not None:
        yield from bad(f"{path}.appProtocol", one["appProtocol"], names.qualified_name(one["appProtocol"]))


def _protocol(path: str, value: str | None) -> Errors:
    if not value:
        yield required(path)
    else:
        yield from one_of(path, value, ("SCTP", "TCP", "UDP"))


def _endpoints(obj: Obj) -> str:
    subsets = obj.get("subsets") or []
    shown: list[str] = []
    for subset in subsets:
        ips = [a.get("ip", "") for a in subset.get("addresses") or []]
        ports = subset.get("ports") or []
        shown += [_host_port(ip, one["port"]) for one in ports for ip in ips] if ports else ips
    return cut(shown, none="") if subsets else "<none>"


def _host_port(ip: str, number: int) -> str:
    return f"[{ip}]:{number}" if ":" in ip else f"{ip}:{number}"


KIND = Kind(
    "v1",
    "Endpoints",
    default=default,
    prepare_create=prepare_create,
    prepare_update=prepare_update,
    validate=validate,
    deprecated=_DEPRECATED,
    columns=(Column("Endpoints", _endpoints, describes=".subsets"), AGE),
    generation=False,
    create_on_update=True,
    describe=later("_describe_network", "endpoints"),
)

"""NetworkPolicy: which traffic may reach or leave pods. What enforces it reads it from the API; nothing here does I/O."""

from collections.abc import Iterator

from kk.base import names
from kk.base.errors import forbidden_value, invalid_value, required
from kk.kinds import _addresses
from kk.kinds._checks import PORT_RANGE, Errors, Obj, bad, each, fill, one_of, section
from kk.kinds._labelselector import check_selector, selector_text
from kk.kinds._later import later
from kk.kinds.kind import AGE, Column, Kind

_TYPES = ("Ingress", "Egress")


def default(obj: Obj) -> None:
    """Ingress always counts, egress where it has rules; ports speak TCP."""
    spec = section(obj, "spec")
    fill(spec, "podSelector", {})
    for rule in [*(spec.get("ingress") or []), *(spec.get("egress") or [])]:
        for port in rule.get("ports") or []:
            fill(port, "protocol", "TCP")
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Selectors, ports, peers and types."""
    spec = obj["spec"]
    known = _known_blocks(old)
    yield from check_selector(spec.get("podSelector"), "spec.podSelector")
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for path, rule in each(f"spec.{direction}", spec.get(direction)):
            for where, port in each(f"{path}.ports", rule.get("ports")):
                yield from _port(where, port)
            for where, peer in each(f"{path}.{peers}", rule.get(peers)):
                yield from _peer(where, peer, known)
    types = spec.get("policyTypes") or []
    if len(types) > len(_TYPES):
        yield invalid_value("spec.policyTypes", types, "may not specify more than two policyTypes")
        return
    for path, kind in each("spec.policyTypes", types):
        yield from one_of(path, kind, _TYPES)


def _known_blocks(old: Obj | None) -> set[str]:
    """CIDRs that stood there before: their form is not asked for again."""
    spec = (old or {}).get("spec") or {}
    blocks = [
        peer["ipBlock"]
        for direction, peers in (("ingress", "from"), ("egress", "to"))
        for rule in spec.get(direction) or []
        for peer in rule.get(peers) or []
        if peer.get("ipBlock")
    ]
    return {c for block in blocks for c in [block.get("cidr"), *(block.get("except") or [])]}


def _port(path: str, port: Obj) -> Errors:
    yield from one_of(f"{path}.protocol", port.get("protocol"), ("TCP", "UDP", "SCTP"))
    number, end = port.get("port"), port.get("endPort")
    if number is None:
        if end is not None:
            yield invalid_value(f"{path}.endPort", end, "may not be specified when `port` is not specified")
    elif isinstance(number, str):
        if end is not None:
            yield invalid_value(f"{path}.endPort", end, "may not be specified when `port` is non-numeric")
        yield from bad(f"{path}.port", number, names.port_name(number))
    else:
        if not 1 <= number <= 65535:
            yield invalid_value(f"{path}.port", number, PORT_RANGE)
        if end is not None and end < number:
            yield invalid_value(f"{path}.endPort", number, "must be greater than or equal to `port`")
        if end is not None and not 1 <= end <= 65535:
            yield invalid_value(f"{path}.endPort", end, PORT_RANGE)


def _peer(path: str, peer: Obj, known: set[str]) -> Errors:
    chosen = [field for field in ("podSelector", "namespaceSelector", "ipBlock") if peer.get(field) is not None]
    for field in ("podSelector", "namespaceSelector"):
        yield from check_selector(peer.get(field), f"{path}.{field}")
    if "ipBlock" in chosen:
        yield from _block(f"{path}.ipBlock", peer["ipBlock"], known)
    if not chosen:
        yield required(path, "must specify a peer")
    elif len(chosen) > 1 and "ipBlock" in chosen:
        yield forbidden_value(path, "may not specify both ipBlock and another peer")


def _block(path: str, block: Obj, known: set[str]) -> Errors:
    cidr = block.get("cidr") or ""
    if not cidr:
        yield required(f"{path}.cidr")
        return
    if cidr not in known:
        yield from _addresses.legacy_cidr(f"{path}.cidr", cidr)
    whole = _addresses.parse_cidr(cidr)
    if whole is None:
        return
    for where, hole in each(f"{path}.except", block.get("except")):
        if hole not in known:
            yield from _addresses.legacy_cidr(where, hole)
        part = _addresses.parse_cidr(hole)
        if part is None:
            continue
        inside = part.version == whole.version and part.network_address in whole and part.prefixlen > whole.prefixlen
        if not inside:
            yield invalid_value(where, hole, "must be a strict subset of `cidr`")


def warnings(obj: Obj, old: Obj | None) -> Iterator[str]:
    """About CIDRs in odd forms."""
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for path, rule in each(f"spec.{direction}", obj["spec"].get(direction)):
            for where, peer in each(f"{path}.{peers}", rule.get(peers)):
                block = peer.get("ipBlock") or {}
                yield from _addresses.cidr_warnings(f"{where}.ipBlock.cidr", block.get("cidr") or "")
                for there, hole in each(f"{where}.ipBlock.except", block.get("except")):
                    yield from _addresses.cidr_warnings(there, hole)


KIND = Kind(
    "networking.k8s.io/v1",
    "NetworkPolicy",
    default=default,
    validate=validate,
    warnings=warnings,
    columns=(
        Column(
            "Pod-Selector", lambda obj: selector_text(obj["spec"].get("podSelector")), describes=".spec.podSelector"
        ),
        AGE,
    ),
    describe=later("_describe_network", "network_policy"),
)

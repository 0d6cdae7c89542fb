"""Subsets of Endpoints in their one form: each address once for each set of ports, ports and subsets in upstream's order.

The rules are those of `pkg/api/endpoints` in Kubernetes, whose order is that of MD5 sums of how Go prints a value.
"""

import hashlib
from typing import Any

from kk.base import names

Obj = dict[str, Any]
_Address = tuple[str, str]
_PORT = (("name", "Name", "string"), ("port", "Port", "int32"), ("protocol", "Protocol", "core.Protocol"))
_REFERENCE = (
    ("kind", "Kind", "string"),
    ("namespace", "Namespace", "string"),
    ("name", "Name", "string"),
    ("uid", "UID", "types.UID"),
    ("apiVersion", "APIVersion", "string"),
    ("resourceVersion", "ResourceVersion", "string"),
    ("fieldPath", "FieldPath", "string"),
)


def repacked(subsets: list[Obj]) -> list[Obj]:
    """The subsets in their one form. An address that is ready and not ready for one port is not ready."""
    addresses: dict[_Address, Obj] = {}
    ports: dict[str, Obj | None] = {}
    ready: dict[str, dict[_Address, bool]] = {}
    for subset in subsets:
        for port in subset.get("ports") or [None]:
            key = _shown_port(port) if port is not None else ""
            ports[key] = port
            states = ready.setdefault(key, {})
            for field in ("addresses", "notReadyAddresses"):
                for address in subset.get(field) or ():
                    who = (address.get("ip") or "", (address.get("targetRef") or {}).get("uid") or "")
                    addresses.setdefault(who, address)
                    states[who] = states.get(who, True) and field == "addresses"
    together: dict[frozenset[tuple[_Address, bool]], list[str]] = {}
    for key, states in ready.items():
        together.setdefault(frozenset(states.items()), []).append(key)
    made = [_subset(states, sorted(keys, key=_sum), addresses, ports) for states, keys in together.items() if states]
    return sorted(made, key=lambda subset: _sum(_shown_subset(subset))) if len(made) > 1 else made


def _subset(
    states: frozenset[tuple[_Address, bool]], keys: list[str], addresses: dict[_Address, Obj], ports: dict[str, Any]
) -> Obj:
    found: Obj = {}
    for field, wanted in (("addresses", True), ("notReadyAddresses", False)):
        listed = sorted((who for who, is_ready in states if is_ready is wanted), key=_rank)
        if listed:
            found[field] = [addresses[who] for who in listed]
    given = [ports[key] for key in keys if ports[key] is not None]
    return {**found, "ports": given} if given else found


def _rank(who: _Address) -> tuple[bytes, str]:
    parsed = names.parse_ip(who[0])
    return (who[0].encode() if parsed is None else str(parsed).encode(), who[1])


def _sum(text: str) -> bytes:
    return hashlib.md5(text.encode(), usedforsecurity=False).digest()


def _pointer(kind: str, value: Any) -> str:
    return f"(*{kind})" + ("<nil>" if value is None else str(value))


def _port_fields(port: Obj) -> str:
    zeros = {"port": 0}
    fields = [f"{name}:({kind}){port.get(key) or zeros.get(key, '')}" for key, name, kind in _PORT]
    return "{" + " ".join([*fields, "AppProtocol:" + _pointer("string", port.get("appProtocol"))]) + "}"


def _shown_port(port: Obj) -> str:
    """A port as Go prints it, with types."""
    return "(core.EndpointPort)" + _port_fields(port)


def _address_fields(address: Obj) -> str:
    ref = address.get("targetRef")
    if ref is not None:
        ref = "{" + " ".join(f"{name}:({kind}){ref.get(key) or ''}" for key, name, kind in _REFERENCE) + "}"
    parts = [
        f"IP:(string){address.get('ip') or ''}",
        f"Hostname:(string){address.get('hostname') or ''}",
        "NodeName:" + _pointer("string", address.get("nodeName")),
        "TargetRef:" + _pointer("core.ObjectReference", ref),
    ]
    return "{" + " ".join(parts) + "}"


def _shown_subset(subset: Obj) -> str:
    parts = []
    for key, name, kind, shown in (
        ("addresses", "Addresses", "core.EndpointAddress", _address_fields),
        ("notReadyAddresses", "NotReadyAddresses", "core.EndpointAddress", _address_fields),
        ("ports", "Ports", "core.EndpointPort", _port_fields),
    ):
        listed = subset.get(key)
        text = "<nil>" if listed is None else "[" + " ".join(map(shown, listed)) + "]"
        parts.append(f"{name}:([]{kind}){text}")
    return "(core.EndpointSubset){" + " ".join(parts) + "}"

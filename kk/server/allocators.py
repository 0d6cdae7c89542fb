"""Cluster IPs and node ports: which are taken is known from the cache, and a write in flight holds what it was given.

So there is no allocation to repair: what a Service says is the truth. Called by creates and updates of Services only.
"""

import ipaddress
import random
from typing import Any

from kk.base.errors import FieldError, StatusError, internal, invalid, invalid_value
from kk.server.cache import Item, Shelf
from kk.server.context import Server
from kk.server.encoding import Obj, decode

_SERVICES = ("", "services")
#: tries at random before counting through
_DRAWS = 64


def _ports(service: Obj) -> list[int]:
    spec = service.get("spec") or {}
    found = [p["nodePort"] for p in spec.get("ports") or [] if p.get("nodePort")]
    if spec.get("healthCheckNodePort"):
        found.append(spec["healthCheckNodePort"])
    return found


def _addresses(service: Obj) -> list[str]:
    spec = service.get("spec") or {}
    found = spec.get("clusterIPs") or ([spec["clusterIP"]] if spec.get("clusterIP") else [])
    return [a for a in found if a and a != "None"]


class Allocators:
    """See the module's docstring. A value is held by the key of the Service that has it."""

    def __init__(self, server: Server):
        self._server = server
        self._network = ipaddress.ip_network(server.config.service_cidr)
        self._first_port, self._last_port = server.config.node_port_range
        self._taken: dict[Any, str] = {}

    def ready(self) -> None:
        """Learn what is taken, and keep learning."""
        for service in self._server.cache.iterate(*_SERVICES):
            metadata = service["metadata"]
            for value in (*_addresses(service), *_ports(service)):
                self._taken[value] = f"{metadata['namespace']}/{metadata['name']}"
        self._server.cache.listeners.append(self._changed)

    def _changed(self, shelf: Shelf, item: Item, old: Item | None, deleted: bool) -> None:
        if shelf.resource.plural != "services" or shelf.resource.group:
            return
        before = decode(b"{" + old.rest) if old is not None else {}
        after = {} if deleted else decode(b"{" + item.rest)
        for value in (*_addresses(before), *_ports(before)):
            if self._taken.get(value) == item.key:
                del self._taken[value]
        for value in (*_addresses(after), *_ports(after)):
            self._taken[value] = item.key

    def held(self, write: Any, obj: Obj, old: Obj | None) -> "_Held":
        """Give a Service what it needs, for the length of a with block, and for good where the block says keep(). Raises StatusError."""
        if write.view.shelf.resource.plural != "services" or write.view.shelf.resource.group or write.subresource:
            return _NOTHING
        metadata = obj["metadata"]
        held = _Held(self, f"{metadata.get('namespace')}/{metadata.get('name')}")
        faults: list[FieldError] = []
        try:
            self._address(held, obj, old, faults)
            self._node_ports(held, obj, old, faults)
        except StatusError:
            held.release()
            raise
        if faults:
            held.release()
            raise invalid("Service", "", metadata.get("name") or "", faults)
        return held

    # addresses

    def _address(self, held: "_Held", obj: Obj, old: Obj | None, faults: list[FieldError]) -> None:
        spec = obj.setdefault("spec", {})
        if spec.get("type") == "ExternalName":
            return
        _family_faults(spec, self._network.version, faults)
        if faults:
            return
        before = set(_addresses(old or {}))
        had = bool(((old or {}).get("spec") or {}).get("clusterIPs"))
        if spec.get("clusterIP") in (None, "") and not spec.get("clusterIPs"):
            address = self._free_address(held)
            spec["clusterIP"], spec["clusterIPs"] = address, [address]
        elif spec.get("clusterIP") and not spec.get("clusterIPs"):
            spec["clusterIPs"] = [spec["clusterIP"]]
        if spec.get("clusterIP") == "None":
            _families(spec, self._network.version, headless=not spec.get("selector"))
            return
        for at, address in enumerate(_addresses(obj)):
            if address in before or address in held.values or (had and at == 0):
                continue  # of an address that changes validation has the words
            fault = self._fault(held, address)
            if fault:
                faults.append(
                    invalid_value("spec.clusterIPs", spec["clusterIPs"], f"failed to allocate IP {address}: {fault}")
                )
        _families(spec, self._network.version)

    def _fault(self, held: "_Held", address: str) -> str:
        try:
            inside = ipaddress.ip_address(address) in self._network
        except ValueError:
            return ""  # validation has better words
        if not inside:
            return f"the provided IP ({address}) is not in the valid range. The range of valid IPs is {self._network}"
        return "" if held.take(address) else "provided IP is already allocated"

    def _free_address(self, held: "_Held") -> str:
        size = self._network.num_addresses - 2
        for draw in range(_DRAWS):
            # the lower part is left to those who ask for an address by name, as upstream's ranges do
            low = min(256, size // 16) if draw < _DRAWS // 2 else 1
            address = str(self._network[random.randint(max(1, low), size)])
            if held.take(address):
                return address
        for number in range(1, size + 1):
            address = str(self._network[number])
            if held.take(address):
                return address
        raise internal("failed to allocate a serviceIP: range is full")

    # node ports

    def _node_ports(self, held: "_Held", obj: Obj, old: Obj | None, faults: list[FieldError]) -> None:
        spec = obj["spec"]
        wanted = spec.get("type") in ("NodePort", "LoadBalancer")
        if spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is False:
            wanted = False
        before = set(_ports(old or {}))
        drawn: dict[tuple[int, str], int] = {}
        for at, port in enumerate(spec.get("ports") or []):
            number = port.get("nodePort")
            if number:
                self._claim(held, number, before, drawn, port, faults, at)
            elif wanted:
                self._draw(held, port, drawn, old)
        if _needs_health_port(spec) and not spec.get("healthCheckNodePort"):
            spec["healthCheckNodePort"] = self._free_port(held)

    def _claim(
        self, held: "_Held", number: int, before: set[int], drawn: Any, port: Obj, faults: list[FieldError], at: int
    ) -> None:
        if number in before or number in held.values:
            return
        where = f"spec.ports[{at}].nodePort"
        if not self._first_port <= number <= self._last_port:
            text = f"provided port is not in the valid range. The range of valid ports is {self._first_port}-{self._last_port}"
            faults.append(invalid_value(where, number, text))
        elif not held.take(number):
            faults.append(invalid_value(where, number, "provided port is already allocated"))
        drawn[(port.get("port", 0), port.get("protocol", "TCP"))] = number

    def _draw(self, held: "_Held", port: Obj, drawn: dict[tuple[int, str], int], old: Obj | None) -> None:
        del old
        number, protocol = port.get("port", 0), port.get("protocol", "TCP")
        for other in ("TCP", "UDP", "SCTP"):  # one node port for the same port of two protocols
            if other != protocol and (number, other) in drawn and (number, protocol) not in drawn:
                port["nodePort"] = drawn[(number, protocol)] = drawn[(number, other)]
                return
        port["nodePort"] = drawn[(number, protocol)] = self._free_port(held)

    def _free_port(self, held: "_Held") -> int:
        for _ in range(_DRAWS):
            number = random.randint(self._first_port, self._last_port)
            if held.take(number):
                return number
        for number in range(self._first_port, self._last_port + 1):
            if held.take(number):
                return number
        raise internal("failed to allocate a nodePort: range is full")

    def taken_by_other(self, value: Any, key: str) -> bool:
        """Whether another Service has it."""
        return self._taken.get(value, key) != key

    def hold(self, value: Any, key: str) -> None:
        """Note that a Service has it."""
        self._taken[value] = key

    def has(self, value: Any) -> bool:
        """Whether anybody has it."""
        return value in self._taken

    def drop(self, value: Any, key: str) -> None:
        """Give it back."""
        if self._taken.get(value) == key:
            del self._taken[value]


class _Held:
    """What one write took so far."""

    def __init__(self, allocators: Allocators | None, key: str):
        self._allocators, self._key = allocators, key
        self.values: list[Any] = []

    def __enter__(self) -> "_Held":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def keep(self) -> None:
        """The write is stored: what was taken is the Service's."""
        self.values.clear()

    def take(self, value: Any) -> bool:
        """Take a value nobody has."""
        if self._allocators is None or self._allocators.has(value):
            return False
        self._allocators.hold(value, self._key)
        self.values.append(value)
        return True

    def release(self) -> None:
        """Give everything back."""
        if self.values and self._allocators is not None:
            for value in self.values:
                self._allocators.drop(value, self._key)
            self.values.clear()


_NOTHING = _Held(None, "")


def _needs_health_port(spec: Obj) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def _family_faults(spec: Obj, version: int, faults: list[FieldError]) -> None:
    """What a cluster of one family cannot give; headless services without a selector may ask for anything."""
    if spec.get("clusterIP") == "None" and not spec.get("selector"):
        return
    if spec.get("ipFamilyPolicy") == "RequireDualStack":
        detail = "this cluster is not configured for dual-stack services"
        faults.append(invalid_value("spec.ipFamilyPolicy", "RequireDualStack", detail))
    for at, family in enumerate(spec.get("ipFamilies") or ()):
        if family in ("IPv4", "IPv6") and family != f"IPv{version}":
            faults.append(invalid_value(f"spec.ipFamilies[{at}]", family, "not configured on this cluster"))


def _families(spec: Obj, version: int, headless: bool = False) -> None:
    family = f"IPv{version}"
    if headless and not spec.get("ipFamilyPolicy"):
        spec["ipFamilyPolicy"] = "RequireDualStack"
        spec.setdefault("ipFamilies", [family, "IPv6" if family == "IPv4" else "IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    spec.setdefault("ipFamilies", [family])

"""IP addresses, CIDR ranges and URLs."""

import ipaddress
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kk.server.cel.values import CelError

FUNCTIONS = """
ip string_to_ip (string) -> net.IP
isIP is_ip (string) -> bool
ip.isCanonical ip_is_canonical (string) -> bool
family ip_family net.IP.() -> int
isUnspecified ip_is_unspecified net.IP.() -> bool
isLoopback ip_is_loopback net.IP.() -> bool
isLinkLocalMulticast ip_is_link_local_multicast net.IP.() -> bool
isLinkLocalUnicast ip_is_link_local_unicast net.IP.() -> bool
isGlobalUnicast ip_is_global_unicast net.IP.() -> bool
string ip_to_string (net.IP) -> string
cidr string_to_cidr (string) -> net.CIDR
isCIDR is_cidr (string) -> bool
containsIP cidr_contains_ip_string net.CIDR.(string) -> bool
containsIP cidr_contains_ip_ip net.CIDR.(net.IP) -> bool
containsCIDR cidr_contains_cidr_string net.CIDR.(string) -> bool
containsCIDR cidr_contains_cidr net.CIDR.(net.CIDR) -> bool
ip cidr_ip net.CIDR.() -> net.IP
masked cidr_masked net.CIDR.() -> net.CIDR
prefixLength cidr_prefix_length net.CIDR.() -> int
string cidr_to_string (net.CIDR) -> string
url string_to_url (string) -> kubernetes.URL
isURL is_url_string (string) -> bool
getScheme url_get_scheme kubernetes.URL.() -> string
getHost url_get_host kubernetes.URL.() -> string
getHostname url_get_hostname kubernetes.URL.() -> string
getPort url_get_port kubernetes.URL.() -> string
getEscapedPath url_get_escaped_path kubernetes.URL.() -> string
getQuery url_get_query kubernetes.URL.() -> map(string, list(string))
"""


class IP:
    """An address."""

    __slots__ = ("address",)
    cel_type = "net.IP"

    def __init__(self, text: str):
        try:
            if "%" in text:
                raise ValueError
            self.address = ipaddress.ip_address(text)
        except ValueError:
            raise CelError(f'IP Address "{text}" parse error during conversion from string') from None
        if isinstance(self.address, ipaddress.IPv6Address) and self.address.ipv4_mapped:
            raise CelError(f'IPv4-mapped IPv6 address "{text}" is not allowed')

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IP) and self.address == other.address

    def __hash__(self) -> int:
        return hash(self.address)

    def __str__(self) -> str:
        return str(self.address)


class CIDR:
    """A range of addresses."""

    __slots__ = ("range",)
    cel_type = "net.CIDR"

    def __init__(self, text: str):
        try:
            if "/" not in text or not text.rpartition("/")[2].isdigit():
                raise ValueError
            self.range = ipaddress.ip_interface(text)
        except ValueError:
            raise CelError(f'network address parse error during conversion from string: "{text}"') from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CIDR) and self.range == other.range

    def __hash__(self) -> int:
        return hash(self.range)

    def __str__(self) -> str:
        return str(self.range)


class URL:
    """A URL that is absolute, or an absolute path."""

    __slots__ = ("text", "parts")
    cel_type = "kubernetes.URL"

    def __init__(self, text: str):
        try:
            self.text, self.parts = text, urlsplit(text)
            self.parts.port  # noqa: B018  raises where there is none
            if not (self.parts.scheme or text.startswith("/")) or any(ord(c) < 0x21 for c in text):
                raise ValueError("invalid URI for request")
        except ValueError as error:
            raise CelError(f'URL parse error during conversion from string: parse "{text}": {error}') from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, URL) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def _valid(make: Any, text: str) -> bool:
    try:
        make(text)
    except CelError:
        return False
    return True


def _contains_ip(cidr: CIDR, other: "IP | str") -> bool:
    address = (IP(other) if isinstance(other, str) else other).address
    return address in cidr.range.network


def _contains_cidr(cidr: CIDR, other: "CIDR | str") -> bool:
    inner = (CIDR(other) if isinstance(other, str) else other).range.network
    outer = cidr.range.network
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def _masked(cidr: CIDR) -> CIDR:
    return CIDR(str(cidr.range.network))


def _global(ip: IP) -> bool:
    a = ip.address
    broadcast = a.version == 4 and int(a) == 0xFFFFFFFF
    return not (a.is_unspecified or a.is_loopback or a.is_multicast or a.is_link_local or broadcast)


def _local_multicast(ip: IP) -> bool:
    a = ip.address
    network = "224.0.0.0/24" if a.version == 4 else "ff02::/16"
    return a in ipaddress.ip_network(network)


def _hostname(url: URL) -> str:
    return url.parts.hostname or ""


IMPLEMENTATIONS: dict[str, Any] = {
    "ip": lambda a: IP(a) if isinstance(a, str) else IP(str(a.range.ip)),
    "isIP": lambda a: _valid(IP, a),
    "ip.isCanonical": lambda a: str(IP(a)) == a,
    "family": lambda a: a.address.version,
    "isUnspecified": lambda a: a.address.is_unspecified,
    "isLoopback": lambda a: a.address.is_loopback,
    "isLinkLocalMulticast": _local_multicast,
    "isLinkLocalUnicast": lambda a: a.address.is_link_local,
    "isGlobalUnicast": _global,
    "cidr": CIDR,
    "isCIDR": lambda a: _valid(CIDR, a),
    "containsIP": _contains_ip,
    "containsCIDR": _contains_cidr,
    "masked": _masked,
    "prefixLength": lambda a: a.range.network.prefixlen,
    "url": URL,
    "isURL": lambda a: _valid(URL, a),
    "getScheme": lambda u: u.parts.scheme,
    "getHost": lambda u: u.parts.netloc.rpartition("@")[2],
    "getHostname": _hostname,
    "getPort": lambda u: "" if u.parts.port is None else str(u.parts.port),
    "getEscapedPath": lambda u: u.parts.path,
    "getQuery": lambda u: parse_qs(u.parts.query, keep_blank_values=True),
}

"""IP addresses and CIDRs of objects, as strictly as upstream reads them: the words of k8s.io/apimachinery `pkg/util/validation/ip.go`.

Legacy fields refuse leading zeros and IPv4-mapped addresses; new fields want the canonical form too.
"""

import ipaddress
import re
from collections.abc import Iterator

from kk.base.errors import invalid_value
from kk.base.names import parse_cidr as parse_cidr
from kk.base.names import parse_ip as parse
from kk.kinds._checks import Errors

_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
_WILL_BE = "will be considered invalid in a future Kubernetes release"
_ZEROS = re.compile(r"(^|\.)0+(?=\d)")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _has_zeros(text: str) -> bool:
    return ":" not in text and bool(_ZEROS.search(text))


def _mapped(address: object) -> bool:
    return isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None


def legacy_ip(path: str, text: str) -> Errors:
    """Faults of an address in a field that is older than the canonical form."""
    found = parse(text)
    if found is None or (":" in text and "%" in text):
        yield invalid_value(path, text, _IP)
    elif _has_zeros(text):
        yield invalid_value(path, text, "must not have leading 0s")
    elif _mapped(found):
        yield invalid_value(path, text, "must not be an IPv4-mapped IPv6 address")


def ip(path: str, text: str) -> Errors:
    """Faults of an address in a new field: canonical only."""
    faults = list(legacy_ip(path, text))
    yield from faults
    found = parse(text)
    if not faults and str(found) != text:
        yield invalid_value(path, text, f'must be in canonical form ("{found}")')


def legacy_cidr(path: str, text: str) -> Errors:
    """Faults of a CIDR in a field that is older than the canonical form."""
    found = parse_cidr(text)
    address, _, length = text.partition("/")
    if found is None:
        yield invalid_value(path, text, _CIDR)
    elif _has_zeros(address) or (len(length) > 1 and length.startswith("0")):
        yield invalid_value(path, text, "must not have leading 0s in IP or prefix length")
    elif _mapped(parse(address)):
        yield invalid_value(path, text, "must not have an IPv4-mapped IPv6 address")
    elif parse(address) != found.network_address:
        yield invalid_value(path, text, "must not have bits set beyond the prefix length")


def cidr(path: str, text: str) -> Errors:
    """Faults of a CIDR in a new field: canonical only."""
    faults = list(legacy_cidr(path, text))
    yield from faults
    found = parse_cidr(text)
    if not faults and str(found) != text:
        yield invalid_value(path, text, f'must be in canonical form ("{found}")')


def ip_warnings(path: str, text: str) -> Iterator[str]:
    """Texts about an address that is not in its standard form, for Warning headers."""
    found = parse(text)
    if found is None:
        return
    if _has_zeros(text) or _mapped(found):
        use = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else found
        yield f'{path}: non-standard IP address "{text}" {_WILL_BE}: use "{use}"'
    elif found.version == 6 and str(found) != text:
        yield f'{path}: IPv6 address "{text}" should be in RFC 5952 canonical format ("{found}")'


def cidr_warnings(path: str, text: str) -> Iterator[str]:
    """Texts about a CIDR that is ambiguous or not in its standard form, for Warning headers."""
    found = parse_cidr(text)
    if found is None:
        return
    head, _, length = text.partition("/")
    address = parse(head)
    network, single, standard = str(found), f"{address}/{found.max_prefixlen}", True
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        standard = False
        if found.prefixlen >= 96:
            inner = ipaddress.ip_network((str(address.ipv4_mapped), found.prefixlen - 96), strict=False)
            network, single = str(inner), f"{address.ipv4_mapped}/128"
    ambiguous = address != found.network_address
    if ambiguous:
        yield f'{path}: CIDR value "{text}" is ambiguous in this context (should be "{network}" or "{single}"?)'
    if not standard or _has_zeros(head) or (len(length) > 1 and length.startswith("0")):
        yield f'{path}: non-standard CIDR value "{text}" {_WILL_BE}: use "{network}"'
    elif not ambiguous and found.version == 6 and network != text:
        yield f'{path}: IPv6 CIDR value "{text}" should be in RFC 5952 canonical format ("{network}")'


def ordinary_ip(path: str, text: str) -> Errors:
    """Faults of an address that traffic may not be sent to: unspecified, loopback, link-local."""
    found = parse(text)
    if found is None:
        yield invalid_value(path, text, "must be a valid IP address")
        return
    if found.is_unspecified:
        yield invalid_value(path, text, f"may not be unspecified ({text})")
    if found.is_loopback and not pod_of_a_host_level_node(found):
        yield invalid_value(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if found.is_link_local:
        yield invalid_value(path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if found.is_multicast and _link_local_multicast(found):
        yield invalid_value(path, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")


def pod_of_a_host_level_node(found: Address) -> bool:
    """Whether an address may be a pod's at runtime level `host`: nodes there own blocks of 127.2.0.0 to 127.253.255.255.

    Kubernetes refuses all of 127.0.0.0/8; were these refused here, Services of such pods could have no endpoints.
    """
    return isinstance(found, ipaddress.IPv4Address) and found.packed[0] == 127 and 2 <= found.packed[1] <= 253


def _link_local_multicast(found: Address) -> bool:
    if isinstance(found, ipaddress.IPv4Address):
        return found in ipaddress.IPv4Network("224.0.0.0/24")
    return found in ipaddress.IPv6Network("ff02::/16")

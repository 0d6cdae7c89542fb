"""What may be a name, a label, a key, a port name, an address: each validator gives upstream's messages, none for a good value.

The rules and words are those of k8s.io/apimachinery `pkg/util/validation` and `pkg/api/validation`. Which field must be which is kk.kinds' to say.
"""

import ipaddress
import random
import re
from functools import lru_cache

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = _LABEL + r"(\." + _LABEL + ")*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
_ENV = "[-._a-zA-Z][-._a-zA-Z0-9]*"
_KEY = "[-._a-zA-Z0-9]+"
_HTTP_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"
_HEADER = "[-A-Za-z0-9]+"
_ALNUM_ENDS = "and must start and end with an alphanumeric character"

#: upstream's alphabet for random suffixes: no vowels, no characters that look alike
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_MOST_GENERATED = 63 - 5


def _regex(pattern: str):
    return re.compile(pattern + r"\Z").match


_is_label, _is_subdomain, _is_1035 = _regex(_LABEL), _regex(_SUBDOMAIN), _regex(_LABEL_1035)
_is_qualified, _is_value = _regex(_QUALIFIED), _regex(f"({_QUALIFIED})?")
_is_identifier, _is_env, _is_key = _regex(_IDENTIFIER), _regex(_ENV), _regex(_KEY)
_is_wildcard = _regex(r"\*\." + _SUBDOMAIN)
_is_http_path, _is_header, _is_percent = _regex(_HTTP_PATH), _regex(_HEADER), _regex("[0-9]+%")


def max_length(most: int) -> str:
    """The message for a text over a limit."""
    return f"must be no more than {most} characters"


def max_bytes(most: int) -> str:
    """The same as label keys and values word it."""
    return f"must be no more than {most} bytes"


def regex_message(text: str, pattern: str, *examples: str) -> str:
    """The message for a text that a pattern refuses."""
    shown = "".join(f"'{e}', " if i == 0 else f" or '{e}', " for i, e in enumerate(examples))
    if shown:
        return f"{text} (e.g. {shown}regex used for validation is '{pattern}')"
    return f"{text} (regex used for validation is '{pattern}')"


def in_range(value: int, low: int, high: int) -> list[str]:
    """Whether an integer is within bounds, both allowed."""
    return [] if low <= value <= high else [f"must be between {low} and {high}, inclusive"]


def port_number(value: int) -> list[str]:
    """A port of TCP, UDP or SCTP."""
    return in_range(value, 1, 65535)


#: characters of what is worth remembering; the rest is wrong anyway, and may be megabytes
_LONGEST = 1000


def _size(value: str) -> int:
    return len(value) if value.isascii() else len(value.encode())


@lru_cache(maxsize=4096)
def _dns_label(value: str) -> tuple[str, ...]:
    faults = [max_length(63)] if _size(value) > 63 else []
    if not _is_label(value):
        if _is_subdomain(value):
            faults.append("must not contain dots")
        else:
            text = (
                f"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', {_ALNUM_ENDS}"
            )
            faults.append(regex_message(text, _LABEL, "my-name", "123-abc"))
    return tuple(faults)


def dns_label(value: str) -> list[str]:
    """RFC 1123 label: names of namespaces, containers."""
    return list(_dns_label(value) if len(value) <= _LONGEST else _dns_label.__wrapped__(value))


@lru_cache(maxsize=4096)
def _dns_subdomain(value: str) -> tuple[str, ...]:
    faults = [max_length(253)] if _size(value) > 253 else []
    if not _is_subdomain(value):
        text = f"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', {_ALNUM_ENDS}"
        faults.append(regex_message(text, _SUBDOMAIN, "example.com"))
    return tuple(faults)


def dns_subdomain(value: str) -> list[str]:
    """RFC 1123 subdomain: the names of most objects."""
    return list(_dns_subdomain(value) if len(value) <= _LONGEST else _dns_subdomain.__wrapped__(value))


def dns1035_label(value: str) -> list[str]:
    """RFC 1035 label: it begins with a letter."""
    faults = [max_length(63)] if _size(value) > 63 else []
    if not _is_1035(value):
        text = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character"
        faults.append(regex_message(text, _LABEL_1035, "my-name", "abc-123"))
    return faults


def wildcard_subdomain(value: str) -> list[str]:
    """`*.` and a subdomain: hosts of Ingress rules."""
    faults = [max_length(253)] if _size(value) > 253 else []
    if not _is_wildcard(value):
        text = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
        faults.append(regex_message(text, r"\*\." + _SUBDOMAIN, "*.example.com"))
    return faults


@lru_cache(maxsize=8192)
def _qualified_name(value: str) -> tuple[str, ...]:
    faults: list[str] = []
    text = f"must consist of alphanumeric characters, '-', '_' or '.', {_ALNUM_ENDS}"
    message = regex_message(text, _QUALIFIED, "MyName", "my.name", "123-abc")
    parts = value.split("/")
    if len(parts) > 2:
        return (
            f"a valid label key {message} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
        )
    if len(parts) == 2:
        if not parts[0]:
            faults.append("prefix part must be non-empty")
        else:
            faults += [f"prefix part {m}".replace(max_length(253), max_bytes(253)) for m in _dns_subdomain(parts[0])]
    name = parts[-1]
    if not name:
        faults.append("name part must be non-empty")
    elif _size(name) > 63:
        faults.append(f"name part {max_bytes(63)}")
    if not _is_qualified(name):
        faults.append(f"name part {message}")
    return tuple(faults)


def qualified_name(value: str) -> list[str]:
    """`[prefix/]name`: label and annotation keys, resource names, condition types."""
    return list(_qualified_name(value) if len(value) <= _LONGEST else _qualified_name.__wrapped__(value))


@lru_cache(maxsize=8192)
def _label_value(value: str) -> tuple[str, ...]:
    faults = [max_bytes(63)] if _size(value) > 63 else []
    if not _is_value(value):
        text = f"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', {_ALNUM_ENDS}"
        faults.append(regex_message(text, f"({_QUALIFIED})?", "MyValue", "my_value", "12345"))
    return tuple(faults)


def label_value(value: str) -> list[str]:
    """The value of a label; may be empty."""
    return list(_label_value(value) if len(value) <= _LONGEST else _label_value.__wrapped__(value))


def path_segment(value: str) -> list[str]:
    """A name that only has to fit into a URL path: RBAC objects."""
    if value in (".", ".."):
        return [f"may not be '{value}'"]
    return [f"may not contain '{illegal}'" for illegal in ("/", "%") if illegal in value]


def port_name(value: str) -> list[str]:
    """IANA_SVC_NAME: a container port's name."""
    faults = [max_length(15)] if _size(value) > 15 else []
    if not re.match(r"[-a-z0-9]+\Z", value):
        faults.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", value):
        faults.append("must contain at least one letter (a-z)")
    if "--" in value:
        faults.append("must not contain consecutive hyphens")
    if value and "-" in (value[0], value[-1]):
        faults.append("must not begin or end with a hyphen")
    return faults


def c_identifier(value: str) -> list[str]:
    """A name of C: reasons of conditions in some kinds."""
    if _is_identifier(value):
        return []
    text = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'"
    return [regex_message(text, _IDENTIFIER, "my_name", "MY_NAME", "MyName")]


def _no_directory(value: str) -> list[str]:
    if value in (".", ".."):
        return [f"must not be '{value}'"]
    return ["must not start with '..'"] if value.startswith("..") else []


def env_var_name(value: str) -> list[str]:
    """The name of an environment variable, strictly (kubectl's own checks)."""
    faults = []
    if not _is_env(value):
        text = "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit"
        faults.append(regex_message(text, _ENV, "my.env-name", "MY_ENV.NAME", "MyEnvName1"))
    return faults + _no_directory(value)


def env_var_name_relaxed(value: str) -> list[str]:
    """The name of an environment variable in a container (1.34 on): printable ASCII but `=`."""
    faults = [] if value else ["environment variable name must be non-empty"]
    if any(not " " <= c <= "~" or c == "=" for c in value):
        faults.append(
            "a valid environment variable name must consist only of printable ASCII characters other than '='"
        )
    return faults


def config_map_key(value: str) -> list[str]:
    """A key of ConfigMap and Secret data."""
    faults = [max_length(253)] if _size(value) > 253 else []
    if not _is_key(value):
        text = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
        faults.append(regex_message(text, _KEY, "key.name", "KEY_NAME", "key-name"))
    return faults + _no_directory(value)


def http_header_name(value: str) -> list[str]:
    """The name of an HTTP header."""
    if _is_header(value):
        return []
    return [
        regex_message("a valid HTTP header must consist of alphanumeric characters or '-'", _HEADER, "X-Header-Name")
    ]


def domain_prefixed_path(value: str) -> list[str]:
    """`acme.io/foo`: signer names, finalizers of some kinds."""
    if not value:
        return ["must be non-empty"]
    host, slash, path = value.partition("/")
    if not slash or not host or not path:
        return ['must be a domain-prefixed path (such as "acme.io/foo")']
    return list(_dns_subdomain(host)) or ([] if _is_http_path(path) else [regex_message("Invalid path", _HTTP_PATH)])


def percent(value: str) -> list[str]:
    """`25%`."""
    if _is_percent(value):
        return []
    text = "a valid percent string must be a numeric string followed by an ending '%'"
    return [regex_message(text, "[0-9]+%", "1%", "93%")]


def parse_ip(value: str) -> "ipaddress.IPv4Address | ipaddress.IPv6Address | None":
    """An address, also with leading zeros in IPv4 parts (Go's ParseIPSloppy); None where it is none."""
    if "%" in value:
        return None
    try:
        return ipaddress.ip_address(value)
    except ValueError:
        pass
    parts = value.split(".")
    if len(parts) == 4 and all(p.isascii() and p.isdigit() and len(p) <= 9 and int(p) < 256 for p in parts):
        return ipaddress.IPv4Address(".".join(str(int(p)) for p in parts))
    return None


def parse_cidr(value: str) -> "ipaddress.IPv4Network | ipaddress.IPv6Network | None":
    """A network, host bits allowed; None where it is none."""
    address, slash, size = value.partition("/")
    parsed = parse_ip(address)
    if not slash or parsed is None or not (size.isascii() and size.isdigit()):
        return None
    try:
        return ipaddress.ip_network((str(parsed), int(size)), strict=False)
    except ValueError:
        return None


def ip(value: str) -> list[str]:
    """An IPv4 or IPv6 address, written as Go's strict parser wants it."""
    parsed = parse_ip(value)
    if parsed is None:
        return ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]
    if any(len(part) > 1 and part.startswith("0") for part in value.split(".")) and parsed.version == 4:
        return ["must not have leading 0s"]
    if parsed.version == 6 and parsed.ipv4_mapped is not None:
        return ["must not be an IPv4-mapped IPv6 address"]
    return []


def cidr(value: str) -> list[str]:
    """An address range."""
    return [] if parse_cidr(value) else ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"]


def random_suffix(length: int = 5) -> str:
    """Random characters of upstream's alphabet."""
    return "".join(random.choices(ALPHABET, k=length))


def generate_name(prefix: str) -> str:
    """The prefix, cut to leave room, and five random characters (metadata.generateName)."""
    return prefix[:_MOST_GENERATED] + random_suffix()


def safe_encode(value: int | str) -> str:
    """A hash as a name part without accidental words (rand.SafeEncodeString of its decimal digits)."""
    return "".join(ALPHABET[ord(c) % len(ALPHABET)] for c in str(value))

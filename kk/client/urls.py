"""The little of URLs that a client needs: percent-encoding, queries, the parts of a server's address.

urllib.parse does the same and more, and costs the command line 3 ms on every start.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

#: the parts of a URL; port is None where none is written, host has no brackets
Address = namedtuple("Address", "scheme netloc host port path")


def quote(text: str, safe: str = "") -> str:
    """The text percent-encoded but for letters, digits, `-._~` and what is safe."""
    if text.isascii() and text.isalnum():
        return text
    kept = _UNRESERVED | frozenset(safe.encode())
    return "".join(chr(b) if b in kept else f"%{b:02X}" for b in text.encode("utf-8", "surrogatepass"))


def urlencode(pairs: Iterable[tuple[str, str]]) -> str:
    """A query string; spaces are `+`."""
    return "&".join(f"{quote(k, ' ').replace(' ', '+')}={quote(v, ' ').replace(' ', '+')}" for k, v in pairs)


def split(url: str) -> Address:
    """The parts of `scheme://[user@]host[:port][/path]`.

    Raises ValueError for a port that is none.
    """
    scheme, mark, rest = url.partition("://")
    if not mark:
        scheme, rest = "", url.removeprefix("//")
    netloc, slash, path = rest.partition("/")
    place = netloc.rpartition("@")[2]
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = place.partition(":")
    if port and not port.isdigit():
        raise ValueError(f"invalid port {port!r} in {url!r}")
    path = (slash + path).partition("?")[0].partition("#")[0]
    return Address(scheme.lower(), netloc, host.lower(), int(port) if port else None, path)

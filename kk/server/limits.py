"""How long and how large things may get before the server stops waiting: kube-apiserver's own bounds, as one value, and the bound on open files.

Tests hand in shorter ones; there are no flags for them, as upstream has none (but --request-timeout).
"""

import resource
from dataclasses import dataclass

#: open files that the store, the logs and calls to other servers may need beside connections
_SPARE = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes.

    handshake   a TLS handshake; Go takes the header's time for it
    header      from a connection's opening, or a request's first byte, to the end of its head
    idle        a connection without a request
    request     the body of a request must have come, and an answer of known length must have gone out (upstream's --request-timeout)
    head        bytes of a request's line and headers (Go's DefaultMaxHeaderBytes and what it adds)
    """

    handshake: float = 32.0
    header: float = 32.0
    idle: float = 90.0
    request: float = 60.0
    head: int = (1 << 20) + 4096


def raise_open_files() -> int:
    """Let this process open as many files as it may; returns how many connections that leaves room for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (ValueError, OSError):  # some systems forbid what they say is allowed
            pass
    return 1_000_000 if soft == resource.RLIM_INFINITY else max(soft - _SPARE, soft // 2)

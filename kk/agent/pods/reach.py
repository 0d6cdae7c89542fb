"""Reaching a pod's port from the node, for probes, hooks and port-forward. At level host a program may listen on the pod's address or on any."""

import os
import socket

#: where the built-in servers listen when an ordinary user may not have a port below 1024
UNPRIVILEGED = 8000


def candidates(ip: str, port: int) -> list[tuple[str, int]]:
    """Addresses to try, in order."""
    found = [(ip, port)]
    if port < 1024 and os.geteuid() != 0:
        found.append((ip, port + UNPRIVILEGED))
    if ip != "127.0.0.1":
        found.append(("127.0.0.1", port))
    return found


def dial(ip: str, port: int, timeout: float) -> socket.socket:
    """A TCP connection to a pod's port; OSError of the first attempt when none succeeds."""
    first: OSError | None = None
    for address in candidates(ip, port):
        try:
            return socket.create_connection(address, timeout)
        except OSError as error:
            first = first or error
    raise first or OSError("no address")

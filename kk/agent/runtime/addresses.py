"""Addresses of pods at level `host`: on Linux each node owns a block 127.A.B.0/24, each pod one address of it.

Blocks are derived from the node's folder and claimed machine-wide by an abstract unix socket while the agent lives, so that agents of
several clusters do not meet. Elsewhere only 127.0.0.1 exists, and all pods share it.
"""

import hashlib
import socket
import sys
from pathlib import Path

FIRST, LAST = 1, 254


def block(seed: str, attempt: int) -> str:
    """The candidate block for a node folder: `127.A.B`, never 127.0 or 127.1, which machines use for themselves."""
    digest = hashlib.sha256(f"{seed}/{attempt}".encode()).digest()
    return f"127.{2 + digest[0] % 252}.{digest[1]}"


def claim(name: str) -> "socket.socket | None":
    """Hold a name for as long as the returned socket is open; None when another holds it."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        sock.bind("\0kk-addresses-" + name)
    except OSError:
        sock.close()
        return None
    return sock


class Addresses:
    """The addresses of one node; `taken` maps pod uid to address."""

    def __init__(self, folder: Path):
        self._file = folder / "addresses"
        self._claim: socket.socket | None = None
        self.taken: dict[str, str] = {}
        self.block = ""

    def open(self) -> None:
        """Claim the node's block: the one it had, or else the first free candidate."""
        if not sys.platform.startswith("linux"):
            return
        had = self._file.read_text().strip() if self._file.exists() else ""
        seed = str(self._file.parent.resolve())
        for candidate in [had] * bool(had) + [block(seed, n) for n in range(64)]:
            if taken := claim(candidate):
                self._claim, self.block = taken, candidate
                break
        else:
            raise RuntimeError("no free block of loopback addresses for the pods of this node")
        if self.block != had:
            self._file.write_text(self.block + "\n")

    def assign(self, uid: str) -> str:
        """An address for a pod; the one it has, if it has one."""
        if uid in self.taken:
            return self.taken[uid]
        address = "127.0.0.1"
        if self.block:
            used = set(self.taken.values())
            start = len(used) % LAST
            numbers = [FIRST + (start + n) % LAST for n in range(LAST)]
            address = next((a for a in (f"{self.block}.{n}" for n in numbers) if a not in used), "")
            if not address:
                raise RuntimeError(f"all {LAST} pod addresses of {self.block}.0/24 are in use")
        self.taken[uid] = address
        return address

    def release(self, uid: str) -> None:
        """The address is free again."""
        self.taken.pop(uid, None)

    def close(self) -> None:
        """Give the block back."""
        if self._claim is not None:
            self._claim.close()
            self._claim = None

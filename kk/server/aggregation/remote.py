"""One group and version that another server serves: where it is, whether it answers, and what it says of itself.

Holds what an APIService tells and what was last heard of the server; asks nobody.
"""

import ssl
from dataclasses import dataclass, field
from typing import Any

from kk.server.backend import Target
from kk.server.context import Server, User
from kk.server.hooks import services
from kk.server.hooks.client import context_of, service_name

Obj = dict[str, Any]
#: the client certificate by which aggregated servers know this one
PAIR = "front-proxy-client"
_SAFE = frozenset(b"!#$&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass(slots=True, eq=False)
class Remote:
    """See the module's docstring. `resources` are APIResources, `stale` whether the newest try to read them failed."""

    name: str
    group: str
    version: str
    namespace: str
    service: str
    port: int
    skip: bool
    bundle: str
    priority: tuple[int, int]
    available: bool = False
    stale: bool = True
    resources: list[Obj] = field(default_factory=list)
    openapi_v2: Obj | None = None
    openapi_v3: bytes | None = None
    openapi_mark: str = ""

    @property
    def api_version(self) -> str:
        """group/version."""
        return f"{self.group}/{self.version}"

    def target(self, server: Server) -> Target:
        """Where it is now. Raises StatusError, or ValueError for a bundle that is none."""
        host, port = services.resolve(server, self.namespace, self.service, self.port)
        context = context_of(server, self.bundle, self.skip, PAIR)
        return Target(host, port, context=context, server_name=service_name(self.namespace, self.service))

    def unchecked(self, server: Server) -> Target:
        """The same without a look at the certificate, as availability is checked."""
        host, port = services.resolve(server, self.namespace, self.service, self.port)
        context: ssl.SSLContext = context_of(server, "", True, PAIR)
        return Target(host, port, context=context, server_name=service_name(self.namespace, self.service))


def of(obj: Obj) -> Remote | None:
    """What an APIService tells, or None where this server serves it."""
    spec = obj["spec"]
    service = spec.get("service")
    if service is None:
        return None
    return Remote(
        obj["metadata"]["name"],
        spec.get("group") or "",
        spec.get("version") or "",
        service.get("namespace") or "",
        service.get("name") or "",
        int(service.get("port") or 443),
        bool(spec.get("insecureSkipTLSVerify")),
        spec.get("caBundle") or "",
        (int(spec.get("groupPriorityMinimum") or 0), int(spec.get("versionPriority") or 0)),
    )


def identity(user: User) -> list[tuple[bytes, bytes]]:
    """The headers that tell an aggregated server who asks."""
    found = [(b"x-remote-user", user.name.encode())]
    if user.uid:
        found.append((b"x-remote-uid", user.uid.encode()))
    found += [(b"x-remote-group", group.encode()) for group in user.groups]
    for key, values in user.extra:
        name = b"x-remote-extra-" + _escaped(key)
        found += [(name, value.encode()) for value in values]
    return found


def _escaped(key: str) -> bytes:
    """A key as a header's name can hold it: what no name may hold is percent-encoded."""
    return b"".join(bytes((c,)) if c in _SAFE else b"%%%02X" % c for c in key.encode())

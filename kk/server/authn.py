"""Who asks: the connection's certificate, then its bearer token, then nobody in particular.

The ways to prove it are the files of kk.server.authenticators. What they answered is remembered: of a certificate for its connection, of a
token until an object that it rests on changes; so an ordinary request costs two look-ups. Not here: what the user may do
(kk.server.authz), impersonation (kk.server.impersonation).
"""

import inspect
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any

from kk.base import discover
from kk.base.errors import unauthorized
from kk.server.authenticators import request_header, x509
from kk.server.authenticators._types import UNAUTHENTICATED, Authenticator, NotOurs, Refused, Taken
from kk.server.context import Connection, Server, User
from kk.server.tokens import unb64

ANONYMOUS = User("system:anonymous", "", (UNAUTHENTICATED,))
_WEBSOCKET = "base64url.bearer.authorization.k8s.io."
#: tokens that are remembered at most
_MEMORY = 4096


class Chain:
    """The authenticators of one server, in their order."""

    def __init__(self, server: Server, units: Sequence[Authenticator] | None = None):
        if units is None:
            units = list(discover.load_all("kk.server.authenticators", "AUTHENTICATOR").values())
        units = sorted(units, key=lambda u: u.order)
        from kk.server.authenticators.service_account import api_audiences

        self.audiences = api_audiences(server)
        requests = [(u, u.request(server)) for u in units if u.request is not None]
        self._requests = [(u, check) for u, check in requests if check is not None]
        tokens = [(u, u.token(server)) for u in units if u.token is not None]
        self._tokens = [(u, check) for u, check in tokens if check is not None]
        self._known: dict[str, Taken] = {}
        self._seen: dict[bytes, Taken] = {}  # the same by the header that bore the token
        self.anonymous: bool = server.config.flag("anonymous-auth")
        #: requests that showed nothing where something is asked for, and those whose credentials do not hold
        self.failures = self.errors = 0

    def user(self, scope: dict[str, Any], headers: dict[bytes, bytes]) -> User | Awaitable[User]:
        """The user of a request; later where somebody else must be asked. Raises StatusError 401."""
        connection: Connection | None = scope.get("kk")
        if connection is not None and connection.certificate is not None:
            if connection.user is not None and time.time() < connection.until:
                return connection.user
            found = self._certified(connection, scope["headers"])
            if found is not None:
                return found
        raw = headers.get(b"authorization")
        if raw is not None:
            taken = self._seen.get(raw)
            if taken is not None and taken.holds(time.time()):
                return taken.user
        token = bearer(headers)
        if token:
            return self._by_token(token, raw)
        if connection is not None and connection.certificate is not None:
            raise self._refused()
        if not self.anonymous:
            self.failures += 1
            raise unauthorized()
        return ANONYMOUS

    def _certified(self, connection: Connection, headers: Sequence[tuple[bytes, bytes]]) -> User | None:
        for unit, check in self._requests:
            try:
                taken: Taken = check(connection, headers)
            except (NotOurs, Refused):
                continue
            if time.time() >= taken.until and unit.sticky:
                continue
            if unit.sticky:
                connection.user, connection.until = taken.user, taken.until
            return taken.user
        return None

    def _by_token(self, token: str, raw: bytes | None) -> User | Awaitable[User]:
        found = self._known.get(token)
        if found is None or not found.holds(time.time()):
            found = self._first(token)
        if found is not None:
            if raw is not None:
                if len(self._seen) >= _MEMORY:
                    self._seen.clear()
                self._seen[raw] = found
            return found.user

        async def later() -> User:
            try:
                return (await self.check(token, self.audiences)).user
            except (NotOurs, Refused):
                raise self._refused() from None

        return later()

    def _first(self, token: str) -> Taken | None:
        """The answer where it can be had at once; None where one of the checks must wait for somebody."""
        for _, check in self._tokens:
            try:
                taken = check(token, self.audiences)
            except (NotOurs, Refused):
                continue
            if not isinstance(taken, Taken):
                if inspect.iscoroutine(taken):
                    taken.close()
                return None
            return self._remember(token, taken)
        raise self._refused()

    def _remember(self, token: str, taken: Taken) -> Taken:
        if len(self._known) >= _MEMORY:
            self._known.clear()
        self._known[token] = taken
        return taken

    async def check(self, token: str, audiences: Sequence[str]) -> Taken:
        """What a token is, for the audiences asked for. Raises NotOurs, or Refused with every check's reason."""
        reasons: list[str] = []
        for unit, check in self._tokens:
            shared = tuple(a for a in audiences if unit.audiences or a in self.audiences)
            if not shared:
                continue
            try:
                taken = check(token, shared)
                if inspect.isawaitable(taken):
                    taken = await taken
            except NotOurs:
                continue
            except Refused as error:
                reasons.append(str(error))
                continue
            if list(audiences) == self.audiences:
                self._remember(token, taken)
            return taken if taken.audiences else Taken(taken.user, shared, taken.until, taken.rests, taken.notes)
        if reasons:
            raise Refused(", ".join(reasons))
        raise NotOurs

    def notes(self, headers: dict[bytes, bytes]) -> list[tuple[str, str]]:
        """Audit annotations that a request's token bears."""
        taken = self._known.get(bearer(headers))
        return taken.notes(time.time()) if taken is not None and taken.notes is not None else []

    def _refused(self) -> Exception:
        self.errors += 1
        return unauthorized()


def chain(server: Server) -> Chain:
    """The server's authenticators, made on first use. Raises ValueError or OSError for flags that cannot be."""
    held: Chain | None = server.state.get(__name__)
    if held is None:
        held = server.state[__name__] = Chain(server)
    return held


def client_authorities(server: Server) -> list[Path]:
    """Bundles of the CAs whose certificates the TLS layer lets in: the clients', and the front proxy's where it is there."""
    return [path for path in (x509.ca_file(server), request_header.ca_file(server)) if path.exists()]


def bearer(headers: dict[bytes, bytes]) -> str:
    """The bearer token of a request, or "". Browsers' WebSockets send it as a sub-protocol. Raises StatusError 401."""
    raw = headers.get(b"authorization")
    if raw is not None:
        parts = raw.decode("latin-1").strip().split(" ", 2)
        return parts[1] if len(parts) > 1 and parts[0].lower() == "bearer" else ""
    raw = headers.get(b"sec-websocket-protocol")
    if raw is None:
        return ""
    for protocol in raw.decode("latin-1").split(","):
        protocol = protocol.strip()
        if protocol.startswith(_WEBSOCKET):
            try:
                return unb64(protocol[len(_WEBSOCKET) :]).decode()
            except ValueError:
                raise unauthorized() from None
    return ""

"""OpenID Connect: ID tokens of another issuer, --oidc-issuer-url and its like.

The issuer's configuration and keys are fetched with the first token that claims to be its own, and the keys again when a token is signed by
one that is not known. Rules and texts follow k8s.io/apiserver `plugin/pkg/authenticator/token/oidc`.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Sequence
from typing import Any

from kk.server.authenticators import _jwt
from kk.server.authenticators._types import CREDENTIAL, Authenticator, NotOurs, Refused, Taken, TokenCheck, with_group
from kk.server.context import Server, User

#: seconds that a good token is taken without another look
_TRUST = 10.0
#: seconds that an answer of the issuer may take
_TIMEOUT = 30.0


def make(server: Server) -> TokenCheck | None:
    """The check of this server; none without an issuer. Raises ValueError for flags that do not fit together."""
    flag = server.config.flag
    issuer, client = flag("oidc-issuer-url"), flag("oidc-client-id")
    if not issuer and not client:
        return None
    if not issuer or not client:
        raise ValueError("oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set")
    if not issuer.startswith("https://"):
        raise ValueError(f'issuer.url: Invalid value: "{issuer}": URL scheme must be https')
    bad = [a for a in flag("oidc-signing-algs") if a not in _jwt.ALGORITHMS]
    if bad:
        raise ValueError(f"oidc-signing-algs: unsupported signing alg: {json.dumps(bad[0])}")
    return OIDC(server, issuer, client)


class OIDC:
    """See the module's docstring."""

    def __init__(self, server: Server, issuer: str, client: str):
        self._server, self._issuer, self._client = server, issuer, client
        flag = server.config.flag
        self._mapping = Mapping(
            issuer,
            flag("oidc-username-claim"),
            flag("oidc-username-prefix"),
            flag("oidc-groups-claim"),
            flag("oidc-groups-prefix"),
            dict(pair.partition("=")[::2] for pair in flag("oidc-required-claim")),
        )
        self._algorithms, self._ca = tuple(flag("oidc-signing-algs")), flag("oidc-ca-file")
        self._keys: list[dict[str, Any]] = []
        self._fetching: asyncio.Task[None] | None = None

    def __call__(self, token: str, audiences: Sequence[str]) -> Taken | Awaitable[Taken]:
        """The user of a token; later where the issuer must be asked for its keys first. Raises NotOurs or Refused."""
        try:
            header, claims, data, signature = _jwt.parts(token)
        except (ValueError, AttributeError):
            raise NotOurs from None
        if claims.get("iss") != self._issuer:
            raise NotOurs
        self._check(header, claims)
        if self._signed(header, data, signature):
            return self._taken(claims)
        return self._after_fetch(header, claims, data, signature)

    def _check(self, header: dict[str, Any], claims: dict[str, Any]) -> None:
        algorithm, held = header.get("alg"), claims.get("aud")
        held = [held] if isinstance(held, str) else held or []
        if self._client not in held:
            raise Refused(
                f"oidc: verify token: oidc: expected audience {json.dumps(self._client)} got {json.dumps(held)}"
            )
        if algorithm not in self._algorithms:
            wanted = json.dumps(list(self._algorithms))
            raise Refused(
                "oidc: verify token: oidc: malformed jwt: unexpected signature algorithm "
                f"{json.dumps(algorithm)}; expected {wanted}"
            )
        now = time.time()
        if now >= _moment(claims.get("exp")):
            raise Refused("oidc: verify token: oidc: token is expired")
        if now < _moment(claims.get("nbf")) - 300:
            raise Refused("oidc: verify token: oidc: current time is before the nbf (not before) time")

    def _signed(self, header: dict[str, Any], data: bytes, signature: bytes) -> bool:
        kid = header.get("kid")
        for jwk in self._keys:
            if kid and jwk.get("kid") != kid:
                continue
            key = _jwt.public_key(jwk)
            if key is not None and _jwt.signed(key, header["alg"], data, signature):
                return True
        return False

    async def _after_fetch(
        self, header: dict[str, Any], claims: dict[str, Any], data: bytes, signature: bytes
    ) -> Taken:
        """With the keys as they are now; requests that wait for them share one fetch."""
        if self._fetching is None or self._fetching.done():
            self._fetching = self._server.spawn(self._fetch())
        try:
            await asyncio.shield(self._fetching)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise Refused(f"oidc: authenticator not initialized: {error}") from None
        if not self._signed(header, data, signature):
            raise Refused("oidc: verify token: failed to verify signature: failed to verify id token signature")
        return self._taken(claims)

    async def _fetch(self) -> None:
        found = await self._server.loop.run_in_executor(None, fetch_keys, self._issuer, self._ca)
        self._keys = found

    def _taken(self, claims: dict[str, Any]) -> Taken:
        user = self._mapping.user(claims)
        return Taken(user, until=min(_moment(claims.get("exp")), time.time() + _TRUST))


class Mapping:
    """From claims to a user."""

    def __init__(
        self, issuer: str, name: str, name_prefix: str, groups: str, groups_prefix: str, required: dict[str, str]
    ):
        self._name, self._groups, self._groups_prefix, self._required = name, groups, groups_prefix, required
        if not name_prefix and name != "email":
            # names of another issuer must not be taken for the cluster's own; mail addresses are told apart by themselves
            name_prefix = f"{issuer}#"
        self._name_prefix = "" if name_prefix == "-" else name_prefix

    def user(self, claims: dict[str, Any]) -> User:
        """The user that claims tell of. Raises Refused."""
        for key, wanted in self._required.items():
            if key not in claims:
                raise Refused(f"oidc: required claim {key} not present in ID token")
            if claims[key] != wanted:
                raise Refused(f"oidc: required claim {key} value does not match. Got = {claims[key]}, want = {wanted}")
        extra = ((CREDENTIAL, (f"JTI={claims['jti']}",)),) if claims.get("jti") else ()
        return User(self._name_prefix + self._name_of(claims), "", with_group(self._groups_of(claims)), extra)

    def _name_of(self, claims: dict[str, Any]) -> str:
        if self._name not in claims:
            raise Refused(f'oidc: parse username claims "{self._name}": claim not present')
        name = claims[self._name]
        if not isinstance(name, str):
            raise Refused(f'oidc: parse username claims "{self._name}": it is no string')
        if not name:
            raise Refused("oidc: empty username")
        if self._name == "email":
            verified = claims.get("email_verified", True)
            if not isinstance(verified, bool):
                raise Refused("oidc: parse 'email_verified' claim: it is no boolean")
            if not verified:
                raise Refused("oidc: email not verified")
        return name

    def _groups_of(self, claims: dict[str, Any]) -> list[str]:
        if not self._groups or self._groups not in claims:
            return []
        held = claims[self._groups]
        held = [held] if isinstance(held, str) else held
        if not isinstance(held, list) or any(not isinstance(g, str) for g in held):
            raise Refused(f'oidc: parse groups claim "{self._groups}": it is neither a string nor a list of strings')
        return [self._groups_prefix + g for g in held]


def _moment(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def fetch_keys(issuer: str, ca_file: str) -> list[dict[str, Any]]:
    """The issuer's keys, by way of its discovery document. Blocks. Raises OSError, ValueError or LookupError."""
    import ssl

    context = ssl.create_default_context(cafile=ca_file or None)
    found = _json(f"{issuer.rstrip('/')}/.well-known/openid-configuration", context)
    if found["issuer"] != issuer:
        raise ValueError(
            f'oidc: issuer did not match the issuer returned by provider, expected "{issuer}" got "{found["issuer"]}"'
        )
    keys: list[dict[str, Any]] = _json(found["jwks_uri"], context)["keys"]
    return [k for k in keys if isinstance(k, dict)]


def _json(url: str, context: Any) -> Any:
    import urllib.request

    if not url.startswith("https://"):
        raise ValueError(f"{url} is no https URL")
    with urllib.request.urlopen(url, timeout=_TIMEOUT, context=context) as answer:
        return json.loads(answer.read(4 * 1024 * 1024))


AUTHENTICATOR = Authenticator("oidc", 60, token=make)

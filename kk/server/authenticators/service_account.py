"""ServiceAccount tokens: signed by the cluster's key, good while the account and what they are bound to are there.

A signature is checked once per token; what the claims name is looked at again only when one of those objects changed. Rules and texts
follow kubernetes `pkg/serviceaccount/claims.go`. Issuing them: kk.server.endpoints.token_requests.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kk.base.errors import StatusError
from kk.base.times import parse_time
from kk.server.authenticators._types import (
    AUTHENTICATED,
    CREDENTIAL,
    Authenticator,
    Refused,
    Taken,
)
from kk.server.context import LOOPBACK, Server, User
from kk.server.tokens import ISSUER, Keys

#: tokens whose good signature is remembered at most
_MEMORY = 4096
#: seconds that a deleted account's or object's tokens still hold, for a graceful end
_LEEWAY = 60
SECRET_TYPE = "kubernetes.io/service-account-token"
LAST_USED, INVALID_SINCE = "kubernetes.io/legacy-token-last-used", "kubernetes.io/legacy-token-invalid-since"


@dataclass(frozen=True, slots=True)
class Bound:
    """One object that a token's claims name."""

    plural: str
    namespace: str
    name: str
    uid: str
    word: str


def issuers(server: Server) -> list[str]:
    """The issuers whose tokens are taken; the first signs."""
    return list(server.config.flag("service-account-issuer")) or [ISSUER]


def api_audiences(server: Server) -> list[str]:
    """For whom tokens must be that are shown to this server."""
    return list(server.config.flag("api-audiences")) or issuers(server)


def keys(server: Server) -> Keys:
    """The cluster's keys, read on first use."""
    held: Keys | None = server.state.get(f"{__name__}.keys")
    if held is None:
        flag = server.config.flag
        path = flag("service-account-signing-key-file") or Path(server.config.data_dir) / "pki" / "sa.key"
        held = Keys.load(path, flag("service-account-key-file"))
        server.state[f"{__name__}.keys"] = held
    return held


def make(server: Server) -> "Check":
    """The check of this server."""
    return Check(server)


class Check:
    """See the module's docstring."""

    def __init__(self, server: Server):
        self._server, self._keys = server, keys(server)
        self._issuers = frozenset(issuers(server))
        self._claims: dict[str, dict[str, Any]] = {}

    def __call__(self, token: str, audiences: Sequence[str]) -> Taken:
        """The user of a token. Raises NotOurs or Refused."""
        claims = self._claims.get(token)
        if claims is None:
            claims = self._keys.verify(token, self._issuers)
            if len(self._claims) >= _MEMORY:
                self._claims.clear()
            self._claims[token] = claims
        own = claims.get("aud") or []
        own = [own] if isinstance(own, str) else own
        shared = tuple(a for a in audiences if a in own)
        if not shared:
            raise Refused(f"token audiences {_words(own)} is invalid for the target audiences {_words(audiences)}")
        return self._account(claims, shared)

    def _account(self, claims: dict[str, Any], audiences: tuple[str, ...]) -> Taken:
        now, until = time.time(), float(claims.get("exp") or 0)
        if now >= until:
            raise Refused("service account token has expired")
        if now < float(claims.get("nbf") or 0):
            raise Refused("service account token is not valid yet")
        own = claims.get("kubernetes.io")
        if not isinstance(own, dict):
            raise Refused("service account claims are missing")
        rests = []
        for bound in bound_objects(own):
            shelf = self._server.cache.shelves[("", bound.plural)]
            key = f"{bound.namespace}/{bound.name}" if bound.namespace else bound.name
            item = shelf.items.get(key)
            found = shelf.obj(item) if item is not None else None
            until = min(until, alive(bound, found, now))
            rests.append((shelf.items, key, item))
            if bound.plural == "secrets" and found is not None:
                self._used(found)
        notes = _notes(claims, own)
        return Taken(user_of(claims, own), audiences, until, tuple(rests), notes)

    def _used(self, secret: dict[str, Any]) -> None:
        """A token of a Secret was used: the Secret tells the day, so that unused ones can be cleaned up."""
        today = time.strftime("%Y-%m-%d", time.gmtime())
        labels = secret["metadata"].get("labels") or {}
        if secret.get("type") == SECRET_TYPE and labels.get(LAST_USED) != today:
            self._server.spawn(_mark(self._server, secret["metadata"], today))


async def _mark(server: Server, meta: dict[str, Any], today: str) -> None:
    def change(held: dict[str, Any]) -> dict[str, Any]:
        labels = {**(held["metadata"].get("labels") or {}), LAST_USED: today}
        return {**held, "metadata": {**held["metadata"], "labels": labels}}

    try:
        await server.write.update("v1", "secrets", meta["name"], change, meta["namespace"], "", LOOPBACK)
    except StatusError:
        return  # it went meanwhile, or another request told it; the next use tells again


def _words(texts: Sequence[str]) -> str:
    return "[" + " ".join(json.dumps(t) for t in texts) + "]"


def user_of(claims: dict[str, Any], own: dict[str, Any]) -> User:
    """The user that claims tell of."""
    namespace, account = own.get("namespace", ""), own.get("serviceaccount") or {}
    extra: list[tuple[str, tuple[str, ...]]] = []
    if claims.get("jti"):
        extra.append((CREDENTIAL, (f"JTI={claims['jti']}",)))
    for kind in ("node", "pod"):
        ref = own.get(kind)
        if ref:
            extra.append((f"authentication.kubernetes.io/{kind}-name", (ref.get("name", ""),)))
            if ref.get("uid"):
                extra.append((f"authentication.kubernetes.io/{kind}-uid", (ref["uid"],)))
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    name = f"system:serviceaccount:{namespace}:{account.get('name', '')}"
    return User(name, account.get("uid", ""), groups, tuple(extra))


def bound_objects(own: dict[str, Any]) -> list[Bound]:
    """What must still be there for a token to hold."""
    namespace, found = own.get("namespace", ""), []
    for key, plural in (("serviceaccount", "serviceaccounts"), ("secret", "secrets"), ("pod", "pods")):
        ref = own.get(key)
        if ref:
            found.append(Bound(plural, namespace, ref.get("name", ""), ref.get("uid", ""), key))
    if own.get("node") and not own.get("pod"):
        # a pod's token tells its node for information only
        ref = own["node"]
        found.append(Bound("nodes", "", ref.get("name", ""), ref.get("uid", ""), "node"))
    return found


def alive(bound: Bound, found: dict[str, Any] | None, now: float) -> float:
    """Until when an object lets a token hold, as POSIX time. Pure. Raises Refused where it does not."""
    if found is None:
        raise Refused("service account token has been invalidated")
    meta = found["metadata"]
    if meta.get("uid") != bound.uid:
        word = "service account" if bound.word == "serviceaccount" else bound.word
        raise Refused(f"{word} UID ({meta.get('uid')}) does not match claim ({bound.uid})")
    if bound.plural == "secrets" and (meta.get("labels") or {}).get(INVALID_SINCE):
        raise Refused("the token in secret has been marked as invalid")
    deleted = meta.get("deletionTimestamp")
    if not deleted:
        return float("inf")
    until = parse_time(deleted).timestamp() + _LEEWAY
    if now > until:
        raise Refused("service account token has been invalidated")
    return until


def _notes(claims: dict[str, Any], own: dict[str, Any]) -> Any:
    """Audit annotations of a token that is used longer than it was asked for, or that comes out of a Secret."""
    warn = own.get("warnafter")
    if not warn and not own.get("secret"):
        return None
    subject = claims.get("sub", "")

    def notes(now: float) -> list[tuple[str, str]]:
        found = []
        if warn and now > warn:
            late = int(now - warn)
            text = f"subject: {subject}, seconds after warning threshold: {late}"
            found.append(("authentication.k8s.io/stale-token", text))
        if own.get("secret"):
            found.append(("authentication.k8s.io/legacy-token", subject))
        return found

    return notes


AUTHENTICATOR = Authenticator("service-account", 40, token=make, audiences=True)

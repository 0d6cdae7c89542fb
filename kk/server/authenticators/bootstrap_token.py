"""Bootstrap tokens: ID.SECRET, kept in Secrets kube-system/bootstrap-token-ID until they expire; how a new node gets its first certificate.

As kubernetes `plugin/pkg/auth/authenticator/token/bootstrap`; kk.control's tokencleaner deletes them when their time is over.
"""

import base64
import hmac
import math
import re
import time
from collections.abc import Sequence
from typing import Any

from kk.base.times import parse_time
from kk.server.authenticators._types import Authenticator, NotOurs, Refused, Taken, TokenCheck, with_group
from kk.server.context import Server, User

NAMESPACE, TYPE, PREFIX = "kube-system", "bootstrap.kubernetes.io/token", "bootstrap-token-"
GROUP = "system:bootstrappers"
_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")


def make(server: Server) -> TokenCheck | None:
    """The check of this server."""
    if not server.config.flag("enable-bootstrap-token-auth"):
        return None
    shelf = server.cache.shelves[("", "secrets")]

    def check(token: str, audiences: Sequence[str]) -> Taken:
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise NotOurs
        key = f"{NAMESPACE}/{PREFIX}{match[1]}"
        item = shelf.items.get(key)
        if item is None:
            raise NotOurs
        user, until = holder(shelf.obj(item), match[1], match[2], time.time())
        return Taken(user, until=until, rests=((shelf.items, key, item),))

    return check


def holder(secret: dict[str, Any], token_id: str, token: str, now: float) -> tuple[User, float]:
    """The user of a token, and until when it holds. Pure. Raises NotOurs where the Secret does not let it in."""
    if secret["metadata"].get("deletionTimestamp") or secret.get("type") != TYPE:
        raise NotOurs
    data = {k: _text(v) for k, v in (secret.get("data") or {}).items()}
    if (
        not hmac.compare_digest(data.get("token-secret", "").encode(), token.encode())
        or data.get("token-id") != token_id
    ):
        raise NotOurs
    until = expiry(data.get("expiration", ""))
    if now >= until or data.get("usage-bootstrap-authentication") != "true":
        raise NotOurs
    return User(f"system:bootstrap:{token_id}", "", with_group(groups(data.get("auth-extra-groups", "")))), until


def expiry(text: str) -> float:
    """When a token ends, as POSIX time: never without a date, long ago for what is no date."""
    if not text:
        return math.inf
    try:
        return parse_time(text).timestamp()
    except ValueError:
        return 0.0


def groups(text: str) -> list[str]:
    """system:bootstrappers and the extra groups, sorted. Raises Refused for names that bootstrap tokens may not give."""
    found = {GROUP}
    for name in text.split(",") if text else ():
        if not _GROUP.fullmatch(name):
            raise Refused(f'bootstrap group "{name}" is invalid (must match \\A{_GROUP.pattern}\\z)')
        found.add(name)
    return sorted(found)


def _text(value: str) -> str:
    try:
        return base64.b64decode(value).decode()
    except ValueError:
        return ""


AUTHENTICATOR = Authenticator("bootstrap-token", 50, token=make)

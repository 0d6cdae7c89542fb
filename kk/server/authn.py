"""Who asks: client certificates, ServiceAccount tokens, the static token file, or nobody in particular.

A certificate is read once per connection, a token's signature is checked once; what may change (expiry, the account and the objects that a
token is bound to) is looked at with every request. Texts and rules follow kubernetes `pkg/serviceaccount/claims.go` and
k8s.io/apiserver `pkg/authentication/request`. Not here: what the user may do (kk.server.authz), impersonation (kk.server.impersonation).
"""

import csv
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from kk.base.errors import unauthorized
from kk.base.times import parse_time
from kk.server.context import Connection, Server, User
from kk.server.tokens import ISSUER, Keys, NotOurs, Refused, unb64

AUTHENTICATED, UNAUTHENTICATED = "system:authenticated", "system:unauthenticated"
ANONYMOUS = User("system:anonymous", "", (UNAUTHENTICATED,))
#: the static token file below the data directory: token,user,uid,"group1,group2"
TOKEN_FILE = "tokens.csv"
_CREDENTIAL = "authentication.kubernetes.io/credential-id"
_WEBSOCKET = "base64url.bearer.authorization.k8s.io."
#: tokens whose good signature is remembered at most
_MEMORY = 4096
#: seconds that a deleted account's or object's tokens still hold, for a graceful end
_LEEWAY = 60


@dataclass(frozen=True, slots=True)
class Bound:
    """One object that a token's claims name."""

    group: str
    plural: str
    namespace: str
    name: str
    uid: str
    word: str


def authenticate(server: Server, scope: dict[str, Any], headers: dict[bytes, bytes]) -> User:
    """The user of a request. Raises StatusError 401 for credentials that do not hold."""
    connection: Connection | None = scope.get("kk")
    if connection is not None and connection.certificate is not None:
        return _certified(connection)
    token = _bearer(headers)
    if not token:
        return ANONYMOUS
    state = authenticator(server)
    try:
        return state.user_of(server, token, (ISSUER,))[0]
    except (NotOurs, Refused):
        raise unauthorized() from None


def authenticator(server: Server) -> "Authenticator":
    """The server's keys and tokens, read on first use."""
    held = server.state.get(__name__)
    if held is None:
        held = server.state[__name__] = Authenticator(Path(server.config.data_dir))
    return held


class Authenticator:
    """What tokens are checked against, and those already checked."""

    def __init__(self, data_dir: Path):
        self.keys = Keys.load(data_dir / "pki" / "sa.key")
        self._static = _read_tokens(data_dir / TOKEN_FILE)
        self._known: dict[str, dict[str, Any]] = {}

    def user_of(self, server: Server, token: str, audiences: Sequence[str]) -> tuple[User, list[str]]:
        """The user of a token, and the audiences that both sides name. Raises NotOurs or Refused."""
        static = self._static.get(token)
        if static is not None:
            return static, list(audiences)
        claims = self._known.get(token)
        if claims is None:
            claims = self.keys.verify(token)
            if len(self._known) >= _MEMORY:
                self._known.clear()
            self._known[token] = claims
        own = claims.get("aud") or []
        own = [own] if isinstance(own, str) else own
        shared = [a for a in audiences if a in own]
        if not shared:
            told = f"token audiences {_words(own)} is invalid for the target audiences {_words(audiences)}"
            raise Refused(told)
        return _account(server, claims), shared


def _words(texts: Sequence[str]) -> str:
    return "[" + " ".join(json.dumps(t) for t in texts) + "]"


def _bearer(headers: dict[bytes, bytes]) -> str:
    raw = headers.get(b"authorization")
    if raw is not None:
        scheme, _, token = raw.decode("latin-1").strip().partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""
    for protocol in headers.get(b"sec-websocket-protocol", b"").decode("latin-1").split(","):
        protocol = protocol.strip()
        if protocol.startswith(_WEBSOCKET):
            try:
                return unb64(protocol[len(_WEBSOCKET) :]).decode()
            except ValueError:
                raise unauthorized() from None
    return ""


def _certified(connection: Connection) -> User:
    """The user of a client certificate, which the TLS layer has checked against the cluster's CA."""
    if connection.user is None:
        assert connection.certificate is not None
        cert = x509.load_der_x509_certificate(connection.certificate)
        names = [str(a.value) for a in cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        groups = [str(a.value) for a in cert.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
        if not names or not names[0]:
            raise unauthorized()
        if AUTHENTICATED not in groups:
            groups.append(AUTHENTICATED)
        digest = hashlib.sha256(connection.certificate).hexdigest()
        extra = ((_CREDENTIAL, (f"X509SHA256={digest}",)),)
        connection.memory = cert.not_valid_after_utc.timestamp()
        connection.user = User(names[0], "", tuple(groups), extra)
    if time.time() > connection.memory:
        raise unauthorized()
    return connection.user


def _account(server: Server, claims: dict[str, Any]) -> User:
    """The user that the claims tell of, where all they name is still there. Raises Refused."""
    now = time.time()
    if now >= float(claims.get("exp") or 0):
        raise Refused("service account token has expired")
    if now < float(claims.get("nbf") or 0):
        raise Refused("service account token is not valid yet")
    own = claims.get("kubernetes.io")
    if not isinstance(own, dict):
        raise Refused("service account claims are missing")
    namespace = own.get("namespace", "")
    account = own.get("serviceaccount") or {}
    extra: list[tuple[str, tuple[str, ...]]] = []
    if claims.get("jti"):
        extra.append((_CREDENTIAL, (f"JTI={claims['jti']}",)))
    for bound in _bound(own, namespace):
        _alive(server, bound, now)
    for kind in ("node", "pod"):
        ref = own.get(kind)
        if ref:
            extra.append((f"authentication.kubernetes.io/{kind}-name", (ref.get("name", ""),)))
            if ref.get("uid"):
                extra.append((f"authentication.kubernetes.io/{kind}-uid", (ref["uid"],)))
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    name = f"system:serviceaccount:{namespace}:{account.get('name', '')}"
    return User(name, account.get("uid", ""), groups, tuple(extra))


def _bound(own: dict[str, Any], namespace: str) -> list[Bound]:
    found = []
    kinds = (("serviceaccount", "serviceaccounts"), ("secret", "secrets"), ("pod", "pods"))
    for key, plural in kinds:
        ref = own.get(key)
        if ref:
            found.append(Bound("", plural, namespace, ref.get("name", ""), ref.get("uid", ""), key))
    if own.get("node") and not own.get("pod"):
        # a pod's token tells its node for information only
        ref = own["node"]
        found.append(Bound("", "nodes", "", ref.get("name", ""), ref.get("uid", ""), "node"))
    return found


def _alive(server: Server, bound: Bound, now: float) -> None:
    found = server.cache.get(bound.group, bound.plural, bound.namespace, bound.name)
    if found is None:
        raise Refused("service account token has been invalidated")
    meta = found["metadata"]
    if meta.get("uid") != bound.uid:
        word = "service account" if bound.word == "serviceaccount" else bound.word
        raise Refused(f"{word} UID ({meta.get('uid')}) does not match claim ({bound.uid})")
    deleted = meta.get("deletionTimestamp")
    if deleted and now > parse_time(deleted).timestamp() + _LEEWAY:
        raise Refused("service account token has been invalidated")


def _read_tokens(path: Path) -> dict[str, User]:
    """The static token file; no file, no tokens."""
    found: dict[str, User] = {}
    if not path.exists():
        return found
    with path.open(newline="") as lines:
        for row in csv.reader(lines, skipinitialspace=True):
            if len(row) < 3 or not row[0] or row[0].startswith("#"):
                continue
            groups = [g.strip() for g in row[3].split(",")] if len(row) > 3 and row[3] else []
            found[row[0]] = User(row[1], row[2], (*groups, AUTHENTICATED))
    return found

"""The front proxy's word: X-Remote-User and its like, believed from clients with a certificate of the front proxy's CA and an allowed name.

As k8s.io/apiserver `pkg/authentication/request/headerrequest`. Nothing is remembered: each request of such a connection may be another user's.
"""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from cryptography import x509
from cryptography.x509.oid import NameOID

from kk.server.authenticators._types import Authenticator, NotOurs, Refused, Taken, with_group
from kk.server.authenticators.x509 import roots
from kk.server.context import Connection, Server, User


def ca_file(server: Server) -> Path:
    """The CA of front proxies."""
    given = server.config.flag("requestheader-client-ca-file")
    return Path(given or Path(server.config.data_dir) / "pki" / "front-proxy-ca.crt")


def make(server: Server) -> "RequestHeader | None":
    """The check of this server; none without a CA."""
    path = ca_file(server)
    return RequestHeader(server, roots(path)) if path.exists() else None


class RequestHeader:
    """See the module's docstring."""

    def __init__(self, server: Server, trusted: frozenset[bytes]):
        flag = server.config.flag
        self._trusted, self._names = trusted, frozenset(flag("requestheader-allowed-names"))
        self._user, self._uid = (
            _lower(flag("requestheader-username-headers")),
            _lower(flag("requestheader-uid-headers")),
        )
        self._groups = _lower(flag("requestheader-group-headers"))
        self._extra = _lower(flag("requestheader-extra-headers-prefix"))

    def __call__(self, connection: Connection, headers: Sequence[tuple[bytes, bytes]]) -> Taken:
        """The user that the headers name."""
        assert connection.certificate is not None
        if connection.root not in self._trusted:
            raise NotOurs
        self._check_name(connection.certificate)
        name, uid = _first(self._user, headers), _first(self._uid, headers)
        if not name:
            raise NotOurs
        groups = [v.decode("utf-8", "replace") for wanted in self._groups for k, v in headers if k == wanted]
        return Taken(User(name, uid, with_group([g for g in groups if g]), self._more(headers)), until=0)

    def _check_name(self, certificate: bytes) -> None:
        cert = x509.load_der_x509_certificate(certificate)
        names = [str(a.value) for a in cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        common = names[0] if names else ""
        if self._names and common not in self._names:
            raise Refused(f"x509: subject with cn={common} is not in the allowed list")

    def _more(self, headers: Sequence[tuple[bytes, bytes]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
        found: dict[str, list[str]] = {}
        for prefix in self._extra:
            for key, value in headers:
                if key.startswith(prefix):
                    name = unquote(key[len(prefix) :].decode("latin-1")).lower()
                    found.setdefault(name, []).append(value.decode("utf-8", "replace"))
        return tuple((k, tuple(v)) for k, v in sorted(found.items()))


def _lower(names: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(n.strip().lower().encode() for n in names if n.strip())


def _first(names: Sequence[bytes], headers: Sequence[tuple[bytes, bytes]]) -> str:
    """The first value of the first header that has one."""
    for name in names:
        for key, value in headers:
            if key == name and value:
                return value.decode("utf-8", "replace")
    return ""


AUTHENTICATOR = Authenticator("request-header", 10, request=make)

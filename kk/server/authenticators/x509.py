"""Client certificates of the cluster's CA: the common name is the user, organizations are groups.

The TLS layer has checked the signatures; here only certificates whose chain ends in a client CA count, for the front proxy's CA is trusted
on the same socket. Read once per connection; as k8s.io/apiserver `pkg/authentication/request/x509`.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from kk.server.authenticators._types import CREDENTIAL, Authenticator, NotOurs, Refused, Taken, with_group
from kk.server.context import Connection, Server, User

#: a certificate's uid, as kube-apiserver reads it (OID 1.3.6.1.4.1.57683.2)
_UID = ObjectIdentifier("1.3.6.1.4.1.57683.2")


def ca_file(server: Server) -> Path:
    """The bundle that clients' certificates must descend from."""
    return Path(server.config.flag("client-ca-file") or Path(server.config.data_dir) / "pki" / "ca.crt")


def roots(path: Path) -> frozenset[bytes]:
    """The certificates of a PEM bundle, DER."""
    return frozenset(c.public_bytes(Encoding.DER) for c in x509.load_pem_x509_certificates(path.read_bytes()))


def make(server: Server) -> "X509":
    """The check of this server."""
    return X509(roots(ca_file(server)))


class X509:
    """See the module's docstring."""

    def __init__(self, trusted: frozenset[bytes]):
        self._trusted = trusted

    def __call__(self, connection: Connection, headers: Sequence[tuple[bytes, bytes]]) -> Taken:
        """The user of the connection's certificate."""
        assert connection.certificate is not None
        if connection.root not in self._trusted:
            raise NotOurs
        cert = x509.load_der_x509_certificate(connection.certificate)
        names = _texts(cert, NameOID.COMMON_NAME)
        if not names or not names[0]:
            raise Refused("x509: the certificate's subject has no common name")
        digest = hashlib.sha256(connection.certificate).hexdigest()
        extra = ((CREDENTIAL, (f"X509SHA256={digest}",)),)
        uids = _texts(cert, _UID)
        user = User(names[0], uids[0] if uids else "", with_group(_texts(cert, NameOID.ORGANIZATION_NAME)), extra)
        return Taken(user, until=cert.not_valid_after_utc.timestamp())


def _texts(cert: x509.Certificate, oid: ObjectIdentifier) -> list[str]:
    return [str(a.value) for a in cert.subject.get_attributes_for_oid(oid)]


AUTHENTICATOR = Authenticator("x509", 20, request=make, sticky=True)

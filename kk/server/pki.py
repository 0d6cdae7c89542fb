"""The cluster's keys and certificates: a CA of its own, the server's certificate, one client identity per component.

Everything is EC P-256, so that a first start costs milliseconds. `ensure` may be called at each start: what is there and good is kept,
what has run out (or no longer names this host) is made again from the same CA. Private keys and kubeconfigs have mode 0600.
Not here: who may do what (kk.server.authz), and certificates that are asked for over the API (the csr controllers sign those).
"""

import base64
import ipaddress
import json
import os
import socket
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

#: names under which pods and people reach the server, beside this host's own
SERVER_NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)
#: loopback, and the first address of the service range (the `kubernetes` Service)
SERVER_IPS = ("127.0.0.1", "::1", "10.96.0.1")
MASTERS = "system:masters"
CA_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=365)
#: a certificate with less than this left is made again at the next start
RENEW_BEFORE = timedelta(days=30)
_SKEW = timedelta(minutes=5)
Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA: its certificate and key, and the PEM of the certificate."""

    cert: x509.Certificate
    key: Key
    pem: bytes


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, both PEM."""

    cert: bytes
    key: bytes


def ensure(data_dir: str | os.PathLike[str], host: str = "127.0.0.1", port: int = 6443) -> None:
    """Make what is missing or has run out of `pki/` and `kubeconfig/` below the data directory.

    Raises OSError where the directory cannot be written, ValueError where a file there is no PEM.
    """
    root = Path(data_dir)
    pki = root / "pki"
    for folder in (root, pki, root / "kubeconfig"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = _ensure_authority(pki, "ca", "kubernetes")
    front = _ensure_authority(pki, "front-proxy-ca", "front-proxy-ca")
    _ensure_service_account_key(pki)
    _ensure_server(pki, authority, host)
    _ensure_client(pki, authority, "apiserver-kubelet-client", "kube-apiserver-kubelet-client", (MASTERS,))
    _ensure_client(pki, front, "front-proxy-client", "front-proxy-client", ())
    url = server_url(host, port)
    for name, user, groups in (
        ("admin", "kubernetes-admin", (MASTERS,)),
        ("controller-manager", "system:kube-controller-manager", ()),
        ("scheduler", "system:kube-scheduler", ()),
    ):
        _ensure_kubeconfig(root, authority, root / "kubeconfig" / f"{name}.conf", user, groups, url)


def server_url(host: str, port: int) -> str:
    """The URL that kubeconfigs of this machine name; a wildcard listener is reached over loopback."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def reachable_url(host: str, port: int) -> str:
    """The URL that other machines name; a wildcard listener is reached by this host's name, which its certificate bears."""
    own = _host_names()
    return server_url(own[0] if own and host in ("0.0.0.0", "::", "") else host, port)


def issue_kubeconfig(
    data_dir: str | os.PathLike[str], user: str, groups: Sequence[str], path: str | os.PathLike[str], url: str
) -> None:
    """Write a self-contained kubeconfig with a fresh client certificate of `user` (CN) in `groups` (O)."""
    root = Path(data_dir)
    authority = read_authority(root / "pki", "ca")
    pair = client_pair(authority, user, groups)
    write_private(Path(path), kubeconfig(url, authority.pem, pair, user))


def issue_node(data_dir: str | os.PathLike[str], node_name: str, url: str = "") -> str:
    """The kubeconfig path of a node: identity `system:node:NAME`, and beside it in pki/ the kubelet's serving pair.

    Files: kubeconfig/node-NAME.conf, pki/kubelet-NAME.crt and .key. What is still good is kept. `url` defaults to the admin's.
    """
    root = Path(data_dir)
    pki, conf = root / "pki", root / "kubeconfig" / f"node-{node_name}.conf"
    authority = read_authority(pki, "ca")
    if not url:
        admin = json.loads((root / "kubeconfig" / "admin.conf").read_bytes())
        url = admin["clusters"][0]["cluster"]["server"]
    _ensure_kubeconfig(root, authority, conf, f"system:node:{node_name}", ("system:nodes",), url)
    stem = f"kubelet-{node_name}"
    names = [node_name, "localhost", "127.0.0.1", "::1", *_host_names()]
    if not _good(pki / f"{stem}.crt", pki / f"{stem}.key", authority, names):
        _write_pair(pki, stem, server_pair(authority, f"system:node:{node_name}", names, ("system:nodes",)))
    return str(conf)


def client_pair(authority: Authority, user: str, groups: Sequence[str]) -> Pair:
    """A client certificate; the user is the common name, the groups are organizations."""
    return _sign(authority, user, groups, ExtendedKeyUsageOID.CLIENT_AUTH, ())


def server_pair(
    authority: Authority, name: str, names: Sequence[str], groups: Sequence[str] = (), life: timedelta = LEAF_LIFE
) -> Pair:
    """A serving certificate for DNS names and IP addresses (told apart by their form)."""
    return _sign(authority, name, groups, ExtendedKeyUsageOID.SERVER_AUTH, names, life)


def kubeconfig(url: str, ca: bytes, pair: Pair, user: str, cluster: str = "kubernetes") -> bytes:
    """A kubeconfig of one cluster, one user and one context, with inline data; JSON, which every YAML reader takes."""
    context = f"{user}@{cluster}"
    doc: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {"server": url, "certificate-authority-data": _b64(ca)}}],
        "users": [
            {
                "name": user,
                "user": {"client-certificate-data": _b64(pair.cert), "client-key-data": _b64(pair.key)},
            }
        ],
        "contexts": [{"name": context, "context": {"cluster": cluster, "user": user}}],
        "current-context": context,
    }
    return json.dumps(doc, indent=2).encode() + b"\n"


def write_private(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a file in one step; it is never readable by others, not even while it is written."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _name(common: str, groups: Sequence[str] = ()) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, g) for g in groups]
    # X.520 ends a common name at 64 characters, a node's user name may be longer; Kubernetes' own clients take it, as OpenSSL does
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common, _validate=False)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: Key, life: timedelta) -> x509.CertificateBuilder:
    now = _now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )


def _sign(
    authority: Authority,
    common: str,
    groups: Sequence[str],
    purpose: x509.ObjectIdentifier,
    names: Sequence[str],
    life: timedelta = LEAF_LIFE,
) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_name(common, groups), authority.cert.subject, key, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(_usage(signs=False), True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), False)
    )
    if names:
        alternatives = [_general(n) for n in dict.fromkeys(names)]
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), False)
    cert = builder.sign(authority.key, hashes.SHA256())
    return Pair(cert.public_bytes(serialization.Encoding.PEM), _key_pem(key))


def _new_authority(common: str) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(common)
    cert = (
        _builder(name, name, key, CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .add_extension(_usage(signs=True), True)
        .sign(key, hashes.SHA256())
    )
    return Pair(cert.public_bytes(serialization.Encoding.PEM), _key_pem(key))


def _read_key(path: Path) -> Key:
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path}: not an EC private key")
    return key


def read_authority(pki: Path, stem: str = "ca") -> Authority:
    """A CA of the pki folder. Raises OSError or ValueError."""
    pem = (pki / f"{stem}.crt").read_bytes()
    return Authority(x509.load_pem_x509_certificate(pem), _read_key(pki / f"{stem}.key"), pem)


def _write_pair(pki: Path, stem: str, pair: Pair) -> None:
    # the key first: a certificate on disk always has its key beside it
    write_private(pki / f"{stem}.key", pair.key)
    write_private(pki / f"{stem}.crt", pair.cert, 0o644)


def _ensure_authority(pki: Path, stem: str, common: str) -> Authority:
    if not ((pki / f"{stem}.crt").exists() and (pki / f"{stem}.key").exists()):
        _write_pair(pki, stem, _new_authority(common))
    return read_authority(pki, stem)


def _ensure_service_account_key(pki: Path) -> None:
    if not (pki / "sa.key").exists():
        write_private(pki / "sa.key", _key_pem(ec.generate_private_key(ec.SECP256R1())))
    if not (pki / "sa.pub").exists():
        public = _read_key(pki / "sa.key").public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        write_private(pki / "sa.pub", pem, 0o644)


def _host_names() -> list[str]:
    """This host's name, where a certificate can carry it."""
    name = socket.gethostname().lower()
    fits = bool(name) and len(name) <= 253 and name.isascii() and all(c.isalnum() or c in "-." for c in name)
    return [name] if fits else []


def _ensure_server(pki: Path, authority: Authority, host: str) -> None:
    names = [*SERVER_IPS, *SERVER_NAMES, *_host_names()]
    if host not in ("", "0.0.0.0", "::"):
        names.append(host)
    if not _good(pki / "apiserver.crt", pki / "apiserver.key", authority, names):
        _write_pair(pki, "apiserver", server_pair(authority, "kube-apiserver", names))


def _ensure_client(pki: Path, authority: Authority, stem: str, user: str, groups: Sequence[str]) -> None:
    if not _good(pki / f"{stem}.crt", pki / f"{stem}.key", authority):
        _write_pair(pki, stem, client_pair(authority, user, groups))


def _ensure_kubeconfig(
    root: Path, authority: Authority, path: Path, user: str, groups: Sequence[str], url: str
) -> None:
    """Keep a kubeconfig whose certificate is good; one that names another URL keeps its certificate."""
    try:
        doc = json.loads(path.read_bytes())
        credentials = doc["users"][0]["user"]
        pair = Pair(
            base64.b64decode(credentials["client-certificate-data"]), base64.b64decode(credentials["client-key-data"])
        )
        good = _valid(x509.load_pem_x509_certificate(pair.cert), authority, ())
        if good and doc["clusters"][0]["cluster"] == {
            "server": url,
            "certificate-authority-data": _b64(authority.pem),
        }:
            return
    except (OSError, ValueError, LookupError, TypeError):
        good = False
    if not good:
        pair = client_pair(authority, user, groups)
    write_private(path, kubeconfig(url, authority.pem, pair, user))


def _good(cert_path: Path, key_path: Path, authority: Authority, names: Sequence[str] = ()) -> bool:
    """Whether a stored pair can be kept."""
    try:
        cert = x509.load_pem_x509_certificate(cert_path.read_bytes())
        return cert.public_key() == _read_key(key_path).public_key() and _valid(cert, authority, names)
    except (OSError, ValueError):
        return False


def _valid(cert: x509.Certificate, authority: Authority, names: Sequence[str]) -> bool:
    if cert.issuer != authority.cert.subject or cert.not_valid_after_utc - _now() < RENEW_BEFORE:
        return False
    authority_id = cert.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    if authority_id != x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()):
        return False
    if not names:
        return True
    held = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {_general(n) for n in names} <= set(held)

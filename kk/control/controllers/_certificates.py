"""What the certificate controllers share: reading a request, the rules of the built-in signers, and conditions.

Pure but for the signature. The certificate library is imported with the first request: a cluster without any pays nothing for it.
Rules and texts as kubernetes `pkg/apis/certificates/helpers.go` and `pkg/controller/certificates/signer`.
"""

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from kk.base.times import format_time

Obj = dict[str, Any]
API, PLURAL = "certificates.k8s.io/v1", "certificatesigningrequests"
KUBELET, SERVING = "kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kubelet-serving"
CLIENT, LEGACY = "kubernetes.io/kube-apiserver-client", "kubernetes.io/legacy-unknown"
_NODES, _NODE = "system:nodes", "system:node:"
_BASE = {"digital signature", "key encipherment"}
#: a certificate lives this long at least, whatever was asked for
_LEAST = timedelta(minutes=10)
#: certificates are good from a little before now on: clocks differ
_BACKDATE = timedelta(minutes=5)


class Unfit(ValueError):
    """A request that its signer does not sign; the text says why."""


def has(csr: Obj, kind: str) -> Obj | None:
    """A condition that is there and not False."""
    for condition in (csr.get("status") or {}).get("conditions") or ():
        if condition.get("type") == kind and condition.get("status", "True") != "False":
            found: Obj = condition
            return found
    return None


def with_condition(csr: Obj, kind: str, reason: str, message: str, now: datetime) -> Obj:
    """The request with one condition more."""
    moment = format_time(now)
    condition = {"type": kind, "status": "True", "reason": reason, "message": message}
    condition |= {"lastUpdateTime": moment, "lastTransitionTime": moment}
    status = csr.get("status") or {}
    return {**csr, "status": {**status, "conditions": [*(status.get("conditions") or ()), condition]}}


def parse(csr: Obj) -> Any:
    """The X.509 request inside. Raises Unfit."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_csr(base64.b64decode(csr["spec"]["request"]))
    except (ValueError, KeyError) as error:
        raise Unfit(f"unable to parse csr: {error}") from None


def subject(request: Any) -> tuple[str, list[str]]:
    """(common name, organizations) of an X.509 request."""
    from cryptography.x509.oid import NameOID

    names = [str(a.value) for a in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return (names[0] if names else ""), [
        str(a.value) for a in request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    ]


def alternatives(request: Any) -> dict[str, list[Any]]:
    """Alternative names of an X.509 request: dns, ip, email, uri."""
    from cryptography import x509

    try:
        held = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return {"dns": [], "ip": [], "email": [], "uri": []}
    kinds = {"dns": x509.DNSName, "ip": x509.IPAddress, "email": x509.RFC822Name, "uri": x509.UniformResourceIdentifier}
    return {name: held.get_values_for_type(kind) for name, kind in kinds.items()}


def check_kubelet_client(request: Any, usages: set[str]) -> None:
    """Raises Unfit for what is no kubelet's client certificate."""
    _check_node(request)
    held = alternatives(request)
    for kind, word in (("dns", "DNS"), ("email", "Email"), ("ip", "IP"), ("uri", "URI")):
        if held[kind]:
            raise Unfit(f"{word} subjectAltNames are not allowed")
    _check_usages(usages, "client auth")


def check_kubelet_serving(request: Any, usages: set[str]) -> None:
    """Raises Unfit for what is no kubelet's serving certificate."""
    _check_node(request)
    held = alternatives(request)
    if not held["dns"] and not held["ip"]:
        raise Unfit("DNS or IP subjectAltName is required")
    for kind, word in (("email", "Email"), ("uri", "URI")):
        if held[kind]:
            raise Unfit(f"{word} subjectAltNames are not allowed")
    _check_usages(usages, "server auth")


def check_client(request: Any, usages: set[str]) -> None:
    """Raises Unfit for what is no client certificate."""
    more = usages - _BASE - {"client auth"}
    if more:
        raise Unfit(f"invalid usage for client certificate: {min(more)}")
    if "client auth" not in usages:
        raise Unfit(f"missing usages for client certificate: {sorted({'client auth'} - usages)}")


def _check_node(request: Any) -> None:
    name, groups = subject(request)
    if groups != [_NODES]:
        raise Unfit("subject organization is not system:nodes")
    if not name.startswith(_NODE):
        raise Unfit("subject common name does not begin with system:node:")


def _check_usages(usages: set[str], purpose: str) -> None:
    if usages not in ({purpose, *_BASE}, {purpose, "digital signature"}):
        raise Unfit(f"usages did not match [{' '.join(sorted({purpose, *_BASE}))}]")


#: signer → what it checks
SIGNERS: dict[str, Callable[[Any, set[str]], None]] = {
    KUBELET: check_kubelet_client,
    SERVING: check_kubelet_serving,
    CLIENT: check_client,
    LEGACY: lambda request, usages: None,
}


def lifetime(csr: Obj, most: timedelta) -> timedelta:
    """How long the certificate shall live: what is asked for, within bounds."""
    asked = csr["spec"].get("expirationSeconds")
    if asked is None:
        return most
    return max(_LEAST, min(most, timedelta(seconds=asked)))


def sign(csr: Obj, cert_pem: bytes, key_pem: bytes, most: timedelta, now: datetime) -> bytes:
    """The certificate, PEM. Raises Unfit."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    request = parse(csr)
    if not request.is_signature_valid:
        raise Unfit("unable to verify certificate request signature")
    authority = x509.load_pem_x509_certificate(cert_pem)
    key: Any = serialization.load_pem_private_key(key_pem, None)
    start = now.replace(microsecond=0) - _BACKDATE
    end = min(start + _BACKDATE + lifetime(csr, most), authority.not_valid_after_utc)
    usages = set(csr["spec"].get("usages") or ())
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(authority.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(_key_usage(usages), True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False)
    )
    purposes = _purposes(usages)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), False)
    try:
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        builder = builder.add_extension(names.value, names.critical)
    except x509.ExtensionNotFound:
        pass
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _key_usage(usages: set[str]) -> Any:
    from cryptography import x509

    agrees = "key agreement" in usages
    return x509.KeyUsage(
        digital_signature=bool(usages & {"digital signature", "signing"}),
        content_commitment="content commitment" in usages,
        key_encipherment="key encipherment" in usages,
        data_encipherment="data encipherment" in usages,
        key_agreement=agrees,
        key_cert_sign="cert sign" in usages,
        crl_sign="crl sign" in usages,
        encipher_only=agrees and "encipher only" in usages,
        decipher_only=agrees and "decipher only" in usages,
    )


def _purposes(usages: set[str]) -> list[Any]:
    from cryptography.x509.oid import ExtendedKeyUsageOID as Oid

    known = {
        "any": Oid.ANY_EXTENDED_KEY_USAGE,
        "server auth": Oid.SERVER_AUTH,
        "client auth": Oid.CLIENT_AUTH,
        "code signing": Oid.CODE_SIGNING,
        "email protection": Oid.EMAIL_PROTECTION,
        "s/mime": Oid.EMAIL_PROTECTION,
        "timestamping": Oid.TIME_STAMPING,
        "ocsp signing": Oid.OCSP_SIGNING,
    }
    return list(dict.fromkeys(oid for usage, oid in known.items() if usage in usages))


def expiry(csr: Obj) -> datetime | None:
    """When the issued certificate ends; None without one, or one that cannot be read."""
    from cryptography import x509

    pem = (csr.get("status") or {}).get("certificate")
    if not pem:
        return None
    try:
        return x509.load_pem_x509_certificates(base64.b64decode(pem))[0].not_valid_after_utc
    except ValueError:
        return None

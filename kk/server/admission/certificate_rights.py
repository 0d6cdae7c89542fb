"""CertificateApproval, CertificateSigning and CertificateSubjectRestriction: who may approve and sign requests of a signer, and what may be asked.

Rules and texts follow kubernetes `plugin/pkg/admission/certificates`.
"""

import base64

from cryptography import x509
from cryptography.x509.oid import NameOID

from kk.server.admission._shared import Obj, refuse
from kk.server.authz import MASTERS, access, authorize
from kk.server.context import Attributes, Plugin

_GROUP = "certificates.k8s.io"
_CLIENT = "kubernetes.io/kube-apiserver-client"


def validate(a: Attributes) -> None:
    """Raise StatusError 403."""
    new, old = a.obj or {}, a.old or {}
    if a.operation == "CREATE":
        _subject(a, new)
        return
    signer = (old.get("spec") or {}).get("signerName", "")
    if a.subresource == "approval":
        if not _may(a, "approve", signer):
            raise refuse(a, f'user not permitted to approve requests with signerName "{signer}"')
    elif a.subresource == "status":
        if _unchanged(new, old) or _may(a, "sign", signer):
            return
        raise refuse(a, f'user not permitted to sign requests with signerName "{signer}"')


def _unchanged(new: Obj, old: Obj) -> bool:
    after, before = new.get("status") or {}, old.get("status") or {}
    return after.get("certificate") == before.get("certificate") and _failed(after) == _failed(before)


def _failed(status: Obj) -> list[Obj]:
    return [c for c in status.get("conditions") or () if c.get("type") == "Failed"]


def _may(a: Attributes, verb: str, signer: str) -> bool:
    """Whether the user may do this for the signer, or for all signers of its domain."""
    domain = signer.partition("/")[0]
    names = (signer, f"{domain}/*")
    return any(authorize(a.server, a.user, access(verb, "signers", group=_GROUP, name=n)) is None for n in names)


def _subject(a: Attributes, new: Obj) -> None:
    """Membership of system:masters is not to be had from the client signer."""
    spec = new.get("spec") or {}
    if spec.get("signerName") != _CLIENT:
        return
    try:
        asked = x509.load_pem_x509_csr(base64.b64decode(spec.get("request") or ""))
    except ValueError as error:
        raise refuse(a, f"failed to parse CSR: {error}") from None
    groups = [attribute.value for attribute in asked.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    if MASTERS in groups:
        raise refuse(a, f"use of {_CLIENT} signer with {MASTERS} group is not allowed")


PLUGIN = Plugin(
    "CertificateRights",
    150,
    validate=validate,
    operations=("CREATE", "UPDATE"),
    resources=tuple(f"certificatesigningrequests.{_GROUP}{s}" for s in ("", "/approval", "/status")),
)

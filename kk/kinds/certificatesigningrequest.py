"""CertificateSigningRequest: a wish for a certificate, its approval, and the certificate. kk.control signs; the server says who asked."""

import base64
import binascii
import re
from typing import Any

from kk.base import names
from kk.base.errors import FieldError, duplicate, forbidden_value, invalid_value, not_supported, required
from kk.base.times import human_duration
from kk.kinds._checks import Errors, Obj, bad, each, fill, section
from kk.kinds.kind import AGE, Column, Kind

_USAGES = (
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
)
_SHORTEST, _LONGEST_SIGNER = 600, 571
_LEGACY = "kubernetes.io/legacy-unknown"
_FINAL = ("Approved", "Denied", "Failed")
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\s(.*?)-----END \1-----", re.DOTALL)


def default(obj: Obj) -> None:
    """Spec and status are always there."""
    section(obj, "spec")
    fill(obj, "status", {})


def prepare_create(obj: Obj) -> None:
    """What comes of it is told by the signer; who asks the server has set before (kk.server.admission.certificate_requester)."""
    obj["status"] = {}


def prepare_update(obj: Obj, old: Obj) -> None:
    """A request never changes; approvals and certificates have their own sub-resources."""
    obj["spec"] = old["spec"]


def blocks(data: str | None) -> list[tuple[str, str]]:
    """(type, body) of the PEM blocks in base64 data; empty where there are none."""
    try:
        text = base64.b64decode(data or "").decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return []
    return _PEM.findall(text)


def validate(obj: Obj, old: Obj | None) -> Errors:
    """The request is checked when it is made; afterwards only conditions can go wrong."""
    if old is None:
        yield from _request(obj["spec"])


def _request(spec: Obj) -> Errors:
    found = blocks(spec.get("request"))
    if not found or found[0][0] != "CERTIFICATE REQUEST":
        yield invalid_value("spec.request", spec.get("request"), "PEM block type must be CERTIFICATE REQUEST")
    usages = spec.get("usages") or []
    if not usages:
        yield required("spec.usages")
    seen: set[str] = set()
    for path, usage in each("spec.usages", usages):
        if usage not in _USAGES:
            yield not_supported(path, usage, _USAGES)
        elif usage in seen:
            yield duplicate(path, usage)
        seen.add(usage)
    name = spec.get("signerName") or ""
    if name == _LEGACY:
        yield invalid_value("spec.signerName", name, "the legacy signerName is not allowed via this API version")
    else:
        yield from check_signer("spec.signerName", name)
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < _SHORTEST:
        yield invalid_value(
            "spec.expirationSeconds", seconds, "may not specify a duration less than 600 seconds (10 minutes)"
        )


def check_signer(path: str, name: str) -> Errors:
    """Faults of a signer's name: a domain of at least two parts, and a path of one."""
    if not name:
        yield required(path)
        return
    parts = name.split("/")
    if len(parts) != 2:
        yield invalid_value(
            path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        )
        return
    domain, signer = parts
    labels = domain.split(".")
    for label in labels:
        yield from bad(path, domain, (f'validating label "{label}": {fault}' for fault in names.dns_label(label)))
    if len(labels) < 2:
        yield invalid_value(path, domain, "should be a domain with at least two segments separated by dots")
    yield from bad(path, signer, (f'validating label "{signer}": {fault}' for fault in names.dns_subdomain(signer)))
    if len(name) > _LONGEST_SIGNER:
        yield FieldError("FieldValueTooLong", path, None, f"may not be more than {_LONGEST_SIGNER} bytes")


def validate_status(obj: Obj, old: Obj) -> Errors:
    """A signer may set the certificate once, and may say that it failed; it decides nothing."""
    return _status(obj, old, deciding=False)


def validate_approval(obj: Obj, old: Obj) -> Errors:
    """Who decides may add Approved or Denied and reword it, and takes no word back."""
    return _status(obj, old, deciding=True)


def _status(obj: Obj, old: Obj, deciding: bool) -> Errors:
    status, before = obj.get("status") or {}, old.get("status") or {}
    yield from _conditions(status.get("conditions") or [], before.get("conditions") or [], deciding)
    certificate, was = status.get("certificate"), before.get("certificate")
    if certificate == was:
        return
    if was:
        yield forbidden_value("status.certificate", "updates may not modify existing certificate content")
    if certificate:
        yield from _certificate(certificate)


def _certificate(data: str) -> Errors:
    path, shown = "status.certificate", "<certificate data>"
    found = blocks(data)
    if not found:
        yield invalid_value(path, shown, "must contain at least one CERTIFICATE PEM block")
    for kind, body in found:
        if kind != "CERTIFICATE":
            yield invalid_value(path, shown, f'only CERTIFICATE PEM blocks are allowed, found "{kind}"')
        elif ":" in body:
            yield invalid_value(path, shown, "no PEM block headers are permitted")
        elif not _is_der(body):
            yield invalid_value(path, shown, "x509: malformed certificate")


def _is_der(body: str) -> bool:
    """Whether base64 text holds one whole DER sequence; what stands in it the signer's client checks."""
    try:
        data = base64.b64decode(body)
    except binascii.Error:
        return False
    if len(data) < 2 or data[0] != 0x30:
        return False
    size, start = data[1], 2
    if size > 0x80:
        start = 2 + size - 0x80
        size = int.from_bytes(data[2:start], "big")
    return len(data) == start + size


def _conditions(conditions: list[Obj], before: list[Obj], deciding: bool) -> Errors:
    seen: set[str] = set()
    kinds = {c.get("type") or "" for c in conditions}
    for path, condition in each("status.conditions", conditions):
        kind, status = condition.get("type") or "", condition.get("status") or ""
        if not kind:
            yield required(f"{path}.type")
        if kind in seen:
            yield duplicate(f"{path}.type", kind)
        seen.add(kind)
        allowed = ("True",) if kind in _FINAL else ("False", "True", "Unknown")
        if not status:
            yield required(f"{path}.status")
        elif status not in allowed:
            yield not_supported(f"{path}.status", status, allowed)
    if {"Approved", "Denied"} <= kinds:
        at = next(i for i, c in reversed(list(enumerate(conditions))) if c.get("type") in ("Approved", "Denied"))
        yield invalid_value(
            "status.conditions",
            conditions[at]["type"],
            "Approved and Denied conditions are mutually exclusive",
        )
    held = [(kind, _of(conditions, kind), _of(before, kind)) for kind in _FINAL]
    for kind, new, old in held:
        if old and not new:
            yield forbidden_value("status.conditions", f'updates may not remove a condition of type "{kind}"')
    for kind, new, old in held:
        if new and not old and not deciding and kind != "Failed":
            yield forbidden_value("status.conditions", f'updates may not add a condition of type "{kind}"')
        elif new and old and _plain(new) != _plain(old) and not (deciding and kind != "Failed"):
            yield forbidden_value("status.conditions", f'updates may not modify a condition of type "{kind}"')


def _of(conditions: list[Obj], kind: str) -> list[Obj]:
    return [c for c in conditions if c.get("type") == kind]


def _plain(conditions: list[Obj]) -> list[Obj]:
    """Conditions without their times, which are filled in where a client leaves them out."""
    return [{k: v for k, v in c.items() if k not in ("lastUpdateTime", "lastTransitionTime")} for c in conditions]


def stamp(obj: Obj, old: Obj, now: str) -> None:
    """Times of conditions that are new or changed, as the approval sub-resource sets them."""
    before = {c.get("type"): c for c in (old.get("status") or {}).get("conditions") or []}
    for condition in (obj.get("status") or {}).get("conditions") or []:
        known: dict[str, Any] = before.get(condition.get("type")) or {}
        if condition.get("lastUpdateTime") is None:
            condition["lastUpdateTime"] = now
        if condition.get("lastTransitionTime") is None:
            same = known and known.get("status") == condition.get("status")
            condition["lastTransitionTime"] = (known.get("lastTransitionTime") if same else None) or now


def _state(obj: Obj) -> str:
    status = obj.get("status") or {}
    kinds = {c.get("type") for c in status.get("conditions") or []}
    text = "Denied" if "Denied" in kinds else "Approved" if "Approved" in kinds else "Pending"
    if "Failed" in kinds:
        text += ",Failed"
    return f"{text},Issued" if status.get("certificate") else text


def _duration(obj: Obj) -> str:
    seconds = obj["spec"].get("expirationSeconds")
    return "<none>" if seconds is None else human_duration(seconds)


KIND = Kind(
    "certificates.k8s.io/v1",
    "CertificateSigningRequest",
    default=default,
    prepare_create=prepare_create,
    prepare_update=prepare_update,
    validate=validate,
    validate_status=validate_status,
    validate_name=names.path_segment,
    columns=(
        AGE,
        Column("SignerName", lambda obj: obj["spec"].get("signerName") or "<none>"),
        Column("Requestor", ".spec.username", description="Base64-encoded PKCS#10 CSR data"),
        Column("RequestedDuration", _duration, describes=".spec.expirationSeconds"),
        Column("Condition", _state, description="Conditions applied to the request, such as approval or denial."),
    ),
    selectable={"spec.signerName": ".spec.signerName"},
    status=True,
    generation=False,
)

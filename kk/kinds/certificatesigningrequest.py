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
_SHORTEST = 600
_LEGACY = "kubernetes.io/legacy-unknown"
_FINAL = ("Approved", "Denied", "Failed")
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\s(.*?)-----END \1-----", re.DOTALL)


def default(obj: Obj) -> None:
    """Spec and status are always there."""
    section(obj, "spec")
    fill(obj, "status", {})


def prepare_create(obj: Obj) -> None:
    """Who asks is told by the server, what came of it by the signer."""
    for field in ("username", "uid", "groups", "extra"):
        obj["spec"].pop(field, None)
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
    yield from bad(path, domain, names.dns_subdomain(domain))
    if domain and "." not in domain:
        yield invalid_value(path, name, "should be a domain with at least two segments separated by dots")
    yield from bad(path, signer, names.dns_subdomain(signer))
    if len(name) > 571:
        yield FieldError("FieldValueTooLong", path, None, "may not be more than 571 bytes")


def validate_status(obj: Obj, old: Obj) -> Errors:
    """Conditions only grow, and a certificate is set once."""
    status, before = obj.get("status") or {}, old.get("status") or {}
    yield from _conditions(status.get("conditions") or [], before.get("conditions") or [])
    certificate, was = status.get("certificate"), before.get("certificate")
    if certificate and certificate != was:
        if was:
            yield forbidden_value("status.certificate", "updates may not set certificate content")
        yield from _certificate(certificate)
    elif was and not certificate:
        yield forbidden_value("status.certificate", "updates may not clear certificate content")


def _certificate(data: str) -> Errors:
    shown = "<certificate data>"
    found = blocks(data)
    if not found:
        yield invalid_value("status.certificate", shown, "must contain at least one CERTIFICATE PEM block")
    for kind, _ in found:
        if kind != "CERTIFICATE":
            yield invalid_value("status.certificate", shown, f'only CERTIFICATE PEM blocks are allowed, found "{kind}"')


def _conditions(conditions: list[Obj], before: list[Obj]) -> Errors:
    seen: set[str] = set()
    kinds = [c.get("type") or "" for c in conditions]
    for path, condition in each("status.conditions", conditions):
        kind, status = condition.get("type") or "", condition.get("status") or ""
        if not kind:
            yield required(f"{path}.type")
        if kind in seen:
            yield duplicate(f"{path}.type", kind)
        seen.add(kind)
        if kind in _FINAL and status and status != "True":
            yield not_supported(f"{path}.status", status, ("True",))
        elif not status:
            yield required(f"{path}.status")
        elif status not in ("True", "False", "Unknown"):
            yield not_supported(f"{path}.status", status, ("True", "False", "Unknown"))
    if "Approved" in kinds and "Denied" in kinds:
        yield invalid_value("status.conditions", kinds, "Approved and Denied conditions are mutually exclusive")
    for kind in _FINAL:
        had = any(c.get("type") == kind for c in before)
        if had and kind not in kinds:
            yield forbidden_value("status.conditions", f'updates may not remove a condition of type "{kind}"')
        elif not had and kind in kinds and kind != "Failed" and _decided(before):
            yield forbidden_value("status.conditions", f'updates may not add a condition of type "{kind}"')


def _decided(conditions: list[Obj]) -> bool:
    return any(c.get("type") in ("Approved", "Denied") for c in conditions)


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
    columns=(
        AGE,
        Column("SignerName", lambda obj: obj["spec"].get("signerName") or "<none>"),
        Column("Requestor", ".spec.username"),
        Column("RequestedDuration", _duration),
        Column("Condition", _state),
    ),
    selectable={"spec.signerName": ".spec.signerName"},
    status=True,
    generation=False,
)

"""Approves the client certificates that kubelets ask for, where RBAC lets the requester have one: a node's own, or its first."""

from typing import Any

from kk.base.errors import StatusError

from ..controller import Controller, Watch
from . import _certificates as certificates
from ._certificates import API, PLURAL, Obj, Unfit

#: seconds until a request that nobody may have yet is looked at again: rights may come, and the cleaner ends it otherwise
_AGAIN = 60.0


def recognized(csr: Obj) -> list[tuple[str, str]]:
    """(sub-resource to be allowed, message) of what a request may be approved as, in order. Pure."""
    spec = csr["spec"]
    if spec.get("signerName") != certificates.KUBELET:
        return []
    try:
        request = certificates.parse(csr)
        certificates.check_kubelet_client(request, set(spec.get("usages") or ()))
    except Unfit:
        return []
    kinds = [("nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview.")]
    if certificates.subject(request)[0] == spec.get("username"):
        kinds.insert(0, ("selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview."))
    return kinds


def reconcile(ctx: Any, key: str) -> float | None:
    """key is the name of a request."""
    csr = ctx.informer(API, PLURAL).get(key)
    if csr is None or (csr.get("status") or {}).get("certificate"):
        return None
    if certificates.has(csr, "Approved") or certificates.has(csr, "Denied"):
        return None
    kinds = recognized(csr)
    for subresource, message in kinds:
        if _allowed(ctx, csr["spec"], subresource):
            approved = certificates.with_condition(csr, "Approved", "AutoApproved", message, ctx.clock.now())
            try:
                ctx.resource(API, PLURAL).update(approved, subresource="approval")
            except StatusError as error:
                if error.code != 404:
                    raise
            return None
    return _AGAIN if kinds else None


def _allowed(ctx: Any, spec: Obj, subresource: str) -> bool:
    attributes = {"group": "certificates.k8s.io", "resource": PLURAL, "verb": "create", "subresource": subresource}
    asked = {"resourceAttributes": {**attributes, "version": "*"}, "user": spec.get("username", "")}
    asked |= {k: spec[k] for k in ("uid", "groups", "extra") if spec.get(k)}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": asked}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    return bool(ctx.client.request("POST", path, body=body).json()["status"]["allowed"])


CONTROLLER = Controller(
    "certificatesigningrequest-approving-controller",
    reconcile,
    watches=(Watch(API, PLURAL),),
    aliases=("csrapproving",),
)

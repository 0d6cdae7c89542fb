"""approval: a certificate request is approved or denied, by a condition; nothing else of it changes here."""

from kk.base.errors import invalid
from kk.kinds.certificatesigningrequest import validate_approval
from kk.server.context import Request, Response
from kk.server.encoding import Obj
from kk.server.subresources import _changes
from kk.server.views import View


def merge(new: Obj, old: Obj) -> None:
    """Take status.conditions and keep everything else. Raises StatusError 422."""
    conditions = (new.get("status") or {}).get("conditions") or []
    new["spec"] = old["spec"]
    new["status"] = {**(old.get("status") or {}), "conditions": conditions}
    faults = list(validate_approval(new, old))
    if faults:
        raise invalid("CertificateSigningRequest", "certificates.k8s.io", new["metadata"]["name"], faults)
    if not conditions:
        del new["status"]["conditions"]


async def put(request: Request, view: View) -> Response:
    """PUT of a request."""
    return await _changes.put(request, view, merge)


async def patch(request: Request, view: View) -> Response:
    """PATCH of a request."""
    return await _changes.patch(request, view, merge)


SUBRESOURCE = {"GET": _changes.get, "PUT": put, "PATCH": patch}

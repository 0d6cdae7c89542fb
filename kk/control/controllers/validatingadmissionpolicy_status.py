"""The status of a ValidatingAdmissionPolicy: what its expressions say of the types that they are about. The API server checks, this writes.

Behaviour follows kubernetes `pkg/controller/validatingadmissionpolicystatus`: once for each generation.
"""

from typing import Any

from kk.base.errors import StatusError

from ..controller import Controller, Watch

Obj = dict[str, Any]
_API, _PLURAL, _NAME = (
    "admissionregistration.k8s.io/v1",
    "validatingadmissionpolicies",
    "validatingadmissionpolicy-status-controller",
)


def due(policy: Obj) -> bool:
    """Whether a policy's expressions have changed since they were checked. Pure."""
    seen = (policy.get("status") or {}).get("observedGeneration") or 0
    return bool(policy["metadata"].get("generation", 0) > seen)


def status(checked: Obj) -> Obj:
    """The status that a check leads to: no list where there is nothing to warn of. Pure."""
    found = checked["expressionWarnings"]
    return {
        "observedGeneration": checked["observedGeneration"],
        "typeChecking": {"expressionWarnings": found} if found else {},
    }


def reconcile(ctx: Any, key: str) -> None:
    """key is a policy."""
    policy = ctx.informer(_API, _PLURAL).get(key)
    if policy is None or not due(policy):
        return
    try:
        checked = ctx.client.get(f"/kk/typechecks/{key}")
    except StatusError as error:
        if error.code == 404:  # gone, or a server that has no such path: then its own controller checks
            return
        raise
    body = {
        "apiVersion": _API,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": key},
        "status": status(checked),
    }
    params = {"fieldManager": _NAME, "force": "true"}
    ctx.resource(_API, _PLURAL).patch(key, body, "apply", "status", **params)


CONTROLLER = Controller(_NAME, reconcile, watches=(Watch(_API, _PLURAL),))

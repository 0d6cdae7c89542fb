"""A certificate request bears the identity of who asked and the times of its conditions, whatever its author writes.

Kubernetes does this in the kind's strategies, which know the caller and the time; kk's strategies are pure, so it stands here.
"""

from kk.server.admission._shared import Obj
from kk.server.context import Attributes, Plugin


def mutate(a: Attributes) -> None:
    """Set spec.username, uid, groups and extra of a new request, times of conditions of another."""
    request = a.obj
    assert request is not None
    if a.operation == "UPDATE":
        _stamp(request, a.old or {}, a.server.write.now())
        return
    spec = request.setdefault("spec", {})
    for key in ("username", "uid", "groups", "extra"):
        spec.pop(key, None)
    spec["username"] = a.user.name
    if a.user.uid:
        spec["uid"] = a.user.uid
    if a.user.groups:
        spec["groups"] = list(a.user.groups)
    if a.user.extra:
        spec["extra"] = {k: list(v) for k, v in a.user.extra}


def _stamp(request: Obj, old: Obj, now: str) -> None:
    held = {c.get("type"): c for c in (old.get("status") or {}).get("conditions") or ()}
    for condition in (request.get("status") or {}).get("conditions") or ():
        before = held.get(condition.get("type")) or {}
        same = before.get("status") == condition.get("status")
        if not condition.get("lastUpdateTime"):
            condition["lastUpdateTime"] = now
        if not condition.get("lastTransitionTime"):
            condition["lastTransitionTime"] = before.get("lastTransitionTime") or now if same else now


PLUGIN = Plugin(
    "CertificateRequester",
    890,
    mutate=mutate,
    operations=("CREATE", "UPDATE"),
    resources=tuple(f"certificatesigningrequests.certificates.k8s.io{s}" for s in ("", "/approval", "/status")),
)

"""A certificate request bears the identity of who asked, whatever its author writes.

Kubernetes does this in the kind's create strategy, which knows the caller; kk's strategies are pure, so it stands here.
"""

from kk.server.context import Attributes, Plugin


def mutate(a: Attributes) -> None:
    """Set spec.username, uid, groups and extra."""
    request = a.obj
    assert request is not None
    spec = request.setdefault("spec", {})
    if a.operation == "UPDATE":
        return
    for key in ("username", "uid", "groups", "extra"):
        spec.pop(key, None)
    spec["username"] = a.user.name
    if a.user.uid:
        spec["uid"] = a.user.uid
    if a.user.groups:
        spec["groups"] = list(a.user.groups)
    if a.user.extra:
        spec["extra"] = {k: list(v) for k, v in a.user.extra}


PLUGIN = Plugin(
    "CertificateRequester",
    890,
    mutate=mutate,
    operations=("CREATE",),
    resources=("certificatesigningrequests.certificates.k8s.io",),
)

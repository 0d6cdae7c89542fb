"""DefaultIngressClass: an Ingress that names no class gets the default one, where there is one."""

from kk.server.admission._shared import annotations, newest_default
from kk.server.context import Attributes, Plugin

_MARK = "ingressclass.kubernetes.io/is-default-class"
_OLD = "kubernetes.io/ingress.class"


def mutate(a: Attributes) -> None:
    """Set spec.ingressClassName."""
    ingress = a.obj
    assert ingress is not None
    spec = ingress.get("spec") or {}
    if spec.get("ingressClassName") is not None or _OLD in annotations(ingress):
        return
    found = newest_default(a.server.cache.list("networking.k8s.io", "ingressclasses"), _MARK)
    if found is not None:
        ingress["spec"] = {**spec, "ingressClassName": found["metadata"]["name"]}


PLUGIN = Plugin(
    "DefaultIngressClass",
    180,
    mutate=mutate,
    operations=("CREATE",),
    resources=("ingresses.networking.k8s.io",),
)

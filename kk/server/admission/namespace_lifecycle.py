"""NamespaceLifecycle: nothing is made in a namespace that is not there or is going away; three namespaces stay."""

from kk.base.errors import not_found
from kk.server.admission._shared import refuse
from kk.server.context import Attributes, Plugin

#: namespaces that may not be deleted
IMMORTAL = ("default", "kube-system", "kube-public")


def admit(a: Attributes) -> None:
    """Refuse with 404 or 403."""
    if not a.resource.namespaced:
        if a.operation == "DELETE" and a.resource.key == ("", "v1", "namespaces") and a.name in IMMORTAL:
            raise refuse(a, "this namespace may not be deleted")
        return
    if a.operation == "DELETE" or not a.namespace:
        return
    namespace = a.server.cache.get("", "namespaces", "", a.namespace)
    if namespace is None:
        raise not_found("namespaces", "", a.namespace)
    if a.operation != "CREATE" or (namespace.get("status") or {}).get("phase") != "Terminating":
        return
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {a.namespace} is being terminated",
        "field": "metadata.namespace",
    }
    raise refuse(a, f"unable to create new content in namespace {a.namespace} because it is being terminated", [cause])


PLUGIN = Plugin("NamespaceLifecycle", 10, mutate=admit, operations=("CREATE", "UPDATE", "DELETE"))

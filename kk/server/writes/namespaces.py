"""What is special about deleting a namespace: it is marked, and goes when its spec.finalizers are empty.

Emptying it is the namespace controller's work; see k8s.io/kubernetes `pkg/registry/core/namespace/storage`.
"""

from kk.server.encoding import Obj

KEY = ("", "v1", "namespaces")
#: resources whose DELETE answers with the object even when it is gone at once
GIVES_BACK = frozenset(
    {
        ("", "namespaces"),
        ("", "persistentvolumes"),
        ("", "persistentvolumeclaims"),
        ("", "pods"),
        ("", "podtemplates"),
        ("", "resourcequotas"),
        ("", "services"),
        ("", "serviceaccounts"),
        ("resource.k8s.io", "deviceclasses"),
        ("resource.k8s.io", "resourceclaims"),
        ("resource.k8s.io", "resourceclaimtemplates"),
        ("resource.k8s.io", "resourceslices"),
        ("storage.k8s.io", "csidrivers"),
        ("storage.k8s.io", "csinodes"),
        ("storage.k8s.io", "storageclasses"),
        ("storage.k8s.io", "volumeattachments"),
        ("storage.k8s.io", "volumeattributesclasses"),
    }
)


def mark(namespace: Obj, now: str) -> bool:
    """Mark a namespace as going; False where nothing holds it any more."""
    del now
    if not (namespace.get("spec") or {}).get("finalizers"):
        return bool(namespace["metadata"].get("finalizers"))
    namespace.setdefault("status", {})["phase"] = "Terminating"
    return True

"""DefaultStorageClass: a claim that names no class gets the default one, where there is one."""

from kk.server.admission._shared import annotations, newest_default
from kk.server.context import Attributes, Plugin

_MARKS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
_OLD = "volume.beta.kubernetes.io/storage-class"


def mutate(a: Attributes) -> None:
    """Set spec.storageClassName."""
    claim = a.obj
    assert claim is not None
    if claim["spec"].get("storageClassName") is not None or _OLD in annotations(claim):
        return
    found = newest_default(a.server.cache.list("storage.k8s.io", "storageclasses"), *_MARKS)
    if found is not None:
        claim["spec"]["storageClassName"] = found["metadata"]["name"]


PLUGIN = Plugin(
    "DefaultStorageClass", 100, mutate=mutate, operations=("CREATE",), resources=("persistentvolumeclaims",)
)

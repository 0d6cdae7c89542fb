"""StorageObjectInUseProtection: claims, volumes and volume attributes classes are not taken away under their users."""

from kk.server.context import Attributes, Plugin

_FINALIZERS = {
    "persistentvolumeclaims": "kubernetes.io/pvc-protection",
    "persistentvolumes": "kubernetes.io/pv-protection",
    "volumeattributesclasses": "kubernetes.io/vac-protection",
}


def mutate(a: Attributes) -> None:
    """Add the finalizer that the protection controller takes off."""
    assert a.obj is not None
    meta, wanted = a.obj["metadata"], _FINALIZERS[a.resource.plural]
    held = meta.get("finalizers") or []
    if wanted not in held:
        meta["finalizers"] = [*held, wanted]


PLUGIN = Plugin(
    "StorageObjectInUseProtection",
    110,
    mutate=mutate,
    operations=("CREATE",),
    resources=("persistentvolumeclaims", "persistentvolumes", "volumeattributesclasses.storage.k8s.io"),
)

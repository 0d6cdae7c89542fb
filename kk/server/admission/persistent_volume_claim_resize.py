"""PersistentVolumeClaimResize: a claim grows only where its class allows it."""

from typing import Any

from kk.base.quantity import Quantity
from kk.server.admission._shared import annotations, refuse
from kk.server.context import Attributes, Plugin

_OLD = "volume.beta.kubernetes.io/storage-class"


def validate(a: Attributes) -> None:
    """Refuse growth of a bound claim whose class does not allow it."""
    new, old = a.obj, a.old
    if new is None or old is None or (old.get("status") or {}).get("phase") != "Bound":
        return
    if _size(new) <= _size(old):
        return
    name = annotations(old).get(_OLD) or old["spec"].get("storageClassName") or ""
    found = a.server.cache.get("storage.k8s.io", "storageclasses", "", name) if name else None
    if found is None or not found.get("allowVolumeExpansion"):
        raise refuse(
            a,
            "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc "
            "must support resize",
        )


def _size(claim: dict[str, Any]) -> int:
    requests = (claim["spec"].get("resources") or {}).get("requests") or {}
    try:
        return Quantity.parse(requests.get("storage", "0")).value()
    except ValueError:
        return 0


PLUGIN = Plugin(
    "PersistentVolumeClaimResize",
    130,
    validate=validate,
    operations=("UPDATE",),
    resources=("persistentvolumeclaims",),
)

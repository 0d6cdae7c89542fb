"""Volumes of a PodSpec and the mounts of its containers: defaults and faults.

Words and rules: `validateVolumes`, `ValidateVolumeMounts` of `pkg/apis/core/validation` in Kubernetes.
"""

from collections.abc import Callable
from typing import Any

from kk.kinds._checks import fill

Obj = dict[str, Any]

_MODES = ("secret", "configMap", "downwardAPI", "projected")


def _default_items(items: list[Obj] | None) -> None:
    for item in items or ():
        if item.get("fieldRef") is not None:
            fill(item["fieldRef"], "apiVersion", "v1")
        if item.get("resourceFieldRef") is not None:
            fill(item["resourceFieldRef"], "divisor", "0")


_FIXED: dict[str, Obj] = {
    "hostPath": {"type": ""},
    "iscsi": {"iscsiInterface": "default"},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "azureDisk": {"cachingMode": "ReadWrite", "kind": "Shared", "fsType": "ext4", "readOnly": False},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}


def default_volume(volume: Obj, pull_policy: Callable[[str], str]) -> None:
    """Fill one volume; one without a source is an emptyDir."""
    if not any(isinstance(value, dict) for key, value in volume.items() if key != "name"):
        volume["emptyDir"] = {}
    for source in _MODES:
        if volume.get(source) is not None:
            fill(volume[source], "defaultMode", 0o644)
    for source, values in _FIXED.items():
        if volume.get(source) is not None:
            for key, value in values.items():
                fill(volume[source], key, value)
    _default_items((volume.get("downwardAPI") or {}).get("items"))
    for part in (volume.get("projected") or {}).get("sources") or ():
        _default_items((part.get("downwardAPI") or {}).get("items"))
        if part.get("serviceAccountToken") is not None:
            fill(part["serviceAccountToken"], "expirationSeconds", 3600)
    if volume.get("projected") is not None:
        fill(volume["projected"], "sources", None)
    if volume.get("image") is not None:
        fill(volume["image"], "pullPolicy", pull_policy(volume["image"].get("reference") or ""))
    template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if template is not None:
        fill(template, "metadata", {})
        fill(template, "spec", {})
        fill(template["spec"], "resources", {})
        fill(template["spec"], "volumeMode", "Filesystem")

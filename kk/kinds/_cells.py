"""Texts that several kinds show in tables: lists cut short, access modes, addresses of load balancers.

Source: `pkg/printers/internalversion/printers.go` of Kubernetes and its helpers.
"""

from collections.abc import Iterable
from typing import Any

from kk.kinds._checks import Obj

_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_BETA_CLASS = "volume.beta.kubernetes.io/storage-class"


def cut(values: Iterable[str], most: int = 3, none: str = "<unset>") -> str:
    """The first values with a count of the others, as tables show long lists."""
    values = list(values)
    shown = ",".join(values[:most])
    if len(values) > most:
        return f"{shown} + {len(values) - most} more..."
    return shown or none


def access_modes(modes: Iterable[str] | None) -> str:
    """Access modes by their short names, in upstream's order."""
    have = set(modes or ())
    return ",".join(short for mode, short in _MODES.items() if mode in have)


def storage_class(obj: Obj) -> str:
    """The class of a volume or claim: the beta annotation, then the field."""
    annotations = obj["metadata"].get("annotations") or {}
    if _BETA_CLASS in annotations:
        return str(annotations[_BETA_CLASS])
    return (obj.get("spec") or {}).get("storageClassName") or ""


def volume_phase(obj: Obj) -> str:
    """Phase of a volume or claim; Terminating while it is being deleted."""
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return (obj.get("status") or {}).get("phase") or ""


def balancer_addresses(status: Obj | None) -> str:
    """Addresses of a load balancer, sorted."""
    ingress = ((status or {}).get("loadBalancer") or {}).get("ingress") or []
    return ",".join(sorted({i.get("ip") or i.get("hostname") or "" for i in ingress} - {""}))


def condition(obj: Obj, kind: str) -> dict[str, Any] | None:
    """A condition of the status by type, or None."""
    for found in (obj.get("status") or {}).get("conditions") or []:
        if found.get("type") == kind:
            return dict(found)
    return None


def default_mark(obj: Obj, *annotations: str) -> str:
    """Name of a class, marked where an annotation makes it the default one."""
    have = obj["metadata"].get("annotations") or {}
    name = str(obj["metadata"].get("name", ""))
    return f"{name} (default)" if any(have.get(a) == "true" for a in annotations) else name

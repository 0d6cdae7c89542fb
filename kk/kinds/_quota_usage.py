"""What one object uses of a quota, and which quotas look at it. Pure; rules follow kubernetes `pkg/quota/v1/evaluator/core`.

Asked by the server's admission, which takes shares, and by the quota controller, which counts anew.
"""

from collections.abc import Iterator
from typing import Any

from kk.base.quantity import Quantity

Obj = dict[str, Any]
Usage = dict[str, Quantity]
_ONE = Quantity.parse("1")
#: counted under their plain name too, as the oldest quotas have it
_PLAIN = frozenset(
    ("configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas", "secrets", "services")
)
#: what containers must state where a quota bounds it
_REQUIRED = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
_SHORT = ("cpu", "memory", "ephemeral-storage")
_CLASS = ".storageclass.storage.k8s.io/"


def usage(plural: str, group: str, obj: Obj) -> Usage:
    """Everything that an object counts for."""
    name = f"{plural}.{group}" if group else plural
    found: Usage = {f"count/{name}": _ONE}
    if not group and plural in _PLAIN:
        found[plural] = _ONE
    if name == "pods":
        found |= _pod(obj["spec"])
    elif name == "services":
        found |= _service(obj.get("spec") or {})
    elif name == "persistentvolumeclaims":
        found |= _claim(obj)
    return found


def _pod(spec: Obj) -> Usage:
    found: Usage = {}
    for key in ("requests", "limits"):
        for name, value in _total(spec, key).items():
            if key == "requests":
                found[f"requests.{name}"] = value
                if name in _SHORT or name.startswith("hugepages-"):
                    found[name] = value
            elif name in _SHORT:
                found[f"limits.{name}"] = value
    return found


def _total(spec: Obj, key: str) -> Usage:
    """The sum of the containers, sidecars included, or more where a starting container needs it; and the overhead."""
    total: Usage = {}
    for kind, container in _containers(spec):
        if kind == "containers" or container.get("restartPolicy") == "Always":
            for name, value in _stated(container, key):
                total[name] = total[name] + value if name in total else value
    for container in spec.get("initContainers") or ():
        for name, value in _stated(container, key):
            if name not in total or total[name].milli() < value.milli():
                total[name] = value
    for name, value in (spec.get("overhead") or {}).items():
        if key == "requests" or name in total:
            held = Quantity.parse(value)
            total[name] = total[name] + held if name in total else held
    return total


def _containers(spec: Obj) -> Iterator[tuple[str, Obj]]:
    for kind in ("containers", "initContainers"):
        for container in spec.get(kind) or ():
            yield kind, container


def _stated(container: Obj, key: str) -> Iterator[tuple[str, Quantity]]:
    for name, value in ((container.get("resources") or {}).get(key) or {}).items():
        yield name, Quantity.parse(value)


def _service(spec: Obj) -> Usage:
    kind, ports = spec.get("type"), len(spec.get("ports") or ())
    found: Usage = {}
    if kind == "NodePort" or (kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False):
        found["services.nodeports"] = Quantity.parse(str(ports))
    if kind == "LoadBalancer":
        found["services.loadbalancers"] = _ONE
    return found


def _claim(claim: Obj) -> Usage:
    spec = claim.get("spec") or {}
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    name = (claim["metadata"].get("annotations") or {}).get("volume.beta.kubernetes.io/storage-class") or spec.get(
        "storageClassName"
    )
    found: Usage = {}
    if size is not None:
        found["requests.storage"] = Quantity.parse(size)
    if name:
        found[f"{name}{_CLASS}persistentvolumeclaims"] = _ONE
        if size is not None:
            found[f"{name}{_CLASS}requests.storage"] = Quantity.parse(size)
    return found


def missing(spec: Obj, hard: dict[str, Any]) -> dict[str, list[str]]:
    """Bounded resources that containers do not state → the containers' names, sorted."""
    found: dict[str, list[str]] = {}
    for name in sorted(n for n in _REQUIRED if n in hard):
        key, _, resource = name.rpartition(".")
        for _, container in _containers(spec):
            if resource not in ((container.get("resources") or {}).get(key or "requests") or {}):
                found.setdefault(name, []).append(container["name"])
    return {name: sorted(names) for name, names in found.items()}


def concerns(quota: Obj, plural: str, group: str, obj: Obj) -> bool:
    """Whether a quota's scopes match an object."""
    spec = quota.get("spec") or {}
    wanted = [{"scopeName": s, "operator": "Exists"} for s in spec.get("scopes") or ()]
    wanted += (spec.get("scopeSelector") or {}).get("matchExpressions") or []
    if not wanted:
        return True
    if group or plural not in ("pods", "persistentvolumeclaims"):
        return False
    return all(_matches(w, plural, obj) for w in wanted)


def _matches(wanted: Obj, plural: str, obj: Obj) -> bool:
    scope, spec = wanted["scopeName"], obj.get("spec") or {}
    if scope == "VolumeAttributesClass":
        return plural == "persistentvolumeclaims" and _selects(wanted, spec.get("volumeAttributesClassName"))
    if plural != "pods":
        return False
    if scope in ("Terminating", "NotTerminating"):
        return (spec.get("activeDeadlineSeconds") is not None) == (scope == "Terminating")
    if scope in ("BestEffort", "NotBestEffort"):
        return _best_effort(spec) == (scope == "BestEffort")
    if scope == "PriorityClass":
        return _selects(wanted, spec.get("priorityClassName"))
    return scope == "CrossNamespacePodAffinity" and _across(spec)


def _selects(wanted: Obj, value: str | None) -> bool:
    operator, values = wanted.get("operator"), wanted.get("values") or ()
    if operator == "Exists":
        return bool(value)
    if operator == "DoesNotExist":
        return not value
    return (value in values) == (operator == "In")


def _best_effort(spec: Obj) -> bool:
    """No container asks for any cpu or memory."""
    for _, container in _containers(spec):
        resources = container.get("resources") or {}
        for key in ("requests", "limits"):
            if any(n in ("cpu", "memory") for n in resources.get(key) or {}):
                return False
    return True


def _across(spec: Obj) -> bool:
    """Some pod affinity looks into other namespaces."""
    affinity = spec.get("affinity") or {}
    for kind in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(kind) or {}
        for term in terms.get("requiredDuringSchedulingIgnoredDuringExecution") or ():
            if term.get("namespaces") or term.get("namespaceSelector") is not None:
                return True
        for weighted in terms.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            term = weighted.get("podAffinityTerm") or {}
            if term.get("namespaces") or term.get("namespaceSelector") is not None:
                return True
    return False


def target(name: str) -> tuple[str, str] | None:
    """(plural, group) of what a quota's resource counts; None for a name that counts nothing."""
    if name.startswith("count/"):
        plural, _, group = name[len("count/") :].partition(".")
        return plural, group
    if _CLASS in name or name == "requests.storage":
        return "persistentvolumeclaims", ""
    if name in _PLAIN:
        return name, ""
    if name.startswith("services."):
        return "services", ""
    if name in _SHORT or name.startswith(("requests.", "limits.", "hugepages-")):
        return "pods", ""
    return None


def is_counted(name: str, obj: Obj) -> bool:
    """Whether an object still uses its share: a pod that is over uses none of anything but its own count."""
    return name.startswith("count/") or not is_over(obj)


def is_over(pod: Obj) -> bool:
    """Whether an object is a pod that ran to its end."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed") and "containers" in (pod.get("spec") or {})

"""RuntimeClass: a pod's runtime class adds its overhead, node selector and tolerations."""

from typing import Any

from kk.server.admission._shared import refuse
from kk.server.context import Attributes, Plugin


def mutate(a: Attributes) -> None:
    """Apply the class. Raises StatusError 403 where it is not there or contradicts the pod."""
    pod = a.obj
    assert pod is not None
    found = _class(a, pod)
    if found is None:
        return
    spec = pod["spec"]
    fixed = (found.get("overhead") or {}).get("podFixed")
    if fixed:
        if spec.get("overhead") and spec["overhead"] != fixed:
            raise refuse(a, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
        spec["overhead"] = dict(fixed)
    scheduling = found.get("scheduling") or {}
    selector = dict(spec.get("nodeSelector") or {})
    for key, value in (scheduling.get("nodeSelector") or {}).items():
        if selector.get(key, value) != value:
            text = f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; pod.spec.nodeSelector[{key}] = {selector[key]}"
            raise refuse(a, text)
        selector[key] = value
    if selector:
        spec["nodeSelector"] = selector
    own = spec.get("tolerations") or []
    added = [t for t in scheduling.get("tolerations") or () if t not in own]
    if added:
        spec["tolerations"] = [*own, *added]


def validate(a: Attributes) -> None:
    """Overhead may come from the class only."""
    pod = a.obj
    assert pod is not None
    found, overhead = _class(a, pod), pod["spec"].get("overhead")
    fixed = ((found or {}).get("overhead") or {}).get("podFixed")
    if overhead and not fixed:
        raise refuse(a, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead")


def _class(a: Attributes, pod: dict[str, Any]) -> dict[str, Any] | None:
    name = pod["spec"].get("runtimeClassName")
    if not name:
        return None
    found = a.server.cache.get("node.k8s.io", "runtimeclasses", "", name)
    if found is None:
        raise refuse(a, f'pod rejected: RuntimeClass "{name}" not found')
    return found


PLUGIN = Plugin("RuntimeClass", 140, mutate=mutate, validate=validate, operations=("CREATE",), resources=("pods",))

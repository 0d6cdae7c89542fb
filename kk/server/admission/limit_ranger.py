"""LimitRanger: a namespace's LimitRanges give containers their requests and limits, and bound containers, pods and claims.

Rules and texts follow kubernetes `plugin/pkg/admission/limitranger`.
"""

from collections.abc import Iterator
from typing import Any

from kk.base.quantity import Quantity
from kk.server.admission._shared import Obj, containers, refuse
from kk.server.context import Attributes, Plugin

_NOTE = "kubernetes.io/limit-ranger"
_KINDS = (("containers", "container"), ("initContainers", "init container"))


def mutate(a: Attributes) -> None:
    """Fill requests and limits, and note what was filled in an annotation."""
    pod = a.obj
    assert pod is not None
    notes: list[str] = []
    for limits in _ranges(a):
        default, requested = _defaults(limits)
        for kind, word in _KINDS:
            for _, _, container in containers(pod["spec"], kind):
                notes += _fill(container, default, requested, word)
    if notes:
        annotations = pod["metadata"].setdefault("annotations", {}) or {}
        pod["metadata"]["annotations"] = {**annotations, _NOTE: "LimitRanger plugin set: " + "; ".join(notes)}


def validate(a: Attributes) -> None:
    """Refuse what is out of bounds, all faults at once."""
    obj = a.obj
    assert obj is not None
    for limits in _ranges(a):
        check = _claim_faults if a.resource.plural == "persistentvolumeclaims" else _pod_faults
        faults = [fault for limit in limits for fault in check(limit, obj)]
        if faults:
            raise refuse(a, faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]")


def _ranges(a: Attributes) -> Iterator[list[Obj]]:
    for found in a.server.cache.iterate("", "limitranges", a.namespace):
        yield (found.get("spec") or {}).get("limits") or []


def _defaults(limits: list[Obj]) -> tuple[dict[str, str], dict[str, str]]:
    """(limits, requests) that containers get."""
    default: dict[str, str] = {}
    requested: dict[str, str] = {}
    for limit in limits:
        if limit.get("type") == "Container":
            default |= limit.get("default") or {}
            requested |= limit.get("defaultRequest") or {}
    return default, requested


def _fill(container: Obj, default: dict[str, str], requested: dict[str, str], word: str) -> Iterator[str]:
    resources = container.get("resources") or {}
    container["resources"] = resources
    for key, values, name in (("requests", requested, "request"), ("limits", default, "limit")):
        held = dict(resources.get(key) or {})
        # a request that is not given equals its limit, where there is one
        implied = (resources.get("limits") or {}) if key == "requests" else {}
        added = sorted(k for k in values if k not in held and k not in implied)
        if added:
            resources[key] = {**held, **{k: values[k] for k in added}}
            yield f"{', '.join(added)} {name} for {word} {container['name']}"


def _pod_faults(limit: Obj, pod: Obj) -> Iterator[str]:
    spec = pod["spec"]
    if limit.get("type") == "Container":
        for _, _, container in containers(spec, "containers", "initContainers"):
            resources = container.get("resources") or {}
            yield from _faults(limit, resources.get("requests") or {}, resources.get("limits") or {})
    elif limit.get("type") == "Pod":
        yield from _faults(limit, _sums(spec, "requests"), _sums(spec, "limits"))


def _claim_faults(limit: Obj, claim: Obj) -> Iterator[str]:
    if limit.get("type") != "PersistentVolumeClaim":
        return
    requests = ((claim.get("spec") or {}).get("resources") or {}).get("requests") or {}
    for name, bound in sorted((limit.get("min") or {}).items()):
        yield from _least(limit["type"], name, bound, requests, {}, "storage")
    for name, bound in sorted((limit.get("max") or {}).items()):
        yield from _most(limit["type"], name, bound, requests, requests, "request")


def _faults(limit: Obj, requests: dict[str, Any], limits: dict[str, Any]) -> Iterator[str]:
    kind = limit["type"]
    for name, bound in sorted((limit.get("min") or {}).items()):
        yield from _least(kind, name, bound, requests, limits, "")
    for name, bound in sorted((limit.get("max") or {}).items()):
        yield from _most(kind, name, bound, limits, requests, "limit")
    for name, bound in sorted((limit.get("maxLimitRequestRatio") or {}).items()):
        yield from _ratio(kind, name, bound, requests, limits)


def _least(kind: str, name: str, bound: str, requests: dict[str, Any], limits: dict[str, Any], _: str) -> Iterator[str]:
    head = f"minimum {name} usage per {kind} is {bound}"
    if name not in requests:
        yield f"{head}.  No request is specified"
    elif _number(requests[name]) < _number(bound):
        yield f"{head}, but request is {requests[name]}"
    elif name in limits and _number(limits[name]) < _number(bound):
        yield f"{head}, but limit is {limits[name]}"


def _most(
    kind: str, name: str, bound: str, limits: dict[str, Any], requests: dict[str, Any], word: str
) -> Iterator[str]:
    head = f"maximum {name} usage per {kind} is {bound}"
    if name not in limits:
        yield f"{head}.  No {word} is specified"
    elif _number(limits[name]) > _number(bound):
        yield f"{head}, but {word} is {limits[name]}"
    elif name in requests and _number(requests[name]) > _number(bound):
        yield f"{head}, but request is {requests[name]}"


def _ratio(kind: str, name: str, bound: str, requests: dict[str, Any], limits: dict[str, Any]) -> Iterator[str]:
    head = f"{name} max limit to request ratio per {kind} is {bound}"
    request, limit = requests.get(name), limits.get(name)
    if request is None or _number(request) == 0:
        yield f"{head}, but no request is specified or request is 0"
    elif limit is None or _number(limit) == 0:
        yield f"{head}, but no limit is specified or limit is 0"
    else:
        ratio = _number(limit) / _number(request)
        if ratio > _number(bound) / 1000:
            yield f"{head}, but provided ratio is {ratio:f}"


def _number(value: Any) -> int:
    """Thousandths, for comparing."""
    return Quantity.parse(value).milli()


def _sums(spec: Obj, key: str) -> dict[str, str]:
    """What a whole pod asks for: the sum of its containers, or more where a starting one needs it."""
    total: dict[str, Quantity] = {}
    for _, _, container in containers(spec, "containers"):
        for name, value in ((container.get("resources") or {}).get(key) or {}).items():
            held = Quantity.parse(value)
            total[name] = total[name] + held if name in total else held
    for _, _, container in containers(spec, "initContainers"):
        for name, value in ((container.get("resources") or {}).get(key) or {}).items():
            held = Quantity.parse(value)
            if name not in total or total[name].milli() < held.milli():
                total[name] = held
    return {name: value.canonical() for name, value in total.items()}


PLUGIN = Plugin(
    "LimitRanger",
    20,
    mutate=lambda a: mutate(a) if a.resource.plural == "pods" else None,
    validate=validate,
    operations=("CREATE",),
    resources=("pods", "persistentvolumeclaims"),
)

"""Requests and limits of containers and pods: the pod-level defaults, the QoS class, and their faults.

Words and rules: `pkg/apis/core/helper/qos` and `ValidateContainerResourceRequirements` of Kubernetes. What fits a node is the scheduler's question.
"""

from typing import Any

from kk.base.errors import (
    FieldError,
    duplicate,
    forbidden_value,
    invalid_value,
    not_supported,
    required,
)
from kk.base.quantity import Quantity
from kk.kinds import _resourcenames
from kk.kinds._checks import Errors, each

Obj = dict[str, Any]

#: what decides the QoS class
_QOS = ("cpu", "memory")


def _amounts(resources: Obj | None, field: str) -> dict[str, Quantity]:
    listed = (resources or {}).get(field) or {}
    return {name: Quantity.parse(listed[name]) for name in _QOS if name in listed}


def qos_class(spec: Obj) -> str:
    """Guaranteed, Burstable or BestEffort (qos.ComputePodQOS)."""
    whole = spec.get("resources")
    if whole and (whole.get("requests") or whole.get("limits")):
        parts = [whole]
    else:
        parts = [c.get("resources") or {} for f in ("initContainers", "containers") for c in spec.get(f) or ()]
    requests: dict[str, Quantity] = {}
    limits: dict[str, Quantity] = {}
    guaranteed = True
    for resources in parts:
        for name, amount in _amounts(resources, "requests").items():
            if amount:
                requests[name] = requests.get(name, Quantity()) + amount
        found = {name: amount for name, amount in _amounts(resources, "limits").items() if amount}
        for name, amount in found.items():
            limits[name] = limits.get(name, Quantity()) + amount
        guaranteed = guaranteed and len(found) == len(_QOS)
    if not requests and not limits:
        return "BestEffort"
    if guaranteed and len(requests) == len(limits) and all(limits.get(n) == a for n, a in requests.items()):
        return "Guaranteed"
    return "Burstable"


def default_pod_resources(spec: Obj) -> None:
    """Resources of the pod as a whole, where it has any: huge pages are the containers' together; a request that is not
    told is what the containers ask for together, else the limit."""
    resources = spec["resources"]
    for side in ("limits", "requests"):
        for name, total in _totals(spec, side).items():
            if name.startswith("hugepages-"):
                resources.setdefault(side, {}).setdefault(name, total.canonical())
    if not resources.get("limits"):
        return
    asked, requests = _totals(spec, "requests"), resources.setdefault("requests", {})
    for name, limit in resources["limits"].items():
        requests.setdefault(name, asked[name].canonical() if name in asked else limit)


def _totals(spec: Obj, side: str) -> dict[str, Quantity]:
    found: dict[str, Quantity] = {}
    for container in spec.get("containers") or ():
        for name, amount in ((container.get("resources") or {}).get(side) or {}).items():
            parsed = Quantity.parse(amount)
            found[name] = found[name] + parsed if name in found else parsed
    return found


# faults


def check_amount(path: str, name: str, amount: Any) -> Errors:
    """A named amount: the name fits a container, the amount is not negative."""
    yield from _resourcenames.container_resource(path, name)
    value = Quantity.parse(amount)
    if value.nano < 0:
        yield invalid_value(path, value.canonical(), "must be greater than or equal to 0")
    if _resourcenames.is_whole(name) and value.milli() % 1000:
        yield invalid_value(path, value.canonical(), "must be an integer")


def _may_differ(name: str) -> bool:
    """Whether a request may be lower than the limit: standard resources but huge pages."""
    return "/" not in name and not name.startswith("hugepages-")


def check_container(path: str, resources: Obj, claims: set[Any]) -> Errors:
    """Limits, requests and claims; `claims` are the names that the pod's spec knows."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for name, amount in limits.items():
        yield from check_amount(f"{path}.limits[{name}]", name, amount)
        yield from _pages(f"{path}.limits[{name}]", name, amount)
    for name, amount in requests.items():
        where = f"{path}.requests"
        yield from check_amount(f"{where}[{name}]", name, amount)
        asked = Quantity.parse(amount)
        if name in limits:
            yield from _against(where, name, asked, Quantity.parse(limits[name]))
        elif not _may_differ(name):
            yield required(f"{path}.limits", "Limit must be set for non overcommitable resources")
        yield from _pages(f"{where}[{name}]", name, amount)
    huge = any(n.startswith("hugepages-") for n in (*limits, *requests))
    if huge and not any(n in (*limits, *requests) for n in _QOS):
        yield forbidden_value(path, "HugePages require cpu or memory")
    yield from _claims(f"{path}.claims", resources.get("claims"), claims)


def _pages(path: str, name: str, amount: Any) -> Errors:
    """Huge pages come whole."""
    if not name.startswith("hugepages-"):
        return
    try:
        size = Quantity.parse(name.removeprefix("hugepages-")).value()
    except ValueError:
        size = 0
    value = Quantity.parse(amount)
    if size <= 0 or value.value() % size:
        yield invalid_value(path, value.canonical(), f"{value.canonical()} is not positive integer multiple of {name}")


def _against(path: str, name: str, asked: Quantity, limit: Quantity) -> Errors:
    if asked != limit and not _may_differ(name):
        yield invalid_value(path, asked.canonical(), f"must be equal to {name} limit of {limit.canonical()}")
    elif asked > limit:
        detail = f"must be less than or equal to {name} limit of {limit.canonical()}"
        yield invalid_value(path, asked.canonical(), detail)


def _claims(path: str, listed: list[Obj] | None, known: set[Any]) -> Errors:
    seen: set[tuple[str, str]] = set()
    for where, claim in each(path, listed):
        name, request = claim.get("name") or "", claim.get("request") or ""
        if not name:
            yield required(f"{where}.name")
            continue
        if (name, request) in seen or (name, "") in seen:
            yield duplicate(where, name)
        seen.add((name, request))
        if name not in known:
            text = "must be one of the names in pod.spec.resourceClaims"
            detail = text + (" which is empty" if not known else ": " + ", ".join(sorted(known)))
            yield FieldError("FieldValueNotFound", where, name, detail)


def check_pod(path: str, spec: Obj) -> Errors:
    """Resources of the pod as a whole; `path` is that of the spec."""
    resources = spec.get("resources")
    if resources is None:
        return
    where = f"{path}.resources"
    for side in ("limits", "requests"):
        for name in resources.get(side) or {}:
            if name not in _QOS and not name.startswith("hugepages-"):
                yield not_supported(f"{where}.{side}[{name}]", name, ("cpu", "hugepages-", "memory"))
    if resources.get("claims"):
        yield forbidden_value(f"{where}.claims", "claims may not be set for Resources at pod-level")
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for name, amount in requests.items():
        if name in limits:
            yield from _against(f"{where}.requests", name, Quantity.parse(amount), Quantity.parse(limits[name]))
    for name, amount in requests.items():
        total = Quantity()
        for container in spec.get("containers") or ():
            asked = ((container.get("resources") or {}).get("requests") or {}).get(name)
            total = total + Quantity.parse(asked) if asked is not None else total
        if total > Quantity.parse(amount):
            detail = f"must be greater than or equal to aggregate container requests of {total.canonical()}"
            yield invalid_value(f"{where}.requests[{name}]", Quantity.parse(amount).canonical(), detail)

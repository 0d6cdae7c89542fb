"""LimitRange: least, most and default resources of what is created in a namespace. The server's LimitRanger plugin applies it."""

from kk.base import names
from kk.base.errors import duplicate, forbidden_value, invalid_value, required
from kk.base.quantity import Quantity
from kk.kinds._checks import Errors, Obj, bad, each, listed, quantity, section
from kk.kinds._later import later
from kk.kinds._resourcenames import container_resource, may_overcommit, standard_resource
from kk.kinds.kind import Kind


def default(obj: Obj) -> None:
    """Containers: the most is also the default limit, and the default limit (or else the least) the default request."""
    listed(section(obj, "spec"), "limits")
    for item in obj["spec"]["limits"] or []:
        if item.get("type") != "Container":
            continue
        limits = dict(item.get("default") or {})
        for key, value in (item.get("max") or {}).items():
            limits.setdefault(key, value)
        requests = dict(item.get("defaultRequest") or {})
        for source in (limits, item.get("min") or {}):
            for key, value in source.items():
                requests.setdefault(key, value)
        for field, values in (("default", limits), ("defaultRequest", requests)):
            if values:
                item[field] = values


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Each type once; least ≤ default request ≤ default ≤ most."""
    seen: set[str] = set()
    for path, item in each("spec.limits", obj["spec"].get("limits")):
        kind = item.get("type") or ""
        yield from _type(f"{path}.type", kind)
        if kind in seen:
            yield duplicate(f"{path}.type", kind)
        seen.add(kind)
        yield from _item(path, item, kind)


def _type(path: str, kind: str) -> Errors:
    faults = names.qualified_name(kind)
    yield from bad(path, kind, faults)
    if not faults and "/" not in kind and kind not in ("Pod", "Container", "PersistentVolumeClaim"):
        yield invalid_value(path, kind, "must be a standard limit type or fully qualified")


def _item(path: str, item: Obj, kind: str) -> Errors:
    check = container_resource if kind in ("Container", "Pod") else standard_resource
    fields = ["max", "min"]
    if kind == "Pod":
        for field in ("default", "defaultRequest"):
            if item.get(field):
                yield forbidden_value(f"{path}.{field}", "may not be specified when `type` is 'Pod'")
    else:
        fields += ["default", "defaultRequest"]
    for field in [*fields, "maxLimitRequestRatio"]:
        for name in item.get(field) or {}:
            yield from check(f"{path}.{field}[{name}]", name)
    if kind == "PersistentVolumeClaim" and not ({"storage"} & {*(item.get("min") or {}), *(item.get("max") or {})}):
        yield required(
            f"{path}.limits", "either minimum or maximum storage value is required, but neither was provided"
        )
    keys = {key for field in [*fields, "maxLimitRequestRatio"] for key in item.get(field) or {}}
    for key in sorted(keys):
        yield from _compare(path, key, {f: _of(item, f, key) for f in fields}, _of(item, "maxLimitRequestRatio", key))


def _of(item: Obj, field: str, key: str) -> Quantity | None:
    found = (item.get(field) or {}).get(key)
    return None if found is None else quantity(found)


def _compare(path: str, key: str, have: dict[str, Quantity | None], ratio: Quantity | None) -> Errors:
    least, most, request, limit = (have.get(f) for f in ("min", "max", "defaultRequest", "default"))
    rules: tuple[tuple[Quantity | None, Quantity | None, str, Quantity | None, str, str], ...] = (
        (least, most, "min", least, "min value", "max value"),
        (least, request, "defaultRequest", request, "min value", "default request value"),
        (request, most, "defaultRequest", request, "default request value", "max value"),
        (request, limit, "defaultRequest", request, "default request value", "default limit value"),
        (least, limit, "default", least, "min value", "default value"),
        (limit, most, "default", most, "default value", "max value"),
    )
    for low, high, field, shown, low_name, high_name in rules:
        if low is not None and high is not None and low.milli() > high.milli():
            text = f"{low_name} {low.canonical()} is greater than {high_name} {high.canonical()}"
            yield invalid_value(f"{path}.{field}[{key}]", shown.canonical() if shown else "", text)
    if ratio is not None and ratio.milli() < 1000:
        yield invalid_value(
            f"{path}.maxLimitRequestRatio[{key}]", ratio.canonical(), f"ratio {ratio.canonical()} is less than 1"
        )
    if ratio is not None and least is not None and most is not None and least.milli() > 0:
        # the widest span that min and max allow
        span = most.milli() / least.milli()
        if ratio.milli() / 1000 > span:
            yield invalid_value(
                f"{path}.maxLimitRequestRatio[{key}]",
                ratio.canonical(),
                f"ratio {ratio.canonical()} is greater than max/min = {span:f}",
            )
    if not may_overcommit(key) and limit is not None and request is not None and limit != request:
        text = f"default value {limit.canonical()} must equal to defaultRequest value {request.canonical()} in {key}"
        yield invalid_value(f"{path}.defaultRequest[{key}]", request.canonical(), text)


KIND = Kind(
    "v1",
    "LimitRange",
    describe=later("_describe_core", "limit_range"),
    default=default,
    validate=validate,
    generation=False,
    create_on_update=True,
)

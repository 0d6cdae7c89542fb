"""ResourceSlice: the devices of one driver on a node, or some of them. Drivers write it, the scheduler reads it."""

from typing import Any

from kk.base import names
from kk.base.errors import duplicate, invalid_value, required, too_many
from kk.kinds._checks import IMMUTABLE, Errors, Obj, bad, each, fill, needed_name, one_of, section
from kk.kinds._devices import SEMVER, check_driver, check_name
from kk.kinds._nodeselector import check_node_selector
from kk.kinds.kind import AGE, Column, Kind

_MOST_DEVICES, _MOST_COSTLY, _MOST_TAINTS, _MOST_PROPERTIES, _LONGEST_TEXT = 128, 64, 16, 32, 64
_PLACES = ("nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection")
_ONE_PLACE = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
_EFFECTS = ("NoExecute", "NoSchedule", "None")
_GO = ("Int", "Bool", "String", "Version")


def default(obj: Obj) -> None:
    """Capacities have a value; the pool is always written."""
    spec = section(obj, "spec")
    pool = section(spec, "pool")
    for field, value in (("name", ""), ("generation", 0), ("resourceSliceCount", 0)):
        fill(pool, field, value)
    for device in spec.get("devices") or []:
        for capacity in (device.get("capacity") or {}).values():
            fill(capacity, "value", "0")


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Driver, pool, where the devices are, and each of them."""
    spec = obj["spec"]
    yield from check_driver("spec.driver", spec.get("driver") or "")
    yield from _pool("spec.pool", spec.get("pool") or {})
    if old is not None:
        yield from _fixed(spec, old["spec"])
    yield from _place(spec)
    if spec.get("sharedCounters") is not None and spec.get("devices") is not None:
        yield invalid_value("spec", "", "only one of `sharedCounters` or `devices` is allowed")
    devices = spec.get("devices") or []
    costly = any(device.get("taints") or device.get("consumesCounters") for device in devices)
    most = _MOST_COSTLY if costly else _MOST_DEVICES
    if len(devices) > most:
        yield too_many("spec.devices", len(devices), most)
    seen: set[str] = set()
    for path, device in each("spec.devices", devices):
        yield from _device(path, device)
        name = device.get("name") or ""
        if name in seen:
            yield duplicate(path, name)
        seen.add(name)


def _fixed(spec: Obj, before: Obj) -> Errors:
    name = (spec.get("pool") or {}).get("name")
    if name != (before.get("pool") or {}).get("name"):
        yield invalid_value("spec.pool.name", name, IMMUTABLE)
    for field in ("driver", "nodeName"):
        if spec.get(field) != before.get(field):
            yield invalid_value(f"spec.{field}", spec.get(field), IMMUTABLE)


def _pool(path: str, pool: Obj) -> Errors:
    name = pool.get("name") or ""
    if not name:
        yield required(f"{path}.name")
    for part in name.split("/") if name else ():
        yield from bad(f"{path}.name", part, names.dns_subdomain(part))
    if (pool.get("resourceSliceCount") or 0) <= 0:
        yield invalid_value(
            f"{path}.resourceSliceCount", pool.get("resourceSliceCount") or 0, "must be greater than zero"
        )
    if (pool.get("generation") or 0) < 0:
        yield invalid_value(f"{path}.generation", pool["generation"], "must be greater than or equal to zero")


def _place(spec: Obj) -> Errors:
    chosen = [f for f in _PLACES if spec.get(f) is not None]
    if spec.get("nodeName") is not None:
        if not spec["nodeName"]:
            yield invalid_value("spec.nodeName", "", "must be either unset or set to a non-empty string")
        else:
            yield from bad("spec.nodeName", spec["nodeName"], names.dns_subdomain(spec["nodeName"]))
    if spec.get("nodeSelector") is not None:
        yield from check_node_selector("spec.nodeSelector", spec["nodeSelector"])
        if len(spec["nodeSelector"].get("nodeSelectorTerms") or []) != 1:
            yield invalid_value(
                "spec.nodeSelector.nodeSelectorTerms",
                spec["nodeSelector"].get("nodeSelectorTerms"),
                "must have exactly one node selector term",
            )
    for field in ("allNodes", "perDeviceNodeSelection"):
        if spec.get(field) is False:
            yield invalid_value(f"spec.{field}", False, "must be either unset or set to true")
    if not chosen:
        yield required("spec", _ONE_PLACE)
    elif len(chosen) > 1:
        listed = "{" + ", ".join(f"`{field}`" for field in chosen) + "}"
        yield invalid_value("spec", listed, f"{_ONE_PLACE}, but multiple fields are set")


def _device(path: str, device: Obj) -> Errors:
    yield from needed_name(f"{path}.name", device.get("name"), names.dns_label)
    attributes, capacity = device.get("attributes") or {}, device.get("capacity") or {}
    if len(attributes) + len(capacity) > _MOST_PROPERTIES:
        yield invalid_value(
            path,
            len(attributes) + len(capacity),
            f"the total number of attributes and capacities must not exceed {_MOST_PROPERTIES}",
        )
    for key, value in attributes.items():
        yield from check_name(f"{path}.attributes", key)
        yield from _attribute(f"{path}.attributes[{key}]", value)
    for key in capacity:
        yield from check_name(f"{path}.capacity", key)
    taints = device.get("taints") or []
    if len(taints) > _MOST_TAINTS:
        yield too_many(f"{path}.taints", len(taints), _MOST_TAINTS)
    for where, taint in each(f"{path}.taints", taints):
        yield from _taint(where, taint)


def _attribute(path: str, attribute: Obj) -> Errors:
    kinds = [k.lower() for k in _GO] + [f"{k.lower()}s" for k in _GO]
    chosen = [kind for kind in kinds if attribute.get(kind) is not None]
    if len(chosen) != 1:
        shown: Any = {f"{k}Value": attribute.get(k.lower()) for k in _GO}
        shown.update({f"{k}Values": attribute.get(f"{k.lower()}s") for k in _GO})
        yield invalid_value(path, shown if chosen else "", "exactly one value must be specified")
        return
    text = attribute.get("string")
    if text is not None and len(text) > _LONGEST_TEXT:
        yield invalid_value(f"{path}.string", text, f"must be no more than {_LONGEST_TEXT} bytes")
    version = attribute.get("version")
    if version is not None and not SEMVER.match(version):
        yield invalid_value(f"{path}.version", version, "must be a string compatible with semver.org spec 2.0.0")


def _taint(path: str, taint: Obj) -> Errors:
    key, value, effect = (taint.get(field) or "" for field in ("key", "value", "effect"))
    yield from bad(f"{path}.key", key, names.qualified_name(key))
    if value:
        yield from bad(f"{path}.value", value, names.label_value(value))
    if not effect:
        yield required(f"{path}.effect")
    else:
        yield from one_of(f"{path}.effect", effect, _EFFECTS)


KIND = Kind(
    "resource.k8s.io/v1",
    "ResourceSlice",
    default=default,
    validate=validate,
    columns=(
        Column("Node", lambda obj: (obj.get("spec") or {}).get("nodeName") or "", describes=".spec.nodeName"),
        Column("Driver", ".spec.driver"),
        Column("Pool", ".spec.pool.name"),
        AGE,
    ),
    selectable={"spec.nodeName": ".spec.nodeName", "spec.driver": ".spec.driver"},
)

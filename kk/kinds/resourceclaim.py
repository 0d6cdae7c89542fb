"""ResourceClaim: a wish for devices, who may use them, and which were given. The scheduler allocates."""

from typing import Any

from kk.base import names
from kk.base.errors import duplicate, forbidden_value, invalid_value, required, too_many
from kk.kinds._checks import IMMUTABLE, Errors, Obj, bad, each, fill, go_value, needed_name, section
from kk.kinds._devices import check_claim, check_driver, default_claim
from kk.kinds._nodeselector import check_node_selector
from kk.kinds.kind import AGE, Column, Kind

_MOST_RESERVED, _MOST_CONDITIONS = 256, 8


def default(obj: Obj) -> None:
    """Spec and status are always there."""
    section(section(obj, "spec"), "devices")
    default_claim(obj["spec"])
    fill(obj, "status", {})


def prepare_create(obj: Obj) -> None:
    """Only the scheduler and drivers say what was given."""
    obj["status"] = {}


def validate(obj: Obj, old: Obj | None) -> Errors:
    """A wish never changes; what cannot change is not judged again."""
    if old is None:
        yield from check_claim("spec", obj["spec"])
    elif obj["spec"] != old["spec"]:
        yield invalid_value("spec", _shown(obj["spec"]), IMMUTABLE)


def _shown(spec: Obj) -> Obj:
    devices = spec.get("devices") or {}
    exact = ("DeviceClassName", "Selectors", "AllocationMode", "Count", "AdminAccess", "Tolerations", "Capacity")
    zero = {"count": 0, "allocationMode": ""}
    requests: list[Any] = [
        go_value(
            request,
            "Name",
            "Exactly",
            "FirstAvailable",
            Exactly=go_value({**zero, **request["exactly"]}, *exact) if request.get("exactly") else None,
        )
        for request in devices.get("requests") or []
    ]
    shown = go_value(devices, "Requests", "Constraints", "Config", Requests=requests or None)
    return {"Devices": shown}


def validate_status(obj: Obj, old: Obj) -> Errors:
    """Devices for what was asked, and consumers that are told apart."""
    status, before = obj.get("status") or {}, old.get("status") or {}
    reserved = status.get("reservedFor") or []
    if len(reserved) > _MOST_RESERVED:
        yield too_many("status.reservedFor", len(reserved), _MOST_RESERVED)
    seen: set[str] = set()
    for path, consumer in each("status.reservedFor", reserved):
        for field in ("resource", "name", "uid"):
            if not consumer.get(field):
                yield required(f"{path}.{field}")
        if consumer.get("uid") in seen:
            yield duplicate(path, consumer)
        seen.add(consumer.get("uid") or "")
    allocation = status.get("allocation")
    if status.get("devices"):
        yield from _devices("status.devices", status["devices"], allocation or {})
    if reserved and allocation is None:
        yield forbidden_value("status.reservedFor", "may not be specified when `allocated` is not set")
    elif reserved and obj["metadata"].get("deletionTimestamp"):
        known = before.get("reservedFor") or []
        if any(consumer not in known for consumer in reserved):
            detail = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"
            yield forbidden_value("status.reservedFor", detail)
    if allocation is not None:
        if before.get("allocation") is not None:
            if allocation != before["allocation"]:
                yield invalid_value("status.allocation", allocation, IMMUTABLE)
        else:
            yield from _allocation("status.allocation", allocation, _names(obj["spec"]))


class _Device(tuple[str, ...]):
    """What names a device; messages show its parts with slashes between them, unquoted."""

    __slots__ = ()

    def __str__(self) -> str:
        return "/".join(self)


def _device(one: Obj) -> _Device:
    share = (one["shareID"],) if one.get("shareID") else ()
    return _Device((*(one.get(field) or "" for field in ("driver", "pool", "device")), *share))


def _devices(path: str, listed: list[Obj], allocation: Obj) -> Errors:
    """What drivers tell of the devices that were given: each once, and no others."""
    given = {_device(result) for result in (allocation.get("devices") or {}).get("results") or ()}
    seen: set[_Device] = set()
    for where, one in each(path, listed):
        yield from check_driver(f"{where}.driver", one.get("driver") or "")
        yield from _pool(f"{where}.pool", one.get("pool") or "")
        yield from needed_name(f"{where}.device", one.get("device"), names.dns_label)
        device = _device(one)
        if device not in given:
            yield invalid_value(where, device, "must be an allocated device in the claim")
        if len(one.get("conditions") or ()) > _MOST_CONDITIONS:
            yield too_many(f"{where}.conditions", len(one["conditions"]), _MOST_CONDITIONS)
        if device in seen:
            yield duplicate(where, device)
        seen.add(device)


def _pool(path: str, pool: str) -> Errors:
    if not pool:
        yield required(path)
    for part in pool.split("/") if pool else ():
        yield from bad(path, part, names.dns_subdomain(part))


def _names(spec: Obj) -> set[str]:
    found: set[str] = set()
    for request in (spec.get("devices") or {}).get("requests") or []:
        found.add(request.get("name") or "")
        found.update(f"{request.get('name')}/{sub.get('name')}" for sub in request.get("firstAvailable") or [])
    return found


def _allocation(path: str, allocation: Obj, known: set[str]) -> Errors:
    for where, result in each(f"{path}.devices.results", (allocation.get("devices") or {}).get("results")):
        if result.get("request") not in known:
            yield invalid_value(
                f"{where}.request",
                result.get("request") or "",
                "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
            )
        yield from check_driver(f"{where}.driver", result.get("driver") or "")
        yield from _pool(f"{where}.pool", result.get("pool") or "")
        yield from needed_name(f"{where}.device", result.get("device"), names.dns_label)
    if allocation.get("nodeSelector") is not None:
        yield from check_node_selector(f"{path}.nodeSelector", allocation["nodeSelector"])


def _state(obj: Obj) -> str:
    status = obj.get("status") or {}
    deleted = bool(obj["metadata"].get("deletionTimestamp"))
    states = ["deleted"] if deleted else []
    if status.get("allocation") is None:
        states += [] if deleted else ["pending"]
    else:
        states += ["allocated", *(["reserved"] if status.get("reservedFor") else [])]
    return ",".join(states)


KIND = Kind(
    "resource.k8s.io/v1",
    "ResourceClaim",
    default=default,
    prepare_create=prepare_create,
    validate=validate,
    validate_status=validate_status,
    columns=(
        Column("State", _state, description="A summary of the current state (allocated, pending, reserved, etc.)."),
        AGE,
    ),
    status=True,
    generation=False,
)

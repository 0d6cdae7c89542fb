"""Node: a machine that runs pods. kk.agent writes it, kk.control.nodelifecycle watches over it; nothing here does I/O."""

from collections.abc import Iterator
from typing import Any

from kk.base import names
from kk.base.errors import FieldError, duplicate, forbidden_value, invalid_value, not_supported, required
from kk.kinds._addresses import legacy_cidr, parse_cidr
from kk.kinds._checks import Errors, canonical, each, fill, quantity, quantity_not_negative, section
from kk.kinds._later import later
from kk.kinds._resourcenames import is_whole
from kk.kinds.kind import AGE, Column, Kind

Obj = dict[str, Any]
_ROLE = "node-role.kubernetes.io/"
_INFO = (
    "machineID",
    "systemUUID",
    "bootID",
    "kernelVersion",
    "osImage",
    "containerRuntimeVersion",
    "kubeletVersion",
    "kubeProxyVersion",
    "operatingSystem",
    "architecture",
)


def default(obj: Obj) -> None:
    """What is not told of capacity may all be allocated; the parts of the status that are always written."""
    section(obj, "spec")
    status = section(obj, "status")
    if status.get("capacity") is not None and status.get("allocatable") is None:
        status["allocatable"] = dict(status["capacity"])
    fill(section(section(status, "daemonEndpoints"), "kubeletEndpoint"), "Port", 0)
    info = section(status, "nodeInfo")
    for field in _INFO:
        fill(info, field, "")


def prepare_create(obj: Obj) -> None:
    """The old dynamic configuration is not kept."""
    obj["spec"].pop("configSource", None)


def prepare_update(obj: Obj, old: Obj) -> None:
    """The old dynamic configuration is not kept."""
    obj["spec"].pop("configSource", None)


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Taints, amounts, addresses of pods; podCIDR and providerID are set once."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if old is None:
        # the path is upstream's, letter for letter
        yield from _taints("metadata.taints", spec.get("taints"))
        yield from _amounts(status)
        yield from _ranges("spec.podCIDRs", spec.get("podCIDRs") or [])
    else:
        yield from _update(spec, status, old.get("spec") or {})


def _ranges(path: str, ranges: list[str]) -> Errors:
    for where, value in each(path, ranges):
        yield from legacy_cidr(where, value)
    if len(ranges) < 2:
        return
    families = {found.version for value in ranges if (found := parse_cidr(value)) is not None}
    if len(ranges) > 2 or len(families) < 2:
        yield invalid_value(path, ranges, "may specify no more than one CIDR for each IP family")
    for at, value in enumerate(ranges):
        if value in ranges[:at]:
            yield duplicate(f"{path}[{at}]", value)


def _update(spec: Obj, status: Obj, before: Obj) -> Errors:
    yield from _amounts(status)
    seen: set[tuple[str, str]] = set()
    for where, address in each("status.addresses", status.get("addresses")):
        key = (address.get("type") or "", address.get("address") or "")
        if key in seen:
            yield duplicate(where, {"Type": key[0], "Address": key[1]})
        seen.add(key)
    yield from _pinned("podCIDRs", spec.get("podCIDRs") or [], before.get("podCIDRs") or [])
    was = before.get("providerID")
    if was and was != spec.get("providerID"):
        yield forbidden_value("spec.providerID", 'node updates may not change providerID except from "" to valid')
    yield from _taints("metadata.taints", spec.get("taints"))
    if (spec.get("externalID") or "") != (before.get("externalID") or ""):
        yield forbidden_value("spec.externalID", "may not be updated")


def _pinned(field: str, ranges: list[str], before: list[str]) -> Errors:
    changed = 1 if len(ranges) != len(before) else sum(new != was for new, was in zip(ranges, before, strict=True))
    for _ in range(changed if before else 0):
        yield forbidden_value(f"spec.{field}", 'node updates may not change podCIDR except from "" to valid')


def validate_status(obj: Obj, old: Obj) -> Errors:
    """Capacity, what of it may be allocated, addresses."""
    yield from validate(obj, old)


def _amounts(status: Obj) -> Errors:
    for part in ("capacity", "allocatable"):
        for name, amount in (status.get(part) or {}).items():
            where = f"status.{part}.{name}"
            yield from quantity_not_negative(where, amount)
            if is_whole(name) and quantity(amount).milli() % 1000:
                yield invalid_value(where, canonical(amount), "must be an integer")


def warnings(obj: Obj, old: Obj | None) -> Iterator[str]:
    """A field that means nothing any more."""
    if (obj.get("spec") or {}).get("externalID"):
        yield "spec.externalID: this field is deprecated, and is unused by Kubernetes"


def _taints(path: str, taints: list[Obj] | None) -> Errors:
    effects = ("NoSchedule", "PreferNoSchedule", "NoExecute")
    seen: set[tuple[str, str]] = set()
    for where, taint in each(path, taints):
        key, value, effect = taint.get("key") or "", taint.get("value") or "", taint.get("effect") or ""
        for message in names.qualified_name(key):
            yield invalid_value(f"{where}.key", key, message)
        if faults := names.label_value(value):
            yield invalid_value(f"{where}.value", value, ";".join(faults))
        if not effect:
            yield required(f"{where}.effect")
        elif effect not in effects:
            yield not_supported(f"{where}.effect", effect, effects)
        if (key, effect) in seen:
            shown = {"Key": key, "Value": value, "Effect": effect, "TimeAdded": taint.get("timeAdded")}
            detail = "taints must be unique by key and effect pair"
            yield FieldError("FieldValueDuplicate", where, shown, detail)
        seen.add((key, effect))


def _status(obj: Obj) -> str:
    words = []
    for condition in (obj.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Ready":
            words = ["Ready" if condition.get("status") == "True" else "NotReady"]
    words = words or ["Unknown"]
    if (obj.get("spec") or {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _roles(obj: Obj) -> str:
    roles = set()
    for key, value in (obj["metadata"].get("labels") or {}).items():
        if key.startswith(_ROLE) and key != _ROLE:
            roles.add(key[len(_ROLE) :])
        elif key == "kubernetes.io/role" and value:
            roles.add(value)
    return ",".join(sorted(roles)) or "<none>"


def _address(kind: str) -> Any:
    def cell(obj: Obj) -> str:
        for address in (obj.get("status") or {}).get("addresses") or ():
            if address.get("type") == kind:
                return str(address.get("address") or "")
        return "<none>"

    return cell


def _info(field: str, missing: str = "<unknown>") -> Any:
    return lambda obj: ((obj.get("status") or {}).get("nodeInfo") or {}).get(field) or missing


def _unschedulable(obj: Obj) -> str:
    return "true" if (obj.get("spec") or {}).get("unschedulable") else "false"


KIND = Kind(
    "v1",
    "Node",
    describe=later("_describe_node", "describe"),
    default=default,
    prepare_create=prepare_create,
    prepare_update=prepare_update,
    status_on_create=True,
    validate=validate,
    validate_status=validate_status,
    warnings=warnings,
    columns=(
        Column("Status", _status, description="The status of the node"),
        Column("Roles", _roles, description="The roles of the node"),
        AGE,
        Column("Version", _info("kubeletVersion", ""), describes=".status.nodeInfo.kubeletVersion"),
        Column("Internal-IP", _address("InternalIP"), priority=1, describes=".status.addresses"),
        Column("External-IP", _address("ExternalIP"), priority=1, describes=".status.addresses"),
        Column("OS-Image", _info("osImage"), priority=1, describes=".status.nodeInfo.osImage"),
        Column("Kernel-Version", _info("kernelVersion"), priority=1, describes=".status.nodeInfo.kernelVersion"),
        Column(
            "Container-Runtime",
            _info("containerRuntimeVersion"),
            priority=1,
            describes=".status.nodeInfo.containerRuntimeVersion",
        ),
    ),
    selectable={"spec.unschedulable": _unschedulable},
    generation=False,
)

"""Node: a machine that runs pods. kk.agent writes it, kk.control.nodelifecycle watches over it; nothing here does I/O."""

from typing import Any

from kk.kinds._checks import fill, section
from kk.kinds._later import later
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

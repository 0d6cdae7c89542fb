"""Pod: containers that run together on one node. The scheduler picks the node, kk.agent runs them; nothing here does I/O."""

from collections.abc import Iterator
from typing import Any

from kk.base import names
from kk.base.errors import forbidden_value, invalid_value
from kk.kinds import _podcells, _podspec, _podspec_check, _podspec_resources
from kk.kinds._checks import Errors, bad, each, fill, section
from kk.kinds._later import later
from kk.kinds._podspec_warnings import name_warning, spec_warnings
from kk.kinds.kind import AGE, Column, Kind

Obj = dict[str, Any]


def default(pod: Obj) -> None:
    """Spec and status as upstream fills them."""
    spec = section(pod, "spec")
    _podspec.default_spec(spec)
    _podspec.default_pod_only(spec)
    status = section(pod, "status")
    fill(status, "phase", "Pending")
    address = status.get("podIP")
    if address and (status.get("podIPs") or [{}])[0].get("ip") != address:
        status["podIPs"] = [{"ip": address}]  # a client that knows the one field alone means both


def prepare_create(pod: Obj) -> None:
    """A new pod is Pending, with the QoS class of its resources; ephemeral containers cannot be there yet."""
    spec = pod["spec"]
    _podspec.drop_gated(spec)
    _podspec.merge_label_keys(spec, pod["metadata"].get("labels") or {})
    pod["status"] = {"phase": "Pending", "qosClass": _podspec_resources.qos_class(spec)}
    if spec.get("schedulingGates"):
        pod["status"]["conditions"] = [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "SchedulingGated",
                "message": "Scheduling is blocked due to non-empty scheduling gates",
                "lastProbeTime": None,
                "lastTransitionTime": pod["metadata"].get("creationTimestamp"),
            }
        ]


def prepare_update(pod: Obj, old: Obj) -> None:
    """Status stays as it was."""
    pod["status"] = old.get("status") or {}


def validate(pod: Obj, old: Obj | None) -> Errors:
    """The spec on create; on update only what may change."""
    spec = pod["spec"]
    if old is not None:
        yield from _podspec_check.check_pod_update(spec, old["spec"])
        return
    yield from _podspec_check.check_spec("spec", spec, pod=True)
    if spec.get("ephemeralContainers"):
        yield forbidden_value("spec.ephemeralContainers", "cannot be set on create")


def validate_status(pod: Obj, old: Obj) -> Errors:
    """Addresses, the nominated node, container states that go on."""
    status, before = pod.get("status") or {}, old.get("status") or {}
    if status.get("nominatedNodeName"):
        yield from bad(
            "status.nominatedNodeName", status["nominatedNodeName"], names.dns_subdomain(status["nominatedNodeName"])
        )
    yield from _addresses("status.podIPs", status.get("podIPs"))
    yield from _addresses("status.hostIPs", status.get("hostIPs"))
    for where, condition in each("status.conditions", status.get("conditions")):
        kind = condition.get("type") or ""
        if not kind.startswith("kubernetes.io/"):
            yield from bad(f"{where}.type", kind, names.qualified_name(kind) if kind else [])
    spec = pod.get("spec") or {}
    if spec.get("restartPolicy") in ("Never", "OnFailure"):
        yield from _restarted("status.containerStatuses", status, before, spec["restartPolicy"])


def _addresses(path: str, listed: list[Obj] | None) -> Errors:
    for where, address in each(path, listed):
        yield from bad(where, address.get("ip") or "", names.ip(address.get("ip") or ""))
    versions = [parsed.version for a in listed or () if (parsed := names.parse_ip(a.get("ip") or "")) is not None]
    if len(listed or ()) > 2 or len(set(versions)) < len(versions):
        ips = [a.get("ip") for a in listed or ()]
        yield invalid_value(path, ips, "may specify no more than one IP for each IP family")


def _restarted(path: str, status: Obj, before: Obj, policy: str) -> Errors:
    """A container that ended for good stays ended."""
    now = {c.get("name"): c for c in status.get("containerStatuses") or ()}
    for where, container in each(path, before.get("containerStatuses")):
        terminated = (container.get("state") or {}).get("terminated")
        if terminated is None or (policy == "OnFailure" and terminated.get("exitCode")):
            continue
        state = (now.get(container.get("name")) or {}).get("state") or {}
        if container.get("name") in now and state.get("terminated") is None:
            yield forbidden_value(f"{where}.state", "may not be transitioned to non-terminated state")


def warnings(pod: Obj, old: Obj | None) -> Iterator[str]:
    """About the name, on create, and the spec where it changed."""
    if old is None:
        yield from name_warning(pod["metadata"].get("name") or "", "the Pod's hostname")
    if old is None or old["spec"] != pod["spec"]:
        yield from spec_warnings("", pod["spec"], pod["metadata"].get("annotations"))


def grace(pod: Obj, options: Obj) -> int:
    """Seconds that a delete waits: what the client asks for, else the spec's; 0 for pods that run nowhere or are through."""
    seconds = options.get("gracePeriodSeconds")
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    if seconds is None:
        seconds = spec.get("terminationGracePeriodSeconds")
    seconds = 0 if seconds is None else max(int(seconds), 1) if int(seconds) < 0 else int(seconds)
    if not spec.get("nodeName") or status.get("phase") in _podcells.TERMINAL:
        return 0
    return seconds


def _node(pod: Obj) -> str:
    return (pod.get("spec") or {}).get("nodeName") or "<none>"


def _nominated(pod: Obj) -> str:
    return (pod.get("status") or {}).get("nominatedNodeName") or "<none>"


def _host_network(pod: Obj) -> str:
    return "true" if (pod.get("spec") or {}).get("hostNetwork") else "false"


def _pod_ip(pod: Obj) -> str:
    status = pod.get("status") or {}
    addresses = status.get("podIPs") or ()
    return (addresses[0].get("ip") if addresses else status.get("podIP")) or ""


_OVER = {"Succeeded": "The pod has completed successfully.", "Failed": "The pod failed."}


def row_conditions(pod: Obj) -> list[Obj]:
    """A pod that is through says so in its row."""
    phase = (pod.get("status") or {}).get("phase") or ""
    if phase not in _OVER:
        return []
    return [{"type": "Completed", "status": "True", "reason": phase, "message": _OVER[phase]}]


KIND = Kind(
    "v1",
    "Pod",
    describe=later("_describe_pod", "describe"),
    default=default,
    prepare_create=prepare_create,
    row_conditions=row_conditions,
    warnings=warnings,
    validate=validate,
    validate_status=validate_status,
    validate_subresource={
        "ephemeralcontainers": _podspec_check.check_ephemeral,
        "resize": _podspec_check.check_resize,
        "binding": _podspec_check.check_binding,
    },
    prepare_update=prepare_update,
    columns=(
        Column(
            "Ready", _podcells.ready, description="The aggregate readiness state of this pod for accepting traffic."
        ),
        Column("Status", _podcells.status, description="The aggregate status of the containers in this pod."),
        Column(
            "Restarts",
            _podcells.restarts,
            description="The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.",
        ),
        AGE,
        Column("IP", _podcells.address, priority=1, describes=".status.podIP"),
        Column("Node", _node, priority=1, describes=".spec.nodeName"),
        Column("Nominated Node", _nominated, priority=1, describes=".status.nominatedNodeName"),
        Column("Readiness Gates", _podcells.readiness_gates, priority=1, describes=".spec.readinessGates"),
    ),
    selectable={
        "spec.nodeName": ".spec.nodeName",
        "spec.restartPolicy": ".spec.restartPolicy",
        "spec.schedulerName": ".spec.schedulerName",
        "spec.serviceAccountName": ".spec.serviceAccountName",
        "spec.hostNetwork": _host_network,
        "status.phase": ".status.phase",
        "status.podIP": _pod_ip,
        "status.podIPs": _pod_ip,
        "status.nominatedNodeName": ".status.nominatedNodeName",
    },
    grace=grace,
)

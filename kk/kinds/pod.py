"""Pod: containers that run together on one node. The scheduler picks the node, kk.agent runs them; nothing here does I/O."""

from collections.abc import Iterator
from typing import Any

from kk.base.errors import forbidden_value
from kk.kinds import _pod_annotations, _pod_change, _pod_status, _podcells, _podspec, _podspec_check, _podspec_resources
from kk.kinds._checks import Errors, fill, section
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
    if old is not None:
        yield from _pod_change.check_update(pod, old)
        return
    spec, annotations = pod["spec"], pod["metadata"].get("annotations")
    yield from _pod_annotations.check("metadata.annotations", annotations, spec)
    yield from _podspec_check.check_spec("spec", spec, pod=True)
    if spec.get("ephemeralContainers"):
        yield forbidden_value("spec.ephemeralContainers", "cannot be set on create")
    yield from _pod_annotations.check_matching("spec", annotations, spec)


def warnings(pod: Obj, old: Obj | None) -> Iterator[str]:
    """About the name and the spec, on create only: people seldom change pods, programs often."""
    if old is None:
        yield from name_warning(pod["metadata"].get("name") or "", "the Pod's hostname")
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
    prepare_status=_pod_status.prepare,
    validate_status=_pod_status.check,
    validate_subresource={
        "ephemeralcontainers": _pod_change.check_ephemeral,
        "resize": _pod_change.check_resize,
        "binding": _pod_change.check_binding,
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

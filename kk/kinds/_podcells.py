"""What a Pod's columns say: readiness, the one word of its status, restarts. Source: `printPod` in `pkg/printers/internalversion` of Kubernetes.

Pure reading of one Pod; also used by `describe` and by whoever needs the word that `kubectl get pods` shows.
"""

from dataclasses import dataclass
from typing import Any

from kk.base.times import human_duration, parse_time

Obj = dict[str, Any]
NODE_LOST = "NodeLost"
TERMINAL = ("Succeeded", "Failed")


@dataclass(slots=True)
class Summary:
    """Cells of one Pod: `last` is the time of the latest restart as text, or ""."""

    ready: int
    total: int
    reason: str
    restarts: int
    last: str


def is_sidecar(container: Obj | None) -> bool:
    """An init container that goes on beside the others."""
    return (container or {}).get("restartPolicy") == "Always"


def condition_is_true(status: Obj, kind: str) -> bool:
    """Whether a condition of that type stands and is True."""
    return any(c.get("type") == kind and c.get("status") == "True" for c in status.get("conditions") or ())


def _ended(terminated: Obj) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _finished(container: Obj) -> str:
    return ((container.get("lastState") or {}).get("terminated") or {}).get("finishedAt") or ""


@dataclass(slots=True)
class _Init:
    reason: str = ""
    ready: int = 0
    restarts: int = 0
    last: str = ""
    sidecar_restarts: int = 0
    sidecar_last: str = ""


def _initializing(pod: Obj) -> _Init:
    """The init containers up to the first that is not through; `reason` is "" where all are."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    declared = {c.get("name"): c for c in spec.get("initContainers") or ()}
    found = _Init()
    for at, container in enumerate(status.get("initContainerStatuses") or ()):
        sidecar = is_sidecar(declared.get(container.get("name")))
        found.restarts += container.get("restartCount") or 0
        found.last = max(found.last, _finished(container))
        if sidecar:
            found.sidecar_restarts += container.get("restartCount") or 0
            found.sidecar_last = max(found.sidecar_last, _finished(container))
        state = container.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting")
        if terminated is not None and not terminated.get("exitCode"):
            continue
        if sidecar and container.get("started"):
            found.ready += 1 if container.get("ready") else 0
            continue
        if terminated is not None:
            found.reason = "Init:" + _ended(terminated)
        elif waiting is not None and waiting.get("reason") not in (None, "", "PodInitializing"):
            found.reason = "Init:" + waiting["reason"]
        else:
            found.reason = f"Init:{at}/{len(spec.get('initContainers') or ())}"
        break
    return found


def summary(pod: Obj) -> Summary:
    """All that the columns Ready, Status and Restarts need."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    phase = status.get("phase") or ""
    reason = status.get("reason") or phase
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "SchedulingGated":
            reason = "SchedulingGated"
    sidecars = sum(1 for c in spec.get("initContainers") or () if is_sidecar(c))
    total = len(spec.get("containers") or ()) + sidecars
    init = _initializing(pod)
    found = Summary(init.ready, total, init.reason or reason, init.restarts, init.last)
    if not init.reason or condition_is_true(status, "Initialized"):
        found.restarts, found.last = init.sidecar_restarts, init.sidecar_last
        _containers(status, found)
    if (pod.get("metadata") or {}).get("deletionTimestamp"):
        if status.get("reason") == NODE_LOST:
            found.reason = "Unknown"
        elif phase not in TERMINAL:
            found.reason = "Terminating"
    return found


def _containers(status: Obj, found: Summary) -> None:
    running = False
    for container in reversed(status.get("containerStatuses") or ()):
        found.restarts += container.get("restartCount") or 0
        found.last = max(found.last, _finished(container))
        state = container.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting")
        if waiting is not None and waiting.get("reason"):
            found.reason = waiting["reason"]
        elif terminated is not None:
            found.reason = _ended(terminated)
        elif container.get("ready") and state.get("running") is not None:
            running = True
            found.ready += 1
    if found.reason == "Completed" and running:
        found.reason = "Running" if condition_is_true(status, "Ready") else "NotReady"


def ready(pod: Obj) -> str:
    """`1/2`."""
    found = summary(pod)
    return f"{found.ready}/{found.total}"


def status(pod: Obj) -> str:
    """The one word."""
    return summary(pod).reason


def restarts(pod: Obj, now: float) -> str:
    """`3 (5m ago)`."""
    found = summary(pod)
    if not found.restarts or not found.last:
        return str(found.restarts)
    return f"{found.restarts} ({human_duration(now - parse_time(found.last).timestamp())} ago)"


def address(pod: Obj) -> str:
    """The pod's first address."""
    addresses = (pod.get("status") or {}).get("podIPs") or ()
    return (addresses[0].get("ip") if addresses else (pod.get("status") or {}).get("podIP")) or "<none>"


def readiness_gates(pod: Obj) -> str:
    """`1/2` of the gates hold, or `<none>`."""
    gates = (pod.get("spec") or {}).get("readinessGates") or ()
    if not gates:
        return "<none>"
    held = sum(1 for g in gates if condition_is_true(pod.get("status") or {}, g.get("conditionType", "")))
    return f"{held}/{len(gates)}"

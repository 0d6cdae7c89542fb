"""A pod's status as kubelet reports it, from what the agent sees. Pure; `compute` gives the whole status, `patch` what to send.

Phases follow kubelet's `getPhase`, conditions its `status/generate.go`. The server's own fields (qosClass) and conditions of others are kept.
"""

from typing import Any

from kk.agent.pods.plan import Fail
from kk.agent.pods.times import stamp
from kk.agent.pods.world import World, is_sidecar
from kk.agent.runtime.api import Container

Obj = dict[str, Any]
OWN_CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")
SCHEME = "kk-host://"


def terminated(attempt: Container) -> Obj:
    """A ContainerStateTerminated."""
    reason = attempt.reason or ("Completed" if attempt.exit_code == 0 else "Error")
    state: Obj = {"exitCode": attempt.exit_code, "reason": reason}
    if attempt.message:
        state["message"] = attempt.message
    state["startedAt"] = stamp(attempt.started_at)
    state["finishedAt"] = stamp(attempt.finished_at)
    state["containerID"] = SCHEME + attempt.id
    return state


def container_status(world: World, container: Obj, init: bool, initialized: bool) -> Obj:
    """One ContainerStatus."""
    name = container["name"]
    attempts = world.containers.get(name) or []
    last = attempts[-1] if attempts else None
    waiting = world.waiting.get(name)
    probed = world.probed.get(name)
    status: Obj = {"name": name, "state": {}, "lastState": {}, "ready": False, "restartCount": 0}
    status.update({"image": container.get("image", ""), "imageID": "", "started": False})
    if last is not None:
        status["restartCount"] = last.config.attempt
        status.update({"image": last.config.image, "imageID": last.config.image_id, "containerID": SCHEME + last.id})
    if last is not None and last.state == "running":
        status["state"] = {"running": {"startedAt": stamp(last.started_at)}}
        status["started"] = bool(probed and probed.started)
        status["ready"] = bool(probed and probed.ready)
        if len(attempts) > 1:
            status["lastState"] = {"terminated": terminated(attempts[-2])}
    elif last is not None and last.state == "exited" and waiting is None:
        status["state"] = {"terminated": terminated(last)}
        status["ready"] = init and last.exit_code == 0
        if len(attempts) > 1:
            status["lastState"] = {"terminated": terminated(attempts[-2])}
    else:
        reason, message = waiting or (("PodInitializing" if not initialized else "ContainerCreating"), "")
        if init and waiting is None:
            reason = "PodInitializing"
        status["state"] = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
        if last is not None and last.state == "exited":
            status["lastState"] = {"terminated": terminated(last)}
    if resources := container.get("resources"):
        status["resources"] = resources
        if requests := resources.get("requests"):
            status["allocatedResources"] = requests
    if mounts := container.get("volumeMounts"):
        status["volumeMounts"] = [_mount(m) for m in mounts]
    return status


def _mount(mount: Obj) -> Obj:
    kept: Obj = {key: mount[key] for key in ("name", "mountPath") if key in mount}
    if mount.get("readOnly"):
        kept |= {"readOnly": True, "recursiveReadOnly": mount.get("recursiveReadOnly", "Disabled")}
    return kept


def init_done(container: Obj, status: Obj) -> bool:
    """Whether an init container no longer holds up the others."""
    if is_sidecar(container):
        return bool(status["started"])
    return status["state"].get("terminated", {}).get("exitCode") == 0


def phase(spec: Obj, inits: list[Obj], statuses: list[Obj], over: bool = False) -> str:
    """Pending, Running, Succeeded or Failed; `over`: nothing of the pod will run again, whatever its policy."""
    policy = spec.get("restartPolicy", "Always")
    begun = any(s["state"].get("running") or s["state"].get("terminated") or s["lastState"] for s in statuses)
    pending_init = failed_init = 0
    for container, status in zip(spec.get("initContainers") or (), inits):
        state = status["state"].get("terminated") or (
            not status["state"].get("running") and status["lastState"].get("terminated")
        )
        if is_sidecar(container):
            pending_init += not (begun or status["started"])
        elif state:
            failed_init += state["exitCode"] != 0
            pending_init += state["exitCode"] != 0
        else:
            pending_init += 1
    if failed_init and policy == "Never":
        return "Failed"
    if pending_init and not begun:
        return "Pending"
    waiting = running = stopped = succeeded = 0
    for status in statuses:
        state = status["state"]
        if state.get("running"):
            running += 1
        elif ended := state.get("terminated") or status["lastState"].get("terminated"):
            stopped += 1
            succeeded += bool(state.get("terminated")) and ended["exitCode"] == 0
        else:
            waiting += 1
    if waiting or not (running or stopped):
        return "Pending"
    if running or (policy == "Always" and not over):
        return "Running"
    if stopped == succeeded:
        return "Succeeded"
    return "Failed" if policy == "Never" or over else "Running"


def conditions(world: World, found: str, inits: list[Obj], statuses: list[Obj], now: float) -> list[Obj]:
    """The agent's own conditions; a transition time changes only with the status."""
    spec, old = world.spec, (world.pod.get("status") or {}).get("conditions") or []
    gates = [gate["conditionType"] for gate in spec.get("readinessGates") or ()]
    others = {c["type"]: c["status"] for c in old if c["type"] not in OWN_CONDITIONS}
    paired = list(zip(spec.get("initContainers") or (), inits))
    uninitialized = [s["name"] for c, s in paired if not init_done(c, s)]
    begun = any(s["state"].get("running") or s["state"].get("terminated") for s in statuses)
    sidecars = [s for c, s in paired if is_sidecar(c)]
    unready = [s["name"] for s in [*sidecars, *statuses] if not s["ready"]]
    finished = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(found, "")
    made = [_condition("PodReadyToStartContainers", world.sandbox and not finished, "", "")]
    if uninitialized and not begun and found != "Succeeded":
        text = f"containers with incomplete status: [{' '.join(uninitialized)}]"
        made.append(_condition("Initialized", False, "ContainersNotInitialized", text))
    else:
        made.append(_condition("Initialized", True, "PodCompleted" if found == "Succeeded" else "", ""))
    text = f"containers with unready status: [{' '.join(unready)}]" if unready and not finished else ""
    reason = finished or ("ContainersNotReady" if unready else "")
    containers_ready = _condition("ContainersReady", not reason, reason, text)
    ready = _condition("Ready", not reason, reason, text)
    if not reason and (missing := [g for g in gates if others.get(g) != "True"]):
        words = [
            f'corresponding condition of pod readiness gate "{g}" '
            + ("does not exist." if g not in others else f'has status of "{others[g]}" rather than "True".')
            for g in missing
        ]
        ready = _condition("Ready", False, "ReadinessGatesNotReady", " ".join(words))
    made += [ready, containers_ready]
    return [_carried(condition, old, world.pod, now) for condition in made]


def _condition(kind: str, true: bool, reason: str, message: str) -> Obj:
    made: Obj = {"type": kind, "status": "True" if true else "False"}
    if reason:
        made["reason"] = reason
    if message:
        made["message"] = message
    return made


def _carried(condition: Obj, old: list[Obj], pod: Obj, now: float) -> Obj:
    before = next((c for c in old if c["type"] == condition["type"]), None)
    since = before.get("lastTransitionTime") if before and before["status"] == condition["status"] else None
    condition["lastProbeTime"] = None
    condition["lastTransitionTime"] = since or stamp(now)
    if generation := pod["metadata"].get("generation"):
        condition["observedGeneration"] = generation
    return condition


def compute(world: World, now: float, failed: Fail | None = None, over: bool = False) -> Obj:
    """The pod's whole status; `over` at its end, when it is being deleted and nothing runs any more."""
    old: Obj = world.pod.get("status") or {}
    spec = world.spec
    init_specs = spec.get("initContainers") or []
    inits = [container_status(world, c, True, True) for c in init_specs]
    initialized = all(init_done(c, s) for c, s in zip(init_specs, inits))
    statuses = [container_status(world, c, False, initialized) for c in spec.get("containers") or ()]
    found = phase(spec, inits, statuses, over)
    status: Obj = {}
    if old.get("phase") in ("Succeeded", "Failed"):
        found = old["phase"]
        status.update({key: old[key] for key in ("reason", "message") if key in old})
    if failed is not None:
        found, status = "Failed", {"reason": failed.reason, "message": failed.message}
    if generation := world.pod["metadata"].get("generation"):
        status["observedGeneration"] = generation
    status["phase"] = found
    kept = [c for c in old.get("conditions") or () if c["type"] not in OWN_CONDITIONS]
    mine = conditions(world, found, inits, statuses, now)
    status["conditions"] = [*mine, *kept]
    if world.host_ip:
        status.update({"hostIP": world.host_ip, "hostIPs": [{"ip": world.host_ip}]})
    if world.pod_ip:
        status.update({"podIP": world.pod_ip, "podIPs": [{"ip": world.pod_ip}]})
    status["startTime"] = old.get("startTime") or stamp(now)
    if inits:
        status["initContainerStatuses"] = inits
    status["containerStatuses"] = statuses
    if ephemeral := spec.get("ephemeralContainers"):
        made = [container_status(world, c, False, True) for c in ephemeral]
        status["ephemeralContainerStatuses"] = [{**s, "ready": False, "started": False} for s in made]
    if old.get("qosClass"):
        status["qosClass"] = old["qosClass"]
    return status


def patch(world: World, status: Obj) -> "Obj | None":
    """The merge patch that turns the stored status into `status`; None when they are equal."""
    old = world.pod.get("status") or {}
    changes: Obj = {key: value for key, value in status.items() if _bare(old.get(key)) != _bare(value)}
    # only what kubelet itself sets goes away with it
    changes |= {key: None for key in ("reason", "message", "initContainerStatuses") if key in old and key not in status}
    if not changes:
        return None
    return {"metadata": {"uid": world.uid}, "status": changes}


def _bare(value: Any) -> Any:
    """Without nulls: whether a store keeps them makes no difference."""
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if item is not None}
    return [_bare(item) for item in value] if isinstance(value, list) else value


def same(a: Obj, b: Obj) -> bool:
    """Whether two computed statuses say the same."""
    return bool(_bare(a) == _bare(b))


def lost(pod: Obj, made: Obj) -> bool:
    """Whether another writer has taken back what was reported."""
    stored = pod.get("status") or {}
    return stored.get("phase") != made["phase"] or stored.get("podIP") != made.get("podIP")

"""What to do next with a pod: every decision of the agent about containers, pure (kubelet's `computePodActions` is the model).

`plan(world, now)` is asked again after each change, so it only says what is due now and when to look again.
"""

from dataclasses import dataclass
from typing import Any

from kk.agent.pods.world import World, is_sidecar, restarts, spec_hash
from kk.agent.runtime.api import Container
from kk.base.times import parse_time

Obj = dict[str, Any]
DEFAULT_GRACE = 30


@dataclass(frozen=True, slots=True)
class Start:
    """Pull, create and start a container's next attempt. `crashed_at` is when the last one ended (0: the first)."""

    name: str
    init: bool
    attempt: int
    crashed_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Kill:
    """Stop a running container with `grace` seconds; `why` goes into the Killing event."""

    name: str
    container_id: str
    grace: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class Fail:
    """Give the pod up: phase Failed with this reason."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing runs any more and the pod is to be deleted: remove its place, then the object."""


Action = Start | Kill | Fail | Finish


@dataclass(frozen=True, slots=True)
class Plan:
    """Actions in order, the time of the next look (0: only on change), and the name → until of containers in back-off."""

    actions: tuple[Action, ...] = ()
    wake_at: float = 0.0
    backing_off: tuple[tuple[str, float], ...] = ()


def seconds(text: "str | None") -> float:
    """A wire time as POSIX seconds, 0 for none."""
    return parse_time(text).timestamp() if text else 0.0


def grace_period(pod: Obj) -> int:
    """The pod's own grace period in seconds."""
    value = pod["spec"].get("terminationGracePeriodSeconds")
    return DEFAULT_GRACE if value is None else int(value)


def plan(world: World, now: float) -> Plan:
    """See the module."""
    pod = world.pod
    if world.gone or pod["metadata"].get("deletionTimestamp"):
        return _terminate(world, now)
    if pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return Plan(tuple(_kill_all(world, 0, "")))
    overdue, wake_at = _deadline(pod, now)
    if overdue:
        message = "Pod was active on the node longer than the specified deadline"
        kills = _kill_all(world, grace_period(pod), "")
        return Plan((Fail("DeadlineExceeded", message), *kills))
    return _run(world, now, wake_at)


def _deadline(pod: Obj, now: float) -> tuple[bool, float]:
    limit = pod["spec"].get("activeDeadlineSeconds")
    started = seconds(pod.get("status", {}).get("startTime"))
    if limit is None or not started:
        return False, 0.0
    return now >= started + limit, started + limit


def _running(world: World) -> list[Container]:
    return [last for name in world.containers if (last := world.last(name)) and last.state == "running"]


def _kill_all(world: World, grace: float, why: str) -> list[Kill]:
    """Stop what runs; sidecars only when the ordinary containers are gone."""
    sidecars = [c["name"] for c in world.spec.get("initContainers") or () if is_sidecar(c)]
    running = _running(world)
    ordinary = [c for c in running if c.config.name not in sidecars]
    if not ordinary and sidecars:
        last_first = sorted(running, key=lambda c: -sidecars.index(c.config.name))
        return [Kill(c.config.name, c.id, grace, why) for c in last_first if c.id not in world.killing]
    return [Kill(c.config.name, c.id, grace, why) for c in ordinary if c.id not in world.killing]


def _terminate(world: World, now: float) -> Plan:
    if not _running(world):
        return Plan((Finish(),))
    meta = world.pod["metadata"]
    grace = meta.get("deletionGracePeriodSeconds")
    if grace is None:
        grace = grace_period(world.pod)
    elif deadline := seconds(meta.get("deletionTimestamp")):
        grace = max(0.0, min(float(grace), deadline - now))
    return Plan(tuple(_kill_all(world, float(grace), "")))


def _run(world: World, now: float, wake_at: float) -> Plan:
    """The ordinary course: init containers one after another, then all containers; restarts as policies say."""
    actions: list[Action] = []
    waits: list[tuple[str, float]] = []
    begun = any(world.last(c["name"]) for c in world.spec.get("containers") or ())
    for container in world.spec.get("initContainers") or ():
        done = _init(world, container, begun, now, actions, waits)
        if not done and not begun:
            return _result([*actions, *_ephemeral(world, now, waits)], waits, wake_at)
    if begun or not actions:
        for container in world.spec.get("containers") or ():
            _consider(world, container, False, now, actions, waits)
    actions += _ephemeral(world, now, waits)
    if _finished(world):
        actions = [*_kill_all(world, grace_period(world.pod), "")]
    return _result(actions, waits, wake_at)


def _ephemeral(world: World, now: float, waits: list[tuple[str, float]]) -> list[Action]:
    """Ephemeral containers (kubectl debug) run once, beside whatever else runs."""
    due: list[Action] = []
    for container in world.spec.get("ephemeralContainers") or ():
        name = container["name"]
        if world.last(name) is not None:
            continue
        if (until := world.not_before.get(name, 0.0)) > now:
            waits.append((name, until))
        else:
            due.append(Start(name, False, 0))
    return due


def _init(
    world: World, container: Obj, begun: bool, now: float, actions: list[Action], waits: list[tuple[str, float]]
) -> bool:
    """One init container; True when the next one may go on."""
    if is_sidecar(container):
        _consider(world, container, True, now, actions, waits)
        last = world.last(container["name"])
        probed = world.probed.get(container["name"])
        return bool(last and last.state == "running" and probed and probed.started)
    if begun:
        return True
    last = world.last(container["name"])
    if last and last.state == "exited" and last.exit_code == 0:
        return True
    _consider(world, container, True, now, actions, waits)
    return False


def _consider(
    world: World, container: Obj, init: bool, now: float, actions: list[Action], waits: list[tuple[str, float]]
) -> None:
    """Start, restart, or stop one container, if that is due."""
    name = container["name"]
    last = world.last(name)
    if last is not None and last.state == "running":
        if last.id in world.killing:
            return
        if kill := _reason_to_kill(world, container, last):
            actions.append(kill)
        return
    changed = last is not None and last.config.notes.get("hash") != spec_hash(container)
    if last is not None and not changed and not restarts(world.pod, container, last.exit_code, init):
        return
    until = world.not_before.get(name, 0.0)
    if until > now:
        waits.append((name, until))
        return
    attempt = last.config.attempt + 1 if last else 0
    actions.append(Start(name, init, attempt, 0.0 if changed or last is None else last.finished_at))


def _reason_to_kill(world: World, container: Obj, last: Container) -> Kill | None:
    name = container["name"]
    grace = float(grace_period(world.pod))
    if last.config.notes.get("hash") != spec_hash(container):
        return Kill(name, last.id, grace, f"Container {name} definition changed, will be restarted")
    probed = world.probed.get(name)
    if probed and probed.unhealthy:
        probe = container.get(f"{probed.unhealthy}Probe") or {}
        own = probe.get("terminationGracePeriodSeconds")
        what = f"Container {name} failed {probed.unhealthy} probe, will be restarted"
        return Kill(name, last.id, grace if own is None else float(own), what)
    return None


def _finished(world: World) -> bool:
    """All ordinary containers have ended for good (or an init container has, in vain)."""
    for container in world.spec.get("initContainers") or ():
        last = world.last(container["name"])
        if is_sidecar(container) or last is None or last.state != "exited" or last.exit_code == 0:
            continue
        if not restarts(world.pod, container, last.exit_code, True):
            return True
    for container in world.spec.get("containers") or ():
        last = world.last(container["name"])
        if last is None or last.state != "exited" or restarts(world.pod, container, last.exit_code):
            return False
        if last.config.notes.get("hash") != spec_hash(container):
            return False
    return True


def _result(actions: list[Action], waits: list[tuple[str, float]], wake_at: float) -> Plan:
    times = [until for _, until in waits] + ([wake_at] if wake_at else [])
    return Plan(tuple(actions), min(times) if times else 0.0, tuple(waits))

"""Deployment: every decision of one reconcile. Pure; table-tested.

Source: k8s.io/kubernetes `pkg/controller/deployment/deployment_controller.go`, `sync.go`, `rolling.go`, `recreate.go`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kk.control import owners
from kk.control.controllers import _deployment_status as s
from kk.control.controllers import _rollout as r

Obj = dict[str, Any]


@dataclass(slots=True)
class Plan:
    """What to write, in this order.

    create   a ReplicaSet, or None
    notes    set name → its new annotations
    sizes    set name → new spec.replicas (the size notes change with it)
    delete   sets to delete
    revision the Deployment's revision annotation, "" to leave it
    status   the new status
    again    seconds until the progress deadline is to be looked at
    """

    create: Obj | None = None
    notes: dict[str, dict[str, str]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    delete: list[Obj] = field(default_factory=list)
    revision: str = ""
    status: Obj = field(default_factory=dict)
    again: float | None = None


@dataclass(frozen=True, slots=True)
class World:
    """A Deployment, its sets, whether pods of old sets still run, the hash its template has, and the time."""

    deployment: Obj
    sets: list[Obj]
    old_pods: bool
    hash: str
    now: datetime


def plan(world: World) -> Plan:
    """Decide."""
    deployment, sets = world.deployment, sorted(world.sets, key=r.created)
    new = r.current(deployment, sets)
    old = [rs for rs in sets if rs is not new]
    conditions = s.conditions_of(deployment)
    out = Plan()
    if deployment["metadata"].get("deletionTimestamp"):
        return _finish(world, out, sets, new, conditions, False)
    s.paused(deployment, conditions, world.now)
    if new:
        _keep_notes(world, out, new, old, conditions)
    paused = bool(deployment["spec"].get("paused"))
    if paused or r.scaling(deployment, sets):
        out.sizes = _resize(deployment, sets, new)
        return _finish(world, out, sets, new, conditions, False, clean=old if paused else [])
    if r.rolling(deployment):
        new = _roll(world, out, sets, new, old, conditions)
    else:
        new = _recreate(world, out, new, old, conditions)
    return _finish(world, out, [*old, *([new] if new else [])], new, conditions, True, clean=old)


def _keep_notes(world: World, out: Plan, new: Obj, old: list[Obj], conditions: s.Conditions) -> None:
    """The current set carries the newest revision and the Deployment's annotations; the Deployment carries its revision."""
    number = max((r.revision(rs) for rs in old), default=0) + 1
    notes = r.set_annotations(world.deployment, new, number)
    changed_wait = (world.deployment["spec"].get("minReadySeconds") or 0) != (new["spec"].get("minReadySeconds") or 0)
    if notes != (new["metadata"].get("annotations") or {}) or changed_wait:
        out.notes[new["metadata"]["name"]] = notes
    out.revision = notes[r.REVISION]
    if s.deadline(world.deployment) is not None and "Progressing" not in conditions:
        s.put(
            conditions,
            "Progressing",
            "True",
            "FoundNewReplicaSet",
            f'Found new replica set "{new["metadata"]["name"]}"',
            world.now,
        )


def _make(world: World, out: Plan, old: list[Obj], conditions: s.Conditions) -> Obj:
    """The set of a template that has none yet."""
    number = max((r.revision(rs) for rs in old), default=0) + 1
    size = r.next_size(world.deployment, old, None)
    new = r.new_set(world.deployment, world.hash, size, number, owners.reference(world.deployment))
    out.create, out.revision = new, str(number)
    if s.deadline(world.deployment) is not None:
        s.put(
            conditions,
            "Progressing",
            "True",
            "NewReplicaSetCreated",
            f'Created new replica set "{new["metadata"]["name"]}"',
            world.now,
        )
    return new


def _roll(world: World, out: Plan, sets: list[Obj], new: Obj | None, old: list[Obj], conditions: s.Conditions) -> Obj:
    """Grow the new set as far as surge allows, else shrink old ones as far as availability allows."""
    deployment = world.deployment
    if new is None:
        return _make(world, out, old, conditions)
    name, want, size = new["metadata"]["name"], r.replicas(deployment), r.replicas(new)
    target = want if size > want else r.next_size(deployment, sets, new)
    if target != size:
        out.sizes[name] = target
        return new
    if r.total(old):
        least = want - r.fences(deployment)[1]
        spare = r.total(sets) - least - (size - r.counted(new, "availableReplicas"))
        if spare > 0:
            out.sizes = r.shrink_available(deployment, old, sets, r.shrink_unhealthy(old, spare))
    return new


def _recreate(world: World, out: Plan, new: Obj | None, old: list[Obj], conditions: s.Conditions) -> Obj | None:
    """Everything old goes before anything new comes."""
    out.sizes = {rs["metadata"]["name"]: 0 for rs in old if r.replicas(rs)}
    if out.sizes or world.old_pods or any(r.counted(rs, "replicas") for rs in old):
        return new
    if new is None:
        return _make(world, out, old, conditions)
    if r.replicas(new) != r.replicas(world.deployment):
        out.sizes[new["metadata"]["name"]] = r.replicas(world.deployment)
    return new


def _resize(deployment: Obj, sets: list[Obj], new: Obj | None) -> dict[str, int]:
    """The Deployment's size changed, or a rollout is paused: the one set that counts gets it all, several get shares."""
    active = [rs for rs in sets if r.replicas(rs)]
    if len(active) <= 1:
        target = active[0] if active else new or (sets[-1] if sets else None)
        return {target["metadata"]["name"]: r.replicas(deployment)} if target else {}
    if r.saturated(deployment, new):
        return {rs["metadata"]["name"]: 0 for rs in active if rs is not new}
    return r.proportions(deployment, sets) if r.rolling(deployment) else {}


def _finish(
    world: World,
    out: Plan,
    sets: list[Obj],
    new: Obj | None,
    conditions: s.Conditions,
    rollout: bool,
    clean: list[Obj] | None = None,
) -> Plan:
    """Status of what will be, and old sets beyond the history once nothing is under way."""
    deployment = world.deployment
    sized = [_sized(rs, out.sizes.get(rs["metadata"]["name"])) for rs in sets]
    status = s.counts(deployment, sized, new)
    s.availability(deployment, status, conditions, world.now)
    if rollout:
        s.progress(deployment, status, sized, new, conditions, world.now)
        out.again = s.due(deployment, status, conditions, world.now)
    if clean and (not rollout or s.complete(deployment, status)):
        out.delete = r.surplus_history(deployment, clean)
    if conditions:
        status["conditions"] = list(conditions.values())
    out.status = status
    return out


def _sized(rs: Obj, size: int | None) -> Obj:
    return rs if size is None else {**rs, "spec": {**rs["spec"], "replicas": size}}

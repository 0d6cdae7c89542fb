"""Deployment: one ReplicaSet a template, rolled from the old to the new within the fences of the strategy.

Every decision is _deployment.py's; here it is read, written and told.
"""

import json
from collections.abc import Iterator

from kk.base.errors import StatusError
from kk.base.selectors import from_label_selector
from kk.base.times import format_time
from kk.control import owners
from kk.control import pods as p
from kk.control.claims import claim_all
from kk.control.controller import Controller, Obj, Watch, own_key, owner_key
from kk.control.controllers import _rollout as r
from kk.control.controllers._deployment import Plan, World, plan
from kk.control.manager import Context
from kk.control.through import Through

NAME = "deployment-controller"
APPS = "apps/v1"


def reconcile(ctx: Context, key: str) -> float | None:
    """Claim the sets, decide, write."""
    deployments, all_sets = Through(ctx, APPS, "deployments"), Through(ctx, APPS, "replicasets")
    deployment = deployments.get(key)
    if deployment is None:
        return None
    selector = from_label_selector(deployment["spec"].get("selector"))
    if selector.empty:
        ctx.event(
            deployment,
            "Warning",
            "SelectingAll",
            "This deployment is selecting all pods. A non-empty selector is required.",
        )
        return None
    sets = claim_all(deployments, deployment, all_sets, selector)
    now = ctx.clock.now()
    steps = plan(World(deployment, sets, _old_pods(ctx, deployment, sets), _hash(deployment), now))
    Actor(ctx, deployments, all_sets, deployment, steps).act({s["metadata"]["name"]: s for s in sets})
    return steps.again


def _hash(deployment: Obj) -> str:
    """The hash label's value for the template as it stands."""
    return r.template_hash(deployment, json.dumps(deployment["spec"]["template"], sort_keys=True))


def _old_pods(ctx: Context, deployment: Obj, sets: list[Obj]) -> bool:
    """Whether pods of another template still run; only Recreate asks."""
    if r.rolling(deployment):
        return False
    new = r.current(deployment, sets)
    old = {s["metadata"]["uid"] for s in sets if s is not new}
    pods = ctx.informer("v1", "pods").list(deployment["metadata"]["namespace"])
    return any((ref := owners.controller_of(pod)) and ref["uid"] in old and not p.finished(pod) for pod in pods)


class Actor:
    """Writes what was decided for one Deployment; a conflict anywhere ends it, and the next reconcile decides on newer facts."""

    def __init__(self, ctx: Context, deployments: Through, sets: Through, deployment: Obj, steps: Plan):
        self.ctx, self.deployments, self.sets, self.deployment, self.steps = ctx, deployments, sets, deployment, steps

    def act(self, sets: dict[str, Obj]) -> None:
        """In the plan's order."""
        steps = self.steps
        if steps.create is not None and not self._create(steps.create):
            return
        for name in {*steps.notes, *steps.sizes}:
            self._change(sets[name])
        for rs in steps.delete:
            self.sets.delete(rs)
        notes = self.deployment["metadata"].get("annotations") or {}
        if steps.revision and notes.get(r.REVISION) != steps.revision:
            # through /status, as upstream does: an annotation written to the object itself would raise its generation
            meta = {**self.deployment["metadata"], "annotations": {**notes, r.REVISION: steps.revision}}
            self.deployments.update_status({**self.deployment, "metadata": meta, "status": steps.status})
            return
        self._status(steps.status)

    def _create(self, wanted: Obj) -> bool:
        """Make the new set; a name that is taken by another template's set makes the next hash another."""
        name = wanted["metadata"]["name"]
        try:
            made = self.sets.create(wanted)
        except StatusError as error:
            if error.reason == "AlreadyExists":
                self._collision(wanted)
                return False
            message = f'Failed to create new replica set "{name}": {error.message}'
            self.ctx.event(self.deployment, "Warning", "ReplicaSetCreateError", message)
            self._failed(message)
            raise
        size = r.replicas(made)
        if size:
            self._scaled(name, 0, size)
        return True

    def _failed(self, message: str) -> None:
        """A set that cannot be made is told in the Progressing condition."""
        stamp = format_time(self.ctx.clock.now())
        kind = {"type": "Progressing", "status": "False", "lastUpdateTime": stamp, "lastTransitionTime": stamp}
        rest = [c for c in self.steps.status.get("conditions") or () if c["type"] != "Progressing"]
        condition = {**kind, "reason": "ReplicaSetCreateError", "message": message}
        self._status({**self.steps.status, "conditions": [*rest, condition]})

    def _collision(self, wanted: Obj) -> None:
        """The set exists: ours and not yet seen, or another's."""
        found = self.sets.read(wanted)
        template = self.deployment["spec"]["template"]
        if (
            found
            and owners.controlled_by(found, self.deployment)
            and r.same_template(found["spec"]["template"], template)
        ):
            self.sets.note(found)
            return
        status = dict(self.deployment.get("status") or {})
        status["collisionCount"] = status.get("collisionCount", 0) + 1
        self._status(status)

    def _change(self, rs: Obj) -> None:
        name, old = rs["metadata"]["name"], r.replicas(rs)
        new = self.steps.sizes.get(name, old)
        former = rs["metadata"].get("annotations") or {}
        notes = {**former, **self.steps.notes.get(name, {})}
        spec = {**rs["spec"], "replicas": new}
        if name in self.steps.sizes:
            notes.update(r.size_notes(self.deployment))
        if name in self.steps.notes:
            spec["minReadySeconds"] = self.deployment["spec"].get("minReadySeconds") or 0
        if notes == former and spec == rs["spec"]:
            return
        self.sets.update({**rs, "metadata": {**rs["metadata"], "annotations": notes}, "spec": spec})
        if new != old:
            self._scaled(name, old, new)

    def _scaled(self, name: str, old: int, new: int) -> None:
        way = "up" if new > old else "down"
        self.ctx.event(
            self.deployment, "Normal", "ScalingReplicaSet", f"Scaled {way} replica set {name} from {old} to {new}"
        )

    def _status(self, status: Obj) -> None:
        if status != (self.deployment.get("status") or {}):
            self.deployments.update_status({**self.deployment, "status": status})


def _gone_pod(ctx: Context, event: str, pod: Obj, old: Obj | None) -> Iterator[str]:
    """Recreate waits for the end of old pods: of a pod that is gone or finished, the Deployment of its set."""
    del old
    if event != "DELETED" and not p.finished(pod):
        return
    reference = owners.controller_of(pod)
    if reference is None or reference["kind"] != "ReplicaSet":
        return
    namespace = pod["metadata"]["namespace"]
    rs = ctx.informer(APPS, "replicasets").get(f"{namespace}/{reference['name']}")
    above = owners.controller_of(rs) if rs else None
    if above is not None and above["kind"] == "Deployment":
        yield f"{namespace}/{above['name']}"


CONTROLLER = Controller(
    NAME,
    reconcile,
    watches=(
        Watch(APPS, "deployments", own_key),
        Watch(APPS, "replicasets", owner_key("Deployment")),
        Watch("v1", "pods", _gone_pod),
    ),
)

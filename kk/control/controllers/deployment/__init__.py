"""Deployments: roll from one replica set to the next. Numbers are decided in sizes.py, revisions in revisions.py, status in status.py.

Here is what reads and writes. The behaviour, reasons and messages are upstream's `pkg/controller/deployment`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kk.base.errors import StatusError
from kk.base.selectors import from_label_selector
from kk.base.times import format_time

from ... import pods as podlib
from ...claims import by_controller, candidates, claim
from ...controller import Controller, Watch, controller_of, controller_reference, owner_key
from . import revisions, sizes, status

Obj = dict[str, Any]
_SETS = ("apps/v1", "replicasets")


@dataclass
class Rollout:
    """One look at a deployment: itself, the replica set of its template (None before it is made), the others, oldest first."""

    ctx: Any
    deployment: Obj
    new: Obj | None
    old: list[Obj]
    changed: Obj = field(default_factory=dict)

    @property
    def all(self) -> list[Obj]:
        """All replica sets."""
        return [*self.old, *([self.new] if self.new is not None else [])]

    # ---- writing ----
    def sets(self) -> Any:
        """Requests to replica sets."""
        return self.ctx.resource(*_SETS, self.deployment["metadata"]["namespace"])

    def replace(self, before: Obj, after: Obj) -> None:
        """Take note of a replica set as it was written."""
        self.old = [after if s is before else s for s in self.old]
        if self.new is before:
            self.new = after

    def scale(self, replica_set: Obj, replicas: int) -> bool:
        """Set a replica set's size and the annotations that tell the deployment's; whether the size changed."""
        name, current = replica_set["metadata"]["name"], replica_set["spec"].get("replicas", 1)
        annotations = sizes.annotations(self.deployment)
        held = replica_set["metadata"].get("annotations") or {}
        if current == replicas and annotations.items() <= held.items():
            return False
        body = {
            **replica_set,
            "metadata": {**replica_set["metadata"], "annotations": {**held, **annotations}},
            "spec": {**replica_set["spec"], "replicas": replicas},
        }
        self.replace(replica_set, self.sets().update(body))
        if current == replicas:
            return False
        word = "up" if replicas > current else "down"
        self.ctx.event(
            self.deployment,
            "Normal",
            "ScalingReplicaSet",
            f"Scaled {word} replica set {name} from {current} to {replicas}",
        )
        return True

    def write_status(self, new: Obj) -> bool:
        """Write the status where it changed; whether it did."""
        if new == status.plain(self.deployment.get("status") or {}):
            return False
        meta = self.deployment["metadata"]
        resource = self.ctx.resource("apps/v1", "deployments", meta["namespace"])
        self.deployment = resource.update_status({**self.deployment, "status": new})
        return True

    # ---- the new replica set ----
    def ensure_new(self, create: bool) -> None:
        """The replica set of the template: found or made, with its revision and the deployment's annotations."""
        if self.new is not None:
            self._refresh_new()
        elif create:
            self._create_new()

    def _refresh_new(self) -> None:
        assert self.new is not None
        revision = revisions.next_revision(self.old)
        annotations = revisions.refreshed(self.deployment, self.new, revision)
        min_ready = self.deployment["spec"].get("minReadySeconds", 0)
        if annotations != (self.new["metadata"].get("annotations") or {}) or min_ready != self.new["spec"].get(
            "minReadySeconds", 0
        ):
            body = {**self.new, "metadata": {**self.new["metadata"], "annotations": annotations}}
            body["spec"] = {**body["spec"], "minReadySeconds": min_ready}
            self.replace(self.new, self.sets().update(body))
        self._tell_revision(revisions.revision_text(self.new))
        if status.has_deadline(self.deployment) and podlib.condition(self.deployment, "Progressing") is None:
            name = self.new["metadata"]["name"]
            self.progress("True", "FoundNewReplicaSet", f'Found new replica set "{name}"')

    def _create_new(self) -> None:
        body = revisions.new_set(self.deployment, self.old, controller_reference(self.deployment))
        try:
            made = self.sets().create(body)
        except StatusError as error:
            if error.code != 409 or error.reason != "AlreadyExists":
                self._creation_failed(body, error)
                raise
            made = self._taken(body)
        else:
            replicas = made["spec"].get("replicas", 0)
            if replicas:
                name = made["metadata"]["name"]
                self.ctx.event(
                    self.deployment, "Normal", "ScalingReplicaSet", f"Scaled up replica set {name} from 0 to {replicas}"
                )
        self.new = made
        self._tell_revision(revisions.revision_text(made))
        if status.has_deadline(self.deployment):
            name = made["metadata"]["name"]
            self.progress("True", "NewReplicaSetCreated", f'Created new replica set "{name}"')

    def _taken(self, body: Obj) -> Obj:
        """The name is taken: by what we made before the copy showed it, else by a collision of hashes, which is counted."""
        found = self.sets().get(body["metadata"]["name"])
        owner = controller_of(found)
        if (
            owner is not None
            and owner["uid"] == self.deployment["metadata"]["uid"]
            and revisions.same_template(found["spec"]["template"], self.deployment["spec"]["template"])
        ):
            return found
        held = dict(self.deployment.get("status") or {})
        held["collisionCount"] = held.get("collisionCount", 0) + 1
        self.write_status(held)
        raise StatusError(409, "Conflict", f"hash collision of replica set {body['metadata']['name']}")

    def _creation_failed(self, body: Obj, error: StatusError) -> None:
        causes = error.details.get("causes") or ()
        if any(c.get("reason") == "NamespaceTerminating" for c in causes):
            return
        name = body["metadata"]["name"]
        message = f'Failed to create new replica set "{name}": {error.message}'
        if status.has_deadline(self.deployment):
            self.progress("False", "ReplicaSetCreateError", message)
        self.ctx.event(self.deployment, "Warning", "ReplicaSetCreateError", message)

    def _tell_revision(self, revision: str) -> None:
        """The deployment's revision annotation is its new replica set's."""
        meta = self.deployment["metadata"]
        held = meta.get("annotations") or {}
        if not revision or held.get(revisions.REVISION) == revision:
            return
        body = {**self.deployment, "metadata": {**meta, "annotations": {**held, revisions.REVISION: revision}}}
        self.deployment = self.ctx.resource("apps/v1", "deployments", meta["namespace"]).update(body)

    def progress(self, value: str, reason: str, message: str) -> None:
        """Set the Progressing condition, at once."""
        held = dict(self.deployment.get("status") or {})
        now = format_time(self.ctx.clock.now())
        condition = status.condition("Progressing", value, reason, message, now)
        held["conditions"] = podlib.set_condition(held.get("conditions") or [], condition)
        self.write_status(held)

    # ---- finishing ----
    def finish(self) -> float | None:
        """Write what a rollout has come to; seconds until its deadline is to be looked at."""
        now = self.ctx.clock.now()
        new = status.of_rollout(self.deployment, self.new, self.all, now)
        if self.write_status(new):
            return None  # the change itself brings us here again
        return status.deadline_in(self.deployment, now)

    def clean_up(self) -> None:
        """Delete old, empty replica sets beyond the history limit."""
        sets = self.sets()
        for one in revisions.beyond_history(self.deployment, self.old):
            try:
                sets.delete(one["metadata"]["name"], preconditions={"uid": one["metadata"]["uid"]})
            except StatusError as error:
                if error.code not in (404, 409):
                    raise


def reconcile(ctx: Any, key: str) -> float | None:
    """key is namespace/name of a deployment."""
    deployment = ctx.informer("apps/v1", "deployments").get(key)
    if deployment is None:
        return None
    selector = deployment["spec"].get("selector") or {}
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        ctx.event(
            deployment,
            "Warning",
            "SelectingAll",
            "This deployment is selecting all pods. A non-empty selector is required.",
        )
        return None
    rollout = _look(ctx, deployment)
    if deployment["metadata"].get("deletionTimestamp"):
        return _sync(rollout, scale=False)
    _pause(rollout)
    if deployment["spec"].get("paused") or sizes.scaling(rollout.deployment, rollout.all):
        return _sync(rollout)
    if sizes.strategy(deployment) == "Recreate":
        return _recreate(rollout)
    return _roll(rollout)


def _look(ctx: Any, deployment: Obj) -> Rollout:
    namespace = deployment["metadata"]["namespace"]
    resource = ctx.resource("apps/v1", "deployments", namespace)
    owned = claim(
        deployment,
        from_label_selector(deployment["spec"]["selector"]),
        candidates(ctx.informer(*_SETS), deployment),
        ctx.resource(*_SETS, namespace),
        lambda: resource.get(deployment["metadata"]["name"]),
    )
    new, old = revisions.split(deployment, owned)
    return Rollout(ctx, deployment, new, old)


def _pause(rollout: Rollout) -> None:
    """Say in the Progressing condition that a rollout was paused or resumed, so that the deadline is not counted meanwhile."""
    deployment = rollout.deployment
    if not status.has_deadline(deployment):
        return
    current = podlib.condition(deployment, "Progressing")
    reason = current.get("reason") if current else None
    if reason == "ProgressDeadlineExceeded":
        return
    if deployment["spec"].get("paused") and reason != "DeploymentPaused":
        rollout.progress("Unknown", "DeploymentPaused", "Deployment is paused")
    elif not deployment["spec"].get("paused") and reason == "DeploymentPaused":
        rollout.progress("Unknown", "DeploymentResumed", "Deployment is resumed")


def _sync(rollout: Rollout, scale: bool = True) -> None:
    """Scale as the deployment was scaled, without rolling on; write the status."""
    if scale:
        rollout.ensure_new(create=False)
        for replica_set, replicas in sizes.rescale(rollout.deployment, rollout.new, rollout.old):
            rollout.scale(replica_set, replicas)
        if rollout.deployment["spec"].get("paused"):
            rollout.clean_up()
    now = rollout.ctx.clock.now()
    new = status.calculate(rollout.deployment, rollout.new, rollout.all, now)
    rollout.write_status(new)


def _roll(rollout: Rollout) -> float | None:
    """One step of a rolling update: grow the new, else shrink the old."""
    rollout.ensure_new(create=True)
    assert rollout.new is not None
    if rollout.scale(rollout.new, sizes.new_replicas(rollout.deployment, rollout.new, rollout.all)):
        return rollout.finish()
    steps = sizes.shrink_old(rollout.deployment, rollout.new, rollout.old)
    moved = [rollout.scale(replica_set, replicas) for replica_set, replicas in steps]
    if not any(moved) and status.complete(rollout.deployment, rollout.deployment.get("status") or {}):
        rollout.clean_up()
    return rollout.finish()


def _recreate(rollout: Rollout) -> float | None:
    """All old pods go before the first new one is made."""
    active = [s for s in rollout.old if s["spec"].get("replicas", 1) > 0]
    if active:
        rollout.ensure_new(create=False)
    if [s for s in active if rollout.scale(s, 0)]:
        return rollout.finish()
    pods = rollout.ctx.informer("v1", "pods")
    if any(not podlib.finished(p) for s in rollout.old for p in pods.by_index("controller", s["metadata"]["uid"])):
        return rollout.finish()
    rollout.ensure_new(create=True)
    assert rollout.new is not None
    rollout.scale(rollout.new, rollout.deployment["spec"].get("replicas", 1))
    if status.complete(rollout.deployment, rollout.deployment.get("status") or {}):
        rollout.clean_up()
    return rollout.finish()


def _set_keys(ctx: Any, event: str, obj: Obj, old: Obj | None) -> Iterable[str]:
    """A replica set's deployment; an orphan's possible ones."""
    yield from owner_key("Deployment")(ctx, event, obj, old)
    if controller_of(obj) is None and event != "DELETED":
        namespace = obj["metadata"]["namespace"]
        for one in ctx.informer("apps/v1", "deployments").list(namespace):
            if from_label_selector(one["spec"].get("selector")).matches(obj["metadata"].get("labels")):
                yield f"{namespace}/{one['metadata']['name']}"


def _pod_keys(ctx: Any, event: str, obj: Obj, old: Obj | None) -> Iterable[str]:
    """A pod that ends may be what a Recreate waits for."""
    if event != "DELETED" and not podlib.finished(obj):
        return
    owner = controller_of(obj)
    if owner is None or owner["kind"] != "ReplicaSet":
        return
    found = ctx.informer(*_SETS).get(f"{obj['metadata']['namespace']}/{owner['name']}")
    if found is None:
        return
    for key in owner_key("Deployment")(ctx, event, found, None):
        deployment = ctx.informer("apps/v1", "deployments").get(key)
        if deployment is not None and sizes.strategy(deployment) == "Recreate":
            yield key


def _setup(ctx: Any) -> None:
    ctx.informer(*_SETS).add_index("controller", by_controller)
    ctx.informer("v1", "pods").add_index("controller", by_controller)


CONTROLLER = Controller(
    "deployment-controller",
    reconcile,
    watches=(Watch("apps/v1", "deployments"), Watch(*_SETS, _set_keys), Watch("v1", "pods", _pod_keys)),
    setup=_setup,
)

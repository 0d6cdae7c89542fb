"""`kk rollout status`: tells how far a rollout is, until it is done. The sentences are kubectl's."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env
from ...errors import CommandError
from ...resources import Item
from ...waiting import until
from ._common import REVISION, SELECTION, selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def status(obj: dict[str, Any], revision: int = 0) -> tuple[str, bool]:
    """(the line to print, whether the rollout is done).

    Raises CommandError where it failed or cannot be told.
    """
    kind = obj.get("kind", "")
    viewers = {"Deployment": _deployment, "DaemonSet": _daemonset, "StatefulSet": _statefulset}
    if kind not in viewers:
        raise CommandError(f"no status viewer has been implemented for {kind}")
    if kind == "Deployment" and revision:
        current = (obj["metadata"].get("annotations") or {}).get(REVISION, "")
        if str(revision) != current:
            raise CommandError(f"desired revision ({revision}) is different from the running revision ({current or 0})")
    return viewers[kind](obj["metadata"]["name"], obj, obj.get("spec") or {}, obj.get("status") or {})


def _observed(obj: dict[str, Any], state: dict[str, Any]) -> bool:
    return obj["metadata"].get("generation", 0) <= state.get("observedGeneration", 0)


def _deployment(name: str, obj: dict[str, Any], spec: dict[str, Any], state: dict[str, Any]) -> tuple[str, bool]:
    if not _observed(obj, state):
        return "Waiting for deployment spec update to be observed...", False
    for condition in state.get("conditions") or ():
        if condition.get("type") == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            raise CommandError(f'deployment "{name}" exceeded its progress deadline')
    updated, total = state.get("updatedReplicas", 0), state.get("replicas", 0)
    available, wanted = state.get("availableReplicas", 0), spec.get("replicas", 1)
    waiting = f'Waiting for deployment "{name}" rollout to finish:'
    if updated < wanted:
        return f"{waiting} {updated} out of {wanted} new replicas have been updated...", False
    if total > updated:
        return f"{waiting} {total - updated} old replicas are pending termination...", False
    if available < updated:
        return f"{waiting} {available} of {updated} updated replicas are available...", False
    return f'deployment "{name}" successfully rolled out', True


def _daemonset(name: str, obj: dict[str, Any], spec: dict[str, Any], state: dict[str, Any]) -> tuple[str, bool]:
    if (spec.get("updateStrategy") or {}).get("type") != "RollingUpdate":
        raise CommandError("rollout status is only available for RollingUpdate strategy type")
    if not _observed(obj, state):
        return "Waiting for daemon set spec update to be observed...", False
    updated, wanted = state.get("updatedNumberScheduled", 0), state.get("desiredNumberScheduled", 0)
    waiting = f'Waiting for daemon set "{name}" rollout to finish:'
    if updated < wanted:
        return f"{waiting} {updated} out of {wanted} new pods have been updated...", False
    if state.get("numberAvailable", 0) < wanted:
        return f"{waiting} {state.get('numberAvailable', 0)} of {wanted} updated pods are available...", False
    return f'daemon set "{name}" successfully rolled out', True


def _statefulset(name: str, obj: dict[str, Any], spec: dict[str, Any], state: dict[str, Any]) -> tuple[str, bool]:
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") != "RollingUpdate":
        raise CommandError("rollout status is only available for RollingUpdate strategy type")
    if not state.get("observedGeneration") or not _observed(obj, state):
        return "Waiting for statefulset spec update to be observed...", False
    wanted, ready = spec.get("replicas", 1), state.get("readyReplicas", 0)
    if ready < wanted:
        return f"Waiting for {wanted - ready} pods to be ready...", False
    updated = state.get("updatedReplicas", 0)
    partition = (strategy.get("rollingUpdate") or {}).get("partition")
    if partition:
        if updated < wanted - partition:
            return (
                f"Waiting for partitioned roll out to finish: {updated} out of {wanted - partition} "
                "new pods have been updated...",
                False,
            )
        return f"partitioned roll out complete: {updated} new pods have been updated...", True
    if state.get("updateRevision") != state.get("currentRevision"):
        return (
            f"waiting for statefulset rolling update to complete {updated} pods at revision {state.get('updateRevision')}...",
            False,
        )
    count, revision = state.get("currentReplicas", 0), state.get("currentRevision", "")
    return f"statefulset rolling update complete {count} pods at revision {revision}...", True


def run(env: Env, options: Options) -> None:
    """Tell the status of what is meant, following it unless --watch=false."""
    if options.revision < 0:
        raise CommandError(f"revision must be a positive integer: {options.revision}")
    for item in selection(env, options).items():
        _follow(env, options, item)


def _follow(env: Env, options: Options, item: Item) -> None:
    def done(event: str, obj: dict[str, Any] | None) -> bool:
        if obj is None:
            raise CommandError("object has been deleted")
        line, finished = status(obj, options.revision)
        env.out(line)
        env.stdout.flush()
        return finished or not options.watch

    until(env, item, done, options.timeout)


COMMAND = Command(
    "rollout status",
    "Tell how far a rollout is, until it is done",
    run,
    usage="(TYPE NAME | TYPE/NAME) [flags]",
    text="Follow the latest rollout until it is done, or tell its state once with --watch=false. A rollout that begins meanwhile is "
    "followed instead; --revision holds to one.",
    examples="""# Follow a deployment
kk rollout status deployment/web""",
    flags=(
        *SELECTION,
        Flag("revision", type="int", help="Hold to this revision; 0 follows the latest."),
        Flag("timeout", type="duration", help="How long to follow; 0 for ever."),
        Flag("watch", "w", type="bool", default=True, help="Follow until the rollout is done."),
    ),
    complete="resources",
)

"""Containers that the API server knows and this node has lost (its folder was wiped, or the agent died while it cleaned up). Pure.

They count as ended: with the state that was reported, or as kubelet reports what it cannot find. So a pod is neither run again nor
told to be waiting when it has ended.
"""

from pathlib import Path
from typing import Any

from kk.agent.pods.plan import seconds
from kk.agent.pods.world import World, spec_hash
from kk.agent.runtime.api import Container, ContainerConfig

Obj = dict[str, Any]
UNKNOWN = "ContainerStatusUnknown"
MESSAGE = "The container could not be located when the pod was deleted.  The container used to be Running"


def restore(world: World) -> None:
    """Put an ended attempt into the world for every container that has begun by the pod's status and is not there."""
    status = world.pod.get("status") or {}
    parts = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
    reported = {s["name"]: s for part in parts for s in status.get(part) or ()}
    for spec in world.specs:
        old = reported.get(spec["name"])
        if old and old.get("containerID") and not world.containers.get(spec["name"]):
            world.containers[spec["name"]] = [_attempt(world, spec, old)]


def _attempt(world: World, spec: Obj, old: Obj) -> Container:
    state = old.get("state") or {}
    ended = state.get("terminated") or (state.get("waiting") and (old.get("lastState") or {}).get("terminated"))
    if not ended:
        started = (state.get("running") or {}).get("startedAt")
        ended = {"exitCode": 137, "reason": UNKNOWN, "message": MESSAGE, "startedAt": started}
    image, image_id = old.get("image", ""), old.get("imageID", "")
    notes = {"hash": spec_hash(spec)}
    config = ContainerConfig(spec["name"], int(old.get("restartCount") or 0), (), {}, "", image, image_id, notes=notes)
    made = Container(old["containerID"].partition("://")[2], world.uid, config, Path(), 0.0, "exited")
    made.exit_code, made.reason = int(ended.get("exitCode") or 0), ended.get("reason", "")
    made.message = ended.get("message", "")
    made.started_at, made.finished_at = seconds(ended.get("startedAt")), seconds(ended.get("finishedAt"))
    return made

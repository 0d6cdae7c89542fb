"""What a pod worker knows when it decides: plain data, gathered by workers.py, read by plan.py and status.py."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from kk.agent.runtime.api import Container

Obj = dict[str, Any]


@dataclass(slots=True)
class Probed:
    """What probes last said of a container: ready (readiness), started (startup; True where there is none), unhealthy (why it must restart)."""

    ready: bool = False
    started: bool = False
    unhealthy: str = ""


@dataclass(slots=True)
class World:
    """One pod as seen now.

    containers   name → its attempts, oldest first
    waiting      name → (reason, message) of the last failed attempt to start it
    not_before   name → POSIX seconds before which it is not started again (back-off)
    probed       name → probe results of its running attempt
    killing      ids of containers that have been told to stop
    gone         the API server no longer has the pod
    """

    pod: Obj
    pod_ip: str = ""
    host_ip: str = ""
    sandbox: bool = False
    containers: dict[str, list[Container]] = field(default_factory=dict)
    waiting: dict[str, tuple[str, str]] = field(default_factory=dict)
    not_before: dict[str, float] = field(default_factory=dict)
    probed: dict[str, Probed] = field(default_factory=dict)
    killing: set[str] = field(default_factory=set)
    gone: bool = False

    @property
    def spec(self) -> Obj:
        """The pod's spec."""
        spec: Obj = self.pod["spec"]
        return spec

    @property
    def uid(self) -> str:
        """The pod's uid."""
        return str(self.pod["metadata"]["uid"])

    @property
    def specs(self) -> list[Obj]:
        """All containers of the spec: initial, ordinary, ephemeral."""
        return all_containers(self.pod)

    def last(self, name: str) -> Container | None:
        """The newest attempt of a container."""
        attempts = self.containers.get(name)
        return attempts[-1] if attempts else None


def all_containers(pod: Obj) -> list[Obj]:
    """All containers of a pod's spec."""
    parts = ("initContainers", "containers", "ephemeralContainers")
    return [container for part in parts for container in pod["spec"].get(part) or ()]


def spec_hash(container: Obj) -> str:
    """Changes of the hash restart a running container: only the image can change in place."""
    kept = {"name": container["name"], "image": container.get("image", "")}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def is_sidecar(container: Obj) -> bool:
    """An init container that goes on running beside the others."""
    return container.get("restartPolicy") == "Always"


def restarts(pod: Obj, container: Obj, exit_code: int, init: bool = False) -> bool:
    """Whether a container that ended with `exit_code` is to run again: its rules, its own policy, the pod's policy."""
    for rule in container.get("restartPolicyRules") or ():
        codes = rule.get("exitCodes") or {}
        inside = exit_code in (codes.get("values") or [])
        if inside == (codes.get("operator") == "In"):
            return rule.get("action") in ("Restart", "RestartAllContainers")
    policy = container.get("restartPolicy") or pod["spec"].get("restartPolicy", "Always")
    if init and not is_sidecar(container):
        return exit_code != 0 and policy != "Never"
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)

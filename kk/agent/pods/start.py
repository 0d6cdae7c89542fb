"""Starting one container: image, environment, command line, user, volumes, then the runtime; with kubelet's events at each step.

A failure is a StartFault with the waiting reason that kubelet reports. Decides nothing about when: that is plan.py.
"""

import base64
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from kk.agent.api import NodeAPI
from kk.agent.images import Catalog, Found, Image, PullError
from kk.agent.pods.crash import CrashBackoff
from kk.agent.pods.env import ConfigFault, Sources, environment
from kk.agent.pods.expand import expand
from kk.agent.pods.plan import Start, grace_period
from kk.agent.pods.world import spec_hash
from kk.agent.runtime.api import Container, ContainerConfig, Runtime, RuntimeFault, Sandbox
from kk.base.errors import StatusError

Obj = dict[str, Any]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TOKEN_MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


class StartFault(Exception):
    """A container that did not start: `reason` as its waiting reason; `retry_at` when a back-off holds it (POSIX seconds)."""

    def __init__(self, reason: str, message: str, retry_at: float = 0.0):
        super().__init__(message)
        self.reason, self.retry_at = reason, retry_at


class Events(Protocol):
    """Where events go."""

    def event(self, pod: Obj, kind: str, reason: str, message: str, container: str = "") -> None:
        """Record one; kind is Normal or Warning."""


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What containers may learn of the node. `api_host` and `api_port` are where the API server is reached from here."""

    name: str
    ip: str
    allocatable: dict[str, str]
    api_host: str
    api_port: str


class Starter:
    """Starts containers; one per agent, used from the workers' threads."""

    def __init__(self, api: NodeAPI, runtime: Runtime, catalog: Catalog, facts: NodeFacts, events: Events):
        self._api, self._runtime, self._catalog, self._facts, self._events = api, runtime, catalog, facts, events
        self._pulled: set[str] = set()
        self._pull_backoff = CrashBackoff()
        self._pull_failed: dict[tuple[str, ...], tuple[float, str]] = {}
        self._warned: set[tuple[str, str]] = set()

    def forget(self, uid: str) -> None:
        """The pod is gone."""
        self._pull_backoff.forget(uid)
        for key in [k for k in self._pull_failed if k[0] == uid]:
            self._pull_failed.pop(key, None)
        self._warned = {pair for pair in self._warned if pair[0] != uid}

    # images

    def image(self, pod: Obj, container: Obj) -> Found:
        """The image, pulled as its policy says; StartFault (ErrImagePull, ImagePullBackOff, InvalidImageName, ErrImageNeverPull)."""
        text, name = container.get("image", ""), container["name"]
        policy = container.get("imagePullPolicy") or "IfNotPresent"
        key = (pod["metadata"]["uid"], text)
        if text in self._pulled and policy != "Always":
            words = f'Container image "{text}" already present on machine and can be accessed by the pod'
            found = self._pull(text, container, policy, key)
            self._events.event(pod, "Normal", "Pulled", words, name)
            return found
        self._hold_back(pod, container, key)
        if policy != "Never":
            self._events.event(pod, "Normal", "Pulling", f'Pulling image "{text}"', name)
        try:
            found = self._pull(text, container, policy, key)
        except StartFault as fault:
            if fault.reason == "ErrImagePull":
                self._events.event(pod, "Warning", "Failed", f'Failed to pull image "{text}": {fault}', name)
            else:
                self._events.event(
                    pod,
                    "Warning",
                    "InspectFailed" if fault.reason == "InvalidImageName" else fault.reason,
                    str(fault),
                    name,
                )
            self._events.event(pod, "Warning", "Failed", f"Error: {fault.reason}", name)
            raise
        if found.image is not None:
            self._pulled.add(text)
        if policy == "Never":
            words = f'Container image "{text}" already present on machine and can be accessed by the pod'
        else:
            words = f'Successfully pulled image "{text}" in 0s (0s including waiting). Image size: 0 bytes.'
        self._events.event(pod, "Normal", "Pulled", words, name)
        return found

    def _hold_back(self, pod: Obj, container: Obj, key: tuple[str, ...]) -> None:
        failed = self._pull_failed.get(key)
        if not failed:
            return
        at, why = failed
        until = self._pull_backoff.until(key, at)
        if until > time.time():
            text = f'Back-off pulling image "{container["image"]}"'
            self._events.event(pod, "Normal", "BackOff", text, container["name"])
            self._events.event(pod, "Warning", "Failed", "Error: ImagePullBackOff", container["name"])
            raise StartFault("ImagePullBackOff", f"{text}: ErrImagePull: {why}", until)

    def _pull(self, text: str, container: Obj, policy: str, key: tuple[str, ...]) -> Found:
        try:
            found = self._catalog.pull(text, bool(container.get("command")) or bool(container.get("args")), policy)
        except PullError as error:
            now = time.time()
            self._pull_backoff.raise_(key, now, now)
            self._pull_failed[key] = (now, str(error))
            # the next look finds it in back-off and says so
            raise StartFault(
                error.reason, str(error), now + 0.2 if error.reason == "ErrImagePull" else now + 10
            ) from None
        except ValueError as error:
            raise StartFault("ErrImagePull", str(error), time.time() + 10) from None
        self._pull_failed.pop(key, None)
        return found

    # configuration

    def sources(self, pod: Obj, sandbox: Sandbox) -> Sources:
        """What environments and volumes of the pod draw from."""
        namespace = pod["metadata"]["namespace"]

        def config_map(name: str) -> "dict[str, str] | None":
            found = self._api.config_map(namespace, name)
            return None if found is None else dict(found.get("data") or {})

        def secret(name: str) -> "dict[str, str] | None":
            found = self._api.secret(namespace, name)
            if found is None:
                return None
            return {k: base64.b64decode(v or "").decode(errors="replace") for k, v in (found.get("data") or {}).items()}

        facts = self._facts
        return Sources(
            config_map, secret, self._services(pod), facts.allocatable, facts.name, facts.ip, sandbox.ip
        )  # fmt: skip

    def _services(self, pod: Obj) -> list[Obj]:
        """The API server itself where it is reached from this level, and the namespace's services unless the pod declines."""
        master = {
            "metadata": {"name": "kubernetes"},
            "spec": {
                "clusterIP": self._facts.api_host,
                "ports": [{"name": "https", "port": int(self._facts.api_port), "protocol": "TCP"}],
            },
        }
        if pod["spec"].get("enableServiceLinks") is False:
            return [master]
        found = self._api.services(pod["metadata"]["namespace"])
        return [s for s in found if s["metadata"]["name"] != "kubernetes"] + [master]

    def volumes(self, pod: Obj, sandbox: Sandbox) -> tuple[dict[str, Path], float]:
        """Materialise the pod's volumes; MountFault."""
        if not pod["spec"].get("volumes"):
            return {}, 0.0
        from kk.agent.volumes._setup import setup
        from kk.agent.volumes._volume import Context

        namespace = pod["metadata"]["namespace"]
        context = Context(
            pod,
            sandbox.path,
            self.sources(pod, sandbox),
            lambda name: self._api.config_map(namespace, name),
            lambda name: self._api.secret(namespace, name),
            lambda audience, seconds: self._api.token(pod, audience, seconds),
        )
        return setup(context)

    def configure(
        self, pod: Obj, container: Obj, action: Start, sandbox: Sandbox, found: Found, paths: dict[str, Path]
    ) -> ContainerConfig:
        """The whole configuration of an attempt; ConfigFault."""
        image = found.image or Image((found.reference.familiar,))
        base = self._base(pod, container, sandbox, image, found)
        env = environment(pod, container, base, self.sources(pod, sandbox))
        where: list[tuple[str, str]] = []
        if container.get("volumeMounts"):
            from kk.agent.volumes._setup import mounts

            where = mounts(container, paths, lambda text: expand(text, env))
            env["KK_VOLUMES"] = ":".join(f"{a}={b}" for a, b in where)
        words = [[expand(word, env) for word in container.get(part) or ()] for part in ("command", "args")]
        args = image.arguments(*words)
        if not args:
            raise ConfigFault("no command specified")
        folder = sandbox.path / "containers" / container["name"] / str(action.attempt)
        env.setdefault("HOME", str(folder / "work"))
        log = folder / "termination-log"
        env.setdefault("KK_TERMINATION_LOG", str(log))
        return ContainerConfig(
            container["name"],
            action.attempt,
            tuple(args),
            env,
            self._cwd(container, image, folder, where),
            str(found.reference),
            found.image_id,
            bool(container.get("tty")),
            bool(container.get("stdin")),
            bool(container.get("stdinOnce")),
            user(pod, container),
            _signal((container.get("lifecycle") or {}).get("stopSignal")) or image.stop_signal,
            tuple(where),
            str(log),
            {
                "hash": spec_hash(container),
                "grace": grace_period(pod),
                "policy": container.get("terminationMessagePolicy", "File"),
            },
        )

    def _base(self, pod: Obj, container: Obj, sandbox: Sandbox, image: Image, found: Found) -> dict[str, str]:
        """The environment that a container has whatever its spec says."""
        meta = pod["metadata"]
        base = {
            "PATH": PATH,
            "HOSTNAME": pod["spec"].get("hostname") or meta["name"],
            "POD_IP": sandbox.ip,
            "KK_POD": f"{meta['namespace']}/{meta['name']}",
            **image.environment(found.reference),
        }
        if container.get("tty"):
            base["TERM"] = "xterm"
        ports = [p["containerPort"] for p in container.get("ports") or () if p.get("containerPort")]
        if port := next(iter(ports), None) or next(iter(image.ports), None):
            base["PORT"] = str(port)
        return base

    def _cwd(self, container: Obj, image: Image, folder: Path, where: list[tuple[str, str]]) -> str:
        """The working directory: what the pod mounts there, what the node has there, else the container's own folder."""
        wanted = container.get("workingDir") or image.cwd
        for mount, path in sorted(where, key=lambda pair: -len(pair[0])):
            if wanted == mount or wanted.startswith(mount.rstrip("/") + "/"):
                inside = Path(path + wanted[len(mount.rstrip("/")) :])
                return str(inside if inside.is_dir() else Path(path))
        return wanted if wanted != "/" and os.path.isdir(wanted) else str(folder / "work")

    # the whole

    def start(
        self, pod: Obj, container: Obj, action: Start, sandbox: Sandbox, paths: Callable[[], dict[str, Path]]
    ) -> Container:
        """Pull, create, start; StartFault. Config errors are tried again every 10 seconds, as kubelet's sync does."""
        name = container["name"]
        found = self.image(pod, container)
        try:
            config = self.configure(pod, container, action, sandbox, found, paths())
        except ConfigFault as fault:
            self._events.event(pod, "Warning", "Failed", f"Error: {fault}", name)
            raise StartFault("CreateContainerConfigError", str(fault), time.time() + 10) from None
        except StatusError as error:
            self._events.event(pod, "Warning", "Failed", f"Error: {error.message}", name)
            raise StartFault("CreateContainerConfigError", error.message, time.time() + 10) from None
        self._warn(pod, container, found, config)
        try:
            made = self._runtime.create(pod["metadata"]["uid"], config)
            work = made.path / "work"
            work.mkdir(mode=0o700, exist_ok=True)
            if config.user:
                os.chown(work, config.user[0], config.user[1])
        except (RuntimeFault, OSError) as fault:
            self._events.event(pod, "Warning", "Failed", f"Error: {fault}", name)
            raise StartFault("CreateContainerError", str(fault), time.time() + 10) from None
        self._events.event(pod, "Normal", "Created", "Container created", name)
        try:
            self._runtime.launch(made)
        except RuntimeFault as fault:
            self._events.event(pod, "Warning", "Failed", f"Error: {fault}", name)
            raise StartFault(fault.reason, str(fault)) from None
        self._events.event(pod, "Normal", "Started", "Container started", name)
        return made

    def _warn(self, pod: Obj, container: Obj, found: Found, config: ContainerConfig) -> None:
        """What this level does differently is said once per container."""
        key = (pod["metadata"]["uid"], container["name"])
        if key in self._warned:
            return
        self._warned.add(key)
        if found.image is None:
            words = f'Image "{container["image"]}" is not in the catalog: its command runs on the node itself, without the image\'s files (isolation level host)'
            self._events.event(pod, "Warning", "ImageNotInCatalog", words, container["name"])
        heeded = (TOKEN_MOUNT, *(found.image.mounts if found.image else ()))
        unseen = [a for a, b in config.mounts if a not in heeded and a != b]
        if unseen:
            words = f"Volumes are not visible at {', '.join(unseen)} (isolation level host): KK_VOLUMES tells the program where they are"
            self._events.event(pod, "Warning", "MountPathNotVisible", words, container["name"])


def user(pod: Obj, container: Obj) -> "tuple[int, int, list[int]] | None":
    """(uid, gid, groups) that the security contexts ask for, None for the agent's own; ConfigFault where the agent may not change it."""
    context = {**(pod["spec"].get("securityContext") or {}), **(container.get("securityContext") or {})}
    uid, gid = context.get("runAsUser"), context.get("runAsGroup")
    mine = os.geteuid()
    if context.get("runAsNonRoot") and (mine if uid is None else uid) == 0:
        name = f"{pod['metadata']['name']}_{pod['metadata']['namespace']}({pod['metadata']['uid']})"
        why = (
            "container has runAsNonRoot and image will run as root"
            if uid is None
            else "container's runAsUser breaks non-root policy"
        )
        raise ConfigFault(f'{why} (pod: "{name}", container: {container["name"]})')
    if uid is None and gid is None:
        return None
    if mine != 0:
        if uid in (None, mine) and gid in (None, os.getegid()):
            return None
        raise ConfigFault(f"runAsUser {uid} is not possible: the agent runs as the ordinary user {mine}")
    extra = [int(g) for g in (context.get("supplementalGroups") or [])]
    if context.get("fsGroup") is not None:
        extra.append(int(context["fsGroup"]))
    return (-1 if uid is None else int(uid), 0 if gid is None else int(gid), extra)


def _signal(name: str | None) -> int:
    import signal

    return int(getattr(signal, name, 0)) if name else 0

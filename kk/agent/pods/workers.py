"""The loop over pods: gather a world, plan, act, report; one pod at a time per key, several pods at once.

Woken by the pod informer, by ends of containers, by probes and by the times that a plan names; it never polls.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kk.agent.api import NodeAPI
from kk.agent.pods import status as report
from kk.agent.pods.crash import CrashBackoff
from kk.agent.pods.hooks import Hooks
from kk.agent.pods.lost import restore
from kk.agent.pods.messages import termination_message
from kk.agent.pods.plan import Fail, Finish, Kill, Plan, Start, plan
from kk.agent.pods.probes import Prober
from kk.agent.pods.start import Events, Starter, StartFault
from kk.agent.pods.world import Probed, World, all_containers, spec_hash
from kk.agent.runtime.api import Container, Runtime, Sandbox
from kk.agent.volumes._references import References
from kk.client.http import Unreachable
from kk.client.informer import InformerFactory
from kk.client.workqueue import WorkQueue

Obj = dict[str, Any]
log = logging.getLogger("kk.agent")
KEPT_ATTEMPTS = 2  # as kubelet: the last ended one beside the current
MOUNT_RETRY = (0.5, 120.0)
REFRESH_SECONDS = 0.5  # changes of mounted objects are gathered for so long


def version(pod: Obj) -> int:
    """The resourceVersion as a number: later ones are higher."""
    text = str(pod["metadata"].get("resourceVersion") or "0")
    return int(text) if text.isdigit() else 0


@dataclass(slots=True)
class Known:
    """What a worker remembers of a pod between looks."""

    pod: Obj
    gone: bool = False
    waiting: dict[str, tuple[str, str]] = field(default_factory=dict)
    retry_at: dict[str, float] = field(default_factory=dict)
    killing: dict[str, Probed] = field(default_factory=dict)  # container id → what probes said last
    failed: Fail | None = None
    paths: "dict[str, Path] | None" = None
    renew_at: float = 0.0
    mount_tries: int = 0
    sent: Obj | None = None
    told: set[tuple[str, float]] = field(default_factory=set)


class Workers:
    """Threads that bring pods to what the API server wants; `update` and `remove` are called by the informer's thread."""

    def __init__(
        self,
        api: NodeAPI,
        runtime: Runtime,
        starter: Starter,
        events: Events,
        host_ip: str,
        informers: InformerFactory,
        now: Callable[[], float] = time.time,
    ):
        self._api, self._runtime, self._starter, self._events = api, runtime, starter, events
        self._host_ip, self._now = host_ip, now
        self._known: dict[str, Known] = {}
        self._lock = threading.Lock()
        self._queue: WorkQueue = WorkQueue()
        self._crash = CrashBackoff()
        self._threads: list[threading.Thread] = []
        self.prober = Prober(runtime, self.wake, self._probe_event)
        self._hooks = Hooks(runtime, events)
        self._references = References(informers, self.refresh)

    def start(self, threads: int = 4) -> None:
        """Begin to work."""
        for number in range(threads):
            thread = threading.Thread(target=self._loop, name=f"pods-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """Stop working; pods go on."""
        self._queue.shutdown()
        self.prober.close()
        for thread in self._threads:
            thread.join(5)

    # what happens outside

    def update(self, pod: Obj) -> None:
        """The pod as the API server has it now."""
        uid = pod["metadata"]["uid"]
        with self._lock:
            known = self._known.setdefault(uid, Known(pod))
            if version(pod) < version(known.pod):
                return  # our own write has been answered already
            images = {c["name"]: c.get("image") for c in all_containers(known.pod)}
            for container in all_containers(pod):
                if images.get(container["name"]) != container.get("image"):
                    known.retry_at.pop(container["name"], None)  # another image waits for nothing
            known.pod = pod
        self._queue.add(uid)

    def remove(self, pod: Obj) -> None:
        """The API server has it no longer."""
        uid = pod["metadata"]["uid"]
        with self._lock:
            known = self._known.get(uid)
            if known is None:
                return
            known.gone = True
        self._queue.add(uid)

    def adopt_orphans(self, wanted: set[str]) -> None:
        """Pods on disk that the API server does not know are ended."""
        for uid in self._runtime.sandboxes():
            if uid in wanted:
                continue
            grace = [c.config.notes.get("grace", 30) for c in self._runtime.containers(uid)]
            spec: Obj = {"containers": [], "terminationGracePeriodSeconds": max(grace, default=30)}
            pod = {"metadata": {"uid": uid, "name": "", "namespace": ""}, "spec": spec}
            with self._lock:
                self._known.setdefault(uid, Known(pod, gone=True))
            self._queue.add(uid)

    def wake(self, uid: str) -> None:
        """Something about a pod changed."""
        self._queue.add(uid)

    def refresh(self, uid: str) -> None:
        """Something that a pod mounts has changed."""
        with self._lock:
            if known := self._known.get(uid):
                due = self._now() + REFRESH_SECONDS
                known.renew_at = min(known.renew_at or due, due)
        self._queue.add(uid)

    def pods(self) -> list[Obj]:
        """The pods of this node, as last seen, with the status as last reported."""
        with self._lock:
            known = [k for k in self._known.values() if not k.gone]
        return [{**k.pod, **({"status": k.sent} if k.sent else {})} for k in known]

    def find(self, namespace: str, name: str) -> Obj | None:
        """A pod of this node by name."""
        for pod in self.pods():
            if (pod["metadata"].get("namespace"), pod["metadata"]["name"]) == (namespace, name):
                return pod
        return None

    # the loop

    def _loop(self) -> None:
        tries: dict[str, int] = {}
        while (uid := self._queue.get()) is not None:
            try:
                wake_at = self.sync(uid)
                tries.pop(uid, None)
                if wake_at:
                    self._queue.add_after(uid, max(0.0, wake_at - self._now()))
            except Exception as error:
                tries[uid] = min(tries.get(uid, 0) + 1, 7)
                log.warning(
                    "pod %s: %s: %s", uid, type(error).__name__, error, exc_info=log.isEnabledFor(logging.DEBUG)
                )
                self._queue.add_after(uid, min(0.25 * 2 ** tries[uid], 8))
            finally:
                self._queue.done(uid)

    def sync(self, uid: str) -> float:
        """One look at a pod; when to look again (0: only when something happens)."""
        with self._lock:
            known = self._known.get(uid)
        if known is None:
            return 0.0
        if not known.gone and self._wants_sandbox(known):
            self._runtime.run_sandbox(uid, known.pod["metadata"]["name"], known.pod["metadata"]["namespace"])
        acted = True
        while acted:
            acted = False
            world = self._gather(known)
            due = plan(world, self._now())
            self._note_backoff(known, world, due)
            for action in due.actions:
                if isinstance(action, Finish):
                    self._finish(known)
                    return 0.0
                acted = self._act(known, action) or acted
        if known.renew_at and known.paths is not None and self._now() >= known.renew_at:
            self._paths(known, fresh=True)
        self._report(known)
        times = [t for t in (due.wake_at, known.renew_at, *self._future(known)) if t > self._now()]
        return min(times, default=0.0)

    def _future(self, known: Known) -> list[float]:
        return [at for at in known.retry_at.values() if at > self._now()]

    def _wants_sandbox(self, known: Known) -> bool:
        meta, status = known.pod["metadata"], known.pod.get("status") or {}
        return not meta.get("deletionTimestamp") and status.get("phase") not in ("Succeeded", "Failed")

    # the world

    def _gather(self, known: Known) -> World:
        uid = known.pod["metadata"]["uid"]
        sandbox = self._runtime.sandboxes().get(uid)
        world = World(known.pod, host_ip=self._host_ip, sandbox=sandbox is not None, gone=known.gone)
        if sandbox is not None:
            world.pod_ip = self._ip(known.pod, sandbox)
        elif old := (known.pod.get("status") or {}).get("podIP"):
            world.pod_ip = old
        for container in self._runtime.containers(uid):
            if container.state == "exited" and not container.message:
                container.message = termination_message(container)
            world.containers.setdefault(container.config.name, []).append(container)
        restore(world)
        world.killing, world.waiting = set(known.killing), known.waiting
        now = self._now()
        hashes = {c["name"]: spec_hash(c) for c in world.specs}
        for name in {*world.containers, *known.retry_at}:
            last = world.last(name)
            until = known.retry_at.get(name, 0.0)
            if last is not None and last.state == "exited" and hashes.get(name) == last.config.notes.get("hash"):
                until = max(until, self._crash.until((uid, name), last.finished_at))
            if until > now:
                world.not_before[name] = until
        for spec in world.specs:
            last = world.last(spec["name"])
            if last is not None and last.state == "running":
                probed = known.killing.get(last.id) or self.prober.state(known.pod, spec, last, world.pod_ip)
                world.probed[spec["name"]] = probed
        return world

    def _ip(self, pod: Obj, sandbox: Sandbox) -> str:
        return self._host_ip if pod["spec"].get("hostNetwork") else sandbox.ip

    def _note_backoff(self, known: Known, world: World, due: Plan) -> None:
        """Containers that wait for their next attempt say CrashLoopBackOff; those that will have none keep how they ended."""
        starting = {a.name for a in due.actions if isinstance(a, Start)}
        held = dict(due.backing_off)
        meta = known.pod["metadata"]
        for name in list(known.waiting):
            last = world.last(name)
            if last is not None and last.state == "exited" and name not in held and name not in starting:
                del known.waiting[name]
        for name, until in held.items():
            last = world.last(name)
            if last is None or known.waiting.get(name, ("RunContainerError", ""))[0] not in (
                "RunContainerError",
                "CrashLoopBackOff",
            ):
                continue
            delay = int(self._crash.delay((meta["uid"], name)))
            who = f"{meta['name']}_{meta['namespace']}({meta['uid']})"
            length = f"{delay // 60}m{delay % 60}s" if delay >= 60 else f"{delay}s"
            text = f"back-off {length} restarting failed container={name} pod={who}"
            known.waiting[name] = ("CrashLoopBackOff", text)
            if (name, until) not in known.told:
                known.told.add((name, until))
                words = f"Back-off restarting failed container {name} in pod {who}"
                self._events.event(known.pod, "Warning", "BackOff", words, name)

    # actions

    def _act(self, known: Known, action: "Start | Kill | Fail | Finish") -> bool:
        """Do one thing; True when the pod must be looked at again at once."""
        if isinstance(action, Start):
            return self._start(known, action)
        if isinstance(action, Kill):
            self._kill(known, action)
        elif isinstance(action, Fail) and known.failed is None:
            known.failed = action
            self._events.event(known.pod, "Normal", action.reason, action.message)
        return False

    def _spec_of(self, pod: Obj, name: str) -> Obj:
        return next((c for c in all_containers(pod) if c["name"] == name), {"name": name})

    def _start(self, known: Known, action: Start) -> bool:
        uid = known.pod["metadata"]["uid"]
        sandbox = self._runtime.sandboxes()[uid]
        sandbox = replace(sandbox, ip=self._ip(known.pod, sandbox))
        paths = self._paths(known, fresh=action.attempt > 0)
        if paths is None:
            known.retry_at[action.name] = known.renew_at
            return False
        spec = self._spec_of(known.pod, action.name)
        try:
            made = self._starter.start(known.pod, spec, action, sandbox, lambda: paths)
            self._tried(uid, action)
        except StartFault as fault:
            if not fault.retry_at:
                self._tried(uid, action)
            known.waiting[action.name] = (fault.reason, str(fault))
            known.retry_at[action.name] = fault.retry_at
            return not fault.retry_at
        known.waiting.pop(action.name, None)
        known.retry_at.pop(action.name, None)
        self._hooks.started(known.pod, spec, made)
        attempts = [c for c in self._runtime.containers(uid) if c.config.name == action.name]
        for old in attempts[:-KEPT_ATTEMPTS]:
            self._runtime.remove(old)
        return True

    def _tried(self, uid: str, action: Start) -> None:
        """A program was run again after it had ended: the next time waits longer."""
        if action.crashed_at:
            self._crash.raise_((uid, action.name), action.crashed_at, self._now())

    def _paths(self, known: Known, fresh: bool) -> "dict[str, Path] | None":
        """The pod's volumes; None when one cannot be set up yet (renew_at says when to try again)."""
        if known.paths is not None and not fresh:
            return known.paths
        from kk.agent.volumes._volume import MountFault

        sandbox = self._runtime.sandboxes()[known.pod["metadata"]["uid"]]
        try:
            known.paths, known.renew_at = self._starter.volumes(known.pod, sandbox)
            known.mount_tries = 0
            self._references.want(known.pod)
        except MountFault as fault:
            self._events.event(known.pod, "Warning", "FailedMount", str(fault))
            known.renew_at = self._now() + min(MOUNT_RETRY[0] * 2**known.mount_tries, MOUNT_RETRY[1])
            known.mount_tries = min(known.mount_tries + 1, 8)
            return None
        except Unreachable:
            if known.paths is None:
                raise
            known.renew_at = self._now() + MOUNT_RETRY[0]  # without the API server what is there must do
        return known.paths

    def _kill(self, known: Known, action: Kill) -> None:
        uid = known.pod["metadata"]["uid"]
        container = next((c for c in self._runtime.containers(uid) if c.id == action.container_id), None)
        if container is None:
            return
        spec = self._spec_of(known.pod, action.name)
        known.killing[container.id] = self.prober.state(
            known.pod, spec, container, container.config.env.get("POD_IP", "")
        )
        self.prober.forget(container.id)
        if known.pod["metadata"]["name"]:
            words = action.why or f"Stopping container {action.name}"
            self._events.event(known.pod, "Normal", "Killing", words, action.name)
        self._hooks.stop(known.pod, spec, container, action.grace)

    def _finish(self, known: Known) -> None:
        uid = known.pod["metadata"]["uid"]
        if not known.gone:
            self._report(known, over=True)
        for container in self._runtime.containers(uid):
            self.prober.forget(container.id)
        self._runtime.remove_sandbox(uid)
        self._starter.forget(uid)
        self._references.forget(uid)
        self._crash.forget(uid)
        if not known.gone:
            self._api.delete_pod(known.pod)
        with self._lock:
            self._known.pop(uid, None)

    # reporting

    def _report(self, known: Known, over: bool = False) -> None:
        if known.gone:
            return
        world = self._gather(known)
        made = report.compute(world, self._now(), known.failed, over)
        if known.sent is not None and report.same(known.sent, made) and not report.lost(known.pod, made):
            return
        changes = report.patch(world, made)
        if changes is not None:
            answer = self._api.patch_pod_status(known.pod, changes)
            if answer is not None:
                with self._lock:
                    if version(known.pod) < version(answer):
                        known.pod = answer
        known.sent = made

    def _probe_event(self, pod: Obj, container: Container, reason: str, message: str) -> None:
        self._events.event(pod, "Warning", reason, message, container.config.name)

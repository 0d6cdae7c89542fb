"""Startup, readiness and liveness probes: when each is due and what its results mean. The asking itself is execute.py.

Threads exist only once a pod has a probe; each probe wakes at its own period, as Kubernetes defines it.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kk.agent.pods.execute import perform
from kk.agent.pods.world import Probed
from kk.agent.runtime.api import Container, Runtime
from kk.client.workqueue import WorkQueue

Obj = dict[str, Any]
log = logging.getLogger("kk.agent")
KINDS = ("startup", "readiness", "liveness")


@dataclass(slots=True)
class Watched:
    """One probe of one running container. `value` is what it last settled on; `streak` counts equal results."""

    pod: Obj
    spec: Obj
    container: Container
    kind: str
    ip: str
    value: bool
    streak: int = 0
    last: bool | None = None

    @property
    def probe(self) -> Obj:
        """The probe's spec."""
        found: Obj = self.spec[f"{self.kind}Probe"]
        return found

    def take(self, ok: bool) -> bool:
        """Count a result; True when `value` changed."""
        self.streak = self.streak + 1 if ok == self.last else 1
        self.last = ok
        threshold = int(self.probe.get("successThreshold" if ok else "failureThreshold") or (1 if ok else 3))
        if self.streak >= threshold and self.value != ok:
            self.value = ok
            return True
        return False


class Prober:
    """All probes of a node. `on_change(uid)` when a result changes something, `on_event(pod, container, reason, message)` for failures."""

    def __init__(self, runtime: Runtime, on_change: Callable[[str], None], on_event: Callable[..., None]):
        self._runtime, self._on_change, self._on_event = runtime, on_change, on_event
        self._watched: dict[tuple[str, str], Watched] = {}
        self._failed: dict[str, str] = {}
        self._lock = threading.Lock()
        self._queue: WorkQueue | None = None
        self._threads: list[threading.Thread] = []

    def state(self, pod: Obj, spec: Obj, container: Container, ip: str) -> Probed:
        """What the probes say of a running container; begins them at the first call."""
        with self._lock:
            for kind in KINDS:
                key = (container.id, kind)
                if spec.get(f"{kind}Probe") and key not in self._watched and container.id not in self._failed:
                    self._watched[key] = Watched(pod, spec, container, kind, ip, kind == "liveness")
                    delay = float(self._watched[key].probe.get("initialDelaySeconds") or 0)
                    self._ensure().add_after(key, delay)
            started = self._value(container, spec, "startup", True)
            ready = started and self._value(container, spec, "readiness", True)
            return Probed(ready, started, self._failed.get(container.id, ""))

    def _value(self, container: Container, spec: Obj, kind: str, default: bool) -> bool:
        watched = self._watched.get((container.id, kind))
        return watched.value if watched else (default if not spec.get(f"{kind}Probe") else False)

    def _ensure(self) -> WorkQueue:
        if self._queue is None:
            self._queue = WorkQueue()
            for number in range(3):
                thread = threading.Thread(target=self._loop, args=(self._queue,), name=f"probes-{number}", daemon=True)
                thread.start()
                self._threads.append(thread)
        return self._queue

    def forget(self, container_id: str) -> None:
        """The container is stopped: no more probes."""
        with self._lock:
            for kind in KINDS:
                self._watched.pop((container_id, kind), None)
            self._failed.pop(container_id, None)

    def close(self) -> None:
        """End the threads."""
        if self._queue is not None:
            self._queue.shutdown()
            for thread in self._threads:
                thread.join(5)

    def _loop(self, queue: WorkQueue) -> None:
        while (key := queue.get()) is not None:
            try:
                again = self._one(key)
                if again:
                    queue.add_after(key, again)
            except Exception as error:
                log.warning("probe %s: %s: %s", key[1], type(error).__name__, error)
                queue.add_after(key, 10)
            finally:
                queue.done(key)

    def _one(self, key: tuple[str, str]) -> float:
        """Ask once; seconds until the next time, 0 for never."""
        with self._lock:
            watched = self._watched.get(key)
            started = bool(watched) and self._value(watched.container, watched.spec, "startup", True)  # type: ignore[union-attr]
        if watched is None or watched.container.state != "running":
            self.forget(key[0])
            return 0.0
        period = float(watched.probe.get("periodSeconds") or 10)
        if watched.kind != "startup" and not started:
            return 0.0  # its first success wakes them
        if watched.kind == "startup" and watched.value:
            return 0.0
        timeout = float(watched.probe.get("timeoutSeconds") or 1)
        ok, output = perform(self._runtime, watched.container, watched.spec, watched.probe, watched.ip, timeout)
        if watched.container.state != "running" or key not in self._watched:
            return 0.0
        if not ok:
            words = f"{watched.kind.capitalize()} probe failed: {output}"
            self._on_event(watched.pod, watched.container, "Unhealthy", words)
        changed = watched.take(ok)
        if (
            not ok
            and watched.kind in ("startup", "liveness")
            and watched.streak >= int(watched.probe.get("failureThreshold") or 3)
        ):
            with self._lock:
                self._failed[key[0]] = watched.kind
                self._watched.pop(key, None)
            changed, period = True, 0.0
        if changed:
            self._on_change(watched.container.pod_uid)
            if watched.kind == "startup" and watched.value:
                self._wake_others(key[0])
        return period

    def _wake_others(self, container_id: str) -> None:
        for kind in ("readiness", "liveness"):
            if (container_id, kind) in self._watched and self._queue is not None:
                self._queue.add((container_id, kind))

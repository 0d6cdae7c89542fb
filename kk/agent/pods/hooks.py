"""Lifecycle hooks: postStart after a start, preStop before the stop signal. A thread each, only for containers that have one."""

import threading
import time
from typing import Any

from kk.agent.pods.execute import perform
from kk.agent.pods.start import Events
from kk.agent.runtime.api import Container, Runtime

Obj = dict[str, Any]
LEAST_AFTER_PRESTOP = 2.0  # seconds that a program gets after its preStop hook in any case, as in kubelet


class Hooks:
    """Runs the hooks of containers."""

    def __init__(self, runtime: Runtime, events: Events):
        self._runtime, self._events = runtime, events

    def started(self, pod: Obj, spec: Obj, container: Container) -> None:
        """postStart, if there is one; a container whose hook fails is killed."""
        if handler := (spec.get("lifecycle") or {}).get("postStart"):
            args = (pod, spec, container, handler)
            threading.Thread(target=self._post_start, args=args, name="postStart", daemon=True).start()

    def _post_start(self, pod: Obj, spec: Obj, container: Container, handler: Obj) -> None:
        ok, output = perform(self._runtime, container, spec, handler, self._ip(container), 3600)
        if not ok:
            words = f"PostStartHook failed: {output}"
            self._events.event(pod, "Warning", "FailedPostStartHook", words, spec["name"])
            self._runtime.stop(container, 0)

    def stop(self, pod: Obj, spec: Obj, container: Container, grace: float) -> None:
        """Stop a container: preStop within the grace period, then the signal. Returns at once."""
        handler = (spec.get("lifecycle") or {}).get("preStop")
        if not handler or grace <= 0:
            self._runtime.stop(container, grace)
            return
        args = (pod, spec, container, handler, grace)
        threading.Thread(target=self._pre_stop, args=args, name="preStop", daemon=True).start()

    def _pre_stop(self, pod: Obj, spec: Obj, container: Container, handler: Obj, grace: float) -> None:
        begun = time.monotonic()
        ok, output = perform(self._runtime, container, spec, handler, self._ip(container), grace)
        if not ok:
            self._events.event(pod, "Warning", "FailedPreStopHook", f"PreStopHook failed: {output}", spec["name"])
        left = grace - (time.monotonic() - begun)
        self._runtime.stop(container, max(left, LEAST_AFTER_PRESTOP))

    @staticmethod
    def _ip(container: Container) -> str:
        return container.config.env.get("POD_IP", "127.0.0.1")

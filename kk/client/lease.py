"""Leader election by a Lease of coordination.k8s.io: of several candidates one leads, and says so at intervals.

Times as in client-go `tools/leaderelection`. Used only when asked for: a lone process needs no leader and no wake-ups.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC
from typing import TYPE_CHECKING, Any

from kk.base.errors import StatusError
from kk.base.times import SYSTEM, Clock, format_micro

from .transport import Unreachable

if TYPE_CHECKING:
    from .http import Client

log = logging.getLogger(__name__)

Obj = dict[str, Any]


def claim(lease: Obj | None, identity: str, seconds: int, now: str, seen_for: float) -> Obj | None:
    """The Lease spec with which `identity` takes or keeps the lead; None while another holds it. Pure.

    seen_for   seconds since the holder was last seen to renew (by this observer's clock, so that clocks need not agree)
    """
    spec = dict((lease or {}).get("spec") or {})
    holder = spec.get("holderIdentity") or ""
    if holder and holder != identity and seen_for < (spec.get("leaseDurationSeconds") or seconds):
        return None
    mine = holder == identity
    return {
        **spec,
        "holderIdentity": identity,
        "leaseDurationSeconds": seconds,
        "renewTime": now,
        "acquireTime": spec.get("acquireTime", now) if mine else now,
        "leaseTransitions": (spec.get("leaseTransitions") or 0) + (0 if mine or not lease else 1),
    }


class Elector:
    """Campaigns for a Lease until stopped.

    on_lead is called once when the lead is won, on_loss when it is lost; run() blocks until stop() or a loss.
    """

    def __init__(
        self,
        client: "Client",
        namespace: str,
        name: str,
        identity: str,
        seconds: int = 15,
        renew_within: float = 10.0,
        retry: float = 2.0,
        clock: Clock = SYSTEM,
    ):
        self._leases = client.resource("coordination.k8s.io/v1", "leases", namespace)
        self._namespace, self._name, self.identity = namespace, name, identity
        self._seconds, self._renew_within, self._retry = seconds, renew_within, retry
        self._clock = clock
        self._stop = threading.Event()
        self._seen: tuple[str, float] = ("", 0.0)
        self.leading = False

    def run(self, on_lead: Callable[[], None], on_loss: Callable[[], None]) -> None:
        """Campaign, lead, and return when the lead is lost or stop() was called (it is given back then)."""
        while not self._stop.is_set() and not self._try():
            self._stop.wait(self._retry * (1 + random.random()))
        if self._stop.is_set():
            return
        self.leading = True
        on_lead()
        renewed = time.monotonic()
        while not self._stop.wait(self._retry):
            if self._try():
                renewed = time.monotonic()
            elif time.monotonic() - renewed > self._renew_within:
                break
        self.leading = False
        on_loss()
        if self._stop.is_set():
            self._release()

    def stop(self) -> None:
        """Give up, from any thread."""
        self._stop.set()

    def _try(self) -> bool:
        try:
            return self._once()
        except (StatusError, Unreachable) as error:
            log.info("lease %s/%s: %s", self._namespace, self._name, error)
            return False

    def _once(self) -> bool:
        now = format_micro(self._clock.now().astimezone(UTC))
        try:
            lease = self._leases.get(self._name)
        except StatusError as error:
            if error.code != 404:
                raise
            lease = None
        version = lease["metadata"]["resourceVersion"] if lease else ""
        if version != self._seen[0]:
            self._seen = (version, self._clock.monotonic())
        spec = claim(lease, self.identity, self._seconds, now, self._clock.monotonic() - self._seen[1])
        if spec is None:
            return False
        if lease is None:
            meta = {"name": self._name, "namespace": self._namespace}
            self._leases.create(
                {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}
            )
        else:
            self._leases.update({**lease, "spec": spec})
        return True

    def _release(self) -> None:
        try:
            lease = self._leases.get(self._name)
            if lease["spec"].get("holderIdentity") == self.identity:
                spec = {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
                self._leases.update({**lease, "spec": spec})
        except (StatusError, Unreachable):
            pass  # it runs out by itself

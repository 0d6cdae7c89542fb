"""What the app asks before a request is worked on: its class, and a seat.

The class of (user, verb, resource, namespace) is remembered until a FlowSchema or PriorityLevelConfiguration changes; an exempt request
costs one look-up, another one a counter up and down. With priority and fairness off, two plain bounds for reads and writes hold instead.
"""

import asyncio
from typing import Any

from kk.server.context import RequestInfo, Server, User
from kk.server.fairness import rules
from kk.server.fairness.levels import Level, share

GROUP = "flowcontrol.apiserver.k8s.io"
#: sub-resources whose requests last as long as somebody wants: they take no seat
LONG = frozenset({"attach", "exec", "proxy", "log", "portforward"})
#: seconds that a request waits for a seat at most: a quarter of what a request may take
_PATIENCE = 15.0
_MEMORY = 20_000
_READS = ("get", "list", "watch")
_MASTERS = "system:masters"


class TooMany(Exception):
    """No seat: 429. The text is upstream's reason."""


class Flow:
    """Requests of one flow of one schema: where they run, and the headers that say so."""

    __slots__ = ("level", "schema", "text", "pairs", "lines", "dispatched")

    def __init__(self, level: Level, schema: str, uid: str, text: str):
        self.level, self.schema, self.text = level, schema, text
        self.pairs: tuple[tuple[bytes, bytes], ...] = ()
        if uid:
            self.pairs = (
                (b"x-kubernetes-pf-flowschema-uid", uid.encode()),
                (b"x-kubernetes-pf-prioritylevel-uid", level.uid.encode()),
            )
        self.lines = b"".join(b"%b: %b\r\n" % pair for pair in self.pairs)
        self.dispatched = 0


class Fairness:
    """By FlowSchemas and priority levels."""

    def __init__(self, server: Server, total: int):
        self._server, self._total = server, total
        self.levels: dict[str, Level] = {}
        self.flows: dict[Any, Flow] = {}
        self.counts: dict[tuple[str, str], int] = {}
        self._schemas: list[dict[str, Any]] = []
        self._stale = True
        self._queued = 0  # requests that wait for a seat, of all levels
        for plural in ("flowschemas", "prioritylevelconfigurations"):
            server.cache.shelves[(GROUP, plural)].listeners.append(self._changed)

    def _changed(self, change: Any) -> None:
        self._stale = True

    def classify(self, user: User, info: RequestInfo) -> Flow:
        """The flow of a request."""
        if self._stale:
            self._refresh()
        if info.is_resource:
            key: Any = (user.name, user.groups, info.verb, info.group, info.resource, info.subresource, info.namespace)
        else:
            key = (user.name, user.groups, info.verb, info.path)
        found = self.flows.get(key)
        if found is None:
            if len(self.flows) > _MEMORY:
                self._forget()
            found = self.flows[key] = self._find(user, info)
        return found

    def _find(self, user: User, info: RequestInfo) -> Flow:
        schema = rules.find(self._schemas, user, info)
        level = None
        if schema is not None:
            level = self.levels.get(schema["spec"].get("priorityLevelConfiguration", {}).get("name", ""))
        if schema is None or level is None:  # before the objects are made: the server's own start
            return Flow(self.levels.setdefault("", Level("", "", {"type": "Exempt"})), "", "", "")
        name = schema["metadata"]["name"]
        return Flow(level, name, schema["metadata"]["uid"], f"{name}/{rules.flow(schema, user, info)}")

    def _forget(self) -> None:
        for flow in self.flows.values():
            key = (flow.schema, flow.level.name)
            self.counts[key] = self.counts.get(key, 0) + flow.dispatched
        self.flows.clear()

    def _refresh(self) -> None:
        self._stale = False
        self._forget()
        cache, known = self._server.cache, {}
        for obj in cache.list(GROUP, "prioritylevelconfigurations"):
            name, spec = obj["metadata"]["name"], obj.get("spec") or {}
            level = self.levels.get(name)
            if level is None or level.uid != obj["metadata"]["uid"]:
                level = Level(name, obj["metadata"]["uid"], spec)
            else:
                level.take(spec)
            known[name] = level
        self.levels = known
        share(list(known.values()), self._total)
        schemas = rules.ordered(cache.list(GROUP, "flowschemas"))
        self._schemas = [s for s in schemas if s["spec"].get("priorityLevelConfiguration", {}).get("name") in known]

    def at_once(self, flow: Flow) -> bool:
        """Take a seat if one is free and nobody waits for it."""
        level = flow.level
        if level.waiting or not self._free(level):
            return False
        level.executing += 1
        return True

    async def enter(self, flow: Flow) -> None:
        """Wait for a seat of a limited level. Raises TooMany."""
        level = flow.level
        if self.at_once(flow):
            return
        if not level.hand:
            raise self._rejected(flow, "concurrency-limit")
        queue = level.queue_of(flow.text)
        if len(queue) >= level.length:
            raise self._rejected(flow, "queue-full")
        waiter: asyncio.Future[str] = self._server.loop.create_future()
        queue.append(waiter)
        level.waiting += 1
        self._queued += 1
        timer = self._server.loop.call_later(_PATIENCE, _late, waiter)
        try:
            reason = await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and not waiter.result():
                self.leave(flow)
            elif waiter in queue:
                queue.remove(waiter)
                level.waiting -= 1
            raise
        finally:
            timer.cancel()
            self._queued -= 1
        if reason:
            if waiter in queue:
                queue.remove(waiter)
                level.waiting -= 1
            raise self._rejected(flow, reason)

    def _free(self, level: Level) -> bool:
        if level.limit is None or level.executing < level.limit:
            return True
        if level.executing >= level.most:
            return False
        # seats that the level has borrowed already are no longer spare in the sum
        used = sum(max(0, other.executing - (other.limit or 0)) for other in self.levels.values() if not other.exempt)
        return used < sum(other.spare for other in self.levels.values() if other is not level)

    def leave(self, flow: Flow) -> None:
        """A request is over: its seat goes to who waits."""
        level = flow.level
        level.executing -= 1
        if not self._queued:
            return
        for other in (level, *self.levels.values()):
            while other.waiting and self._free(other):
                waiter = other.next()
                if waiter is None:
                    break
                other.executing += 1
                waiter.set_result("")

    def _rejected(self, flow: Flow, reason: str) -> TooMany:
        key = (flow.schema, reason)
        flow.level.rejected[key] = flow.level.rejected.get(key, 0) + 1
        return TooMany(reason)


class MaxInFlight(Fairness):
    """Two plain bounds, for reads and for writes; who administers the cluster is let in always."""

    def __init__(self, server: Server, reads: int, writes: int):
        self._server, self._queued = server, 0
        self.flows, self.counts = {}, {}
        self._flows = (_bounded("readOnly", reads), _bounded("mutating", writes))
        self._masters = Flow(Level("exempt", "", {"type": "Exempt"}), "exempt", "", "")
        self.levels = {f.level.name: f.level for f in (*self._flows, self._masters)}

    def classify(self, user: User, info: RequestInfo) -> Flow:
        """The bucket of a request."""
        if _MASTERS in user.groups:
            return self._masters
        return self._flows[info.verb not in _READS]


def _bounded(name: str, limit: int) -> Flow:
    reject = {"type": "Limited", "limited": {"borrowingLimitPercent": 0, "limitResponse": {"type": "Reject"}}}
    level = Level(name, "", reject if limit else {"type": "Exempt"})
    level.limit = limit or None
    return Flow(level, name, "", name)


def _late(waiter: "asyncio.Future[str]") -> None:
    if not waiter.done():
        waiter.set_result("time-out")


def fairness(server: Server) -> Fairness:
    """The server's filter, made on first use."""
    held: Fairness | None = server.state.get(__name__)
    if held is None:
        flag = server.config.flag
        reads, writes = flag("max-requests-inflight"), flag("max-mutating-requests-inflight")
        if flag("enable-priority-and-fairness") and reads + writes:
            held = Fairness(server, reads + writes)
        else:
            held = MaxInFlight(server, reads, writes)
        server.state[__name__] = held
    return held

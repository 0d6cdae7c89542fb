"""Events about objects: written in the background, counted up when the same thing happens again.

Names, aggregation and the limit of events per object follow client-go `tools/record` (core/v1 Event). An event that cannot be written
is dropped: they inform people and are never waited for.
"""

import logging
import threading
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any

from kk.base.errors import StatusError
from kk.base.times import SYSTEM, Clock, format_time

from .transport import Unreachable

if TYPE_CHECKING:
    from .http import Client

log = logging.getLogger(__name__)

Obj = dict[str, Any]
_REMEMBERED = 4096
_MOST_WAITING = 20_000
#: per source and object: this many at once, then one in five minutes (client-go's spam filter)
_BURST, _REFILL = 25, 1 / 300
_SIMILAR, _SIMILAR_WITHIN = 10, 600.0


def reference(obj: Obj, field_path: str = "") -> Obj:
    """The ObjectReference to an object."""
    meta = obj["metadata"]
    found = {
        "kind": obj.get("kind"),
        "namespace": meta.get("namespace"),
        "name": meta.get("name"),
        "uid": meta.get("uid"),
        "apiVersion": obj.get("apiVersion"),
        "resourceVersion": meta.get("resourceVersion"),
        "fieldPath": field_path,
    }
    return {k: v for k, v in found.items() if v}


class Recorder:
    """Writes events of one component.

    component   `source.component`, such as "deployment-controller"; host is `source.host`, set by agents
    """

    def __init__(self, client: "Client", component: str, host: str = "", clock: Clock = SYSTEM):
        self._client = client
        self._source = {"component": component, **({"host": host} if host else {})}
        self._clock = clock
        self._waiting: deque[tuple[Obj, Obj]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._over = False
        self._known: OrderedDict[tuple[Any, ...], tuple[str, int]] = OrderedDict()
        self._spam: OrderedDict[tuple[Any, ...], tuple[float, float]] = OrderedDict()
        self._similar: OrderedDict[tuple[Any, ...], tuple[set[str], float]] = OrderedDict()

    def event(self, obj: Obj, type: str, reason: str, message: str, field_path: str = "", component: str = "") -> None:
        """Tell something about an object; type is Normal or Warning. Returns at once.

        obj may be an object or an ObjectReference (which has no metadata).
        """
        about = reference(obj, field_path) if "metadata" in obj else obj
        what: Obj = {"type": type, "reason": reason, "message": message, "time": format_time(self._clock.now())}
        if component:
            what["component"] = component
        with self._changed:
            if self._over or len(self._waiting) >= _MOST_WAITING:
                return
            self._waiting.append((about, what))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="events", daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self, timeout: float = 2.0) -> None:
        """Write what waits, for at most so many seconds, and end."""
        with self._changed:
            self._over = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._over:
                    self._changed.wait()
                if not self._waiting:
                    return
                about, what = self._waiting.popleft()
            try:
                self._write(about, what)
            except (StatusError, Unreachable, ValueError) as error:
                log.info("event %s of %s: %s", what["reason"], about.get("name"), error)

    def _write(self, about: Obj, what: Obj) -> None:
        who = tuple(about.get(k, "") for k in ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath"))
        if not self._allowed((what.get("component", ""), *who[:5])):
            return
        message = self._aggregated((*who, what["type"], what["reason"]), what["message"])
        key = (*who, what["type"], what["reason"], message)
        namespace = about.get("namespace") or "default"
        events = self._client.resource("v1", "events", namespace)
        known = self._known.get(key)
        if known is not None:
            name, count = known
            patch = {"count": count + 1, "lastTimestamp": what["time"], "message": message}
            try:
                events.patch(name, patch, "strategic")
                self._remember(key, name, count + 1)
                return
            except StatusError as error:
                if error.code != 404:
                    raise
        made = self._new(about, what, message, namespace)
        try:
            events.create(made)
        except StatusError as error:
            if error.code in (403, 404):  # the namespace is going or gone
                return
            raise
        self._remember(key, made["metadata"]["name"], 1)

    def _new(self, about: Obj, what: Obj, message: str, namespace: str) -> Obj:
        source = {**self._source, **({"component": what["component"]} if "component" in what else {})}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{about.get('name', '')}.{time.time_ns():x}", "namespace": namespace},
            "involvedObject": about,
            "reason": what["reason"],
            "message": message,
            "source": source,
            "firstTimestamp": what["time"],
            "lastTimestamp": what["time"],
            "count": 1,
            "type": what["type"],
            "reportingComponent": source["component"],
            "reportingInstance": source.get("host", ""),
        }

    def _remember(self, key: tuple[Any, ...], name: str, count: int) -> None:
        self._known[key] = (name, count)
        self._known.move_to_end(key)
        _trim(self._known)

    def _allowed(self, key: tuple[Any, ...]) -> bool:
        now = self._clock.monotonic()
        tokens, at = self._spam.get(key, (float(_BURST), now))
        tokens = min(_BURST, tokens + (now - at) * _REFILL)
        self._spam[key] = (tokens - 1 if tokens >= 1 else tokens, now)
        self._spam.move_to_end(key)
        _trim(self._spam)
        return tokens >= 1

    def _aggregated(self, key: tuple[Any, ...], message: str) -> str:
        """More than ten different messages of one reason in ten minutes become one event."""
        now = self._clock.monotonic()
        messages, last = self._similar.get(key, (set(), now))
        if now - last > _SIMILAR_WITHIN:
            messages = set()
        messages.add(message)
        self._similar[key] = (messages, now)
        self._similar.move_to_end(key)
        _trim(self._similar)
        return message if len(messages) < _SIMILAR else f"(combined from similar events): {message}"


def _trim(table: "OrderedDict[Any, Any]") -> None:
    while len(table) > _REMEMBERED:
        table.popitem(last=False)

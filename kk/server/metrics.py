"""Counting requests, cheaply, under the names that kube-apiserver uses, so that existing dashboards read them.

A request costs one dictionary look-up and a bisection; families are made only when somebody asks for them. What others count
(watchers, levels, objects) is read where it stands, by kk.server.endpoints.metrics.
"""

import time
from bisect import bisect_left
from collections.abc import Iterator

from kk.server.context import RequestInfo
from kk.server.exposition import Family

BOUNDS = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60)
#: of admission's steps
STEP_BOUNDS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5)
_VERBS = {"create": "POST", "update": "PUT"}
_CONNECT = frozenset({"attach", "exec", "proxy", "portforward"})
_LABELS = ("verb", "group", "version", "resource", "subresource", "scope", "dry_run")
_NAMED = frozenset({"admin", "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default"})
#: kinds of requests that are kept apart at most: names that clients invent must not fill the memory
_MOST = 5000
#: characters of a path beyond which it is not counted by itself
_LONGEST = 1000
Key = tuple[str, str, str, str, str, str, str, int]


class Series:
    """Things of one kind: how many, how long in all, and how many up to each bound."""

    __slots__ = ("count", "seconds", "buckets", "_bounds")

    def __init__(self, bounds: tuple[float, ...] = BOUNDS) -> None:
        self.count, self.seconds, self._bounds = 0, 0.0, bounds
        self.buckets = [0] * (len(bounds) + 1)

    def time(self, seconds: float) -> None:
        """One that took so long."""
        self.seconds += seconds
        self.buckets[bisect_left(self._bounds, seconds)] += 1


class Metrics:
    """What one server counted since its start. running: requests at work, [those that read, those that write]."""

    def __init__(self) -> None:
        self.started = time.time()
        self.running = [0, 0]
        #: the number of requests by user's name; names of one class share it
        self.users: dict[str, list[int]] = {}
        self.classes: dict[str, list[int]] = {}
        self.steps: dict[tuple[str, str, str], Series] = {}
        self._series: dict[Key, Series] = {}

    def record(self, info: RequestInfo, code: int, seconds: float, media: bytes = b"") -> None:
        """Count one request that was answered; `media` is the type of its body. Watches count without their duration."""
        scope = ""
        if info.is_resource:
            scope = "resource" if info.name else "namespace" if info.namespace else "cluster"
        verb = "apply" if info.verb == "patch" and media.startswith(b"application/apply-patch") else info.verb
        dry = "All" if info.raw_query and b"dryRun=All" in info.raw_query else ""
        key = (verb, info.group, info.version, info.resource, info.subresource, scope, dry, code)
        series = self._series.get(key)
        if series is None:
            # paths that are no resource are many: they are counted under their verb alone, resources that do not exist likewise
            if len(self._series) > _MOST or len(info.path) > _LONGEST:
                key = ("other", "", "", "", "", "", "", code)
            series = self._series.setdefault(key, Series())
        series.count += 1
        if info.verb != "watch":
            series.time(seconds)

    def step(self, operation: str, kind: str, rejected: bool, seconds: float) -> None:
        """One phase of admission of one write."""
        key = (operation, kind, "true" if rejected else "false")
        series = self.steps.get(key)
        if series is None:
            series = self.steps[key] = Series(STEP_BOUNDS)
        series.count += 1
        series.time(seconds)

    def user(self, name: str) -> list[int]:
        """The counter of a user's class, kept under the name from now on."""
        if len(self.users) > _MOST:
            self.users.clear()
        found = self.users[name] = self.classes.setdefault(user_class(name), [0])
        return found

    def families(self) -> Iterator[Family]:
        """The families of requests."""
        total = Family("apiserver_request_total", "counter", "[STABLE] Requests by verb, resource and code.")
        took = Family(
            "apiserver_request_duration_seconds", "histogram", "[STABLE] Seconds from a request to its answer."
        )
        merged: dict[tuple[str, ...], Series] = {}
        for key, series in self._series.items():
            labels = (_verb(key), *key[1:7])
            total.add(series.count, code=str(key[7]), component="apiserver", **dict(zip(_LABELS, labels)))
            into = merged.setdefault(labels, Series())
            into.seconds += series.seconds
            into.buckets = [a + b for a, b in zip(into.buckets, series.buckets)]
        for names, series in merged.items():
            if sum(series.buckets):
                told = {"component": "apiserver", **dict(zip(_LABELS, names))}
                took.histogram(told, BOUNDS, series.buckets, round(series.seconds, 6))
        yield total
        yield took
        running = Family("apiserver_current_inflight_requests", "gauge", "[STABLE] Requests at work, by kind.")
        yield running.add(self.running[0], request_kind="readOnly").add(self.running[1], request_kind="mutating")
        name = "apiserver_admission_step_admission_duration_seconds"
        steps = Family(name, "histogram", "[STABLE] Seconds that a phase of admission took.")
        for (operation, kind, rejected), series in self.steps.items():
            step = {"operation": operation, "rejected": rejected, "type": kind}
            steps.histogram(step, STEP_BOUNDS, series.buckets, round(series.seconds, 6))
        yield steps


def user_class(name: str) -> str:
    """The label of a user: few are told by name, for names are many. As k8s.io/apiserver `pkg/endpoints/filters`."""
    if name in _NAMED:
        return name
    return "email_id" if "@" in name else "other"


def _verb(key: Key) -> str:
    if key[4] in _CONNECT:
        return "CONNECT"
    return _VERBS.get(key[0], key[0].upper())


def metrics(state: dict[str, object]) -> Metrics:
    """The counters that a server keeps in its state."""
    held = state.get(__name__)
    if not isinstance(held, Metrics):
        held = state[__name__] = Metrics()
    return held

"""Counting requests, cheaply, under the names that kube-apiserver uses, so that existing dashboards read them.

A request costs one dictionary look-up and a bisection; text is made only when somebody asks for it.
"""

import time
from bisect import bisect_left
from collections.abc import Iterator

from kk.server.context import RequestInfo

_BUCKETS = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60)
_VERBS = {"create": "POST", "update": "PUT"}
_LABELS = ("verb", "group", "version", "resource", "subresource", "scope")
Key = tuple[str, str, str, str, str, str, int]


class Series:
    """Requests of one kind with one answer: how many, how long in all, and how many up to each bound."""

    __slots__ = ("count", "seconds", "buckets")

    def __init__(self) -> None:
        self.count, self.seconds = 0, 0.0
        self.buckets = [0] * (len(_BUCKETS) + 1)


class Metrics:
    """What one server counted since its start."""

    def __init__(self) -> None:
        self.started = time.time()
        self.inflight = {"mutating": 0, "readOnly": 0}
        self._series: dict[Key, Series] = {}

    def record(self, info: RequestInfo, code: int, seconds: float) -> None:
        """Count one request that was answered. Long-running ones (watches) count without their duration."""
        scope = ""
        if info.is_resource:
            scope = "resource" if info.name else "namespace" if info.namespace else "cluster"
        key = (info.verb, info.group, info.version, info.resource, info.subresource, scope, code)
        series = self._series.get(key)
        if series is None:
            # paths that are no resource are many: they are counted under their verb alone, resources that do not exist likewise
            if code == 404 and len(self._series) > 2000:
                return
            series = self._series[key] = Series()
        series.count += 1
        if info.verb != "watch":
            series.seconds += seconds
            series.buckets[bisect_left(_BUCKETS, seconds)] += 1

    def lines(self) -> Iterator[str]:
        """The two families in Prometheus' text form."""
        yield "# HELP apiserver_request_total Requests by verb, resource and code."
        yield "# TYPE apiserver_request_total counter"
        merged: dict[tuple[str, ...], Series] = {}
        for key, series in self._series.items():
            labels = (_VERBS.get(key[0], key[0].upper()), *key[1:6])
            yield f'apiserver_request_total{{{_text(labels)},code="{key[6]}"}} {series.count}'
            into = merged.setdefault(labels, Series())
            into.count += sum(series.buckets)
            into.seconds += series.seconds
            into.buckets = [a + b for a, b in zip(into.buckets, series.buckets)]
        yield "# HELP apiserver_request_duration_seconds Seconds from the request to its answer."
        yield "# TYPE apiserver_request_duration_seconds histogram"
        for names, series in merged.items():
            if series.count:
                yield from _histogram("apiserver_request_duration_seconds", _text(names), series)


def _text(labels: tuple[str, ...]) -> str:
    pairs = [f'{name}="{_escape(value)}"' for name, value in zip(_LABELS, labels)]
    return f'component="apiserver",{",".join(pairs)}'


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _histogram(name: str, labels: str, series: Series) -> Iterator[str]:
    total = 0
    for bound, count in zip(_BUCKETS, series.buckets):
        total += count
        yield f'{name}_bucket{{{labels},le="{bound:g}"}} {total}'
    yield f'{name}_bucket{{{labels},le="+Inf"}} {series.count}'
    yield f"{name}_sum{{{labels}}} {series.seconds:.6f}"
    yield f"{name}_count{{{labels}}} {series.count}"


def metrics(state: dict[str, object]) -> Metrics:
    """The counters that a server keeps in its state."""
    held = state.get(__name__)
    if not isinstance(held, Metrics):
        held = state[__name__] = Metrics()
    return held

"""What calls of webhooks came to, under kube-apiserver's names (`pkg/admission/metrics/metrics.go`). Counts only; /metrics reads it."""

from collections.abc import Iterator

from kk.server.context import Server
from kk.server.exposition import Family
from kk.server.metrics import Series

_BOUNDS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10.0, 25.0)
#: error_type of a refusal
NO_ERROR, CALLING = "no_error", "calling_webhook_error"
_PREFIX = "apiserver_admission_webhook_"


class Counts:
    """See the module's docstring. Keys are (name, type, operation, …); type is admit or validating."""

    def __init__(self) -> None:
        self._took: dict[tuple[str, str, str, str], Series] = {}
        self._requests: dict[tuple[str, str, str, str, str], int] = {}
        self._refused: dict[tuple[str, str, str, str, str], int] = {}
        self._open: dict[tuple[str, str], int] = {}

    def called(self, name: str, kind: str, operation: str, code: int, rejected: bool, seconds: float) -> None:
        """One call that is over."""
        text = "true" if rejected else "false"
        series = self._took.setdefault((name, kind, operation, text), Series(_BOUNDS))
        series.count += 1
        series.time(seconds)
        key = (name, kind, operation, str(code), text)
        self._requests[key] = self._requests.get(key, 0) + 1

    def refused(self, name: str, kind: str, operation: str, why: str, code: int) -> None:
        """One write that a webhook, or its absence, refused; codes above 600 are one."""
        key = (name, kind, operation, why, str(min(code, 600)))
        self._refused[key] = self._refused.get(key, 0) + 1

    def failed_open(self, name: str, kind: str) -> None:
        """One call that failed and was ignored."""
        self._open[(name, kind)] = self._open.get((name, kind), 0) + 1

    def families(self) -> Iterator[Family]:
        """The families; none of them where no webhook was called."""
        if not self._took:
            return
        took = Family(f"{_PREFIX}admission_duration_seconds", "histogram", "[STABLE] Seconds that a webhook took.")
        for (name, kind, operation, rejected), series in self._took.items():
            labels = {"name": name, "operation": operation, "rejected": rejected, "type": kind}
            took.histogram(labels, _BOUNDS, series.buckets, round(series.seconds, 6))
        yield took
        requests = Family(f"{_PREFIX}request_total", "counter", "[ALPHA] Calls of webhooks.")
        for (name, kind, operation, code, rejected), count in self._requests.items():
            requests.add(count, name=name, type=kind, operation=operation, code=code, rejected=rejected)
        yield requests
        refused = Family(f"{_PREFIX}rejection_count", "counter", "[ALPHA] Writes that webhooks refused.")
        for (name, kind, operation, why, code), count in self._refused.items():
            refused.add(count, name=name, type=kind, operation=operation, error_type=why, rejection_code=code)
        yield refused
        ignored = Family(f"{_PREFIX}fail_open_count", "counter", "[ALPHA] Calls that failed and were ignored.")
        for (name, kind), count in self._open.items():
            ignored.add(count, name=name, type=kind)
        yield ignored


def counts(server: Server) -> Counts:
    """The counts of a server."""
    found: Counts | None = server.state.get(__name__)
    if found is None:
        found = server.state[__name__] = Counts()
    return found

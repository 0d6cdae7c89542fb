"""/metrics: what the server counted, how many objects it keeps, and what the process uses, in Prometheus' text form."""

import resource as limits
import time
from collections.abc import Iterator
from pathlib import Path

from kk.server.context import Endpoint, Request, Response, Server
from kk.server.endpoints._answers import PAGE_NOT_FOUND, read_only
from kk.server.endpoints.version import GIT_VERSION, MAJOR, MINOR
from kk.server.metrics import metrics

_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


async def handle(request: Request) -> Response:
    """Answer /metrics."""
    if request.info.path != "/metrics":
        return PAGE_NOT_FOUND
    read_only(request)
    lines = [*metrics(request.server.state).lines(), *_objects(request.server), *_process(request.server)]
    return Response(("\n".join(lines) + "\n").encode(), 200, _TYPE)


def _objects(server: Server) -> Iterator[str]:
    yield "# HELP apiserver_storage_objects Objects kept, by resource."
    yield "# TYPE apiserver_storage_objects gauge"
    for (group, plural), shelf in server.cache.shelves.items():
        name = f"{plural}.{group}" if group else plural
        yield f'apiserver_storage_objects{{resource="{name}"}} {len(shelf.items)}'
    yield "# TYPE kubernetes_build_info gauge"
    yield f'kubernetes_build_info{{git_version="{GIT_VERSION}",major="{MAJOR}",minor="{MINOR}"}} 1'


def _process(server: Server) -> Iterator[str]:
    used = limits.getrusage(limits.RUSAGE_SELF)
    yield "# TYPE process_cpu_seconds_total counter"
    yield f"process_cpu_seconds_total {used.ru_utime + used.ru_stime:.3f}"
    yield "# TYPE process_resident_memory_bytes gauge"
    yield f"process_resident_memory_bytes {_resident(used.ru_maxrss * 1024)}"
    yield "# TYPE process_start_time_seconds gauge"
    yield f"process_start_time_seconds {metrics(server.state).started:.3f}"
    yield "# TYPE process_uptime_seconds gauge"
    yield f"process_uptime_seconds {time.time() - metrics(server.state).started:.3f}"


def _resident(peak: int) -> int:
    """Bytes in memory now; the peak where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * limits.getpagesize()
    except (OSError, IndexError, ValueError):
        return peak


ENDPOINT = Endpoint(handle, paths=("/metrics", "/metrics/"))

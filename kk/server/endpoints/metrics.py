"""/metrics: what the server counted, holds and uses; /metrics/slis: how its health checks stand."""

import resource as limits
from collections.abc import Iterator
from pathlib import Path

from kk.server.authn import chain
from kk.server.context import Endpoint, Request, Response, Server
from kk.server.endpoints import health
from kk.server.endpoints._answers import PAGE_NOT_FOUND, read_only
from kk.server.endpoints.version import version
from kk.server.exposition import OPEN, TEXT, Family, page, wants_open
from kk.server.fairness.filter import fairness
from kk.server.hooks.counts import counts
from kk.server.metrics import metrics


async def handle(request: Request) -> Response:
    """Answer /metrics and /metrics/slis."""
    path, server = request.info.path, request.server
    if path not in ("/metrics", "/metrics/slis"):
        return PAGE_NOT_FOUND
    read_only(request)
    found = [*_slis(server)] if path.endswith("slis") else [*_all(server)]
    openmetrics = wants_open(request.header("accept"))
    return Response(page(found, openmetrics), 200, OPEN if openmetrics else TEXT)


def _all(server: Server) -> Iterator[Family]:
    yield from metrics(server.state).families()
    yield from counts(server).families()
    yield from _objects(server)
    yield from _watches(server)
    yield from _flows(server)
    yield from _users(server)
    yield from _process(server)


def _objects(server: Server) -> Iterator[Family]:
    old = Family("apiserver_storage_objects", "gauge", "[STABLE] Objects kept, by resource.")
    new = Family("apiserver_resource_objects", "gauge", "[ALPHA] Objects kept, by group and resource.")
    for (group, plural), shelf in server.cache.shelves.items():
        old.add(len(shelf.items), resource=f"{plural}.{group}" if group else plural)
        new.add(len(shelf.items), group=group, resource=plural)
    yield old
    yield new
    size = Family("apiserver_storage_size_bytes", "gauge", "[STABLE] Bytes of the store's file.")
    store = Path(server.config.data_dir) / "store.db"
    if store.exists():
        yield size.add(store.stat().st_size, storage_cluster_id="kk-0")
    audited = server.state.get("kk.server.audit")
    events = Family("apiserver_audit_event_total", "counter", "[ALPHA] Audit events that were written.")
    yield events.add(audited.count if audited is not None else 0)


def _watches(server: Server) -> Iterator[Family]:
    running = Family("apiserver_longrunning_requests", "gauge", "[STABLE] Watches that are open.")
    for (group, ver, plural), count in server.watching.open().items():
        labels = {"verb": "WATCH", "group": group, "version": ver, "resource": plural, "subresource": "", "scope": ""}
        running.add(count, component="apiserver", **labels)
    sent = Family("apiserver_watch_events_total", "counter", "[ALPHA] Events that watchers were told.")
    for (group, ver, plural), told in server.watching.sent.items():
        sent.add(told[0], group=group, version=ver, resource=plural)
    yield running
    yield sent


def _flows(server: Server) -> Iterator[Family]:
    prefix, known = "apiserver_flowcontrol_", fairness(server)
    done = Family(f"{prefix}dispatched_requests_total", "counter", "[BETA] Requests that were let through.")
    counts = dict(known.counts)
    for flow in known.flows.values():
        key = (flow.schema, flow.level.name)
        counts[key] = counts.get(key, 0) + flow.dispatched
    for (schema, level), count in counts.items():
        done.add(count, flow_schema=schema, priority_level=level)
    refused = Family(f"{prefix}rejected_requests_total", "counter", "[BETA] Requests that were refused.")
    running = Family(f"{prefix}current_executing_requests", "gauge", "[BETA] Requests at work.")
    seats = Family(f"{prefix}current_executing_seats", "gauge", "[BETA] Seats that are taken.")
    waiting = Family(f"{prefix}current_inqueue_requests", "gauge", "[BETA] Requests that wait.")
    nominal = Family(f"{prefix}nominal_limit_seats", "gauge", "[BETA] Seats of a level, lent or borrowed ones apart.")
    for level_of in known.levels.values():
        for (schema, reason), count in level_of.rejected.items():
            refused.add(count, flow_schema=schema, priority_level=level_of.name, reason=reason)
        if level_of.limit is not None:
            running.add(level_of.executing, priority_level=level_of.name)
            seats.add(level_of.executing, priority_level=level_of.name)
            waiting.add(level_of.waiting, priority_level=level_of.name)
            nominal.add(level_of.limit, priority_level=level_of.name)
    yield from (done, refused, running, seats, waiting, nominal)


def _users(server: Server) -> Iterator[Family]:
    known, counted = chain(server), metrics(server.state)
    tried = Family("authentication_attempts", "counter", "[ALPHA] Requests by whether they proved who asks.")
    tried.add(sum(count for (count,) in counted.classes.values()), result="success")
    tried.add(known.failures, result="failure")
    yield tried.add(known.errors, result="error")
    users = Family("authenticated_user_requests", "counter", "[ALPHA] Requests by who asks, as far as names are few.")
    for name, (count,) in counted.classes.items():
        users.add(count, username=name)
    yield users


def _process(server: Server) -> Iterator[Family]:
    words = {"buildDate": "build_date", "gitCommit": "git_commit", "gitTreeState": "git_tree_state"}
    words |= {"gitVersion": "git_version", "goVersion": "go_version"}
    words |= {name: name for name in ("compiler", "major", "minor", "platform")}
    built = {words[k]: v for k, v in version().items() if k in words}
    yield Family("kubernetes_build_info", "gauge", "[ALPHA] What this is.").add(1, **built)
    used = limits.getrusage(limits.RUSAGE_SELF)
    virtual, resident = _memory(used.ru_maxrss * 1024)
    soft = limits.getrlimit(limits.RLIMIT_NOFILE)[0]
    for name, kind, text, value in (
        ("process_cpu_seconds_total", "counter", "Seconds of CPU.", round(used.ru_utime + used.ru_stime, 3)),
        ("process_max_fds", "gauge", "Files that may be open.", soft),
        ("process_open_fds", "gauge", "Files that are open.", _open_files()),
        ("process_resident_memory_bytes", "gauge", "Bytes in memory.", resident),
        ("process_start_time_seconds", "gauge", "When it started.", round(metrics(server.state).started, 3)),
        ("process_virtual_memory_bytes", "gauge", "Bytes of address space.", virtual),
    ):
        yield Family(name, kind, text).add(value)


def _memory(peak: int) -> tuple[int, int]:
    """(address space, bytes in memory); the peak where the system does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text().split()
        return int(pages[0]) * limits.getpagesize(), int(pages[1]) * limits.getpagesize()
    except (OSError, IndexError, ValueError):
        return peak, peak


def _open_files() -> int:
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            return sum(1 for _ in Path(folder).iterdir())
        except OSError:
            continue
    return 0


def _slis(server: Server) -> Iterator[Family]:
    stands = Family("kubernetes_healthcheck", "gauge", "[STABLE] The last result of a health check.")
    counted = Family("kubernetes_healthchecks_total", "counter", "[STABLE] Results of health checks.")
    held: dict[tuple[str, str, str], int] = server.state.setdefault(f"{__name__}.slis", {})
    for root, checks in health.CHECKS.items():
        for name, check in checks.items():
            good = check(server)
            key = (name, "success" if good else "error", root)
            held[key] = held.get(key, 0) + 1
            stands.add(int(good), name=name, type=root)
    for (name, status, root), count in held.items():
        counted.add(count, name=name, status=status, type=root)
    yield stands
    yield counted


ENDPOINT = Endpoint(handle, paths=("/metrics", "/metrics/"))

"""/healthz, /livez and /readyz, whole (`?verbose`, `?exclude=NAME`) and check by check (/livez/ping)."""

from collections.abc import Callable

from kk.server.context import Endpoint, Request, Response, Server
from kk.server.endpoints._answers import PAGE_NOT_FOUND, read_only, text

Check = Callable[[Server], bool]


def _always(server: Server) -> bool:
    return True


def _stored(server: Server) -> bool:
    return server.cache.store.revision() >= 0


def _started(server: Server) -> bool:
    return server.started


def _staying(server: Server) -> bool:
    return not server.stopping


_LIVE: dict[str, Check] = {"ping": _always, "log": _always, "etcd": _stored}
_HOOKS: dict[str, Check] = {
    "poststarthook/start-apiserver-admission-initializer": _started,
    "poststarthook/generic-apiserver-start-informers": _started,
    "poststarthook/priority-and-fairness-config-consumer": _started,
    "poststarthook/priority-and-fairness-filter": _started,
    "poststarthook/start-apiextensions-controllers": _started,
    "poststarthook/crd-informer-synced": _started,
    "poststarthook/rbac/bootstrap-roles": _started,
    "poststarthook/scheduling/bootstrap-system-priority-classes": _started,
    "poststarthook/start-system-namespaces-controller": _started,
    "poststarthook/priority-and-fairness-config-producer": _started,
    "poststarthook/bootstrap-controller": _started,
    "poststarthook/start-cluster-authentication-info-controller": _started,
}
CHECKS: dict[str, dict[str, Check]] = {
    "healthz": {**_LIVE, **_HOOKS},
    "livez": {**_LIVE, **_HOOKS},
    "readyz": {
        "ping": _always,
        "log": _always,
        "etcd-readiness": _stored,
        "informer-sync": _started,
        **_HOOKS,
        "shutdown": _staying,
    },
}


async def handle(request: Request) -> Response:
    """Answer a health path."""
    root, _, name = request.info.path.strip("/").partition("/")
    checks = CHECKS.get(root)
    if checks is None or (request.info.path.endswith("/") and not name) or (name and name not in checks):
        return PAGE_NOT_FOUND
    read_only(request)
    if name:
        good = checks[name](request.server)
        return text("ok") if good else text(f"internal server error: {name} failed\n", 500)
    return _all(request, root, checks)


def _all(request: Request, root: str, checks: dict[str, Check]) -> Response:
    excluded = set(request.info.query.get("exclude", ()))
    lines, failed = [], []
    for name, check in checks.items():
        if name in excluded:
            excluded.discard(name)
            lines.append(f"[+]{name} excluded: ok")
        elif check(request.server):
            lines.append(f"[+]{name} ok")
        else:
            failed.append(name)
            lines.append(f"[-]{name} failed: reason withheld")
    if excluded:
        names = ", ".join(f'"{n}"' for n in sorted(excluded))
        lines.append(f"warn: some health checks cannot be excluded: no matches for {names}")
    if failed:
        return text("\n".join([*lines, f"{root} check failed", ""]), 500)
    if "verbose" in request.info.query:
        return text("\n".join([*lines, f"{root} check passed", ""]))
    return text("ok")


ENDPOINT = Endpoint(handle, paths=tuple(p for root in CHECKS for p in (f"/{root}", f"/{root}/")))

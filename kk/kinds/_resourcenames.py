"""Names of resources (cpu, memory, example.com/gpu, requests.storage): which are standard, and where.

Source: `pkg/apis/core/helper/helpers.go` and `pkg/apis/core/validation/validation.go` of Kubernetes.
"""

from kk.base import names
from kk.base.errors import invalid_value
from kk.kinds._checks import Errors, bad

_CONTAINER = {"cpu", "memory", "ephemeral-storage"}
_COUNTS = {
    "pods",
    "services",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
}
_QUOTA = (
    _CONTAINER
    | _COUNTS
    | {f"{side}.{name}" for side in ("requests", "limits") for name in _CONTAINER}
    | {"requests.storage"}
)
_STANDARD = _QUOTA | {"storage", "request.ephemeral-storage"}
_NOT_STANDARD = "must be a standard resource type or fully qualified"


def _prefixed(name: str) -> bool:
    return name.startswith(("hugepages-", "requests.hugepages-"))


def qualified(path: str, name: str) -> Errors:
    """Faults of the form of a name."""
    yield from bad(path, name, names.qualified_name(name))


def standard_resource(path: str, name: str) -> Errors:
    """A resource name: qualified, and standard where it has no domain."""
    faults = list(qualified(path, name))
    yield from faults
    if not faults and "/" not in name and name not in _STANDARD and not _prefixed(name):
        yield invalid_value(path, name, _NOT_STANDARD)


def container_resource(path: str, name: str) -> Errors:
    """What a container may ask for."""
    yield from standard_resource(path, name)
    if "/" not in name:
        if name not in _CONTAINER and not name.startswith("hugepages-"):
            yield invalid_value(path, name, "must be a standard resource for containers")
    elif not _native(name) and not is_extended(name):
        yield invalid_value(path, name, "doesn't follow extended resource name standard")


def quota_resource(path: str, name: str) -> Errors:
    """What a quota may count."""
    faults = list(standard_resource(path, name))
    yield from faults
    if "/" not in name and not is_standard_quota(name):
        yield invalid_value(path, name, "must be a standard resource for quota")


def is_standard_quota(name: str) -> bool:
    """Whether a name is of the closed list of what quota counts."""
    return name in _QUOTA or _prefixed(name)


def _native(name: str) -> bool:
    return "/" not in name or "kubernetes.io/" in name


def may_overcommit(name: str) -> bool:
    """Whether a request may be lower than the limit: native resources but huge pages."""
    return _native(name) and not name.startswith("hugepages-")


def is_extended(name: str) -> bool:
    """Whether a name is an extended resource: of a foreign domain, and fit to be counted by quota."""
    if _native(name) or name.startswith("requests."):
        return False
    return not names.qualified_name(f"requests.{name}")


def is_whole(name: str) -> bool:
    """Whether a resource is counted in whole units."""
    return name in _COUNTS or (is_extended(name) and "/" in name)

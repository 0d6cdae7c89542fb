"""ResourceQuota: how much a namespace may hold. kk.control.resourcequota counts; the server's ResourceQuota plugin refuses."""

from kk.base.errors import invalid_value, required
from kk.kinds._checks import (
    IMMUTABLE,
    Errors,
    Obj,
    canonical,
    fill,
    quantity,
    quantity_not_negative,
    section,
)
from kk.kinds._later import later
from kk.kinds._resourcenames import is_standard_quota, is_whole, quota_resource
from kk.kinds.kind import AGE, Column, Kind

_POD = {"pods", "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"}
_SCOPES = {
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
    "VolumeAttributesClass",
}
_EXISTS_ONLY = _SCOPES - {"PriorityClass", "VolumeAttributesClass"}
_CONFLICTS = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})


def default(obj: Obj) -> None:
    """Spec and status are always there."""
    section(obj, "spec")
    fill(obj, "status", {})


def prepare_create(obj: Obj) -> None:
    """Only the controller says what is used."""
    obj["status"] = {}


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Names, amounts and scopes; scopes never change."""
    spec = obj["spec"]
    hard = spec.get("hard") or {}
    yield from _amounts("spec.hard", hard)
    yield from _scopes("spec.scopes", spec.get("scopes") or [], hard)
    yield from _selector("spec.scopeSelector", spec, hard)
    if old is not None:
        scopes = spec.get("scopes") or []
        if set(scopes) != set(old["spec"].get("scopes") or []):
            yield invalid_value("spec.scopes", scopes, IMMUTABLE)


def _amounts(path: str, amounts: Obj) -> Errors:
    for name, value in amounts.items():
        where = f"{path}[{name}]"
        yield from quota_resource(where, name)
        yield from quantity_not_negative(where, value)
        if is_whole(name) and quantity(value).milli() % 1000:
            yield invalid_value(where, canonical(value), "must be an integer")


def _fits(scope: str, name: str) -> bool:
    """Whether a quota may count a resource within a scope; names outside the closed list are not judged."""
    if not is_standard_quota(name):
        return True
    if scope in ("Terminating", "NotTerminating", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity"):
        return name in _POD
    if scope == "BestEffort":
        return name == "pods"
    if scope == "VolumeAttributesClass":
        return name in ("persistentvolumeclaims", "requests.storage")
    return True


def _scopes(path: str, scopes: list[str], hard: Obj) -> Errors:
    for scope in scopes:
        if scope not in _SCOPES:
            yield invalid_value(path, scopes, "unsupported scope")
        for name in sorted(hard):
            if not _fits(scope, name):
                yield invalid_value(path, scopes, "unsupported scope applied to resource")
    for pair in _CONFLICTS:
        if pair <= set(scopes):
            yield invalid_value(path, scopes, "conflicting scopes")


def _selector(path: str, spec: Obj, hard: Obj) -> Errors:
    selector = spec.get("scopeSelector")
    if selector is None:
        return
    where = f"{path}.matchExpressions"
    seen: set[str] = set()
    for requirement in selector.get("matchExpressions") or []:
        scope, operator = requirement.get("scopeName") or "", requirement.get("operator") or ""
        values = requirement.get("values") or []
        if scope not in _SCOPES:
            yield invalid_value(f"{where}.scopeName", scope, "unsupported scope")
        for name in sorted(hard):
            if not _fits(scope, name):
                yield invalid_value(where, selector, "unsupported scope applied to resource")
        if scope in _EXISTS_ONLY and operator != "Exists":
            yield invalid_value(
                f"{where}.operator",
                operator,
                "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
                "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
            )
        yield from _operator(where, operator, values)
        seen.add(scope)
    for pair in _CONFLICTS:
        if pair <= seen:
            yield invalid_value(where, spec.get("scopes"), "conflicting scopes")


def _operator(where: str, operator: str, values: list[str]) -> Errors:
    if operator in ("In", "NotIn"):
        if not values:
            yield required(
                f"{where}.values", "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            )
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            yield invalid_value(
                f"{where}.values",
                values,
                "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
            )
    else:
        yield invalid_value(f"{where}.operator", operator, "not a valid selector operator")


def validate_status(obj: Obj, old: Obj) -> Errors:
    """Amounts that the controller reports."""
    status = obj.get("status") or {}
    for field in ("hard", "used"):
        yield from _amounts(f"status.{field}", status.get(field) or {})


def _column(limits: bool) -> "Column":
    def cell(obj: Obj) -> str:
        status = obj.get("status") or {}
        hard, used = status.get("hard") or {}, status.get("used") or {}
        names = sorted(name for name in hard if ("limits" in name) == limits)
        return ", ".join(f"{name}: {canonical(used.get(name))}/{canonical(hard[name])}" for name in names)

    if limits:
        text = "Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node."
        return Column("Limit", cell, description=text)
    text = "Request represents a minimum amount of cpu/memory that a container may consume."
    return Column("Request", cell, description=text)


KIND = Kind(
    "v1",
    "ResourceQuota",
    describe=later("_describe_core", "resource_quota"),
    default=default,
    prepare_create=prepare_create,
    validate=validate,
    validate_status=validate_status,
    columns=(_column(False), _column(True), AGE),
    status=True,
    generation=False,
)

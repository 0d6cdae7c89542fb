"""What the kinds of resource.k8s.io share: device selectors, configuration, requests, attributes.

CEL expressions are checked for presence and length only; the scheduler and the server compile them. Source of the words:
`pkg/apis/resource/validation/validation.go` of Kubernetes.
"""

import json
import re
from typing import Any

from kk.base import names
from kk.base.errors import FieldError, duplicate, invalid_value, required, too_many
from kk.kinds._checks import Errors, Obj, bad, each, fill, needed_name, one_of

_MOST = {"selectors": 32, "requests": 32, "constraints": 32, "config": 32, "firstAvailable": 8, "tolerations": 16}
_EXPRESSION, _PARAMETERS, _DRIVER = 10 * 1024, 10 * 1024, 63
_CEL_IDENTIFIER = 32
SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?\Z"
)


def default_claim(spec: Obj) -> None:
    """One device of a class, unless a request says otherwise; tolerations compare for equality."""
    for request in (spec.get("devices") or {}).get("requests") or []:
        for part in [request.get("exactly"), *(request.get("firstAvailable") or [])]:
            if part is None:
                continue
            if not part.get("allocationMode"):
                part["allocationMode"] = "ExactCount"
            if part["allocationMode"] == "ExactCount" and not part.get("count"):
                part["count"] = 1
            for toleration in part.get("tolerations") or []:
                fill(toleration, "operator", "Equal")


def check_driver(path: str, name: str) -> Errors:
    """Faults of a driver's name."""
    if not name:
        yield required(path)
        return
    if len(name) > _DRIVER:
        yield FieldError("FieldValueTooLong", path, None, f"may not be more than {_DRIVER} bytes")
    yield from bad(path, name, names.dns_subdomain(name))


def check_selectors(path: str, selectors: list[Obj] | None) -> Errors:
    """Faults of device selectors."""
    yield from _at_most(path, selectors, _MOST["selectors"])
    for where, selector in each(path, selectors):
        cel = selector.get("cel")
        if cel is None:
            yield required(f"{where}.cel")
        elif len(cel.get("expression") or "") > _EXPRESSION:
            yield FieldError(
                "FieldValueTooLong", f"{where}.cel.expression", None, f"may not be more than {_EXPRESSION} bytes"
            )


def _at_most(path: str, values: list[Any] | None, most: int) -> Errors:
    if len(values or []) > most:
        yield too_many(path, len(values or []), most)


def check_config(path: str, config: Obj) -> Errors:
    """Faults of one configuration for a driver."""
    opaque = config.get("opaque")
    if opaque is None:
        yield required(f"{path}.opaque")
        return
    yield from check_driver(f"{path}.opaque.driver", opaque.get("driver") or "")
    parameters = opaque.get("parameters")
    if parameters is None:
        yield required(f"{path}.opaque.parameters")
    elif not isinstance(parameters, dict):
        yield invalid_value(f"{path}.opaque.parameters", "<value omitted>", "must be a valid JSON object")
    elif len(json.dumps(parameters, separators=(",", ":"))) > _PARAMETERS:
        yield FieldError(
            "FieldValueTooLong", f"{path}.opaque.parameters", None, f"may not be more than {_PARAMETERS} bytes"
        )


def check_claim(path: str, spec: Obj) -> Errors:
    """Faults of a claim's spec."""
    devices = spec.get("devices") or {}
    where = f"{path}.devices"
    requests = devices.get("requests")
    yield from _at_most(f"{where}.requests", requests, _MOST["requests"])
    known: set[str] = set()
    for there, request in each(f"{where}.requests", requests):
        name = request.get("name") or ""
        yield from needed_name(f"{there}.name", name, names.dns_label)
        if name and name in known:
            yield duplicate(f"{there}.name", name)
        known.add(name)
        known.update(f"{name}/{sub.get('name', '')}" for sub in request.get("firstAvailable") or [])
        yield from _request(there, request)
    yield from _at_most(f"{where}.constraints", devices.get("constraints"), _MOST["constraints"])
    for there, constraint in each(f"{where}.constraints", devices.get("constraints")):
        yield from _refers(f"{there}.requests", constraint.get("requests"), known)
        if constraint.get("matchAttribute") is None and constraint.get("distinctAttribute") is None:
            yield required(f"{there}.matchAttribute")
        for field in ("matchAttribute", "distinctAttribute"):
            if constraint.get(field) is not None:
                yield from _full_name(f"{there}.{field}", constraint[field])
    yield from _at_most(f"{where}.config", devices.get("config"), _MOST["config"])
    for there, config in each(f"{where}.config", devices.get("config")):
        yield from _refers(f"{there}.requests", config.get("requests"), known)
        yield from check_config(there, config)


def _refers(path: str, requests: list[str] | None, known: set[str]) -> Errors:
    seen: set[str] = set()
    for where, name in each(path, requests):
        if name not in known:
            yield invalid_value(
                where,
                name,
                "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
            )
        if name in seen:
            yield duplicate(where, name)
        seen.add(name)


def _request(path: str, request: Obj) -> Errors:
    exactly, first = request.get("exactly"), request.get("firstAvailable")
    if exactly is None and not first:
        yield required(path, "exactly one of `exactly` or `firstAvailable` is required")
    elif exactly is not None and first:
        yield invalid_value(
            path, None, "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set"
        )
    elif exactly is not None:
        yield from _device(f"{path}.exactly", exactly)
    else:
        yield from _at_most(f"{path}.firstAvailable", first, _MOST["firstAvailable"])
        seen: set[str] = set()
        for where, part in each(f"{path}.firstAvailable", first):
            name = part.get("name") or ""
            yield from needed_name(f"{where}.name", name, names.dns_label)
            if name in seen:
                yield duplicate(f"{where}.name", name)
            seen.add(name)
            yield from _device(where, part)


def _device(path: str, part: Obj) -> Errors:
    yield from needed_name(f"{path}.deviceClassName", part.get("deviceClassName"), names.dns_subdomain)
    yield from check_selectors(f"{path}.selectors", part.get("selectors"))
    mode, count = part.get("allocationMode") or "", part.get("count") or 0
    if mode == "ExactCount":
        if count <= 0:
            yield invalid_value(f"{path}.count", count, "must be greater than zero")
    elif mode == "All":
        if count:
            yield invalid_value(f"{path}.count", count, "must not be specified when allocationMode is 'All'")
    else:
        yield from one_of(f"{path}.allocationMode", mode, ("All", "ExactCount"))
    yield from _at_most(f"{path}.tolerations", part.get("tolerations"), _MOST["tolerations"])
    for where, toleration in each(f"{path}.tolerations", part.get("tolerations")):
        yield from _toleration(where, toleration)


def _toleration(path: str, toleration: Obj) -> Errors:
    """Faults of a device's toleration; unlike those of nodes it has an operator always."""
    key, operator = toleration.get("key") or "", toleration.get("operator") or ""
    value, effect = toleration.get("value") or "", toleration.get("effect") or ""
    if key:
        yield from bad(f"{path}.key", key, names.qualified_name(key))
    if operator == "Exists":
        if value:
            yield invalid_value(f"{path}.value", value, "must be empty for operator `Exists`")
    elif operator == "Equal":
        yield from bad(f"{path}.value", value, names.label_value(value))
    elif not operator:
        yield required(f"{path}.operator")
    else:
        yield from one_of(f"{path}.operator", operator, ("Equal", "Exists"))
    if effect:
        yield from one_of(f"{path}.effect", effect, ("NoExecute", "NoSchedule", "None"))


def check_name(path: str, name: str) -> Errors:
    """Faults of the name of an attribute or capacity: an identifier, with a domain where it is not the driver's."""
    domain, slash, rest = name.partition("/") if "/" in name else ("", "", name)
    if not name:
        yield required(path, "name must not be empty")
        return
    if slash:
        if not domain:
            yield required(path, "the domain must not be empty")
        else:
            yield from bad(path, domain, names.dns_subdomain(domain))
        if not rest:
            yield required(path, "the name must not be empty")
            return
    if len(rest) > _CEL_IDENTIFIER:
        yield FieldError("FieldValueTooLong", path, None, f"may not be more than {_CEL_IDENTIFIER} bytes")
    yield from bad(path, rest, names.c_identifier(rest))


def _full_name(path: str, name: str) -> Errors:
    yield from check_name(path, name)
    if name and "/" not in name:
        yield invalid_value(path, name, "must include a domain")

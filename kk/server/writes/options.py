"""Options of writes as values: dryRun, fieldManager, fieldValidation, force; and DeleteOptions, from query and body.

Pure. The words of faults are those of apimachinery `pkg/apis/meta/v1/validation`.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import msgspec
import yaml

from kk.base import gojson
from kk.base.errors import FieldError, bad_request, invalid, invalid_value, not_supported, required
from kk.server import protobuf
from kk.server.bodies import read_json, read_yaml, yaml_words
from kk.server.context import RequestInfo
from kk.server.negotiate import YAML
from kk.server.routing import truth
from kk.server.selection import integer

Obj = dict[str, Any]
_VALIDATION = ("", "Ignore", "Strict", "Warn")
_PROPAGATION = ("Foreground", "Background", "Orphan", "nil")


@dataclass(slots=True)
class WriteOptions:
    """Options of one write; `validation` is Strict, Warn or Ignore."""

    kind: str = "CreateOptions"
    dry_run: bool = False
    manager: str = ""
    validation: str = "Warn"
    force: bool | None = None
    wire: Obj = field(default_factory=dict)


def write_options(info: RequestInfo, kind: str, apply: bool = False) -> WriteOptions:
    """The options of a create, update or patch. Raises 422."""
    wire: Obj = {"kind": kind, "apiVersion": "meta.k8s.io/v1"}
    options = WriteOptions(kind, wire=wire)
    if not info.raw_query:
        if apply:
            _check(options, [required("fieldManager", "is required for apply patch")])
        return options
    query = info.query
    faults: list[FieldError] = []
    options.manager = info.param("fieldManager")
    if "force" in query and kind == "PatchOptions":
        options.force = wire["force"] = truth(query["force"][0])
        if not apply:
            faults.append(FieldError("FieldValueForbidden", "force", None, "may not be specified for non-apply patch"))
    if apply and not options.manager:
        faults.append(required("fieldManager", "is required for apply patch"))
    faults += _manager_faults(options.manager)
    faults += _dry_run_faults(query.get("dryRun", []))
    options.dry_run = bool(query.get("dryRun"))
    validation = info.param("fieldValidation")
    if validation not in _VALIDATION:
        faults.append(not_supported("fieldValidation", validation, _VALIDATION))
    options.validation = validation or "Warn"
    for key, value in (
        ("fieldManager", options.manager),
        ("fieldValidation", validation),
        ("dryRun", query.get("dryRun")),
    ):
        if value:
            wire[key] = value
    _check(options, faults)
    return options


def _check(options: WriteOptions, faults: list[FieldError]) -> None:
    if faults:
        raise invalid(options.kind, "meta.k8s.io", "", faults)


def _manager_faults(manager: str) -> list[FieldError]:
    if len(manager) > 128:
        return [FieldError("FieldValueTooLong", "fieldManager", None, "may not be more than 128 bytes")]
    for at, char in enumerate(manager):
        if not char.isprintable():
            text = f"invalid character U+{ord(char):04X} (at position {at})"
            return [invalid_value("fieldManager", manager, text)]
    return []


def _dry_run_faults(values: list[str]) -> list[FieldError]:
    if all(v == "All" for v in values):
        return []
    return [not_supported("dryRun", values, ("All",))]


# delete


def delete_options(info: RequestInfo, body: bytes, media: str) -> Obj:
    """DeleteOptions of a request: the body's where there is one, else the query's. Raises 400 or 422."""
    options = _from_body(body, media) if body.strip() else _from_query(info)
    faults = _dry_run_faults(options.get("dryRun") or [])
    policy = options.get("propagationPolicy")
    if policy is not None and options.get("orphanDependents") is not None:
        text = "orphanDependents and deletionPropagation cannot be both set"
        faults.append(invalid_value("propagationPolicy", policy, text))
    elif policy is not None and policy not in _PROPAGATION[:3]:
        faults.append(not_supported("propagationPolicy", policy, _PROPAGATION))
    if faults:
        raise invalid("DeleteOptions", "meta.k8s.io", "", faults)
    return options


class _Preconditions(msgspec.Struct):
    uid: str | None = None
    resourceVersion: str | None = None


class _DeleteOptions(msgspec.Struct):
    kind: str | None = None
    apiVersion: str | None = None
    gracePeriodSeconds: int | None = None
    preconditions: _Preconditions | None = None
    orphanDependents: bool | None = None
    propagationPolicy: str | None = None
    dryRun: list[str] | None = None
    ignoreStoreReadErrorWithClusterBreakingPotential: bool | None = None


def _from_body(body: bytes, media: str) -> Obj:
    if media == protobuf.MEDIA:
        try:
            body, media = json.dumps(protobuf.decode(body, ("v1", "DeleteOptions"))).encode(), ""
        except protobuf.Malformed as error:
            raise bad_request(str(error)) from None
    try:
        data = read_yaml(body)[0] if media == YAML else read_json(body)
    except yaml.YAMLError as error:
        raise bad_request(yaml_words(error)) from None
    except (ValueError, RecursionError) as error:
        if media == YAML:
            raise bad_request(f"yaml: {error}") from None
        raise bad_request(f"couldn't get version/kind; json parse error: {gojson.words(body)}") from None
    if data is None:
        data = {}
    try:
        found = msgspec.convert(data, _DeleteOptions)
    except msgspec.ValidationError as error:
        raise bad_request(f"json: cannot unmarshal {error} into Go value of type v1.DeleteOptions") from None
    if found.kind not in (None, "", "DeleteOptions"):
        raise bad_request(
            f'no kind "{found.kind}" is registered for version "{found.apiVersion or ""}" in scheme "pkg/apis/meta/internalversion/scheme/register.go:27"'
        )
    return {k: v for k, v in msgspec.to_builtins(found).items() if v is not None}


def _from_query(info: RequestInfo) -> Obj:
    options: Obj = {}
    if not info.raw_query:
        return options
    grace = integer(info, "gracePeriodSeconds")
    if grace is not None:
        options["gracePeriodSeconds"] = grace
    if "propagationPolicy" in info.query:
        options["propagationPolicy"] = info.param("propagationPolicy")
    if "orphanDependents" in info.query:
        options["orphanDependents"] = truth(info.param("orphanDependents"))
    if info.query.get("dryRun"):
        options["dryRun"] = info.query["dryRun"]
    return options

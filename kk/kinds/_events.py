"""Faults of events, in both forms. Rules and words: `pkg/apis/core/validation/events.go` of Kubernetes."""

from typing import Any

from kk.base import names
from kk.base.errors import invalid_value, required
from kk.kinds._checks import Errors

Obj = dict[str, Any]
_IMMUTABLE = "field is immutable"
#: core fields that the newer form may not change, in upstream's order
_FIXED = (
    "involvedObject",
    "reason",
    "reason",  # upstream looks twice
    "message",
    "source",
    "firstTimestamp",
    "lastTimestamp",
    "count",
    "reportingComponent",
    "reportingInstance",
    "action",
    "related",
    "type",
    "eventTime",
)


def _namespace(obj: Obj) -> Errors:
    about = obj.get("involvedObject") or {}
    namespace = obj["metadata"].get("namespace") or ""
    if not about.get("namespace"):
        if namespace not in ("", "default"):
            yield invalid_value("involvedObject.namespace", "", "does not match event.namespace")
    elif namespace and about["namespace"] != namespace:
        yield invalid_value("involvedObject.namespace", about["namespace"], "does not match event.namespace")


def check_core(obj: Obj, old: Obj | None) -> Errors:
    """The older form: the namespace must be that of what the event is about; with an eventTime the strict rules hold."""
    yield from _namespace(obj)
    if not obj.get("eventTime"):
        return
    component = obj.get("reportingComponent") or ""
    if not component:
        yield required("reportingComponent")
    for message in names.qualified_name(component):
        yield invalid_value("reportingComponent", component, message)
    if not obj.get("reportingInstance"):
        yield required("reportingInstance")
    yield from _long("reportingInstance", obj.get("reportingInstance"), 128)
    if not obj.get("action"):
        yield required("action")
    yield from _long("action", obj.get("action"), 128)
    if not obj.get("reason"):
        yield required("reason")
    yield from _long("reason", obj.get("reason"), 128)
    yield from _long("message", obj.get("message"), 1024)


def _long(field: str, value: str | None, most: int) -> Errors:
    if value and len(value) > most:
        yield invalid_value(field, "", f"can have at most {most} characters")


def check_new(obj: Obj, old: Obj | None) -> Errors:
    """The newer form."""
    if not obj.get("eventTime") and old is None:
        yield required("eventTime")
    if obj.get("type") not in ("Normal", "Warning"):
        yield invalid_value("type", obj.get("type") or "", "has invalid value: ")
    yield from _deprecated(obj) if old is None else ()
    yield from check_core(obj, old)
    if old is not None:
        yield from _changes(obj, old)


def _deprecated(obj: Obj) -> Errors:
    for field in ("firstTimestamp", "lastTimestamp", "count"):
        if obj.get(field):
            yield invalid_value(field, "", "needs to be unset")
    if obj.get("source"):
        yield invalid_value("source", "", "needs to be unset")


def _changes(obj: Obj, old: Obj) -> Errors:
    for field in _FIXED:
        if (obj.get(field) or None) != (old.get(field) or None):
            yield invalid_value(field, obj.get(field), _IMMUTABLE)

"""Faults of events, in both forms. Rules and words: `pkg/apis/core/validation/events.go` of Kubernetes."""

from typing import Any

from kk.base import names
from kk.base.errors import invalid_value, required
from kk.kinds._checks import Errors

Obj = dict[str, Any]
_IMMUTABLE = "field is immutable"
_NAMESPACE = "does not match event.namespace"
#: core fields that the newer form may not change and what messages call them, in upstream's order; it looks at the reason twice
_FIXED = (
    ("involvedObject", "involvedObject"),
    ("reason", "reason"),
    ("message", "message"),
    ("source", "source"),
    ("firstTimestamp", "firstTimestamp"),
    ("lastTimestamp", "lastTimestamp"),
    ("count", "count"),
    ("reason", "reason"),
    ("type", "type"),
    ("eventTime", "eventTime"),
    ("action", "action"),
    ("related", "related"),
    ("reportingComponent", "reportingController"),
    ("reportingInstance", "reportingInstance"),
)


def _namespace(obj: Obj) -> Errors:
    """An event is where its object is; one about what has no namespace is in default."""
    about = (obj.get("involvedObject") or {}).get("namespace") or ""
    namespace = obj["metadata"].get("namespace") or ""
    if obj.get("eventTime"):
        wrong = not about and namespace not in ("default", "kube-system")
    else:
        wrong = namespace not in ("", "default") if not about else namespace != about
    if wrong:
        yield invalid_value("involvedObject.namespace", about, _NAMESPACE)


def _long(field: str, value: str, most: int) -> Errors:
    if len(value.encode()) > most:
        yield invalid_value(field, "", f"can have at most {most} characters")


def _timed(obj: Obj, controller: str) -> Errors:
    """What an event with an eventTime must tell."""
    component = obj.get("reportingComponent") or ""
    if not component:
        yield required(controller)
    for message in names.qualified_name(component):
        yield invalid_value(controller, component, message)
    for field in ("reportingInstance", "action", "reason"):
        value = obj.get(field) or ""
        if not value:
            yield required(field)
        yield from _long(field, value, 128)
    yield from _long("message", obj.get("message") or "", 1024)


def _common(obj: Obj, controller: str) -> Errors:
    yield from _namespace(obj)
    if obj.get("eventTime"):
        yield from _timed(obj, controller)


def check_core(obj: Obj, old: Obj | None) -> Errors:
    """The older form: nearly free, unless it has an eventTime."""
    yield from _common(obj, "reportingComponent")


def check_new(obj: Obj, old: Obj | None) -> Errors:
    """The newer form; only its series may change."""
    yield from _common(obj, "reportingController")
    series = obj.get("series")
    if series is not None and (old is None or series != old.get("series")):
        if (series.get("count") or 0) < 2:
            yield invalid_value("series.count", "", "should be at least 2")
        if not series.get("lastObservedTime"):
            yield required("series.lastObservedTime")
    if old is None:
        yield from _created(obj)
        return
    for field, shown in _FIXED:
        if (obj.get(field) or None) != (old.get(field) or None):
            yield invalid_value(shown, obj.get(field), _IMMUTABLE)


def _created(obj: Obj) -> Errors:
    if not obj.get("eventTime"):
        yield required("eventTime")
    kind = obj.get("type") or ""
    if kind not in ("Normal", "Warning"):
        yield invalid_value("type", "", f"has invalid value: {kind}")
    for field in ("firstTimestamp", "lastTimestamp", "count"):
        if obj.get(field):
            yield invalid_value(field, "", "needs to be unset")
    source = obj.get("source") or {}
    if source.get("component") or source.get("host"):
        yield invalid_value("source", "", "needs to be unset")

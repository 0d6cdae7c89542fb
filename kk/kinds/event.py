"""Event: what happened to an object, told by a controller; kept as core/v1 and served as events.k8s.io/v1 too. Events expire in the server.

Validation follows `pkg/apis/core/validation/events.go` of Kubernetes: the newer form is strict, the older one nearly free.
"""

from collections.abc import Callable
from typing import Any

from kk.base.times import human_duration, parse_time
from kk.kinds._checks import fill, section
from kk.kinds._events import check_core, check_new
from kk.kinds.kind import Column, Conversion, Kind

Obj = dict[str, Any]
NEW = "events.k8s.io/v1"
#: core field → field of events.k8s.io/v1
NAMES = {
    "eventTime": "eventTime",
    "series": "series",
    "reportingComponent": "reportingController",
    "reportingInstance": "reportingInstance",
    "action": "action",
    "reason": "reason",
    "involvedObject": "regarding",
    "related": "related",
    "message": "note",
    "type": "type",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}


def default(obj: Obj) -> None:
    """What upstream's type always writes."""
    section(obj, "involvedObject")
    section(obj, "source")
    for field in ("firstTimestamp", "lastTimestamp", "eventTime"):
        obj.setdefault(field, None)
    for field in ("reportingComponent", "reportingInstance"):
        fill(obj, field, "")


def _renamed(obj: Obj, names: dict[str, str], api_version: str) -> Obj:
    made = {"kind": "Event", "apiVersion": api_version, "metadata": obj.get("metadata") or {}}
    return made | {names[key]: value for key, value in obj.items() if key in names}


def to_stored(obj: Obj) -> Obj:
    """events.k8s.io/v1 as core/v1."""
    return _renamed(obj, {new: old for old, new in NAMES.items()}, "v1")


def from_stored(obj: Obj) -> Obj:
    """core/v1 as events.k8s.io/v1."""
    made = _renamed(obj, NAMES, NEW)
    for field in ("reportingController", "reportingInstance"):
        if not made.get(field):
            made.pop(field, None)
    return made


def _age(text: str | None, now: float) -> str:
    return human_duration(now - parse_time(text).timestamp()) if text else "<unknown>"


def _first(obj: Obj, now: float) -> str:
    return _age(obj.get("firstTimestamp") or obj.get("eventTime"), now)


def _last(obj: Obj, now: float) -> str:
    series = obj.get("series") or {}
    return _age(
        series.get("lastObservedTime") or obj.get("lastTimestamp") or obj.get("firstTimestamp") or obj.get("eventTime"),
        now,
    )


def _count(obj: Obj) -> int:
    count = (obj.get("series") or {}).get("count") if obj.get("series") else obj.get("count")
    return int(count or 0) or 1


def _object(obj: Obj) -> str:
    about = obj.get("involvedObject") or {}
    kind = (about.get("kind") or "").lower()
    return f"{kind}/{about['name']}" if about.get("name") else kind


def _source(obj: Obj) -> str:
    source = obj.get("source") or {}
    component = source.get("component") or obj.get("reportingComponent") or ""
    host = source.get("host") or obj.get("reportingInstance") or ""
    return f"{component}, {host}" if host else component


def _by(path: str, other: str = "") -> Callable[[Obj], str]:
    from kk.base import paths

    def value(obj: Obj) -> str:
        found = paths.get(obj, path, None)
        if not found and other:
            found = paths.get(obj, other, None)
        return str(found or "")

    return value


_ABOUT = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
KIND = Kind(
    "v1",
    "Event",
    default=default,
    validate=check_core,
    columns=(
        Column("Last Seen", _last, describes=".lastTimestamp"),
        Column("Type", ".type"),
        Column("Reason", ".reason"),
        Column("Object", _object, describes=".involvedObject"),
        Column(
            "Subobject",
            lambda obj: (obj.get("involvedObject") or {}).get("fieldPath") or "",
            priority=1,
            describes=".involvedObject.fieldPath",
        ),
        Column("Source", _source, priority=1, describes=".source"),
        Column("Message", lambda obj: (obj.get("message") or "").strip(), describes=".message"),
        Column("First Seen", _first, priority=1, describes=".firstTimestamp"),
        Column("Count", _count, priority=1, describes=".count"),
        Column("Name", ".metadata.name", priority=1, format="name"),
    ),
    selectable={
        **{f"involvedObject.{field}": f".involvedObject.{field}" for field in _ABOUT},
        "reason": ".reason",
        "reportingComponent": ".reportingComponent",
        "source": _by(".source.component", ".reportingComponent"),
        "type": ".type",
    },
    create_on_update=True,
    generation=False,
    conversions=(
        Conversion(
            NEW,
            to_stored,
            from_stored,
            validate=check_new,
            selectable={
                **{f"regarding.{field}": f"involvedObject.{field}" for field in _ABOUT},
                "reason": "reason",
                "reportingController": "reportingComponent",
                "type": "type",
            },
        ),
    ),
)

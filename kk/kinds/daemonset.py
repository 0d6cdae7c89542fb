"""DaemonSet: one pod of a template on every node that fits. Its controller is kk.control.daemonset; nothing here does I/O."""

from collections.abc import Iterator
from typing import Any

from kk.base.errors import invalid_value, not_supported, required
from kk.kinds import _extensions, _workload
from kk.kinds._checks import Errors, fill, immutable, section
from kk.kinds._labelselector import shown
from kk.kinds._later import later
from kk.kinds._podspec_warnings import name_warning, template_warnings
from kk.kinds._workload import WIDE, default_workload, labels_text, number, pod_spec, zeros
from kk.kinds.kind import AGE, Column, Kind

Obj = dict[str, Any]
_ALWAYS = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")


def default(obj: Obj) -> None:
    """Rolling update, one node at a time, ten old revisions."""
    spec = default_workload(obj)
    strategy = section(spec, "updateStrategy")
    fill(strategy, "type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = section(strategy, "rollingUpdate")
        fill(rolling, "maxUnavailable", 1)
        fill(rolling, "maxSurge", 0)
    fill(spec, "revisionHistoryLimit", 10)
    zeros(obj, *_ALWAYS)
    fill(section(obj["metadata"], "annotations"), _extensions.TEMPLATE_GENERATION, "0")


def prepare_create(obj: Obj) -> None:
    """Status belongs to the controller; the old templateGeneration starts at 1 at least."""
    section(obj["metadata"], "annotations")[_extensions.TEMPLATE_GENERATION] = str(max(_generation(obj), 1))
    obj["status"] = dict.fromkeys(_ALWAYS, 0)


def prepare_update(obj: Obj, old: Obj) -> None:
    """The old templateGeneration counts changes of the template, and nothing else changes it."""
    generation = _generation(old) + (obj["spec"].get("template") != old["spec"].get("template"))
    section(obj["metadata"], "annotations")[_extensions.TEMPLATE_GENERATION] = str(generation)


def _generation(obj: Obj) -> int:
    text = (obj["metadata"].get("annotations") or {}).get(_extensions.TEMPLATE_GENERATION) or ""
    return int(text) if text.isdigit() else 0


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Selector, template, update strategy; the selector stays."""
    spec, selector = obj["spec"], obj["spec"].get("selector")
    if old is not None:
        yield from immutable("spec.selector", selector, old["spec"].get("selector"), shown(selector))
    yield from _workload.check_spec_selector(spec, "daemonset", needed=False)
    yield from _workload.check_selected(spec, "DaemonSet", malformed=None)
    yield from _workload.counts(spec, "minReadySeconds", "revisionHistoryLimit")
    yield from _strategy("spec.updateStrategy", spec["updateStrategy"])


def _strategy(path: str, strategy: Obj) -> Errors:
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    where = f"{path}.rollingUpdate"
    if kind == "RollingUpdate":
        if rolling is None:
            yield required(where)
            return
        unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
        yield from _workload.int_or_percent(f"{where}.maxUnavailable", unavailable)
        yield from _workload.int_or_percent(f"{where}.maxSurge", surge)
        yield from _workload.at_most_all(f"{where}.maxUnavailable", unavailable)
        yield from _workload.at_most_all(f"{where}.maxSurge", surge)
        if _workload.amount(unavailable) and _workload.amount(surge):
            yield invalid_value(f"{where}.maxSurge", surge, "may not be set when maxUnavailable is non-zero")
        if not _workload.amount(unavailable) and not _workload.amount(surge):
            yield required(f"{where}.maxUnavailable", "cannot be 0 when maxSurge is 0")
    elif kind != "OnDelete":
        shown = {"Type": kind or "", "RollingUpdate": rolling}
        yield not_supported(path, shown, ("RollingUpdate", "OnDelete"))


def validate_status(obj: Obj, old: Obj) -> Errors:
    """No negative counts, and hash collisions are never forgotten."""
    fields = (*_ALWAYS, "observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable")
    yield from _workload.counts(obj.get("status") or {}, *fields, "collisionCount", path="status")
    yield from _workload.not_decremented(obj, old)


def _count(field: str) -> Any:
    return lambda obj: number(obj, "status", field)


def warnings(obj: Obj, old: Obj | None) -> Iterator[str]:
    """About the name, on create, and the template."""
    if old is None:
        yield from name_warning(obj["metadata"].get("name") or "")
    yield from template_warnings(obj, old)


KIND = Kind(
    "apps/v1",
    "DaemonSet",
    describe=later("_describe_workload", "daemon_set"),
    default=default,
    hidden_annotation=_extensions.TEMPLATE_GENERATION,
    prepare_create=prepare_create,
    warnings=warnings,
    prepare_update=prepare_update,
    conversions=(_extensions.DAEMON_SET,),
    validate=validate,
    validate_status=validate_status,
    columns=(
        Column("Desired", _count("desiredNumberScheduled"), "integer", describes=".status.desiredNumberScheduled"),
        Column("Current", _count("currentNumberScheduled"), "integer", describes=".status.currentNumberScheduled"),
        Column("Ready", _count("numberReady"), "integer", describes=".status.numberReady"),
        Column("Up-to-date", _count("updatedNumberScheduled"), "integer", describes=".status.updatedNumberScheduled"),
        Column("Available", _count("numberAvailable"), "integer", describes=".status.numberAvailable"),
        Column(
            "Node Selector",
            lambda obj: labels_text(pod_spec(obj).get("nodeSelector")),
            describes=".spec.template.spec.nodeSelector",
        ),
        AGE,
        *WIDE,
    ),
)

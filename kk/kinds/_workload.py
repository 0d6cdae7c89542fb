"""What the kinds that make pods share: the columns about a template's containers, texts of selectors, zeros of a status.

Nothing here knows how pods are made; kk.control does that.
"""

from collections.abc import Callable
from typing import Any

from kk.base import names
from kk.base.errors import invalid_value, required
from kk.base.selectors import from_label_selector
from kk.kinds import _podspec, _podspec_check
from kk.kinds._checks import Errors, bad, fill, not_negative, section
from kk.kinds._labelselector import check_selector, is_empty, selector_text, shown
from kk.kinds.kind import Column

Obj = dict[str, Any]


def labels_text(labels: Obj | None) -> str:
    """A map of labels as tables show it."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or "<none>"


def pod_spec(obj: Obj) -> Obj:
    """The PodSpec of a workload's template."""
    found: Obj = ((obj.get("spec") or {}).get("template") or {}).get("spec") or {}
    return found


def _selector(obj: Obj) -> str:
    return selector_text((obj.get("spec") or {}).get("selector"))


def template_columns(spec_of: Callable[[Obj], Obj] = pod_spec, priority: int = 1) -> tuple[Column, Column]:
    """Containers and Images."""
    return (
        Column(
            "Containers",
            lambda obj: _podspec.names_and_images(spec_of(obj))[0],
            priority=priority,
            description="Names of each container in the template.",
        ),
        Column(
            "Images",
            lambda obj: _podspec.names_and_images(spec_of(obj))[1],
            priority=priority,
            description="Images referenced by each container in the template.",
        ),
    )


#: the columns of `-o wide` that end most workloads' tables
WIDE = (*template_columns(), Column("Selector", _selector, priority=1, describes=".spec.selector"))


def default_workload(obj: Obj) -> Obj:
    """Spec, template and status are there; the spec."""
    spec = section(obj, "spec")
    fill(spec, "selector", None)
    _podspec.default_template(section(spec, "template"))
    section(obj, "status")
    return spec


def zeros(obj: Obj, *fields: str) -> None:
    """Numbers of the status that are always written."""
    status = section(obj, "status")
    for field in fields:
        fill(status, field, 0)


def number(obj: Obj, part: str, field: str) -> int:
    """A number of the spec or status, 0 where it is absent."""
    return int((obj.get(part) or {}).get(field) or 0)


# faults


def selects(selector: Obj | None, labels: Obj | None) -> bool:
    """Whether a LabelSelector selects labels; one that is absent or malformed selects nothing."""
    try:
        return from_label_selector(selector).matches(labels or {})
    except ValueError:
        return False


def is_malformed(selector: Obj | None) -> bool:
    """Whether a selector cannot be used at all."""
    return any(True for _ in check_selector(selector, ""))


def counts(spec: Obj, *fields: str, path: str = "spec") -> Errors:
    """Numbers that may not be negative."""
    for field in fields:
        yield from not_negative(f"{path}.{field}", spec.get(field))


def not_decremented(obj: Obj, old: Obj, field: str = "collisionCount") -> Errors:
    """A count of the status that may only rise."""
    before, after = (old.get("status") or {}).get(field), (obj.get("status") or {}).get(field)
    if before is not None and (after is None or after < before):
        yield invalid_value(f"status.{field}", after or 0, "cannot be decremented")


def check_spec_selector(spec: Obj, kind: str, needed: bool = True, path: str = "spec.selector") -> Errors:
    """The selector of a workload: there, well formed, not empty."""
    selector = spec.get("selector")
    if selector is None:
        if needed:
            yield required(path)
        return
    yield from check_selector(selector, path)
    if is_empty(selector):
        yield invalid_value(path, shown(selector), f"empty selector is invalid for {kind}")


def int_or_percent(path: str, value: Any) -> Errors:
    """A whole number of at least 0, or a percentage."""
    if isinstance(value, str):
        yield from bad(path, value, names.percent(value))
    else:
        yield from not_negative(path, value)


def percent_of(value: Any) -> int | None:
    """The number of a percentage, None for anything else."""
    if isinstance(value, str) and not names.percent(value):
        return int(value[:-1])
    return None


def at_most_all(path: str, value: Any) -> Errors:
    """A percentage of at most 100."""
    percent = percent_of(value)
    if percent is not None and percent > 100:
        yield invalid_value(path, value, "must not be greater than 100%")


def amount(value: Any) -> int:
    """The number or the percent of an int-or-string, 0 where it is neither: only for asking whether it is nought."""
    if isinstance(value, str):
        found = percent_of(value)
        return found if found is not None else int(value) if value.isascii() and value.isdigit() else 0
    return int(value or 0)


def check_selected(spec: Obj, owner: str, malformed: str | None = "invalid label selector") -> Errors:
    """The template of a workload against its selector; `malformed` is said of one that cannot be used, None: nothing, and the template is looked at."""
    selector, template = spec.get("selector"), spec["template"]
    broken = selector is not None and is_malformed(selector)
    if broken and malformed is not None:
        yield invalid_value("spec.selector", shown(selector), malformed)
        return
    matches = broken or selects(selector, (template.get("metadata") or {}).get("labels"))
    yield from _podspec_check.check_selected_template("spec.template", template, matches, owner)


def check_counts(status: Obj, *fields: str, of_ready: str) -> Errors:
    """Counts of a status: none negative, none above replicas, available ones not above ready ones (named `of_ready` in the message)."""
    yield from counts(status, "replicas", *fields, path="status")
    for field in fields:
        if (status.get(field) or 0) > (status.get("replicas") or 0):
            yield invalid_value(f"status.{field}", status[field], "cannot be greater than status.replicas")
    if (status.get("availableReplicas") or 0) > (status.get("readyReplicas") or 0):
        detail = f"cannot be greater than {of_ready}"
        yield invalid_value("status.availableReplicas", status["availableReplicas"], detail)

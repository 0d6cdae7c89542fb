"""What the kinds that make pods share: the columns about a template's containers, texts of selectors, zeros of a status.

Nothing here knows how pods are made; kk.control does that.
"""

from collections.abc import Callable
from typing import Any

from kk.kinds import _podspec
from kk.kinds._checks import fill, section
from kk.kinds._labelselector import selector_text
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

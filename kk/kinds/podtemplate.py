"""PodTemplate: a template of pods kept by name. No controller reads it."""

from typing import Any

from kk.kinds import _podspec
from kk.kinds._checks import Errors, section
from kk.kinds._podspec_check import check_template
from kk.kinds._podspec_warnings import template_warnings
from kk.kinds._workload import labels_text, template_columns
from kk.kinds.kind import Column, Kind

Obj = dict[str, Any]


def default(obj: Obj) -> None:
    """The template as any other."""
    _podspec.default_template(section(obj, "template"))


def validate(obj: Obj, old: Obj | None) -> Errors:
    """The template as any other."""
    yield from check_template("template", obj["template"])


def _spec(obj: Obj) -> Obj:
    found: Obj = (obj.get("template") or {}).get("spec") or {}
    return found


def _labels(obj: Obj) -> str:
    return labels_text(((obj.get("template") or {}).get("metadata") or {}).get("labels"))


KIND = Kind(
    "v1",
    "PodTemplate",
    default=default,
    validate=validate,
    warnings=lambda obj, old: template_warnings(obj, old, "template"),
    columns=(
        *template_columns(_spec, priority=0),
        Column("Pod Labels", _labels, description="The labels for the pod template."),
    ),
)

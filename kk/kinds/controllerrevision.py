"""ControllerRevision: a past template of a DaemonSet or StatefulSet, kept for rollbacks. Their controllers write it."""

from typing import Any

from kk.base.errors import invalid_value, required
from kk.kinds._checks import Errors
from kk.kinds.kind import AGE, Column, Kind, Resource
from kk.kinds.meta import IMMUTABLE

Obj = dict[str, Any]


def default(obj: Obj) -> None:
    """The number is always written."""
    obj.setdefault("revision", 0)


def validate(obj: Obj, old: Obj | None) -> Errors:
    """There is data, it never changes, and the number is not negative."""
    revision = obj.get("revision") or 0
    if obj.get("data") is None:
        yield required("data", "data is mandatory")
    elif old is None and not isinstance(obj["data"], dict):
        yield required("data", "data must be a valid JSON object")
    if revision < 0:
        yield invalid_value("revision", revision, "must be greater than or equal to 0")
    if old is not None and obj.get("data") != old.get("data"):
        yield invalid_value("data", obj.get("data"), IMMUTABLE)


def _controller(obj: Obj) -> str:
    from kk.kinds.registry import registry

    for owner in obj["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            resource: Resource | None = registry().by_kind(owner.get("apiVersion", ""), owner.get("kind", ""))
            group = owner.get("apiVersion", "").rpartition("/")[0]
            singular = resource.singular if resource else owner.get("kind", "").lower()
            return f"{singular}.{group}/{owner.get('name')}" if group else f"{singular}/{owner.get('name')}"
    return "<none>"


KIND = Kind(
    "apps/v1",
    "ControllerRevision",
    default=default,
    validate=validate,
    columns=(
        Column("Controller", _controller, description="Controller of the object"),
        Column("Revision", ".revision"),
        AGE,
    ),
    generation=False,
)

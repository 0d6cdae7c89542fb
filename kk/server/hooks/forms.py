"""The object of a write as a webhook sees it, and back: in the version that the webhook asked for, a Scale for `scale`.

Admission looks at objects in the stored version (of custom resources: in the version of the request). Decides nothing.
"""

from typing import Any

from kk.base import paths
from kk.base.errors import StatusError, internal
from kk.kinds import types
from kk.kinds.kind import Resource
from kk.server.bodies import finished
from kk.server.context import Attributes
from kk.server.encoding import Obj, decode, encode
from kk.server.hooks.matching import unnamed
from kk.server.subresources import scale
from kk.server.views import View


def copied(obj: Obj) -> Obj:
    """A deep copy."""
    found: Obj = decode(encode(obj))
    return found


def _view(a: Attributes, obj: Obj) -> View | None:
    """The view that an object belongs to; None for a Binding, an Eviction, options of a connection."""
    if obj.get("kind") != a.resource.kind:
        return None
    return a.server.views.get(a.resource.key)


def kind_of(a: Attributes, resource: Resource) -> Obj:
    """The kind of what is written, as one of `resource`."""
    if a.subresource == "scale":
        return {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    obj = a.obj or a.old
    if obj is not None and obj.get("kind") and obj["kind"] != a.resource.kind:
        group, _, version = str(obj.get("apiVersion") or "").rpartition("/")
        return {"group": group, "version": version, "kind": obj["kind"]}
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


async def shown(a: Attributes, obj: Obj | None, resource: Resource) -> Obj | None:
    """An object of the write as one of `resource`; a copy. Raises StatusError 500 where it cannot be converted."""
    if obj is None:
        return None
    found = await _shown(a, obj, resource)
    if unnamed(a):
        found["metadata"].pop("name", None)
    return found


async def _shown(a: Attributes, obj: Obj, resource: Resource) -> Obj:
    view = _view(a, obj)
    if view is None:
        return copied(obj)
    if a.subresource == "scale":
        return scale.scale_of(view, obj)
    if a.resource.custom:
        return await _converted(view, copied(obj), resource)
    target = a.server.views.get(resource.key)
    if target is None:
        raise internal(f"unable to convert to {resource.api_version}: unknown kind")
    found = target.from_stored(copied(obj))
    metadata = found["metadata"]
    return {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata} | found


async def _converted(view: View, obj: Obj, resource: Resource) -> Obj:
    conversion: Any = view.shelf.conversion  # type: ignore[attr-defined]
    found: Obj = await conversion.one(obj, resource.api_version)
    return found


async def accept(a: Attributes, new: Obj, resource: Resource) -> None:
    """Make what a webhook made of the object (as one of `resource`) the write's object: typed and defaulted. Raises StatusError 500."""
    old = a.obj
    if old is None:
        return
    view = _view(a, old)
    if view is None:
        made = new
    elif a.subresource == "scale":
        facts = view.strategy.scale
        if facts is not None:
            paths.set_in(old, facts.spec, (new.get("spec") or {}).get("replicas") or 0)
        return
    else:
        try:
            made = await _typed(a, view, new, resource)
        except StatusError as error:
            raise internal(error.message) from None
    if unnamed(a) and not made["metadata"].get("name"):
        made["metadata"] = {"name": old["metadata"].get("name"), **made["metadata"]}
    old.clear()
    old.update(made)


async def _typed(a: Attributes, view: View, new: Obj, resource: Resource) -> Obj:
    if a.resource.custom:
        from kk.server.custom import bodies

        read, _ = bodies.accept(resource, new, "Ignore")  # type: ignore[arg-type]
        return await _converted(view, read, a.resource)
    read, _ = types.read(resource, new, "Ignore")
    target = a.server.views.get(resource.key)
    made = (target or view).to_stored(finished(resource, read))
    strategy = view.shelf.resource.strategy
    if strategy.default is not None:
        strategy.default(made)
    return made

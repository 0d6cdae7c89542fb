"""resize: new resources for the containers of a pod that runs; nothing else of it changes."""

from kk.server.context import Request, Response
from kk.server.encoding import Obj
from kk.server.subresources import _changes
from kk.server.views import View

_LISTS = ("containers", "initContainers")
_TAKEN = ("resources", "resizePolicy")


def merge(new: Obj, old: Obj) -> None:
    """Take resources and resize policies of known containers, keep everything else."""
    asked, metadata = new.get("spec") or {}, new["metadata"]
    new.update(old)
    new["metadata"] = {**old["metadata"], "managedFields": metadata.get("managedFields", [])}
    new["spec"] = dict(old["spec"])
    for key in _LISTS:
        if key in old["spec"]:
            wanted = {c.get("name"): c for c in asked.get(key) or []}
            new["spec"][key] = [_resized(c, wanted.get(c["name"])) for c in old["spec"][key]]


def _resized(container: Obj, wanted: Obj | None) -> Obj:
    if wanted is None:
        return container
    out = dict(container)
    for key in _TAKEN:
        if key in wanted:
            out[key] = wanted[key]
        else:
            out.pop(key, None)
    return out


async def put(request: Request, view: View) -> Response:
    """PUT of a pod."""
    return await _changes.put(request, view, merge)


async def patch(request: Request, view: View) -> Response:
    """PATCH of a pod."""
    return await _changes.patch(request, view, merge)


SUBRESOURCE = {"GET": _changes.get, "PUT": put, "PATCH": patch}

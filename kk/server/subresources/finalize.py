"""finalize: the namespace controller takes its finalizer from a namespace that it has emptied."""

from kk.server.context import Request, Response
from kk.server.encoding import Obj
from kk.server.subresources import _changes
from kk.server.views import View


def merge(new: Obj, old: Obj) -> None:
    """Take spec.finalizers, keep everything else."""
    finalizers = (new.get("spec") or {}).get("finalizers") or []
    metadata = new["metadata"]
    new.update(old)
    new["metadata"] = {**old["metadata"], "managedFields": metadata.get("managedFields", [])}
    new["spec"] = {**(old.get("spec") or {})}
    if finalizers:
        new["spec"]["finalizers"] = finalizers
    else:
        new["spec"].pop("finalizers", None)


async def put(request: Request, view: View) -> Response:
    """PUT of a namespace."""
    return await _changes.put(request, view, merge)


SUBRESOURCE = {"PUT": put}

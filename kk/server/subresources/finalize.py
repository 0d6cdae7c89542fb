"""finalize: the namespace controller takes its finalizer from a namespace that it has emptied."""

from kk.server.context import Request, Response
from kk.server.encoding import Obj
from kk.server.subresources import _changes
from kk.server.views import View


def merge(new: Obj, old: Obj) -> None:
    """Take metadata and spec.finalizers, keep the status."""
    finalizers = (new.get("spec") or {}).get("finalizers") or []
    new["spec"] = {"finalizers": finalizers} if finalizers else {}
    if "status" in old:
        new["status"] = old["status"]


async def put(request: Request, view: View) -> Response:
    """PUT of a namespace."""
    return await _changes.put(request, view, merge)


SUBRESOURCE = {"PUT": put}

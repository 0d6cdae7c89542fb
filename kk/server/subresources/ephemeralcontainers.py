"""ephemeralcontainers: the only way to add containers to a pod that runs; nothing else of it changes."""

from kk.server.context import Request, Response
from kk.server.encoding import Obj
from kk.server.subresources import _changes
from kk.server.views import View


def merge(new: Obj, old: Obj) -> None:
    """Take the ephemeral containers, keep everything else."""
    wanted = (new.get("spec") or {}).get("ephemeralContainers")
    metadata = new["metadata"]
    new.update(old)
    new["metadata"] = {**old["metadata"], "managedFields": metadata.get("managedFields", [])}
    new["spec"] = dict(old["spec"])
    if wanted:
        new["spec"]["ephemeralContainers"] = wanted
    else:
        new["spec"].pop("ephemeralContainers", None)


async def put(request: Request, view: View) -> Response:
    """PUT of a pod."""
    return await _changes.put(request, view, merge)


async def patch(request: Request, view: View) -> Response:
    """PATCH of a pod."""
    return await _changes.patch(request, view, merge)


SUBRESOURCE = {"GET": _changes.get, "PUT": put, "PATCH": patch}

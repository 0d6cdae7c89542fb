"""POST /api/v1/namespaces/NS/bindings: the old way to bind a pod; the sub-resource of pods does the work."""

from kk.base.errors import no_such_path
from kk.server.context import Endpoint, Request, Response
from kk.server.subresources import binding


async def handle(request: Request) -> Response:
    """Bind the pod that the body names."""
    view = request.server.views.get(("", "v1", "pods"))
    if view is None:
        raise no_such_path()
    return await binding.post(request, view)


ENDPOINT = Endpoint(handle, resources=(("", "bindings"),))

"""Requests for custom resources: which paths there are and which verbs, in the order and words of upstream's handler for them.

Paths that a definition does not give are no Status but a page, as nobody else serves them either. The verbs themselves are answered by what
answers them for every resource.
"""

from collections.abc import Awaitable, Callable

from kk.base.errors import bad_request, method_not_supported, not_found, unsupported_media_type
from kk.server import subresources
from kk.server.context import Request, Response
from kk.server.custom.resource import Custom
from kk.server.endpoints._answers import PAGE_NOT_FOUND
from kk.server.negotiate import without_protobuf
from kk.server.views import View

Handler = Callable[[Request, View], Awaitable[Response | None]]
Handlers = dict[str, Handler]
_METHODS = {"get": "GET", "update": "PUT", "patch": "PATCH"}
_PATCHES = ("application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json")


async def handle(request: Request, view: View, handlers: Handlers) -> Response | None:
    """Answer a request for a custom resource. Raises StatusError."""
    info = request.info
    resource: Custom = view.resource  # type: ignore[assignment]
    if bool(info.namespace) != resource.namespaced:
        if info.namespace or info.verb not in ("list", "watch"):
            return PAGE_NOT_FOUND
    if resource.deprecation:
        request.warn(resource.deprecation)
    if info.subresource and info.subresource not in resource.subresources:
        raise not_found(resource.plural, resource.group, info.name)
    if info.verb == "patch":
        _check_patch(request)
    accept = request.headers.get(b"accept", b"")
    if b"protobuf" in accept:
        request.headers[b"accept"] = without_protobuf(accept)
    if view.shelf.lagging:
        await view.shelf.fresh()
    if info.subresource:
        method = _METHODS.get(info.verb, "")
        handler: Handler | None = subresources.find(info.subresource, method)
    else:
        handler = handlers.get(info.verb)
    if handler is None:
        raise method_not_supported(resource.plural, resource.group, info.verb)
    if info.verb in ("update", "patch") and not info.name:
        raise bad_request("name must be provided")
    return await handler(request, view)


def _check_patch(request: Request) -> None:
    """Custom resources have no strategic merge. Raises 415."""
    media = request.header("content-type").partition(";")[0].strip()
    if media not in _PATCHES:
        accepted = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
        raise unsupported_media_type(
            f"the body of the request was in an unknown format - accepted media types include: {accepted}"
        )

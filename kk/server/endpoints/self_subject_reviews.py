"""Who am I? The caller as the server knows him."""

from kk.server.context import Endpoint, Request, Response
from kk.server.endpoints import _reviews
from kk.server.endpoints._answers import document


async def handle(request: Request) -> Response:
    """Answer one review; nothing that was sent counts."""
    review = await _reviews.read(request)
    review = {"kind": review["kind"], "apiVersion": review["apiVersion"]}
    review["metadata"] = {"creationTimestamp": request.server.write.now()}
    return document(request, {**review, "status": {"userInfo": request.user.info()}}, 201)


ENDPOINT = Endpoint(handle, resources=(("authentication.k8s.io", "selfsubjectreviews"),))

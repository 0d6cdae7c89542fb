"""Who am I? The caller as the server knows him."""

from typing import Any

from kk.server.context import Endpoint, Request, Response, User
from kk.server.endpoints import _reviews
from kk.server.endpoints._answers import document


async def handle(request: Request) -> Response:
    """Answer one review; nothing that was sent counts."""
    review = await _reviews.read(request)
    review = {"kind": review["kind"], "apiVersion": review["apiVersion"]}
    review["metadata"] = {"creationTimestamp": request.server.write.now()}
    return document(request, {**review, "status": {"userInfo": user_info(request.user)}}, 201)


def user_info(user: User) -> dict[str, Any]:
    """A user as UserInfo."""
    found: dict[str, Any] = {"username": user.name}
    if user.uid:
        found["uid"] = user.uid
    if user.groups:
        found["groups"] = list(user.groups)
    if user.extra:
        found["extra"] = {k: list(v) for k, v in user.extra}
    return found


ENDPOINT = Endpoint(handle, resources=(("authentication.k8s.io", "selfsubjectreviews"),))

"""Whose token is this? Answers extension servers and nodes that got a bearer token."""

from kk.base.errors import bad_request
from kk.server.authn import authenticator
from kk.server.context import Endpoint, Request, Response
from kk.server.endpoints import _reviews
from kk.server.endpoints.self_subject_reviews import user_info
from kk.server.tokens import ISSUER, NotOurs, Refused


async def handle(request: Request) -> Response:
    """Answer one review."""
    review = await _reviews.read(request)
    spec = review["spec"]
    token = spec.get("token", "")
    if not token:
        raise bad_request("token is required for TokenReview in authentication")
    audiences = spec.get("audiences") or [ISSUER]
    try:
        user, shared = authenticator(request.server).user_of(request.server, token, audiences)
    except NotOurs:
        return _reviews.answer(request, review, {"user": {}, "error": "invalid bearer token"})
    except Refused as error:
        return _reviews.answer(request, review, {"user": {}, "error": f"[invalid bearer token, {error}]"})
    return _reviews.answer(request, review, {"authenticated": True, "user": user_info(user), "audiences": shared})


ENDPOINT = Endpoint(handle, resources=(("authentication.k8s.io", "tokenreviews"),))

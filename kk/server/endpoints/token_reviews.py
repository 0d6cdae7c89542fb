"""Whose token is this? Answers extension servers and nodes that got a bearer token."""

from kk.base.errors import bad_request
from kk.server.authenticators._types import NotOurs, Refused
from kk.server.authn import chain
from kk.server.context import Endpoint, Request, Response
from kk.server.endpoints import _reviews


async def handle(request: Request) -> Response:
    """Answer one review."""
    review = await _reviews.read(request)
    spec = review["spec"]
    token = spec.get("token", "")
    if not token:
        raise bad_request("token is required for TokenReview in authentication")
    known = chain(request.server)
    try:
        taken = await known.check(token, spec.get("audiences") or known.audiences)
    except NotOurs:
        return _reviews.answer(request, review, {"user": {}, "error": "invalid bearer token"})
    except Refused as error:
        return _reviews.answer(request, review, {"user": {}, "error": f"[invalid bearer token, {error}]"})
    status = {"authenticated": True, "user": taken.user.info(), "audiences": list(taken.audiences)}
    return _reviews.answer(request, review, status)


ENDPOINT = Endpoint(handle, resources=(("authentication.k8s.io", "tokenreviews"),))

"""Answers that several endpoints give: JSON or YAML as the client accepts it, plain text, and the plain 404 of paths that nobody serves."""

import hashlib
from typing import Any

from kk.base.errors import StatusError, not_acceptable
from kk.server import protobuf_write
from kk.server.context import Request, Response
from kk.server.negotiate import JSON, PLAIN, PROTOBUF, YAML, Form, dump, form_of, is_pretty

#: what a bad path outside of the API gets: no Status, a page
PAGE_NOT_FOUND = Response(b"404 page not found\n", 404, b"text/plain; charset=utf-8")
_ACCEPTED = "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf"


def document(request: Request, value: Any, status: int = 200, plain: bool = False) -> Response:
    """A decoded value in the form that the client accepts. Raises StatusError 406, worded as for objects where `plain`."""
    try:
        form = form_of(request.headers.get(b"accept", b""), read=False)
    except StatusError:
        if plain:
            raise
        form = None
    if form is None or form.kind:
        raise not_acceptable(_ACCEPTED)
    return encoded(request, value, form, status)


def json_only(request: Request, value: Any) -> Response:
    """A decoded value for a path that knows JSON alone. Raises StatusError 406."""
    accepted = request.header("accept")
    kinds = {clause.split(";")[0].strip() for clause in accepted.split(",")} if accepted else {"*/*"}
    if not kinds & {"*/*", "application/*", "application/json"}:
        error = not_acceptable("406: Not Acceptable\n\nAvailable representations: application/json")
        error.status["details"] = {}
        raise error
    return encoded(request, value, PLAIN)


def encoded(request: Request, value: Any, form: Form, status: int = 200) -> Response:
    """A decoded value in a given form."""
    pretty = is_pretty(request.info.param("pretty"), request.headers.get(b"user-agent", b""))
    if form.media == PROTOBUF and "kind" in value:
        return Response(protobuf_write.encode({"apiVersion": "v1", **value}), status, PROTOBUF.encode())
    media = YAML if form.media == YAML else JSON
    return Response(dump(value, form, pretty), status, media.encode())


def text(body: str, status: int = 200) -> Response:
    """Plain text."""
    return Response(body.encode(), status, b"text/plain; charset=utf-8")


def not_allowed() -> StatusError:
    """405, as paths that are no resource answer to other methods."""
    message = "the server does not allow this method on the requested resource"
    error = StatusError(405, "MethodNotAllowed", message)
    error.status["details"] = {}
    return error


def read_only(request: Request) -> None:
    """Raises StatusError 405 for anything but GET and HEAD."""
    if request.method not in ("GET", "HEAD"):
        raise not_allowed()


def tagged(request: Request, body: bytes, content_type: bytes, etag: str = "") -> Response:
    """A body with its ETag; 304 where the client has it already."""
    tag = f'"{etag or hashlib.sha256(body).hexdigest().upper()}"'
    headers = ((b"etag", tag.encode()), (b"cache-control", b"public"), (b"vary", b"Accept"))
    held = request.header("if-none-match")
    if held and tag in (h.strip() for h in held.split(",")):
        return Response(b"", 304, content_type, headers)
    return Response(body, 200, content_type, headers)

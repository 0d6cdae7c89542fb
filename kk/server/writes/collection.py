"""DELETE of a collection: every selected object, one after the other, as if each were deleted by itself."""

from kk.base.errors import StatusError
from kk.server.answers import encoded
from kk.server.context import Request, Response
from kk.server.negotiate import form_of
from kk.server.reads import render, snapshot
from kk.server.selection import list_options
from kk.server.views import View
from kk.server.writes.delete import delete, read_options, write_of


async def handle(request: Request, view: View) -> Response:
    """Answer a deletecollection with the list of what was selected."""
    form = form_of(request.headers.get(b"accept", b""), read=False)
    options = await read_options(request)
    selected = list_options(request.info, view)

    items, revision = await snapshot(request.server, view.shelf, selected)
    for item in items:
        write = write_of(request, view, options)
        write.name = item.key.rpartition("/")[2]
        write.namespace = item.key.rpartition("/")[0]
        try:
            await delete(write, options)
        except StatusError as error:
            if error.code != 404:  # somebody else was faster
                raise
    metadata = {"resourceVersion": str(revision)}
    return encoded(request, render(request, view, items, metadata, form), form)

"""DELETE of a collection: every selected object, as if each were deleted by itself; some go together, so that they share a commit."""

import asyncio

from kk.base.errors import StatusError
from kk.server.answers import encoded
from kk.server.cache import Item
from kk.server.context import Request, Response
from kk.server.encoding import Obj
from kk.server.negotiate import form_of
from kk.server.reads import render, snapshot
from kk.server.selection import list_options
from kk.server.views import View
from kk.server.writes.delete import delete, read_options, write_of

#: objects deleted at a time
_TOGETHER = 64


async def handle(request: Request, view: View) -> Response:
    """Answer a deletecollection with the list of what was selected."""
    form = form_of(request.headers.get(b"accept", b""), read=False)
    options = await read_options(request)
    selected = list_options(request.info, view)

    items, _, revision = await snapshot(request.server, view.shelf, selected)
    for at in range(0, len(items), _TOGETHER):
        await asyncio.gather(*(_delete_one(request, view, options, item) for item in items[at : at + _TOGETHER]))
    metadata = {"resourceVersion": str(revision)}
    return encoded(request, render(request, view, items, metadata, form), form)


async def _delete_one(request: Request, view: View, options: Obj, item: Item) -> None:
    write = write_of(request, view, options)
    write.namespace, _, write.name = item.key.rpartition("/")
    try:
        await delete(write, options)
    except StatusError as error:
        if error.code != 404:  # somebody else was faster
            raise

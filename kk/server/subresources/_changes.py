"""What PUT and PATCH of a sub-resource share: the object that a request asks for, from a whole body or a patch."""

from collections.abc import Callable

from kk.server.answers import item_response
from kk.server.bodies import read_object
from kk.server.context import Request, Response
from kk.server.encoding import Obj
from kk.server.negotiate import form_of
from kk.server.reads import find
from kk.server.views import View
from kk.server.writes import patch as patching
from kk.server.writes.options import write_options
from kk.server.writes.update import check_identity, update
from kk.server.writes.write import Write, copied

Merge = Callable[[Obj, Obj], None]


async def get(request: Request, view: View) -> Response:
    """The whole object."""
    form = form_of(request.headers.get(b"accept", b""), read=True)
    return item_response(request, view, find(view, request.info.namespace, request.info.name), form)


async def put(request: Request, view: View, merge: Merge | None = None) -> Response:
    """A whole object of which `merge` takes what this sub-resource may change."""
    form = form_of(request.headers.get(b"accept", b""), read=False)
    options = write_options(request.info, "UpdateOptions")
    obj = await read_object(request, view, options.validation)
    write = Write.of(request, view, "UPDATE", options)
    check_identity(write, obj)
    item = await update(write, lambda old: copied(obj), put=True, merge=merge)
    return item_response(request, view, item, form)


async def patch(request: Request, view: View, merge: Merge | None = None) -> Response:
    """A patch of the whole object, of which the same holds."""
    form = form_of(request.headers.get(b"accept", b""), read=False)
    media = patching.media_of(request)
    options = write_options(request.info, "PatchOptions", media == patching.APPLY)
    write = Write.of(request, view, "UPDATE", options)
    body = await request.body()
    if media == patching.APPLY:
        find(view, write.namespace, write.name)  # what is not there is not made here
        item, status = await patching.apply_object(write, patching.parse_applied(write, body), merge)
        return item_response(request, view, item, form, status)
    find(view, write.namespace, write.name)
    item = await update(write, patching.changer(write, media, body, view), merge=merge)
    return item_response(request, view, item, form)

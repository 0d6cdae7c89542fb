"""GET of one object and LIST of many, from memory; lists at an older revision come from the store's log.

Watches are in kk.server.watching.
"""

import asyncio
import json
from typing import Any

from kk.base.errors import StatusError, bad_request, expired, not_found
from kk.server import protobuf_write
from kk.server.answers import LARGE, encoded, item_response, pretty, send_pieces, worth_compressing
from kk.server.cache import Item, Shelf
from kk.server.context import Request, RequestInfo, Response, Server
from kk.server.encoding import Obj, encode
from kk.server.negotiate import PROTOBUF, Form, form_of
from kk.server.selection import ListOptions, cut, encode_continue, list_options, matches, page, token_expired
from kk.server.views import View, clock
from kk.store.api import Compacted, Future


def key_of(shelf: Shelf, namespace: str, name: str) -> str:
    """An object's key on its shelf."""
    return f"{namespace}/{name}" if shelf.resource.namespaced else name


def find(view: View, namespace: str, name: str) -> Item:
    """An item by name. Raises 404."""
    item = view.shelf.items.get(key_of(view.shelf, namespace, name))
    if item is None:
        raise not_found(view.resource.plural, view.resource.group, name)
    return item


async def get(request: Request, view: View) -> Response:
    """One object; resourceVersion is a lower bound, which memory always meets unless it lies in the future."""
    info = request.info
    form = form_of(request.headers.get(b"accept", b""), read=True)
    if info.raw_query:
        check_version(request.server, info.param("resourceVersion"), read=True)
    return item_response(request, view, find(view, info.namespace, info.name), form)


def check_version(server: Server, text: str, read: bool = False) -> int:
    """A resourceVersion parameter as a number, 0 for none. Raises 400, or 504 where it lies in the future."""
    if not text:
        return 0
    if not text.isdigit():
        if read:
            raise StatusError(500, "", f'strconv.ParseUint: parsing "{text}": invalid syntax')
        raise bad_request(f'invalid resource version "{text}": strconv.ParseUint: parsing "{text}": invalid syntax')
    version = int(text)
    if version > server.cache.revision:
        raise too_large_version(version, server.cache.revision)
    return version


def too_large_version(version: int, current: int, retry: bool = True) -> StatusError:
    """504 for a version that has not happened."""
    details: dict[str, Any] = {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
    }
    if retry:
        details["retryAfterSeconds"] = 1
    message = f"Timeout: Too large resource version: {version}, current: {current}"
    return StatusError(504, "Timeout", message, details)


async def list_objects(request: Request, view: View) -> Response | None:
    """Many objects, whole or in chunks of one snapshot."""
    server, shelf = request.server, view.shelf
    form = form_of(request.headers.get(b"accept", b""), read=True)
    if form.kind == "Table":
        included(request.info)
    options = list_options(request.info, view)
    if not request.info.raw_query and form.plain and view.conversion is None and view.versioned:
        head = b'%b%b,"items":[' % (view.list_head, view.list_metadata % server.cache.revision)
        joined = shelf.join(options.namespace)
        if pretty(request) or len(joined) < LARGE or worth_compressing(request) or _special(request):
            return encoded(request, b"%b%b]}" % (head, joined), form)
        await send_pieces(request.send, (head, joined, b"]}"))
        return None
    items, left, revision = await snapshot(server, shelf, options)
    metadata: Obj = {"resourceVersion": str(revision)} if view.versioned else {}
    if left:
        metadata["continue"] = encode_continue(revision, items[-1].key, options.namespace)
        if options.everything:
            metadata["remainingItemCount"] = left
    if form.media == PROTOBUF and not form.kind:
        messages = [view.raw_message(i) for i in items]
        body = protobuf_write.whole_list(view.resource.api_version, view.list_kind, metadata, messages)
        return Response(body, content_type=PROTOBUF.encode())
    return encoded(request, render(request, view, items, metadata, form), form)


def _special(request: Request) -> bool:
    """Whether an answer has headers of its own, or refuses a WebSocket: then it does not go out in pieces."""
    return bool(request.warnings or request.trail) or request.scope["type"] == "websocket"


def included(info: RequestInfo) -> str:
    """What rows of a Table carry. Raises 400."""
    include = info.param("includeObject") or "Metadata"
    if include not in ("None", "Metadata", "Object"):
        raise bad_request(
            f"Unable to convert to Table as requested: includeObject: Invalid value: {json.dumps(include)}: "
            "must be 'Metadata', 'Object', 'None', or empty"
        )
    return include


def render(request: Request, view: View, items: list[Item], metadata: Obj, form: Form) -> bytes:
    if form.kind == "Table":
        include = request.info.param("includeObject") or "Metadata"
        now = clock()
        rows = [view.row(i, include, form.version, now) for i in items]
        return view.table(rows or view.no_rows, metadata, form.version)
    if form.kind:
        head = b'{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/%b","metadata":' % form.version.encode()
        body = b",".join([view.partial(i, form.version) for i in items])
    else:
        head = view.list_head
        if view.resource.custom:
            metadata.setdefault("continue", "")
        start = view.shelf.item_head
        body = b",".join([start + view.rest(i) for i in items])
    if form.kind and not items:
        return b'%b%b,"items":null}' % (head, encode(metadata))
    return b'%b%b,"items":[%b]}' % (head, encode(metadata), body)


async def snapshot(server: Server, shelf: Shelf, options: ListOptions) -> tuple[list[Item], int, int]:
    """The selected items, up to the limit, how many follow them, and the revision at which they stood so."""
    current = server.cache.revision
    exact = options.exact
    if options.continued and exact == -1:
        exact = 0
    if not options.continued:
        version = _wanted(server, options)
        # with a limit a version is exact, unless told otherwise: upstream's legacy rule
        if version and (options.match == "Exact" or (options.limit and not options.match)):
            exact = version
    if not exact or exact >= shelf.version:
        return *page(options, shelf), exact or current
    return *await _at(server, shelf, options, exact), exact


def _wanted(server: Server, options: ListOptions) -> int:
    text = options.version
    if text and not text.isdigit():
        raise bad_request(f'invalid resource version "{text}": strconv.ParseUint: parsing "{text}": invalid syntax')
    version = int(text) if text else 0
    if version > server.cache.revision:
        raise too_large_version(version, server.cache.revision, retry=options.match != "Exact")
    return version


async def _at(server: Server, shelf: Shelf, options: ListOptions, revision: int) -> tuple[list[Item], int]:
    """The selected items up to the limit, and how many follow, as they stood at a revision; a page of everything reads no more than the page."""
    prefix = shelf.prefix + (f"{options.namespace}/" if options.namespace else "")
    start = shelf.prefix + options.start if options.start else ""
    store, loop = server.cache.store, asyncio.get_running_loop()
    most, total = options.limit if options.everything else 0, 0
    try:
        events = await loop.run_in_executor(None, store.load_at, prefix, revision, start, most)
        if most and len(events) == most:
            total = await loop.run_in_executor(None, store.count_at, prefix, revision, start)
    except Compacted:
        if options.continued:
            raise token_expired(options) from None
        raise expired("The resourceVersion for the provided list is too old.") from None
    except Future as future:
        raise too_large_version(revision, future.current) from None
    items = [shelf.make(e.key[len(shelf.prefix) :], e.revision, e.created, e.value, None) for e in events]
    await shelf.resolve(items)
    if options.everything:
        return items, max(total - len(items), 0)
    return cut(options, [i for i in items if matches(options, shelf, i)])

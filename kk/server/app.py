"""The ASGI app: route → authenticate → impersonate → authorize → the handler of the verb, and every fault as a Status.

Paths that are no stored resource go to the units of kk.server.endpoints. Nothing here knows a kind.
"""

import logging
from collections.abc import Awaitable, Callable
from itertools import count
from time import perf_counter
from typing import Any

from kk.base.errors import StatusError, bad_request, internal, no_such_path
from kk.server import reads, subresources, watching
from kk.server.aggregation import proxy as aggregated
from kk.server.aggregation.remote import Remote
from kk.server.answers import plain_at_once, send_response, status_response
from kk.server.authn import chain
from kk.server.authz import authorize
from kk.server.context import Endpoint, Request, RequestInfo, Response, Server, User
from kk.server.custom import serving
from kk.server.fairness.filter import LONG, Flow, TooMany, fairness
from kk.server.impersonation import impersonate
from kk.server.metrics import metrics
from kk.server.negotiate import PLAIN, form_of
from kk.server.protocol import stamp
from kk.server.routing import Router
from kk.server.views import View
from kk.server.writes import collection, create, delete, patch, update
from kk.server.writes.write import new_uid

log = logging.getLogger("kk.server")

Handler = Callable[[Request, View], Awaitable[Response | None]]

_VERBS: dict[str, Handler] = {
    "get": reads.get,
    "list": reads.list_objects,
    "watch": watching.watch,
    "create": create.handle,
    "update": update.handle,
    "patch": patch.handle,
    "delete": delete.handle,
    "deletecollection": collection.handle,
}
_READS = ("get", "list", "watch")
_TOO_MANY, _RETRY = b"Too many requests, please try again later.\n", ((b"retry-after", b"1"),)
_NOT_FOUND = Response(b"404 page not found\n", 404, b"text/plain; charset=utf-8")


def method_not_allowed() -> StatusError:
    """405 for a path that exists."""
    error = StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    error.status["details"] = {}
    return error


def _no_such_path() -> StatusError:
    error = no_such_path()
    error.status.setdefault("details", {})
    code = error.status.pop("code")
    error.status["code"] = code
    return error


class App:
    """See the module's docstring."""

    def __init__(self, server: Server):
        self._server, self._router = server, Router()
        self._chain, self._fairness, self._audit = chain(server), fairness(server), server.state.get("kk.server.audit")
        self._metrics = metrics(server.state)
        self._users = self._metrics.users
        aggregator = server.state.get("kk.server.aggregation.aggregator")
        self._remotes: dict[tuple[str, str], Remote] = aggregator.remotes if aggregator is not None else {}
        self._paths: dict[str, Endpoint] = {}
        self._trees: list[tuple[str, Endpoint]] = []
        self._subresources: dict[tuple[str, str, str], Endpoint] = {}
        self._virtual: dict[tuple[str, str], Endpoint] = {}
        self._versions: set[tuple[str, str]] = set()
        for endpoint in server.endpoints.values():
            self._take(endpoint)
        self._trees.sort(key=lambda tree: -len(tree[0]))

    def _take(self, endpoint: Endpoint) -> None:
        for path in endpoint.paths:
            if path.endswith("/") and len(path) > 1:
                self._trees.append((path, endpoint))
            else:
                self._paths[path] = endpoint
        for key in endpoint.subresources:
            self._subresources[key] = endpoint
        for pair in endpoint.resources:
            self._virtual[pair] = endpoint

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """One request."""
        method = scope.get("method", "GET")  # a websocket has none
        info = self._router.resolve(method, scope["raw_path"], scope["query_string"])
        scope["kk.send"] = send
        request = Request(self._server, info, scope, receive, send)
        began, panic, running = perf_counter(), False, self._metrics.running
        kind = info.verb not in _READS
        running[kind] += 1
        try:
            response = await self._answer(request)
        except StatusError as error:
            response = self._fault(request, error)
        except ConnectionError:
            return
        except RecursionError:
            response = self._fault(request, bad_request("exceeded max depth"))
        except Exception:  # the loop owner of this request: the client gets a Status, the log the trace
            log.exception("%s %s failed", method, info.path)
            panic = True
            response = self._fault(request, internal("the server could not complete the request; its log says why"))
        finally:
            running[kind] -= 1
            if request.flow is not None:
                self._fairness.leave(request.flow)
        if not request.audit_id:
            self._stamp(request, None)
        if response is not None and not plain_at_once(request, response):
            await self._tell(request, response)
        if request.trail is not None:
            request.trail.complete(response, panic)
        self._metrics.record(
            info,
            200 if response is None else response.status,
            perf_counter() - began,
            request.headers.get(b"content-type", b""),
        )

    async def _tell(self, request: Request, response: Response) -> None:
        """Send an answer that does not go out in one write."""
        if request.scope["type"] == "websocket":
            await _refuse_websocket(request.send, response)
        else:
            await send_response(request, response)

    def _fault(self, request: Request, error: StatusError) -> Response:
        try:
            form = form_of(request.headers.get(b"accept", b""), read=False)
        except StatusError:
            form = PLAIN
        return status_response(error, form)

    async def _answer(self, request: Request) -> Response | None:
        info, server = request.info, self._server
        endpoint = None if info.is_resource else self._endpoint(info.path)
        if endpoint is not None and endpoint.public:
            return await endpoint.handle(request)
        user: Any
        if self._audit is None:
            user = self._chain.user(request.scope, request.headers)
            if type(user) is not User:
                user = await user
        else:
            user = await self._authenticate(request, self._audit)
        (self._users.get(user.name) or self._metrics.user(user.name))[0] += 1
        for name in request.headers:
            if name.startswith(b"impersonate-"):
                user, constraint = impersonate(server, user, info, request.scope["headers"])
                if request.trail is not None:
                    request.trail.impersonated, request.trail.constraint = user, constraint
                break
        request.user = user
        if info.subresource in LONG or info.verb == "proxy":
            self._stamp(request, None)
        elif not self._sit(request, user, info) and not await self._queue(request):
            return Response(_TOO_MANY, 429, b"text/plain; charset=utf-8", _RETRY)
        refused = authorize(server, user, info)
        if refused is not None:
            if request.trail is not None:
                request.trail.forbidden(user)
            raise refused
        if request.trail is not None:
            request.trail.authorized(user)
        if self._remotes and (remote := self._remotes.get((info.group, info.version))) is not None:
            return await aggregated.handle(request, remote)
        if info.is_resource:
            return await self._resource(request)
        if endpoint is None:
            if info.api_prefix == "api":
                raise _no_such_path()
            return _NOT_FOUND
        return await endpoint.handle(request)

    async def _authenticate(self, request: Request, audit: Any) -> User:
        """The user, and the trail that the request leaves in the audit log. Raises StatusError."""
        try:
            user: Any = self._chain.user(request.scope, request.headers)
            if type(user) is not User:
                user = await user
        except StatusError:
            self._stamp(request, None)
            request.trail = audit.begin(request, None)
            raise
        self._stamp(request, None)
        request.trail = audit.begin(request, user)
        found: User = user
        return found

    def _sit(self, request: Request, user: User, info: RequestInfo) -> bool:
        """Give the request its class, and a seat where one is free; False: it has to queue."""
        fairness = self._fairness
        flow = fairness.classify(user, info)
        flow.dispatched += 1
        self._stamp(request, flow)
        if flow.level.limit is None:
            return True
        request.flow = flow
        if not fairness.at_once(flow):
            return False
        self._seated(request)
        return True

    async def _queue(self, request: Request) -> bool:
        """Wait until the request may run; False where it may not."""
        flow = request.flow
        assert flow is not None
        request.flow = None  # it holds no seat while it waits
        try:
            await self._fairness.enter(flow)
        except TooMany:
            flow.dispatched -= 1
            return False
        request.flow = flow
        self._seated(request)
        return True

    def _seated(self, request: Request) -> None:
        flow = request.flow
        if flow is not None and request.info.verb == "watch":  # it takes a seat while it begins, not while it lasts
            request.flow = None
            self._fairness.leave(flow)

    def _stamp(self, request: Request, flow: Flow | None) -> None:
        """The headers that every answer bears: under which name it is audited, and as what it was scheduled."""
        known = request.audit_id or _audit_id(request)
        request.audit_id = known
        line, pair = b"audit-id: %b\r\n" % known, (b"audit-id", known)
        if flow is None:
            stamp(request.scope["kk.send"], line, [pair])
        else:
            stamp(request.scope["kk.send"], line + flow.lines, [pair, *flow.pairs])

    def _endpoint(self, path: str) -> Endpoint | None:
        found = self._paths.get(path) or self._paths.get(path.rstrip("/"))
        if found is None:
            for tree, endpoint in self._trees:
                if path.startswith(tree):
                    return endpoint
        return found

    async def _resource(self, request: Request) -> Response | None:
        info = request.info
        if info.subresource:
            return await self._subresource(request)
        view = self._server.views.get((info.group, info.version, info.resource))
        if request.method == "HEAD" and view is not None and not view.resource.custom:
            raise method_not_allowed()
        virtual = self._virtual.get((info.group, info.resource))
        if virtual is not None:
            self._known(info)
            if len(info.parts) > 1:
                raise _no_such_path()
            if info.verb != "create":
                raise method_not_allowed()
            return await virtual.handle(request)
        if view is None:
            if not self._served(info.group) and info.api_prefix == "apis":
                return _NOT_FOUND
            raise _no_such_path()
        if view.resource.custom:
            return await serving.handle(request, view, _VERBS)
        _check_shape(info, view)
        handler = _VERBS.get(info.verb)
        if handler is None or info.verb not in view.resource.verbs:
            raise method_not_allowed()
        if view.deprecated:
            request.warn(view.deprecated)
        return await handler(request, view)

    def _served(self, group: str) -> bool:
        """Whether the group is one of the server's own: what is missing in a group of custom resources is no Status."""
        return any(key[0] == group and not r.custom for key, r in self._server.resources.items())

    def _known(self, info: RequestInfo) -> None:
        if (info.group, info.version, info.resource) not in self._server.resources:
            raise _no_such_path()

    async def _subresource(self, request: Request) -> Response | None:
        info = request.info
        resource = self._server.resource(info.group, info.version, info.resource)
        if resource is None or (
            bool(info.namespace) != resource.namespaced and info.resource != "namespaces" and not resource.custom
        ):
            if resource is None and info.api_prefix == "apis" and not self._served(info.group):
                return _NOT_FOUND
            raise _no_such_path()
        if resource.custom:
            custom = self._server.views.get(resource.key)
            return await serving.handle(request, custom, _VERBS) if custom is not None else _NOT_FOUND
        endpoint = self._subresources.get((info.group, info.resource, info.subresource))
        if endpoint is not None:
            return await endpoint.handle(request)
        view = self._server.views.get(resource.key)
        if info.subresource not in resource.subresources or view is None or len(info.parts) > 3:
            raise _no_such_path()
        handler = subresources.find(info.subresource, request.method)
        if handler is None:
            raise method_not_allowed()
        check_name(info.name)
        return await handler(request, view)


def check_name(name: str) -> None:
    """A name that may stand in a path. Raises 400, or 404 where no path could hold it."""
    if name in (".", ".."):
        raise bad_request(f"Name parameter invalid: \"{name}\": may not be '{name}'")
    if "/" in name:
        raise _no_such_path()
    if "%" in name:
        raise bad_request(f"Name parameter invalid: \"{name}\": may not contain '%'")


#: ids of requests: one random part per server, and a number; as unique as drawing each at random, and much cheaper
_IDS, _number = new_uid()[:24].encode(), count(1)


def _audit_id(request: Request) -> bytes:
    """The client's name for the request, or one of the server's."""
    given = request.headers.get(b"audit-id")
    return (
        given
        if given and len(given) <= 64 and given.isalnum() | (b"-" in given)
        else b"%b%012x" % (_IDS, next(_number))
    )


def _check_shape(info: RequestInfo, view: View) -> None:
    """Whether such a path exists for the resource. Raises 404 or 405."""
    parts, resource = info.parts, view.resource
    if "" in parts or len(parts) > 2:
        raise _no_such_path()
    named = len(parts) > 1
    if named:
        check_name(parts[1])
    if resource.namespaced:
        if not info.namespace:
            if named:
                raise _no_such_path()
            if info.verb not in ("list", "watch"):
                raise method_not_allowed()
    elif info.namespace and info.resource != "namespaces":
        raise _no_such_path()
    if info.verb == "create" and named or info.verb in ("update", "patch") and not named:
        raise method_not_allowed()


async def _refuse_websocket(send: Any, response: Response) -> None:
    """A websocket request that gets an ordinary answer instead."""
    headers = [(b"content-type", response.content_type), (b"content-length", b"%d" % len(response.body))]
    await send({"type": "websocket.http.response.start", "status": response.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": response.body})

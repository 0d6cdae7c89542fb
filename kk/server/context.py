"""The words that the parts of the API server share: who asks, what is asked, what is answered, and the units that hooks are.

Holds data and narrow helpers only; it neither routes nor stores. The hooks that other files fill:

    kk/server/authenticators/  a file per way to prove who one is: AUTHENTICATOR = Authenticator(…)
    kk/server/authz.py       authorize(server, user, info) -> None | StatusError    (plain, fast)
    kk/server/admission/     a file per plugin: PLUGIN = Plugin(…)
    kk/server/endpoints/     a file per path or connect sub-resource: ENDPOINT = Endpoint(…)
    kk/server/bootstrap.py   async def bootstrap(server) -> None                    (post-start objects, idempotent)
    kk/server/pki.py         ensure(data_dir, host, port) -> None
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from kk.base.errors import timeout, too_large
from kk.server.flags import BY_NAME
from kk.server.limits import Limits

if TYPE_CHECKING:
    from kk.kinds.kind import Resource
    from kk.server.audit.trail import Trail
    from kk.server.cache import Cache
    from kk.server.fairness.filter import Flow
    from kk.server.pipeline import Pipeline
    from kk.server.views import Views
    from kk.server.watching import Watching

Obj = dict[str, Any]
#: bytes of a request body that are read at most
BODY_LIMIT = 3 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Config:
    """How to serve. `ready_fd`: a file descriptor to which one byte is written when the socket listens."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 6443
    ready_fd: int | None = None
    service_cidr: str = "10.96.0.0/16"
    node_port_range: tuple[int, int] = (30000, 32767)
    #: seconds that superseded revisions are kept for watches and list continuations
    history: float = 300.0
    limits: Limits = Limits()
    #: the flags of kk.server.flags that were given, by name
    flags: Mapping[str, Any] = field(default_factory=dict)

    def flag(self, name: str) -> Any:
        """What a flag says, or its default."""
        return self.flags[name] if name in self.flags else BY_NAME[name].value


class RequestInfo:
    """What a request asks for, as k8s.io/apiserver `pkg/endpoints/request/requestinfo.go` tells it.

    verb is get, list, watch, create, update, patch, delete, deletecollection for resources and the lower-case method elsewhere;
    `parts` are the path's pieces after the version (resource, name, subresource, rest of a proxied path).
    """

    __slots__ = (
        "verb",
        "api_prefix",
        "group",
        "version",
        "resource",
        "subresource",
        "namespace",
        "name",
        "parts",
        "path",
        "raw_query",
        "is_resource",
        "_query",
    )

    def __init__(self, verb: str, path: str, raw_query: bytes = b"") -> None:
        self.verb, self.path, self.raw_query = verb, path, raw_query
        self.api_prefix = self.group = self.version = self.resource = self.subresource = ""
        self.namespace = self.name = ""
        self.parts: tuple[str, ...] = ()
        self.is_resource = False
        self._query: dict[str, list[str]] | None = None

    @property
    def query(self) -> dict[str, list[str]]:
        """The query's values by key, in order; parsed on first use."""
        if self._query is None:
            self._query = parse_qs(self.raw_query.decode("latin-1"), keep_blank_values=True) if self.raw_query else {}
        return self._query

    def param(self, key: str, default: str = "") -> str:
        """The first value of a query key."""
        values = self.query.get(key)
        return values[0] if values else default


@dataclass(frozen=True, slots=True)
class User:
    """Who asks. `extra` values are tuples, so that a user can be a cache key."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def info(self) -> Obj:
        """The user as UserInfo (k8s.io/api authentication/v1)."""
        found: Obj = {"username": self.name}
        if self.uid:
            found["uid"] = self.uid
        if self.groups:
            found["groups"] = list(self.groups)
        if self.extra:
            found["extra"] = {key: list(values) for key, values in self.extra}
        return {key: value for key, value in found.items() if value}


#: in-process writes (bootstrap, allocators) are made as this user
LOOPBACK = User("system:apiserver", "", ("system:masters", "system:authenticated"))


class Connection:
    """One TLS connection, in scope["kk"]: the client's certificate and the CA that its chain ends in (DER, or None), and its user until a POSIX time."""

    __slots__ = ("certificate", "root", "user", "until")

    def __init__(self, certificate: bytes | None, root: bytes | None = None):
        self.certificate, self.root = certificate, root
        self.user: User | None = None
        self.until = 0.0


@dataclass(slots=True)
class Response:
    """An answer that is whole: `headers` are extra pairs of lower-case names and values."""

    body: bytes
    status: int = 200
    content_type: bytes = b"application/json"
    headers: Iterable[tuple[bytes, bytes]] = ()


class Request:
    """One request on its way. `headers` maps lower-case names to the last value, as bytes; scope["headers"] has all of them."""

    __slots__ = (
        "server",
        "info",
        "user",
        "scope",
        "headers",
        "receive",
        "send",
        "warnings",
        "annotations",
        "flow",
        "trail",
        "audit_id",
        "_body",
    )

    def __init__(self, server: "Server", info: RequestInfo, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.server, self.info, self.scope = server, info, scope
        self.receive, self.send = receive, send
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.user = User("")
        self.warnings: list[str] = []
        self.annotations: dict[str, str] = {}  # what admission tells the audit log
        self.flow: Flow | None = None  # whose seat it holds
        self.trail: Trail | None = None  # what is audited of it
        self.audit_id = b""
        self._body: bytes | None = None

    @property
    def held(self) -> bytes:
        """The body as far as anybody asked for it."""
        return self._body or b""

    @property
    def method(self) -> str:
        """GET, POST, …; GET for a websocket."""
        return self.scope.get("method", "GET")

    def header(self, name: str) -> str:
        """The last value of a header, or ""."""
        return self.headers.get(name.encode(), b"").decode("latin-1")

    def warn(self, text: str) -> None:
        """Add a Warning header to the answer, each text once."""
        if text not in self.warnings:
            self.warnings.append(text)

    async def body(self) -> bytes:
        """The whole body. Raises StatusError 413 over BODY_LIMIT, 504 where it does not come in time."""
        if self._body is None:
            length = self.headers.get(b"content-length", b"0")
            if length.isdigit() and int(length) > BODY_LIMIT:
                raise too_large()
            if getattr(getattr(self.receive, "__self__", None), "more_body", False):
                self._body = await self._in_time()  # some of it is still to come
            else:
                self._body = await self._whole()
        return self._body

    async def _in_time(self) -> bytes:
        try:
            async with asyncio.timeout(self.server.config.limits.request):
                return await self._whole()
        except TimeoutError:
            raise timeout("Timeout: request did not complete within the allotted timeout", 0) from None

    async def _whole(self) -> bytes:
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client left while sending")
        return await self._rest(message) if message.get("more_body") else bytes(message.get("body", b""))

    async def _rest(self, message: dict[str, Any]) -> bytes:
        pieces, size = [message.get("body", b"")], len(message.get("body", b""))
        while message.get("more_body"):
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ConnectionResetError("the client left while sending")
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if size > BODY_LIMIT:
                raise too_large()
        return b"".join(pieces)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A unit of kk/server/endpoints: what answers a path that is no stored resource.

    handle(request) -> Response, or None after it answered through request.send by itself (streams, websockets)
    paths         exact paths ("/version"), or subtrees where one ends in "/" ("/openapi/v3/")
    subresources  (group, resource, subresource) with `group` "" for core: ("", "pods", "log"); what is behind it stands in info.parts
    resources     (group, resource) of kinds that are answered and never stored: ("authorization.k8s.io", "subjectaccessreviews")
    public        answered to anybody, without authentication
    """

    handle: Callable[[Request], Awaitable[Response | None]]
    paths: tuple[str, ...] = ()
    subresources: tuple[tuple[str, str, str], ...] = ()
    resources: tuple[tuple[str, str], ...] = ()
    public: bool = False


@dataclass(slots=True)
class Attributes:
    """What admission looks at: one write. `obj` is None for deletes, `old` None for creates; both in the version that was asked for.

    operation is CREATE, UPDATE, DELETE or CONNECT; `options` the Create-, Update-, Patch- or DeleteOptions.
    annotations    what plugins tell the audit log
    memory         what plugins keep between the rounds of mutation, by their module's name
    again, round   a plugin that sets `again` has all that mutate run once more, as round 1
    """

    operation: str
    resource: "Resource"
    subresource: str
    namespace: str
    name: str
    obj: Obj | None
    old: Obj | None
    user: User
    dry_run: bool
    server: "Server"
    options: Obj
    warnings: list[str] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    again: bool = False
    round: int = 0


@dataclass(frozen=True, slots=True)
class Plugin:
    """A unit of kk/server/admission. mutate changes attributes.obj in place; both may be async and refuse by raising StatusError.

    operations, resources ("pods", "deployments.apps", "pods/status") narrow what it is asked for; empty means everything,
    a resource without "/" means the resource itself and none of its subresources, "pods/*" all of them. Lower `order` runs first.
    """

    name: str
    order: int = 100
    mutate: Callable[[Attributes], Any] | None = None
    validate: Callable[[Attributes], Any] | None = None
    operations: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


@dataclass(slots=True)
class Server:
    """One API server: what every handler and hook reaches the rest through.

    cache   reads: cache.get(group, plural, namespace, name) -> dict | None, cache.list(group, plural, namespace="") -> list of dicts
            (shared: do not change them), cache.version(group, plural) -> int that grows with each change of that resource
    write   in-process writes as a user: await write.create(resource, obj, user=…), write.update, write.delete
    state   what hooks keep between requests, by their module's name
    """

    config: Config
    resources: "dict[tuple[str, str, str], Resource]"
    cache: "Cache"
    loop: asyncio.AbstractEventLoop
    write: "Pipeline" = None  # type: ignore[assignment]  # these three need the server itself: kk.server.main sets them
    views: "Views" = None  # type: ignore[assignment]
    watching: "Watching" = None  # type: ignore[assignment]
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    started: bool = False
    stopping: bool = False

    def resource(self, group: str, version: str, plural: str) -> "Resource | None":
        """A served resource."""
        return self.resources.get((group, version, plural))

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        """Run a coroutine beside the requests; it is cancelled when the server stops."""
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

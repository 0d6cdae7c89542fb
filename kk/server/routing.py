"""From a method and a path to a RequestInfo: Kubernetes' paths are regular, so they are cut by hand, and the cut is remembered.

Says what a path means; whether such a resource is served is asked elsewhere.
"""

from urllib.parse import unquote

from kk.base import selectors
from kk.server.context import RequestInfo

_VERBS = {
    "GET": "get",
    "HEAD": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
#: what stands behind namespaces/NAME/ and is no resource in that namespace
_NAMESPACE_SUBRESOURCES = ("status", "finalize")
_TRUE = ("", "true", "1", "True", "TRUE", "t", "T")
#: remembered paths of a method, without a query; then it starts anew
_REMEMBERED = 20_000
#: bytes of a path that is worth remembering: none of a served object is longer but by its namespace and name
_LONGEST = 1000


def truth(value: str) -> bool:
    """A boolean of a query: a key without a value counts as true, anything that is no boolean as false."""
    return value in _TRUE


class Router:
    """Cuts paths. The RequestInfo of a request without a query is shared with later ones: nobody changes it."""

    def __init__(self) -> None:
        self._known: dict[str, dict[bytes, RequestInfo]] = {method: {} for method in _VERBS}

    def resolve(self, method: str, raw_path: bytes, query: bytes) -> RequestInfo:
        """What a request asks for."""
        if query:
            return parse(method, raw_path, query)
        known = self._known.get(method)
        if known is None:
            return parse(method, raw_path, query)
        info = known.get(raw_path)
        if info is None:
            if len(known) >= _REMEMBERED:
                known.clear()
            info = parse(method, raw_path, query)
            if len(raw_path) <= _LONGEST:
                known[raw_path] = info
        return info


def parse(method: str, raw_path: bytes, query: bytes) -> RequestInfo:
    """A RequestInfo, by the rules of k8s.io/apiserver `pkg/endpoints/request/requestinfo.go`."""
    path = unquote(raw_path.decode("latin-1"))
    info = RequestInfo(method.lower(), path, query)
    pieces = [unquote(p) for p in raw_path.decode("latin-1").strip("/").split("/")]
    if raw_path.startswith(b"//") or not _prefix(info, pieces):
        return info
    rest = pieces[2:] if info.api_prefix == "api" else pieces[3:]
    if not rest:
        return info
    info.is_resource = True
    info.verb = _VERBS.get(method, "")
    if rest[0] == "watch" and len(rest) > 1:
        # the old form; a name in its path stays a filter of the watch, and no other method is answered
        info.verb, rest = ("watch" if method == "GET" else ""), rest[1:]
    _cut(info, rest)
    _collection(info)
    return info


def _prefix(info: RequestInfo, pieces: list[str]) -> bool:
    """Fill prefix, group and version; False where the path is no API path."""
    if pieces[0] == "api" and len(pieces) >= 2:
        info.api_prefix, info.version = "api", pieces[1]
        return True
    if pieces[0] == "apis" and len(pieces) >= 3:
        info.api_prefix, info.group, info.version = "apis", pieces[1], pieces[2]
        return True
    return False


def _cut(info: RequestInfo, rest: list[str]) -> None:
    if rest[0] == "namespaces" and len(rest) > 1:
        info.namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _NAMESPACE_SUBRESOURCES:
            rest = rest[2:]
    info.parts = tuple(rest)
    info.resource = rest[0]
    if len(rest) > 1:
        info.name = rest[1]
    if len(rest) > 2:
        info.subresource = rest[2]


def _collection(info: RequestInfo) -> None:
    """The verbs of a path without a name: list or watch by its query, deletecollection."""
    if info.name or info.subresource:
        return
    if info.verb == "get":
        watch = info.query.get("watch")
        info.verb = "watch" if watch and truth(watch[0]) else "list"
    elif info.verb == "delete":
        info.verb = "deletecollection"
    if info.verb in ("list", "watch"):
        info.name = _name_of(info.param("fieldSelector"))


def _name_of(text: str) -> str:
    """The name that a field selector pins, for authorization by name."""
    if "metadata.name" not in text:
        return ""
    try:
        requirements = selectors.parse_fields(text).requirements
    except ValueError:
        return ""
    for field, operator, value in requirements:
        if field == "metadata.name" and operator in ("=", "=="):
            return value
    return ""

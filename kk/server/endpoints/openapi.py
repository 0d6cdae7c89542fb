"""/openapi/v3 (an index, and a document a group and version) and /openapi/v2 (everything, JSON or protobuf).

Documents are made in a worker thread when first asked for, and kept compressed. Their addresses carry a hash, so that clients keep them.
"""

import asyncio
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kk.base.errors import not_acceptable
from kk.kinds.kind import Resource
from kk.server.context import Endpoint, Request, Response, Server
from kk.server.encoding import encode
from kk.server.endpoints._answers import PAGE_NOT_FOUND, read_only, tagged
from kk.server.endpoints.discovery import documents as discovered
from kk.server.endpoints.version import GIT_VERSION
from kk.server.openapi import documents, protobuf

if TYPE_CHECKING:
    from kk.server.aggregation.remote import Remote

_JSON = b"application/json"
_V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
_V2_TYPE = b"application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_OLD_V2 = "application/com.github.googleapis.gnostic.OpenAPIv2@68f4ded+protobuf"
_FOREVER = (b"cache-control", b"public, immutable, max-age=31536000")


async def handle(request: Request) -> Response:
    """Answer one of the paths."""
    path = request.info.path.rstrip("/")
    if path == "/openapi/v3":
        read_only(request)
        return tagged(request, encode({"paths": _index(request.server)}), _JSON)
    if path.startswith("/openapi/v3/"):
        read_only(request)
        return await _third(request, path[len("/openapi/v3/") :])
    if path == "/openapi/v2":
        read_only(request)
        return await _second(request)
    return PAGE_NOT_FOUND


def _served(server: Server) -> dict[str, list[Resource]]:
    """Resources by the path of their version."""
    found: dict[str, list[Resource]] = {}
    for group, versions in discovered(server).versions.items():
        for version, resources in versions.items():
            found[f"apis/{group}/{version}" if group else f"api/{version}"] = resources
    return found


def _roots(server: Server) -> list[str]:
    """Paths that have a document of their own beside those of versions."""
    groups = [f"apis/{group}" for group in discovered(server).groups()]
    return [".well-known/openid-configuration", "api", "apis", *groups, "openid/v1/jwks", "version"]


def _index(server: Server) -> dict[str, dict[str, str]]:
    marks = {path: documents.fingerprint(GIT_VERSION, resources) for path, resources in _served(server).items()}
    marks |= {path: documents.fingerprint(f"{GIT_VERSION} {path}", []) for path in _roots(server)}
    marks |= {path: remote.openapi_mark for path, remote in _remotes(server).items()}
    return {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={mark}"} for path, mark in sorted(marks.items())}


def _remotes(server: Server) -> "dict[str, Remote]":
    """Aggregated versions that have told of their types, by path."""
    remotes = [r for versions in discovered(server).remotes.values() for r in versions.values()]
    return {f"apis/{r.api_version}": r for r in remotes if r.openapi_v3 is not None}


async def _third(request: Request, path: str) -> Response:
    remote = _remotes(request.server).get(path)
    if remote is not None:
        return tagged(request, remote.openapi_v3 or b"", _JSON, remote.openapi_mark)
    resources = _served(request.server).get(path)
    root = resources is None and path in _roots(request.server)
    if resources is None and not root:
        return Response(b"", 404, b"text/plain; charset=utf-8")
    accepted = request.header("accept")
    if accepted and not any(
        a.split(";")[0].strip() in ("*/*", "application/*", "application/json") for a in accepted.split(",")
    ):
        raise not_acceptable("only the following media types are accepted: application/json")
    mark = (
        documents.fingerprint(GIT_VERSION, resources)
        if resources
        else documents.fingerprint(f"{GIT_VERSION} {path}", [])
    )
    wanted = request.info.param("hash")
    if wanted and wanted != mark:
        location = f"/openapi/v3/{path}?hash={mark}".encode()
        return Response(b"", 301, b"text/plain; charset=utf-8", ((b"location", location),))
    body = await _made(request.server, ("v3", path, mark), lambda: encode(_document(path, resources)))
    response = tagged(request, body, _JSON, mark)
    if wanted:
        response.headers = [h for h in response.headers if h[0] != b"cache-control"] + [_FOREVER]
    return response


def _document(path: str, resources: list[Resource] | None) -> dict[str, Any]:
    return documents.v3(GIT_VERSION, resources) if resources else documents.root(GIT_VERSION, path)


async def _second(request: Request) -> Response:
    server = request.server
    resources = [r for path in _served(server).values() for r in path]
    remotes = list(_remotes(server).values())
    mark = documents.fingerprint(" ".join([GIT_VERSION, *(r.openapi_mark for r in remotes)]), resources)
    others = [r.openapi_v2 for r in remotes if r.openapi_v2 is not None]

    def whole() -> dict[str, Any]:
        return documents.merged(documents.v2(GIT_VERSION, resources), others)

    for clause in (request.header("accept") or "application/json").split(","):
        media = clause.split(";")[0].strip()
        if media in (_V2_PROTOBUF, _OLD_V2):
            body = await _made(server, ("v2", "protobuf", mark), lambda: protobuf.document(whole()))
            return tagged(request, body, _V2_TYPE, mark)
        if media in ("*/*", "application/*", "application/json"):
            body = await _made(server, ("v2", "json", mark), lambda: encode(whole()))
            return tagged(request, body, _JSON, mark)
    raise not_acceptable(f"only the following media types are accepted: application/json, {_V2_PROTOBUF}")


async def _made(server: Server, key: tuple[str, str, str], make: Callable[[], bytes]) -> bytes:
    """A document by its key; an older one of the same name is dropped."""
    held: dict[tuple[str, str], Any] = server.state.setdefault(__name__, {})
    found = held.get(key[:2])
    if found is None or found[0] != key[2]:
        loop = asyncio.get_running_loop()
        compressed = await loop.run_in_executor(None, lambda: zlib.compress(make(), 6))
        found = held[key[:2]] = (key[2], compressed)
    return zlib.decompress(found[1])


ENDPOINT = Endpoint(handle, paths=("/openapi/v2", "/openapi/v3", "/openapi/v3/", "/openapi/"))

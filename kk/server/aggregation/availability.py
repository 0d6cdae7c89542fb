"""Whether an aggregated API server can be reached, as the Available condition of its APIService tells it.

`judge` asks the server for its discovery document. Reasons and words are those of kube-aggregator
`pkg/controllers/status/remote/remote_available_controller.go`; when to look is kk.server.aggregation.aggregator.
"""

import asyncio
from typing import Any

import httptools
import msgspec

from kk.base.errors import StatusError
from kk.server import backend
from kk.server.aggregation.remote import Remote, identity
from kk.server.backend import Target
from kk.server.context import Server, User
from kk.server.encoding import decode
from kk.server.hooks import services
from kk.server.hooks.client import words

Obj = dict[str, Any]
Verdict = tuple[str, str, str]
PASSED: Verdict = ("True", "Passed", "all checks passed")
_ASKER = User("system:kube-aggregator", "", ("system:masters",))
#: seconds that an answer may take, and bytes that are read of it
_ATTEMPTS = 5
_PATIENCE, _MOST = 5, 64 * 1024 * 1024


class Unanswered(Exception):
    """No good answer, in Go's words."""


def _refused(reason: str, message: str) -> Verdict:
    return ("False", reason, message)


def of_service(server: Server, remote: Remote) -> Verdict | None:
    """What is wrong with the Service and its endpoints, or None."""
    where = f'service/{remote.service} in "{remote.namespace}"'
    service = server.cache.get("", "services", remote.namespace, remote.service)
    if service is None:
        return _refused("ServiceNotFound", f"{where} is not present")
    spec = service.get("spec") or {}
    if (spec.get("type") or "ClusterIP") != "ClusterIP":
        return None
    ports = [p.get("name") or "" for p in spec.get("ports") or () if p.get("port") == remote.port]
    if not ports:
        return _refused("ServicePortError", f"{where} is not listening on port {remote.port}")
    known, ready = services.endpoints(server, remote.namespace, remote.service, ports[0])
    if not known:
        return _refused("EndpointsNotFound", f"cannot find endpointslices for {where}")
    if not ready:
        text = f'endpointslices for {where} have no addresses with port name "{ports[0]}"'
        return _refused("MissingEndpoints", text)
    return None


async def judge(server: Server, remote: Remote) -> tuple[Verdict, Obj | None]:
    """(verdict, the discovery document that was answered) of one server."""
    verdict = of_service(server, remote)
    if verdict is not None:
        return verdict, None
    _, others = services.endpoints(server, remote.namespace, remote.service, port_name(server, remote))
    for _ in range(min(_ATTEMPTS, len(others)) - 1):  # one of several may be ill
        found = await _ask(server, remote)
        if found[0] == PASSED:
            return found
    return await _ask(server, remote)


def port_name(server: Server, remote: Remote) -> str:
    """The name of the Service's port."""
    service = server.cache.get("", "services", remote.namespace, remote.service) or {}
    ports = (service.get("spec") or {}).get("ports") or ()
    return next((p.get("name") or "" for p in ports if p.get("port") == remote.port), "")


async def _ask(server: Server, remote: Remote) -> tuple[Verdict, Obj | None]:
    path = f"/apis/{remote.api_version}" if remote.group else f"/api/{remote.version}"
    try:
        target = remote.unchecked(server)
    except StatusError as error:
        return _refused("FailedDiscoveryCheck", error.message), None
    url = f"https://{target.authority}{path}"
    try:
        async with asyncio.timeout(_PATIENCE):
            status, document, _ = await fetch(server, target, path)
    except TimeoutError:
        late = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        return _refused("FailedDiscoveryCheck", f'failing or missing response from {url}: Get "{url}": {late}'), None
    except Unanswered as error:
        return _refused("FailedDiscoveryCheck", f'failing or missing response from {url}: Get "{url}": {error}'), None
    if not 200 <= status < 300:
        text = f"failing or missing response from {url}: bad status from {url}: {status}"
        return _refused("FailedDiscoveryCheck", text), None
    return PASSED, document


async def fetch(
    server: Server, target: Target, path: str, accept: str = "application/json"
) -> tuple[int, Obj | None, str]:
    """(status, JSON object, ETag) of a GET as the aggregator itself. Raises Unanswered, TimeoutError."""
    host, name = (b"host", target.authority.encode()), (b"user-agent", b"kube-aggregator")
    headers = [host, name, (b"accept", accept.encode()), *identity(_ASKER)]
    try:
        found = backend.Exchange(*await backend.dial(target.host, target.port, target.context, target.server_name))
    except OSError as error:
        raise Unanswered(words(error, target.host, target.port, target.server_name)) from None
    try:
        if not await found.ask_plainly("GET", path, headers):
            raise Unanswered("EOF")
        data = bytearray()
        async for piece in found.pieces():
            data += piece
            if len(data) > _MOST:
                raise Unanswered("the answer is too long")
    except (OSError, httptools.HttpParserError) as error:
        raise Unanswered(words(error, target.host, target.port, target.server_name)) from None
    finally:
        found.close()
    try:
        document = decode(bytes(data))
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = None
    etag = next((v.decode("latin-1").strip('"') for k, v in found.headers if k.lower() == b"etag"), "")
    return found.status, document if isinstance(document, dict) else None, etag

"""pods/NAME/proxy, services/NAME/proxy and nodes/NAME/proxy: plain requests carried to what is behind the name.

NAME may be `name`, `name:port`, `scheme:name:` or `scheme:name:port`; a service's port may be a name. Answers are carried as they come.
"""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from kk.base.errors import bad_request, not_found, service_unavailable
from kk.server import backend, relay
from kk.server.backend import Target
from kk.server.context import Endpoint, Request, Response
from kk.server.endpoints._pods import kubelet_of

Obj = dict[str, Any]
_DROPPED = relay.HOP | {b"host", b"authorization", b"content-length"}


async def handle(request: Request) -> Response | None:
    """Carry one request there and its answer back."""
    target = _target(request)
    path = _path(request)
    if request.scope["type"] == "websocket":
        await relay.websocket(request, target, path, (f"{request.info.resource}/proxy", request.info.name))
        return None
    headers = [(k, v) for k, v in request.scope["headers"] if k not in _DROPPED and not k.startswith(b"impersonate-")]
    client = request.scope.get("client")
    if client is not None:
        headers.append((b"x-forwarded-for", client[0].encode()))
    body = _body(request, headers)
    found = await backend.exchange(request.server, target, request.method, path, headers, body)
    try:
        kept = [(k, v) for k, v in found.headers if k.lower() not in relay.HOP]
        await relay.stream(request, found, kept, found.status)
    finally:
        found.close()
    return None


def _body(request: Request, headers: list[tuple[bytes, bytes]]) -> AsyncIterator[bytes] | None:
    """The client's body as it comes; adds the header that tells its length. None where there is none."""
    length = request.headers.get(b"content-length")
    if length is not None and length != b"0":
        headers.append((b"content-length", length))
    elif b"transfer-encoding" in request.headers:
        headers.append((b"transfer-encoding", b"chunked"))
    else:
        return None
    return _pieces(request)


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client left while sending")
        if message.get("body"):
            yield message["body"]
        more = message.get("more_body", False)


def _path(request: Request) -> str:
    info = request.info
    rest = "/".join(quote(p, safe=":@!$&'()*+,;=~") for p in info.parts[3:])
    path = f"/{rest}"
    if info.path.endswith("/") and not path.endswith("/"):
        path += "/"
    return path + (f"?{info.raw_query.decode('latin-1')}" if info.raw_query else "")


def _split(text: str) -> tuple[str, str, str]:
    """(scheme, name, port) of a proxied name. Raises StatusError 400."""
    parts = text.split(":")
    if len(parts) == 1:
        return "", parts[0], ""
    if len(parts) == 2:
        return "", parts[0], parts[1]
    if len(parts) == 3 and parts[0] in ("http", "https", ""):
        return parts[0], parts[1], parts[2]
    raise bad_request(f'invalid {"proxy"} request "{text}"')


def _target(request: Request) -> Target:
    info = request.info
    scheme, name, port = _split(info.name)
    if info.resource == "nodes":
        found = kubelet_of(request.server, name)
        if port and port != str(found.port):
            raise bad_request(f'node "{name}" is reached on its kubelet\'s port only')
        return found
    if info.resource == "pods":
        return _pod(request, scheme, name, port)
    return _service(request, scheme, name, port)


def _pod(request: Request, scheme: str, name: str, port: str) -> Target:
    pod = request.server.cache.get("", "pods", request.info.namespace, name)
    if pod is None:
        raise not_found("pods", "", name)
    number = port
    if not port:
        declared = [p for c in pod["spec"].get("containers") or () for p in c.get("ports") or ()]
        number = str(declared[0]["containerPort"]) if declared else "80"
    if not number.isdigit():
        raise bad_request(f'invalid pod request "{request.info.name}"')
    address = (pod.get("status") or {}).get("podIP")
    if not address:
        raise bad_request("address not allowed")
    return Target(address, int(number), tls=scheme == "https")


def _service(request: Request, scheme: str, name: str, port: str) -> Target:
    namespace = request.info.namespace
    service = request.server.cache.get("", "services", namespace, name)
    if service is None:
        raise not_found("services", "", name)
    ports = (service.get("spec") or {}).get("ports") or []
    wanted = [p for p in ports if not port or port in (p.get("name"), str(p.get("port")))]
    if not wanted:
        raise service_unavailable(f'no service port "{port}" found for service "{name}"')
    for found, number in _endpoints(request, namespace, name, wanted[0].get("name", "")):
        return Target(found, number, tls=scheme == "https")
    raise service_unavailable(f'no endpoints available for service "{name}"')


def _endpoints(request: Request, namespace: str, name: str, port: str) -> list[tuple[str, int]]:
    """Ready (address, port) pairs of a service's port."""
    found = []
    for piece in request.server.cache.list("discovery.k8s.io", "endpointslices", namespace):
        labels = piece["metadata"].get("labels") or {}
        if labels.get("kubernetes.io/service-name") != name:
            continue
        numbers = [p["port"] for p in piece.get("ports") or () if (p.get("name") or "") == port and p.get("port")]
        for end in piece.get("endpoints") or ():
            if (end.get("conditions") or {}).get("ready") is not False:
                found += [(a, n) for a in end.get("addresses") or () for n in numbers]
    return found


ENDPOINT = Endpoint(handle, subresources=(("", "pods", "proxy"), ("", "services", "proxy"), ("", "nodes", "proxy")))

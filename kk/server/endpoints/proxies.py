"""pods/NAME/proxy, services/NAME/proxy and nodes/NAME/proxy: plain requests carried to what is behind the name.

NAME may be `name`, `name:port`, `scheme:name:` or `scheme:name:port`; a service's port may be a name. Answers are carried as they come.
"""

import ipaddress
import random

from kk.base.errors import bad_request, not_found, service_unavailable
from kk.server import forward, relay, unstored
from kk.server.backend import Target
from kk.server.context import Endpoint, Request, Response
from kk.server.endpoints._pods import kubelet_of
from kk.server.hooks import services


async def handle(request: Request) -> Response | None:
    """Carry one request there and its answer back."""
    await unstored.connected(request)
    target = _target(request)
    path = _path(request)
    if request.scope["type"] == "websocket":
        told_as = (f"{request.info.resource}/proxy", request.info.name)
        await relay.websocket(request, target, path, told_as, forward.headers_of(request))
        return None
    if not request.info.parts[3:] and not request.info.path.endswith("/") and request.method in ("GET", "HEAD"):
        location = request.scope["raw_path"] + b"/" + forward.query_of(request).encode("latin-1")
        return Response(b"", 301, b"text/plain; charset=utf-8", ((b"location", location),))
    await forward.carry(request, target, path, prefix=_prefix(request))
    return None


def _prefix(request: Request) -> str:
    """The path up to what is proxied, as it was asked."""
    pieces = request.scope["raw_path"].decode("latin-1").strip("/").split("/")
    return "/" + "/".join(pieces[: len(pieces) - len(request.info.parts[3:])])


def _path(request: Request) -> str:
    info = request.info
    path = f"/{forward.quoted(info.parts[3:])}"
    if info.path.endswith("/") and not path.endswith("/"):
        path += "/"
    return path + forward.query_of(request)


def _split(text: str, what: str) -> tuple[str, str, str]:
    """(scheme, name, port) of a proxied name. Raises StatusError 400."""
    parts = text.split(":")
    scheme, name, port = {1: ("", *parts, ""), 2: ("", *parts), 3: tuple(parts)}.get(len(parts), ("", "", ""))
    if not name or scheme not in ("", "http", "https"):
        raise bad_request(f'invalid {what} request "{text}"')
    return scheme, name, port


def _target(request: Request) -> Target:
    info = request.info
    scheme, name, port = _split(info.name, info.resource[:-1])
    if info.resource == "nodes":
        found = kubelet_of(request.server, name)
        return found if port in ("", str(found.port)) else _on_node(request, scheme, found.host, port)
    if info.resource == "pods":
        return _pod(request, scheme, name, port)
    return _service(request, scheme, name, port)


def _on_node(request: Request, scheme: str, host: str, port: str) -> Target:
    """Another port of a node than its kubelet's; never one of this machine's own loopback."""
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise bad_request(f'invalid node request "{request.info.name}"')
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if host == "localhost" or address is not None and (address.is_loopback or address.is_link_local):
        raise bad_request("address not allowed")
    return Target(host, int(port), tls=scheme == "https")


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
    server, namespace = request.server, request.info.namespace
    service = server.cache.get("", "services", namespace, name)
    if service is None:
        raise not_found("services", "", name)
    if port.isdigit():
        named = [p for p in (service.get("spec") or {}).get("ports") or () if p.get("port") == int(port)]
        if not named:
            raise service_unavailable(f'no service port {port} found for service "{name}"')
        port = named[0].get("name") or ""
    _, found = services.endpoints(server, namespace, name, port)
    if not found:
        raise service_unavailable(f'no endpoints available for service "{request.info.name}"')
    host, number = random.choice(found)
    return Target(host, number, tls=scheme == "https")


ENDPOINT = Endpoint(handle, subresources=(("", "pods", "proxy"), ("", "services", "proxy"), ("", "nodes", "proxy")))

"""pods/NAME/exec, attach and portforward: a WebSocket of the client joined with one of the pod's kubelet, message by message."""

from urllib.parse import quote, urlencode

from kk.base.errors import no_such_path
from kk.server import relay, unstored
from kk.server.authz import access, authorize
from kk.server.context import Endpoint, Request, RequestInfo, Response
from kk.server.endpoints._answers import not_allowed
from kk.server.endpoints._pods import container_of, host_of, pod_of
from kk.server.routing import truth

#: the client's words for the streams → the kubelet's
_STREAMS = (("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty"))


async def handle(request: Request) -> Response | None:
    """Answer one request for streams."""
    info = request.info
    if len(info.parts) > 3:
        raise no_such_path()
    if request.method not in ("GET", "POST"):
        raise not_allowed()
    _may_create(request)
    await unstored.connected(request)
    pod = pod_of(request)
    path = _path(pod, info)
    target = host_of(request, pod)
    relay.need_websocket(request)
    await relay.websocket(request, target, path, (f"pods/{info.subresource}", info.name))
    return None


def _may_create(request: Request) -> None:
    """A WebSocket's GET needs the right to create as well: a reader of pods may not run commands. Raises StatusError 403."""
    info = request.info
    if info.verb == "create":
        return
    wanted = access("create", info.resource, namespace=info.namespace, name=info.name, subresource=info.subresource)
    refused = authorize(request.server, request.user, wanted)
    if refused is not None:
        raise refused


def _path(pod: dict[str, object], info: RequestInfo) -> str:
    """The kubelet's path and query."""
    where = f"{quote(info.namespace)}/{quote(info.name)}"
    if info.subresource == "portforward":
        ports = [p for given in info.query.get("ports", ()) for p in given.split(",") if p]
        return f"/portForward/{where}" + (f"?{urlencode({'port': ','.join(ports)})}" if ports else "")
    container = container_of(pod, info.param("container"))
    query = [("command", c) for c in info.query.get("command", ())]
    query += [(theirs, "1") for ours, theirs in _STREAMS if ours in info.query and truth(info.param(ours))]
    verb = "exec" if info.subresource == "exec" else "attach"
    return f"/{verb}/{where}/{quote(container)}" + (f"?{urlencode(query)}" if query else "")


ENDPOINT = Endpoint(handle, subresources=(("", "pods", "exec"), ("", "pods", "attach"), ("", "pods", "portforward")))

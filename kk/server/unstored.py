"""Admission of what is never stored: reviews, tokens, and connections through the server (exec, attach, portforward, proxy).

Only plugins that people configure have a say there: webhooks and admission policies. Where none is configured this costs four look-ups.
"""

from typing import Any

from kk.kinds.kind import Resource
from kk.server import admit
from kk.server.context import Attributes, Plugin, Request, RequestInfo, Server
from kk.server.routing import truth

Obj = dict[str, Any]
_CONFIGURED = (
    "MutatingAdmissionPolicy",
    "MutatingAdmissionWebhook",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionWebhook",
)
_GROUP = "admissionregistration.k8s.io"
_SHELVES = tuple(
    (_GROUP, plural)
    for plural in (
        "mutatingwebhookconfigurations",
        "validatingwebhookconfigurations",
        "validatingadmissionpolicybindings",
        "mutatingadmissionpolicybindings",
    )
)
#: (resource, sub-resource) → the kind of a connection's options
_OPTIONS = {
    ("pods", "exec"): "PodExecOptions",
    ("pods", "attach"): "PodAttachOptions",
    ("pods", "portforward"): "PodPortForwardOptions",
    ("pods", "proxy"): "PodProxyOptions",
    ("services", "proxy"): "ServiceProxyOptions",
    ("nodes", "proxy"): "NodeProxyOptions",
}


def _asked(server: Server) -> bool:
    """Whether anything is configured."""
    for key in _SHELVES:
        shelf = server.cache.shelves.get(key)
        if shelf is not None and shelf.items:
            return True
    return False


def _plugins(server: Server) -> list[Plugin]:
    found: list[Plugin] | None = server.state.get(__name__)
    if found is None:
        found = server.state[__name__] = [p for p in server.write.admission.plugins if p.name in _CONFIGURED]
    return found


async def created(request: Request, obj: Obj, options: Obj | None = None, dry_run: bool = False) -> None:
    """Ask about an object that is answered and not kept; it may be changed in place. Raises StatusError."""
    if _asked(request.server):
        await _admit(request, "CREATE", obj, options or {"kind": "CreateOptions"}, dry_run)


async def connected(request: Request) -> None:
    """Ask about a connection. Raises StatusError."""
    if _asked(request.server):
        await _admit(request, "CONNECT", options_of(request.info), {}, False)


async def _admit(request: Request, operation: str, obj: Obj, options: Obj, dry_run: bool) -> None:
    info, server = request.info, request.server
    resource: Resource | None = server.resource(info.group, info.version, info.resource)
    if resource is None:
        return
    attributes = Attributes(
        operation,
        resource,
        info.subresource,
        info.namespace if resource.namespaced else "",
        info.name,
        obj,
        None,
        request.user,
        dry_run,
        server,
        options,
        request.warnings,
        request.annotations,
    )
    plugins = _plugins(server)
    await admit.run(tuple(p.mutate for p in plugins if p.mutate is not None), attributes)
    await admit.run(tuple(p.validate for p in plugins if p.validate is not None), attributes)


def options_of(info: RequestInfo) -> Obj:
    """The options of a connection, as upstream reads them from the query."""
    found: Obj = {"kind": _OPTIONS[(info.resource, info.subresource)], "apiVersion": "v1"}
    if info.subresource == "proxy":
        path = "/".join(info.parts[3:])
        return {**found, **({"path": f"/{path}"} if path else {})}
    if info.subresource == "portforward":
        ports = [int(p) for given in info.query.get("ports", ()) for p in given.split(",") if p.isdigit()]
        return {**found, **({"ports": ports} if ports else {})}
    for key in ("stdin", "stdout", "stderr", "tty"):
        if key in info.query and truth(info.param(key)):
            found[key] = True
    if info.param("container"):
        found["container"] = info.param("container")
    if info.subresource == "exec" and info.query.get("command"):
        found["command"] = info.query["command"]
    return found

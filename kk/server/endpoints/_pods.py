"""Where a pod's kubelet is, and which of its containers is meant; faults in upstream's words (`pkg/registry/core/pod/strategy.go`)."""

from typing import Any

from kk.base.errors import bad_request, not_found
from kk.server.backend import Target
from kk.server.context import Request, Server

Obj = dict[str, Any]
_ADDRESSES = ("InternalIP", "Hostname", "InternalDNS", "ExternalDNS", "ExternalIP")


def pod_of(request: Request) -> Obj:
    """The pod that the path names. Raises StatusError 404."""
    info = request.info
    found = request.server.cache.get("", "pods", info.namespace, info.name)
    if found is None:
        raise not_found("pods", "", info.name)
    return found


def container_of(pod: Obj, wanted: str) -> str:
    """The container that is meant. Raises StatusError 400 where none or several could be."""
    name, spec = pod["metadata"]["name"], pod["spec"]
    plain = [c["name"] for c in spec.get("containers") or ()]
    initial = [c["name"] for c in spec.get("initContainers") or ()]
    ephemeral = [c["name"] for c in spec.get("ephemeralContainers") or ()]
    if wanted:
        if wanted not in (*plain, *initial, *ephemeral):
            raise bad_request(f"container {wanted} is not valid for pod {name}")
        return wanted
    if len(plain) == 1:
        return str(plain[0])
    text = f"a container name must be specified for pod {name}, choose one of: [{' '.join(plain)}]"
    if initial:
        text += f" or one of the init containers: [{' '.join(initial)}]"
    if ephemeral:
        text += f" or one of the ephemeral containers: [{' '.join(ephemeral)}]"
    raise bad_request(text)


def kubelet_of(server: Server, name: str) -> Target:
    """The kubelet of a node. Raises StatusError 404, or 400 for a node that tells no address."""
    node = server.cache.get("", "nodes", "", name)
    if node is None:
        raise not_found("nodes", "", name)
    status = node.get("status") or {}
    port = ((status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port") or 10250
    known = {a.get("type"): a.get("address") for a in reversed(status.get("addresses") or ())}
    for kind in _ADDRESSES:
        if known.get(kind):
            return Target(known[kind], int(port), node=name)
    raise bad_request(f"no preferred addresses found; known addresses: {list(known.values())}")


def host_of(request: Request, pod: Obj) -> Target:
    """The kubelet of a pod's node. Raises StatusError 400 where it has none yet."""
    node = pod["spec"].get("nodeName")
    if not node:
        raise bad_request(f"pod {pod['metadata']['name']} does not have a host assigned")
    return kubelet_of(request.server, node)

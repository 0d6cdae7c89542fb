"""What all types of services share: ports of --tcp, the object."""

from __future__ import annotations

from ....command import Flag, Options
from ....context import Env
from ....errors import CommandError
from ...create import build

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TCP = Flag("tcp", type="list", help="Port, or port:targetPort.")


def build_service(env: Env, options: Options, name: str, kind: str, **more: Any) -> None:
    """Create a service of a type; `more` are further fields of its spec.

    Raises CommandError for bad ports.
    """
    spec: dict[str, Any] = {}
    ports = [_port(text, more.get("node_port", 0)) for text in getattr(options, "tcp", ())]
    if ports:
        spec["ports"] = ports
    spec["selector"] = {"app": name}
    if more.get("cluster_ip"):
        spec["clusterIP"] = more["cluster_ip"]
    spec["type"] = kind
    if more.get("external_name"):
        spec["externalName"] = more["external_name"]
    meta = {"name": name, "labels": {"app": name}}
    obj = {"kind": "Service", "apiVersion": "v1", "metadata": meta, "spec": spec, "status": {"loadBalancer": {}}}
    build(env, options, "services", obj, failing=f"failed to create {kind} service")


def _port(text: str, node_port: int) -> dict[str, Any]:
    port, colon, target = text.partition(":")
    number = _number(port)
    aim: int | str = number
    if colon:
        aim = int(target) if target.isdigit() else target
    found = {"name": text.replace(":", "-"), "protocol": "TCP", "port": number, "targetPort": aim}
    if node_port:
        found["nodePort"] = node_port
    return found


def _number(text: str) -> int:
    if not text.isdigit():
        raise CommandError(f'strconv.ParseUint: parsing "{text}": invalid syntax')
    return int(text)

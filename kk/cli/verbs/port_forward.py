"""`kk port-forward`: local ports that lead into a pod, also by way of a workload or a service."""

from __future__ import annotations

import threading

from .. import pods
from ..command import Command, Flag, Options
from ..context import Env
from ..errors import CommandError
from ..forwarding import Forwarder
from ..resources import Item

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def split(text: str) -> tuple[str, str]:
    """(local, remote) of LOCAL:REMOTE, :REMOTE or REMOTE."""
    local, colon, remote = text.partition(":")
    return (local or "0", remote) if colon else (local, local)


def ports(words: list[str], pod: dict[str, Any], service: dict[str, Any] | None) -> list[tuple[int, int]]:
    """(local, remote) numbers; names, and the ports of a service, looked up.

    Raises CommandError.
    """
    found = []
    for word in words:
        local, remote = split(word)
        if service is not None:
            target = _of_service(remote, service, pod)
            local = str(target) if ":" not in word and not local.isdigit() else local
        else:
            target = _of_pod(remote, pod)
            local = str(target) if local == remote and not local.isdigit() else local
        found.append((_number(local, "local", 0), _number(str(target), "remote", 1)))
    return found


def _number(text: str, which: str, least: int) -> int:
    if not text.isdigit() or not least <= int(text) <= 65535:
        shown = f'strconv.ParseUint: parsing "{text}": ' + (
            "value out of range" if text.isdigit() else "invalid syntax"
        )
        if which == "remote" and text == "0":
            raise CommandError("remote port must be > 0")
        raise CommandError(f"error parsing {which} port '{text}': {shown}")
    return int(text)


def _of_pod(name: str, pod: dict[str, Any]) -> int | str:
    if name.isdigit() or not name:
        return name
    for container in pod["spec"].get("containers") or ():
        for port in container.get("ports") or ():
            if port.get("name") == name:
                return port["containerPort"]
    raise CommandError(f"Pod '{pod['metadata']['name']}' does not have a named port '{name}'")


def _of_service(name: str, service: dict[str, Any], pod: dict[str, Any]) -> int | str:
    spec, label = service["spec"], service["metadata"]["name"]
    for port in spec.get("ports") or ():
        if name != port.get("name") and name != str(port["port"]):
            continue
        if spec.get("clusterIP") == "None" and name.isdigit():
            return name
        target = port.get("targetPort", port["port"])
        return target if isinstance(target, int) and target else (_of_pod(str(target), pod) if target else port["port"])
    if name.isdigit():
        raise CommandError(f"Service {label} does not have a service port {name}")
    raise CommandError(f"Service '{label}' does not have a named port '{name}'")


def run(env: Env, options: Options) -> None:
    """Forward until interrupted, or until the pod is gone."""
    if len(options.args) < 2:
        raise env.usage("TYPE/NAME and list of ports are required for port-forward", "port-forward")
    item = pods.item_named(env, options.args[0])
    pod = pods.pod_of(env, item, options.pod_running_timeout)
    service = item.obj if item.resource.kind == "Service" and not item.resource.group else None
    wanted = ports(options.args[1:], pod, service)
    phase = (pod.get("status") or {}).get("phase", "")
    if phase != "Running":
        raise CommandError(f"unable to forward port because pod is not running. Current status={phase}")
    forwarder = Forwarder(env, pods.path_of(pod, "portforward"), wanted, options.address)
    try:
        forwarder.listen()
        threading.Thread(target=_guard, args=(env, pod, forwarder), daemon=True).start()
        forwarder.lost.wait()
    finally:
        forwarder.close()
    if forwarder.why:
        raise forwarder.why


def _guard(env: Env, pod: dict[str, Any], forwarder: Forwarder) -> None:
    """End the forwarding when the pod ends."""
    from kk.base.errors import StatusError

    from ..waiting import changes

    meta = pod["metadata"]
    item = Item(env.find("pods"), meta["namespace"], meta["name"])
    try:
        for _, obj in changes(env, item, None):
            phase = ((obj or {}).get("status") or {}).get("phase")
            if obj is None or obj["metadata"].get("uid") != meta.get("uid") or phase in ("Succeeded", "Failed"):
                forwarder.fail(CommandError("lost connection to pod"))
                return
    except (StatusError, OSError):
        return  # one that may not watch forwards all the same


COMMAND = Command(
    "port-forward",
    "Let local ports lead into a pod",
    run,
    section="Troubleshooting and Debugging Commands",
    usage="TYPE/NAME [options] [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]",
    text="Listen on local ports and carry each connection to a port of the pod. A workload or service stands for one of its pods; when "
    "that pod ends, so does the forwarding.",
    examples="""# Ports 5000 and 6000, the same in the pod
kk port-forward pod/web-1 5000 6000

# Local 8888 to 5000 in the pod
kk port-forward pod/web-1 8888:5000

# A free local port
kk port-forward pod/web-1 :5000

# The pod behind a service, by the service's port
kk port-forward service/web 8443:https""",
    flags=(
        Flag("address", type="list", default=["localhost"], help="Local addresses to listen on."),
        Flag("pod-running-timeout", type="duration", default=60.0, help="How long to wait for a pod to run."),
    ),
    complete="pods",
)

"""`kk create deployment NAME --image=IMAGE`."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env
from ...errors import CommandError
from ..create import GENERATOR_FLAGS, build

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(env: Env, options: Options) -> None:
    """Create the deployment."""
    name, command = name_and_command(env, options, "create deployment")
    if len(options.image) > 1 and command:
        raise CommandError("cannot specify multiple --image options and command")
    containers = _containers(options.image)
    if command:
        containers[0] = {**containers[0], "command": command}
    if options.port >= 0 and containers:
        containers[0]["ports"] = [{"containerPort": options.port}]
    labels = {"app": name}
    ordered = ("name", "image", "command", "ports", "resources")
    spec = {
        "replicas": options.replicas,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{k: c[k] for k in ordered if k in c} for c in containers]},
        },
        "strategy": {},
    }
    meta = {"name": name, "labels": labels}
    obj = {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": meta, "spec": spec, "status": {}}
    build(env, options, "deployments", obj, failing="failed to create deployment")


def name_and_command(env: Env, options: Options, verb: str) -> tuple[str, list[str]]:
    """The one NAME, and the command after `--` (or after the name).

    Raises UsageError.
    """
    before = len(options.args) if options.dash < 0 else options.dash
    names = options.args[:before]
    if len(names) != 1:
        raise env.usage(f"exactly one NAME is required, got {len(names)}", verb)
    return names[0], options.args[before:]


def container_name(image: str) -> str:
    """The name of a container after its image: its last part without tag and digest."""
    last = image.rpartition("/")[2]
    if ":" in last:
        last = last.partition(":")[0].partition("@")[0]
    else:
        last = last.partition("@")[0]
    return last


def _containers(images: list[str]) -> list[dict[str, Any]]:
    found, used = [], set()
    for image in images:
        name = base = container_name(image)
        if "_" in name or "." in name:
            base = name.replace("_", "-").replace(".", "-")
            name = f"{base}-{_ending()}"
        while name in used:
            name = f"{base}-{_ending()}"
        used.add(name)
        found.append({"name": name, "image": image, "resources": {}})
    return found


def _ending() -> str:
    import random

    return "".join(random.choices("bcdfghjklmnpqrstvwxz2456789", k=5))


COMMAND = Command(
    "create deployment",
    "Create a deployment",
    run,
    usage="NAME --image=image -- [COMMAND] [args...]",
    examples="""# A deployment named web of the nginx image
kk create deployment web --image=nginx

# Three replicas, with a port
kk create deployment web --image=nginx --replicas=3 --port=80

# With a command
kk create deployment clock --image=busybox -- date""",
    flags=(
        *GENERATOR_FLAGS,
        Flag("image", type="list", required=True, help="Image to run; several make several containers."),
        Flag("port", type="int", default=-1, help="Port that the container listens on."),
        Flag("replicas", "r", type="int", default=1, help="How many pods to keep."),
    ),
    aliases=("deploy",),
)

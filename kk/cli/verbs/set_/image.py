"""`kk set image`: other images for the containers of a pod template."""

from __future__ import annotations

from ...command import Command, Options
from ...context import Env
from ...errors import CommandError
from ._common import FLAGS, apply, containers, require, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def images(pairs: list[str]) -> dict[str, str]:
    """Container → image.

    Raises CommandError for a pair that is none.
    """
    found = {}
    for pair in pairs:
        name, equals, image = pair.partition("=")
        if not equals:
            raise CommandError(f"expected image spec in the form of CONTAINER=IMAGE, got {pair}")
        found[name] = image
    return found


def alter(obj: dict[str, Any], wanted: dict[str, str]) -> None:
    """Set the images; `*` stands for every container.

    Raises CommandError for a container that is not there.
    """
    for name, image in wanted.items():
        found = list(containers(obj, "*" if name == "*" else _escaped(name)))
        if not found and name != "*":
            raise CommandError(f'unable to find container named "{name}"')
        for container in found:
            container["image"] = image


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def run(env: Env, options: Options) -> None:
    """Change what is meant."""
    resources, pairs = split(options.args, "image")
    require(env, options, resources)
    wanted = images(pairs)
    if not wanted:
        raise CommandError("at least one image update is required")
    if len(wanted) > 1 and "*" in wanted:
        raise CommandError(
            "all containers are already specified by *, but saw more than one container_name=container_image pairs"
        )
    apply(env, options, resources, "image updated", lambda obj: alter(obj, wanted))


COMMAND = Command(
    "set image",
    "Change the images of a pod template",
    run,
    usage="(-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N",
    text="Change the images of containers: of pods, replication controllers, deployments, daemonsets, statefulsets, cronjobs and "
    "replicasets.",
    examples="""# The image of one container of a deployment
kk set image deployment/web nginx=nginx:1.9.1

# Of every container, of every deployment
kk set image deployments '*=nginx:1.9.1' --all

# In a file only
kk set image -f web.yaml nginx=nginx:1.9.1 --local -o yaml""",
    flags=FLAGS,
    complete="resources",
)

"""`kk set resources`: requests and limits of the containers of a pod template."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env
from ...errors import CommandError
from ._common import CONTAINERS, FLAGS, apply, containers, require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def amounts(text: str) -> dict[str, str]:
    """Resource → quantity, from `cpu=200m,memory=512Mi`.

    Raises CommandError.
    """
    from kk.base.quantity import Quantity

    found = {}
    for pair in filter(None, text.split(",")):
        name, equals, amount = pair.partition("=")
        if not equals or "=" in amount:
            raise CommandError(f"Invalid argument syntax {pair}, expected <resource>=<value>")
        try:
            found[name] = Quantity.parse(amount).canonical()
        except ValueError as error:
            raise CommandError(str(error)) from None
    return found


def run(env: Env, options: Options) -> None:
    """Change what is meant."""
    require(env, options, options.args)
    if not options.limits and not options.requests:
        raise CommandError("you must specify an update to requests or limits (in the form of --requests/--limits)")
    limits, requests = amounts(options.limits), amounts(options.requests)

    def alter(obj: dict[str, Any]) -> None:
        found = list(containers(obj, options.containers, init=False))
        if not found:
            raise CommandError(f"unable to find container named {options.containers}")
        for container in found:
            resources = container.setdefault("resources", {})
            if limits:
                resources["limits"] = {**(resources.get("limits") or {}), **limits}
            if requests:
                resources["requests"] = {**(resources.get("requests") or {}), **requests}

    apply(env, options, options.args, "resource requirements updated", alter)


COMMAND = Command(
    "set resources",
    "Change requests and limits of a pod template",
    run,
    usage="(-f FILENAME | TYPE NAME)  ([--limits=LIMITS & --requests=REQUESTS]",
    text="Set how much of CPU, memory and other resources containers ask for, and how much they may use at most; 0 removes nothing.",
    examples="""# Limits of the containers of a deployment
kk set resources deployment web --limits=cpu=200m,memory=512Mi

# Both, of one container
kk set resources deployment web -c=nginx --limits=cpu=200m --requests=cpu=100m""",
    flags=(
        *FLAGS,
        CONTAINERS,
        Flag("limits", help="The most, as name=quantity,…."),
        Flag("requests", help="What is asked for, as name=quantity,…."),
    ),
    complete="resources",
)

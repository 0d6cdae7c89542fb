"""`kk set selector`: the selector of a service."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env
from ...errors import CommandError
from ._common import FLAGS, apply, require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def labels(text: str) -> dict[str, str]:
    """Labels of a selector that knows only equality.

    Raises CommandError.
    """
    from kk.base.selectors import parse_labels

    try:
        found = parse_labels(text)
    except ValueError as error:
        raise CommandError(str(error)) from None
    if any(r.op not in ("=", "==") for r in found.requirements):
        raise CommandError("selectors with set operations are not supported here")
    return {r.key: r.values[0] for r in found.requirements}


def run(env: Env, options: Options) -> None:
    """Change what is meant; the last word is the selector."""
    if not options.args:
        raise CommandError("one or more resources must be specified as <resource> <name> or <resource>/<name>")
    wanted, resources = labels(options.args[-1]), options.args[:-1]
    require(env, options, resources)

    def alter(obj: dict[str, Any]) -> None:
        if obj.get("kind") != "Service":
            raise CommandError("setting a selector is only supported for Services")
        obj["spec"]["selector"] = wanted
        if options.resource_version:
            obj["metadata"]["resourceVersion"] = options.resource_version

    apply(env, options, resources, "selector updated", alter)


COMMAND = Command(
    "set selector",
    "Change the selector of a service",
    run,
    usage="(-f FILENAME | TYPE NAME) EXPRESSIONS [--resource-version=version]",
    text="Set the selector of a service; it replaces the one before.",
    examples="""# A deployment and a service that fit each other
kk create deployment web --image=nginx
kk set selector service web app=web""",
    flags=(
        *(flag for flag in FLAGS if flag.name != "selector"),
        Flag("resource-version", help="Change the object only if it has this version."),
    ),
    complete="resources",
)

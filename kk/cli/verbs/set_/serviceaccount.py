"""`kk set serviceaccount`: the service account of a pod template."""

from __future__ import annotations

from ...changing import template_of
from ...command import Command, Options
from ...context import Env
from ...errors import CommandError
from ._common import FLAGS, apply, require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(env: Env, options: Options) -> None:
    """Change what is meant; the last word is the account."""
    if not options.args:
        raise CommandError("serviceaccount is required")
    name, resources = options.args[-1], options.args[:-1]
    require(env, options, resources)

    def alter(obj: dict[str, Any]) -> None:
        spec = template_of(obj)
        spec["serviceAccountName"] = name
        if "serviceAccount" in spec:
            spec["serviceAccount"] = name

    apply(env, options, resources, "serviceaccount updated", alter)


COMMAND = Command(
    "set serviceaccount",
    "Change the service account of a pod template",
    run,
    usage="(-f FILENAME | TYPE NAME) SERVICE_ACCOUNT",
    aliases=("sa",),
    examples="""# The account of a deployment
kk set serviceaccount deployment web robot""",
    flags=tuple(flag for flag in FLAGS if flag.name != "selector"),
    complete="resources",
)

"""`kk create priorityclass NAME`."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env, one_name
from ..create import GENERATOR_FLAGS, build

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(env: Env, options: Options) -> None:
    """Create the priority class."""
    name = one_name(env, options.args, "create priorityclass")
    obj: dict[str, Any] = {"kind": "PriorityClass", "apiVersion": "scheduling.k8s.io/v1", "metadata": {"name": name}}
    obj["value"] = options.value
    if options.global_default:
        obj["globalDefault"] = True
    if options.description:
        obj["description"] = options.description
    obj["preemptionPolicy"] = options.preemption_policy
    build(env, options, "priorityclasses", obj, namespaced=False, failing="failed to create priorityclass")


COMMAND = Command(
    "create priorityclass",
    "Create a priority class",
    run,
    usage="NAME --value=VALUE --global-default=BOOL [--dry-run=server|client|none]",
    examples="# A class for pods that matter more\nkk create priorityclass high --value=1000 --description='what must run'",
    flags=(
        *GENERATOR_FLAGS,
        Flag("description", help="What the class is for."),
        Flag("global-default", type="bool", help="Pods that name no class get this one."),
        Flag("preemption-policy", default="PreemptLowerPriority", help="PreemptLowerPriority or Never."),
        Flag("value", type="int", help="The priority."),
    ),
    aliases=("pc",),
)

"""`kk rollout pause`: mark a deployment as paused."""

from __future__ import annotations

from ...changing import change
from ...command import Command, Options
from ...common import output
from ...context import Env
from ...resources import Item
from ...results import Results
from ._common import SELECTION, field_manager, selection, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def alter(obj: dict[str, Any], item: Item) -> None:
    """Raises CommandError for what cannot be paused, or is."""
    if obj.get("kind") != "Deployment":
        raise told(item, "pausing is not supported")
    if obj["spec"].get("paused"):
        raise told(item, "is already paused")
    obj["spec"]["paused"] = True


def run(env: Env, options: Options) -> None:
    """Change what is meant."""
    results = Results(env, "paused")

    def one(item: Item) -> None:
        change(env, item, results, lambda obj: alter(obj, item))

    selection(env, options).each(one)


COMMAND = Command(
    "rollout pause",
    "Mark a deployment as paused",
    run,
    usage="RESOURCE",
    text="A paused deployment is not rolled out by its controller until it is resumed.",
    examples="""# A deployment
kk rollout pause deployment/web""",
    flags=(*output(), field_manager(), *SELECTION),
    complete="resources",
)

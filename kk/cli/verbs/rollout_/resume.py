"""`kk rollout resume`: resume a paused deployment."""

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
    """Raises CommandError for what cannot be resumed, or is not paused."""
    if obj.get("kind") != "Deployment":
        raise told(item, "resuming is not supported")
    if not obj["spec"].pop("paused", False):
        raise told(item, "is not paused")


def run(env: Env, options: Options) -> None:
    """Change what is meant."""
    results = Results(env, "resumed")

    def one(item: Item) -> None:
        change(env, item, results, lambda obj: alter(obj, item))

    selection(env, options).each(one)


COMMAND = Command(
    "rollout resume",
    "Resume a paused deployment",
    run,
    usage="RESOURCE",
    text="Let the controller roll out a paused deployment again.",
    examples="""# A deployment
kk rollout resume deployment/web""",
    flags=(*output(), field_manager(), *SELECTION),
    complete="resources",
)

"""`kk rollout restart`: restart the pods of a workload."""

from __future__ import annotations

from ...changing import change
from ...command import Command, Options
from ...common import output
from ...context import Env
from ...errors import CommandError
from ...resources import Item
from ...results import Results
from ._common import RESTARTED_AT, SELECTION, field_manager, selection, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def alter(obj: dict[str, Any], item: Item, now: str) -> None:
    """Put the moment into the pod template, which makes it another one.

    Raises CommandError for what cannot be restarted.
    """
    kind = obj.get("kind")
    if kind not in ("Deployment", "DaemonSet", "StatefulSet"):
        raise told(item, "restarting is not supported")
    if kind == "Deployment" and obj["spec"].get("paused"):
        raise told(item, "can't restart paused deployment (run rollout resume first)")
    meta = obj["spec"]["template"].setdefault("metadata", {})
    annotations = dict(meta.get("annotations") or {})
    if annotations.get(RESTARTED_AT) == now:
        raise CommandError(
            f"failed to create patch for {item.name}: if restart has already been triggered within the past second, "
            "please wait before attempting to trigger another"
        )
    meta["annotations"] = {**annotations, RESTARTED_AT: now}


def moment() -> str:
    """Now, in local time, as kubectl writes it."""
    from kk.base.times import SYSTEM

    text = SYSTEM.now().astimezone().isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")


def run(env: Env, options: Options) -> None:
    """Change what is meant."""
    results, now = Results(env, "restarted"), moment()

    def one(item: Item) -> None:
        change(env, item, results, lambda obj: alter(obj, item, now))

    selection(env, options).each(one)


COMMAND = Command(
    "rollout restart",
    "Restart the pods of a workload",
    run,
    usage="RESOURCE",
    text="Restart a workload: its pods are replaced as in a rollout.",
    examples="""# A deployment
kk rollout restart deployment/web""",
    flags=(*output(), field_manager(), *SELECTION),
    complete="resources",
)

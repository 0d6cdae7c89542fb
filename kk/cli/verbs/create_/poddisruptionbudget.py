"""`kk create poddisruptionbudget NAME`."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env, one_name
from ...errors import CommandError
from ..create import GENERATOR_FLAGS, build

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(env: Env, options: Options) -> None:
    """Create the budget."""
    name = one_name(env, options.args, "create poddisruptionbudget")
    if not options.selector:
        raise CommandError("a selector must be specified")
    if not options.min_available and not options.max_unavailable:
        raise CommandError("one of min-available or max-unavailable must be specified")
    if options.min_available and options.max_unavailable:
        raise CommandError("min-available and max-unavailable cannot be both specified")
    spec: dict[str, Any] = {}
    if options.min_available:
        spec["minAvailable"] = _number(options.min_available)
    spec["selector"] = {"matchLabels": _labels(options.selector)}
    if options.max_unavailable:
        spec["maxUnavailable"] = _number(options.max_unavailable)
    status = {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}
    meta = {"name": name}
    obj = {"kind": "PodDisruptionBudget", "apiVersion": "policy/v1", "metadata": meta, "spec": spec, "status": status}
    build(env, options, "poddisruptionbudgets", obj, failing="failed to create poddisruptionbudgets")


def _number(text: str) -> int | str:
    return int(text) if text.lstrip("-").isdigit() else text


def _labels(text: str) -> dict[str, str]:
    found = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not equals:
            raise CommandError(f'couldn\'t parse the selector string "{text}": only key=value pairs are known here')
        found[key.strip()] = value.lstrip("=").strip()
    return found


COMMAND = Command(
    "create poddisruptionbudget",
    "Create a pod disruption budget",
    run,
    usage="NAME --selector=SELECTOR --min-available=N [--dry-run=server|client|none]",
    examples="# At least half of the pods labelled app=web stay\nkk create pdb web --selector=app=web --min-available=50%",
    flags=(
        *GENERATOR_FLAGS,
        Flag("max-unavailable", help="How many pods (or how much of them) may be missing."),
        Flag("min-available", help="How many pods (or how much of them) must stay."),
        Flag("selector", help="Labels of the pods."),
    ),
    aliases=("pdb",),
)

"""`kk taint`: set, change and remove taints of nodes."""

from __future__ import annotations

import copy

from ..command import Command, Flag, Options
from ..common import ALL, DRY_RUN, SELECTOR, VALIDATE, field_manager, output
from ..context import Env, dry_run
from ..errors import CommandError, UsageError
from ..resources import Item, select
from ..results import Results

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Taint = dict[str, Any]

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def parse(spec: str) -> tuple[Taint, bool]:
    """(a taint, whether it is to be removed) of key=value:effect, key:effect, key:effect- or key-.

    Raises CommandError in kubectl's words.
    """
    from kk.base.names import label_value, qualified_name

    remove = spec.endswith("-")
    text = spec[:-1] if remove else spec
    key, colon, effect = text.partition(":")
    key, equals, value = key.partition("=")
    if remove and equals:
        raise CommandError(f"invalid taint spec: {spec}")
    if not remove and not colon or ":" in effect or "=" in value:
        raise CommandError(f"invalid taint spec: {spec}")
    if colon and effect not in EFFECTS:
        raise UsageError(f"invalid taint effect: {effect}, unsupported taint effect", "taint")
    if faults := qualified_name(key):
        raise CommandError(f"invalid taint spec: {spec}, {'; '.join(faults)}")
    if equals and (faults := label_value(value)):
        raise CommandError(f"invalid taint spec: {spec}, {'; '.join(faults)}")
    taint: Taint = {"key": key}
    if value:
        taint["value"] = value
    if effect:
        taint["effect"] = effect
    return taint, remove


def _same(one: Taint, other: Taint) -> bool:
    return one["key"] == other["key"] and one.get("effect", "") == other.get("effect", "")


def changed(
    present: list[Taint], new: list[Taint], gone: list[Taint], overwrite: bool, node: str
) -> tuple[list[Taint], str]:
    """(the taints after the change, the word for it).

    Raises CommandError in kubectl's words.
    """
    taken = [t for t in new if any(_same(t, p) for p in present)]
    if taken and not overwrite:
        keys = ",".join(dict.fromkeys(t["key"] for t in taken))
        raise CommandError(f"node {node} already has {keys} taint(s) with same effect(s) and --overwrite is false")
    kept = [p for p in present if not any(_same(t, p) for t in new)]
    faults = []
    for taint in gone:
        left = [
            p for p in kept if p["key"] != taint["key"] or (taint.get("effect") and p.get("effect") != taint["effect"])
        ]
        if len(left) == len(kept):
            effect = f":{taint['effect']}" if taint.get("effect") else ""
            faults.append(f'taint "{taint["key"]}{effect}" not found')
        kept = left
    if faults:
        raise CommandError(faults[0] if len(faults) == 1 else "[" + ", ".join(faults) + "]")
    word = "tainted" if new and not gone else "untainted" if gone and not new else "modified"
    if taken and word == "tainted":
        word = "modified"
    return [*new, *kept], word


def run(env: Env, options: Options) -> None:
    """Change the taints of the nodes that are meant."""
    resources: list[str] = []
    specs: list[str] = []
    for word in options.args:
        if ("=" in word or ":" in word or word.endswith("-")) and resources:
            specs.append(word)
        elif specs:
            raise CommandError(f"all resources must be specified before taint changes: {word}")
        else:
            resources.append(word)
    if not resources:
        raise CommandError("one or more resources must be specified as <resource> <name>")
    if resources[0].lower() not in ("node", "nodes", "no"):
        raise CommandError(f"invalid resource type {resources[0]}, only node types are supported")
    if not specs:
        raise CommandError("at least one taint update is required")
    if len(resources) < 2 and not options.all and not options.selector:
        raise CommandError("at least one resource name must be specified since 'all' parameter is not set")
    try:
        parsed = [parse(spec) for spec in specs]
    except UsageError as error:
        raise env.usage(str(error), error.command) from None
    new, gone = [t for t, remove in parsed if not remove], [t for t, remove in parsed if remove]
    _check(new, gone)
    results = Results(env)
    select(env, resources, everything=False, files=False).each(
        lambda item: _one(env, options, item, new, gone, results)
    )


def _check(new: list[Taint], gone: list[Taint]) -> None:
    for index, taint in enumerate(new):
        if any(_same(taint, other) for other in new[:index]):
            raise CommandError(f"duplicated taints with the same key and effect: {taint}")
        if any(taint["key"] == t["key"] and t.get("effect", taint.get("effect")) == taint.get("effect") for t in gone):
            raise CommandError(
                "can not both modify and remove the following taint(s) in the same command: " + taint["key"]
            )


def _one(env: Env, options: Options, item: Item, new: list[Taint], gone: list[Taint], results: Results) -> None:
    assert item.obj is not None
    present = item.obj.get("spec", {}).get("taints") or []
    taints, word = changed(present, new, gone, options.overwrite, item.name)
    if dry_run(env) == "client":
        item.obj = copy.deepcopy(item.obj)
        item.obj.setdefault("spec", {})["taints"] = taints
    else:
        from ..writing import STRATEGIC_PATCH, patch

        version = item.obj["metadata"]["resourceVersion"]
        body = {"metadata": {"resourceVersion": version}, "spec": {"taints": taints or None}}
        item.obj = patch(env, item, body, STRATEGIC_PATCH)
    results.tell(item, word)


COMMAND = Command(
    "taint",
    "Set, change or remove taints of nodes",
    run,
    section="Cluster Management Commands",
    usage="NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N",
    text="A taint has a key, a value that may be empty, and an effect: NoSchedule, PreferNoSchedule or NoExecute. KEY:EFFECT- removes "
    "one, KEY- all of that key.",
    examples="""# Keep pods off that do not tolerate it
kk taint nodes node1 dedicated=special-user:NoSchedule

# Remove one effect, and all of a key
kk taint nodes node1 dedicated:NoSchedule-
kk taint nodes node1 dedicated-

# All nodes with a label
kk taint node -l myLabel=X dedicated=foo:PreferNoSchedule""",
    flags=(
        ALL,
        *output(),
        DRY_RUN,
        field_manager("kubectl-taint"),
        Flag("overwrite", type="bool", help="Allow other values for taints that are set already."),
        SELECTOR,
        VALIDATE,
    ),
    complete="resources",
)

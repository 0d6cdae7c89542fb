"""`kk rollout history`: the revisions that a workload keeps, or the pod template of one."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...common import FORMATS, output
from ...context import Env
from ...errors import CommandError
from ...printers import Printer, printer
from ...resources import Item
from ._common import SELECTION, Revision, revisions, selection


def run(env: Env, options: Options) -> None:
    """Show the history of what is meant."""
    if options.revision < 0:
        raise CommandError(f"revision must be a positive integer: {options.revision}")
    shown = printer(env, FORMATS)
    for item in selection(env, options).items():
        found = revisions(env, item)
        if shown is not None:
            _objects(env, options, item, found, shown)
            continue
        head = f" with revision #{options.revision}" if options.revision else " "
        text = _detail(found, options.revision) if options.revision else _table(found)
        env.out(f"{item.label}{head}\n{text}")


def _objects(env: Env, options: Options, item: Item, found: list[Revision], shown: Printer) -> None:
    if not options.revision:
        for revision in sorted(found, key=lambda r: r.number):
            shown.show({"apiVersion": "apps/v1", "kind": revision.obj.get("kind", "ReplicaSet"), **revision.obj})
        return
    one = next((r for r in found if r.number == options.revision), None)
    if one is None:
        raise CommandError("unable to find the specified revision")
    kind = "ReplicaSet" if item.resource.kind == "Deployment" else item.resource.kind
    shown.show({"apiVersion": "apps/v1", "kind": kind, **one.obj})


def _table(found: list[Revision]) -> str:
    """The list of revisions with their causes, as kubectl aligns it."""
    if not found:
        return "No rollout history found."
    rows = [("REVISION", "CHANGE-CAUSE"), *((str(r.number), r.cause or "<none>") for r in found)]
    width = max(len(number) for number, _ in rows) + 2
    return "\n".join(f"{number:<{width}}{cause}" for number, cause in rows) + "\n"


def _detail(found: list[Revision], number: int) -> str:
    if not found:
        return "No rollout history found."
    one = next((r for r in found if r.number == number), None)
    if one is None:
        raise CommandError("unable to find the specified revision")
    from ._template import described

    return described(one.template, one.cause)


COMMAND = Command(
    "rollout history",
    "Show the revisions of a workload",
    run,
    usage="(TYPE NAME | TYPE/NAME) [flags]",
    text="List the revisions that are kept, or show the pod template of one.",
    examples="""# The revisions of a deployment
kk rollout history deployment/web

# What the third one was
kk rollout history daemonset/logs --revision=3""",
    flags=(
        *output(),
        *SELECTION,
        Flag("revision", type="int", help="Show the pod template of this revision."),
    ),
    complete="resources",
)

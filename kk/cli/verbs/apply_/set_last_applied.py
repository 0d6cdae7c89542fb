"""`kk apply set-last-applied`: make the annotation of live objects say what a file says, and change nothing else."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...common import DRY_RUN, filename, output
from ...context import Env, dry_run
from ...errors import CommandError
from ...resources import Item, select


def run(env: Env, options: Options) -> None:
    """Set the annotation of every object of -f."""
    from ...printers.json import text as compact
    from ...results import Results
    from ...writing import LAST_APPLIED, MERGE_PATCH, last_applied, patch

    if not options.filename:
        raise CommandError("must specify one of -f and -k")
    results = Results(env, "configured")

    def one(item: Item) -> None:
        text = compact(item.obj, indent=None) + "\n"
        live = Item(item.resource, item.namespace, item.name).fetch(env)
        kept = last_applied(live)
        if kept is None and not options.create_annotation:
            raise CommandError(
                f"no last-applied-configuration annotation found on resource: {item.name}, "
                "to create the annotation, run the command with --create-annotation"
            )
        item.obj = live
        if kept == text:
            env.out(f"set-last-applied {item.name}: no changes required.")
            return
        if dry_run(env) != "client":
            item.obj = patch(env, item, {"metadata": {"annotations": {LAST_APPLIED: text}}}, MERGE_PATCH)
        results.tell(item)

    select(env, options.args).each(one, latest=False)


COMMAND = Command(
    "apply set-last-applied",
    "Set the kept configuration of objects to that of a file",
    run,
    usage="-f FILENAME",
    examples="# Say that this file was applied last\nkk apply set-last-applied -f deploy.yaml",
    flags=(
        *output(),
        Flag("create-annotation", type="bool", help="Also for objects that have no such annotation yet."),
        DRY_RUN,
        *filename("with the configuration"),
    ),
)

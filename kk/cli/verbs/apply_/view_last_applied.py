"""`kk apply view-last-applied`: the configuration that apply kept in the annotation of an object."""

from __future__ import annotations

import json

from ...command import Command, Flag, Options
from ...common import ALL, SELECTOR, filename
from ...context import Env
from ...resources import Item, select
from ...writing import last_applied


def run(env: Env, options: Options) -> None:
    """Print it, as YAML or JSON."""
    if options.output not in ("json", "yaml"):
        message = f"Unexpected -o output mode: {options.output}, the flag 'output' must be one of yaml|json"
        raise env.usage(message, "apply view-last-applied")

    def one(item: Item) -> None:
        text = last_applied(item.obj or {})
        if text is None:
            return  # an object that was never applied has nothing to show, as in kubectl
        if options.output == "json":
            from ...printers.json import text as as_json

            env.out(as_json(json.loads(text), indent=2))
        else:
            from ...yamls import dump

            env.stdout.write(dump(json.loads(text)))

    select(env, options.args, everything=True).each(one)


COMMAND = Command(
    "apply view-last-applied",
    "Show the configuration that was applied last",
    run,
    usage="(TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME)",
    examples="# Of one deployment\nkk apply view-last-applied deployment/web",
    flags=(
        ALL,
        *filename("that names the objects"),
        Flag("output", "o", default="yaml", help="yaml or json.", values=("yaml", "json")),
        SELECTOR,
    ),
    complete="resources",
)

"""`kk image ls`: the images that local nodes know, and what runs for them."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env
from ...errors import CommandError


def run(env: Env, options: Options) -> None:
    """Print the built-in images and the user's."""
    import shlex

    from kk.agent.images import entries

    try:
        found = entries()
    except ValueError as error:
        raise CommandError(str(error)) from None
    rows = [(name, source, shlex.join(command)) for name, source, command in found]
    if not options.no_headers:
        rows.insert(0, ("NAME", "SOURCE", "COMMAND"))
    widths = [max(len(row[i]) for row in rows) + 3 for i in range(2)] if rows else []
    for name, source, command in rows:
        env.out(f"{name.ljust(widths[0])}{source.ljust(widths[1])}{command}")


COMMAND = Command(
    "image ls",
    "List the images",
    run,
    usage="[--no-headers]",
    examples="""# All images
kk image ls""",
    flags=(Flag("no-headers", type="bool", help="Leave out the line of headers."),),
)

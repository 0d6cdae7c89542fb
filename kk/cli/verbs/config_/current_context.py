"""`kk config current-context`: which context is used."""

from __future__ import annotations

from ...command import Command, Options
from ...context import Env
from ...errors import CommandError
from ._files import Files


def run(env: Env, options: Options) -> None:
    """Print the name."""
    found = Files(env).current
    if not found:
        raise CommandError("current-context is not set")
    env.out(found)


COMMAND = Command(
    "config current-context",
    "Print the current context",
    run,
    examples="""# Which context is used
kk config current-context""",
)

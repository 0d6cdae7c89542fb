"""`kk config use-context NAME`: make a context the current one."""

from __future__ import annotations

from ...command import Command, Options
from ...context import Env
from ...errors import CommandError
from ._files import Files, one


def run(env: Env, options: Options) -> None:
    """Write it into the file."""
    name = one(env, options.args, "config use-context")
    files = Files(env)
    if not name:
        raise CommandError("empty context names are not allowed")
    if files.entry("contexts", name) is None:
        raise CommandError(f'no context exists with the name: "{name}"')
    files.use(name)
    files.save()
    env.out(f'Switched to context "{name}".')


COMMAND = Command(
    "config use-context",
    "Make a context the current one",
    run,
    usage="CONTEXT_NAME",
    examples="""# Use the context lab
kk config use-context lab""",
    aliases=("use",),
    complete="contexts",
)

"""`kk image rm NAME`: forget an image that the user added."""

from __future__ import annotations

from ...command import Command, Options
from ...context import Env
from ...errors import CommandError


def run(env: Env, options: Options) -> None:
    """Take the entries out of the user's file; built-in images stay."""
    from kk.agent.images import remove

    if not options.args:
        raise env.usage("at least one NAME is needed", "image rm")
    missing = []
    for name in options.args:
        try:
            found = remove(name)
        except ValueError as error:
            raise CommandError(str(error)) from None
        if found:
            env.out(f"image/{name} removed")
        else:
            missing.append(name)
    if missing:
        raise CommandError("\n".join(f'image "{name}" was not added by you' for name in missing))


COMMAND = Command(
    "image rm",
    "Forget images that were added",
    run,
    usage="NAME...",
    examples="""# Forget one
kk image rm my/app""",
)

"""`kk config get-users`: the users of the kubeconfig."""

from __future__ import annotations

from ...command import Command, Options
from ...context import Env
from ._files import Files


def run(env: Env, options: Options) -> None:
    """Print their names under a header."""
    env.out("NAME")
    for name in Files(env).names("users"):
        env.out(name)


COMMAND = Command(
    "config get-users",
    "List the users",
    run,
    examples="""# All users
kk config get-users""",
)

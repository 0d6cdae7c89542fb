"""`kk config delete-user NAME`: remove a user from the kubeconfig."""

from __future__ import annotations

from ...command import Command, Options
from ...context import Env
from ._files import Files, one


def run(env: Env, options: Options) -> None:
    """Remove it from its file."""
    name = one(env, options.args, "config delete-user")
    files = Files(env)
    path = files.remove("users", name)
    files.save()
    env.out(f"deleted user {name} from {path}")


COMMAND = Command(
    "config delete-user",
    "Remove a user",
    run,
    usage="NAME",
    examples="""# Remove the user lab
kk config delete-user lab""",
    complete="users",
)

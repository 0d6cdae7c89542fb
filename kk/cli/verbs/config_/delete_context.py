"""`kk config delete-context NAME`: remove a context from the kubeconfig."""

from __future__ import annotations

from ...command import Command, Options
from ...context import Env
from ._files import Files, one


def run(env: Env, options: Options) -> None:
    """Remove it from its file."""
    name = one(env, options.args, "config delete-context")
    files = Files(env)
    current = files.current
    path = files.remove("contexts", name)
    files.save()
    if name == current:
        env.err(
            'warning: this removed your active context, use "'
            + env.prog
            + ' config use-context" to select a different one'
        )
    env.out(f"deleted context {name} from {path}")


COMMAND = Command(
    "config delete-context",
    "Remove a context",
    run,
    usage="NAME",
    examples="""# Remove the context lab
kk config delete-context lab""",
    complete="contexts",
)

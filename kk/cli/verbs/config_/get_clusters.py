"""`kk config get-clusters`: the clusters of the kubeconfig."""

from __future__ import annotations

from ...command import Command, Options
from ...context import Env
from ._files import Files


def run(env: Env, options: Options) -> None:
    """Print their names under a header."""
    env.out("NAME")
    for name in Files(env).names("clusters"):
        env.out(name)


COMMAND = Command(
    "config get-clusters",
    "List the clusters",
    run,
    examples="""# All clusters
kk config get-clusters""",
)

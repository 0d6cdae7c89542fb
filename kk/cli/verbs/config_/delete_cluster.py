"""`kk config delete-cluster NAME`: remove a cluster from the kubeconfig."""

from __future__ import annotations

from ...command import Command, Options
from ...context import Env
from ._files import Files, one


def run(env: Env, options: Options) -> None:
    """Remove it from its file."""
    name = one(env, options.args, "config delete-cluster")
    files = Files(env)
    path = files.remove("clusters", name)
    files.save()
    env.out(f"deleted cluster {name} from {path}")


COMMAND = Command(
    "config delete-cluster",
    "Remove a cluster",
    run,
    usage="NAME",
    examples="""# Remove the cluster lab
kk config delete-cluster lab""",
    complete="clusters",
)

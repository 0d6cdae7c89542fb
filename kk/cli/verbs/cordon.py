"""`kk cordon`: mark a node as unschedulable."""

from __future__ import annotations

from ..command import Command, Options
from ..common import DRY_RUN, SELECTOR
from ..context import Env
from ..draining import cordon


def run(env: Env, options: Options) -> None:
    """Change the nodes that are meant."""
    cordon(env, options, "cordon", True)


COMMAND = Command(
    "cordon",
    "Mark a node as unschedulable",
    run,
    section="Cluster Management Commands",
    usage="NODE",
    text="No new pods are put on the node; those that run there stay.",
    examples="""# One node
kk cordon node1""",
    flags=(DRY_RUN, SELECTOR),
    complete="nodes",
)

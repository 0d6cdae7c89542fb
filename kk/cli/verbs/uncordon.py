"""`kk uncordon`: mark a node as schedulable."""

from __future__ import annotations

from ..command import Command, Options
from ..common import DRY_RUN, SELECTOR
from ..context import Env
from ..draining import cordon


def run(env: Env, options: Options) -> None:
    """Change the nodes that are meant."""
    cordon(env, options, "uncordon", False)


COMMAND = Command(
    "uncordon",
    "Mark a node as schedulable",
    run,
    section="Cluster Management Commands",
    usage="NODE",
    text="Pods are put on the node again.",
    examples="""# One node
kk uncordon node1""",
    flags=(DRY_RUN, SELECTOR),
    complete="nodes",
)

"""`kk drain`: cordon a node and let its pods go, before maintenance."""

from __future__ import annotations

from .. import draining
from ..command import Command, Flag, Options
from ..common import CHUNK_SIZE, DRY_RUN, SELECTOR
from ..context import Env
from ..errors import CommandError, ExitStatus
from ..results import Results


def run(env: Env, options: Options) -> None:
    """Cordon all, then drain one node after the other."""
    nodes = draining.cordon(env, options, "drain", True)
    results = Results(env, "drained")
    failed: list[tuple[str, str]] = []
    for node in nodes:
        try:
            draining.drain(env, options, node)
            results.tell(node)
        except CommandError as error:
            failed.append((node.name, str(error)))
            env.err(f'error: unable to drain node "{node.name}" due to error: {error}, continuing command...')
    if failed:
        env.err("There are pending nodes to be drained:")
        for name, _ in failed:
            env.err(f" {name}")
        for _, text in failed:
            env.err(text)
        raise ExitStatus(1)


COMMAND = Command(
    "drain",
    "Empty a node for maintenance",
    run,
    section="Cluster Management Commands",
    usage="NODE",
    text="Mark a node as unschedulable and evict its pods, minding disruption budgets. Pods of daemonsets stay; pods that nothing would "
    "make again, or that keep data on the node, stop it unless flags allow their end.",
    examples="""# Also pods without a controller
kk drain node1 --force

# 15 minutes for the pods to end
kk drain node1 --grace-period=900 --ignore-daemonsets""",
    flags=(
        CHUNK_SIZE,
        Flag("delete-emptydir-data", type="bool", help="Let pods go that use emptyDir; their data is lost."),
        Flag("disable-eviction", type="bool", help="Delete pods instead of evicting them: budgets do not count."),
        DRY_RUN,
        Flag("force", type="bool", help="Let pods go that have no controller."),
        Flag("grace-period", type="int", default=-1, help="Seconds for the pods to end; negative leaves it to them."),
        Flag("ignore-daemonsets", type="bool", help="Leave pods of daemonsets where they are."),
        Flag("pod-selector", help="Only pods that this label selector chooses."),
        SELECTOR,
        Flag(
            "skip-wait-for-delete-timeout",
            type="int",
            help="Do not wait for pods whose deletion began longer ago than so many seconds.",
        ),
        Flag("timeout", type="duration", help="How long to try; 0 for ever."),
    ),
    complete="nodes",
)

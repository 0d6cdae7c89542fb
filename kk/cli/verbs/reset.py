"""kk reset: forget a local cluster, objects and all."""

from __future__ import annotations

from kk.cli.cluster.flags import CLUSTER, KUBECONFIG, SECTION
from kk.cli.command import Command, Flag, Options
from kk.cli.context import Env


def run(env: Env, options: Options) -> int:
    """Ask, stop, delete."""
    from kk.cli.cluster import context, home, lifecycle

    cluster = home.Cluster(options.cluster)
    if not cluster.folder.exists():
        cluster.must_exist()
    if not options.yes:
        if not env.stdin.isatty():
            raise home.ClusterError("deleting a cluster needs an answer: use a terminal, or --yes")
        if not env.confirm(f'Delete cluster "{cluster.name}" with all its objects? [y/N] '):
            return 1
    lifecycle.stop(cluster)
    cluster.forget()
    context.remove(cluster, context.target(options.kubeconfig))
    env.out(f'Cluster "{cluster.name}" is deleted.')
    return 0


COMMAND = Command(
    "reset",
    "Stop a local cluster and delete all its state",
    run,
    usage="[--cluster NAME] [--yes]",
    text="Stop a cluster and delete all its state: objects, credentials, logs, and its context in the kubeconfig. Asks first.",
    examples="""# Forget everything, without being asked
kk reset --yes""",
    flags=(CLUSTER, KUBECONFIG, Flag("yes", "y", type="bool", help="Do not ask.")),
    section=SECTION,
)

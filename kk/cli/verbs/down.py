"""kk down: stop a local cluster, its pods included; its objects stay for the next `kk up`."""

from __future__ import annotations

from kk.cli.cluster.flags import CLUSTER, SECTION
from kk.cli.command import Command, Options
from kk.cli.context import Env


def run(env: Env, options: Options) -> None:
    """Stop it, and say whether there was anything to stop."""
    from kk.cli.cluster import home, lifecycle

    cluster = home.Cluster(options.cluster)
    cluster.must_exist()
    env.out(f'Cluster "{cluster.name}" is down{"" if lifecycle.stop(cluster) else " already"}.')


COMMAND = Command(
    "down",
    "Stop a local cluster and its pods, keeping its objects",
    run,
    usage="[--cluster NAME]",
    text='Stop a cluster\'s daemons and every process of its pods. Objects stay: the next "kk up" runs the pods again.',
    examples="""# Stop the cluster; "kk up" starts it again with all its objects
kk down""",
    flags=(CLUSTER,),
    section=SECTION,
)

"""kk status: which daemons of the local clusters run, and what they cost."""

from __future__ import annotations

from kk.cli.cluster.flags import SECTION
from kk.cli.command import Command, Flag, Options
from kk.cli.context import Env

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kk.cli.cluster.home import Cluster

HEADERS = ["CLUSTER", "DAEMON", "STATE", "PID", "AGE", "MEMORY", "RESTARTS"]


def run(env: Env, options: Options) -> int:
    """Print the table; 1 where a daemon that should run does not."""
    import tabulate

    from kk.cli.cluster import home

    chosen = [home.Cluster(options.cluster)] if options.cluster else [home.Cluster(n) for n in home.names()]
    if not chosen:
        raise home.ClusterError('there is no cluster here; "kk up" starts one')
    rows = [row(c, daemon) for c in chosen for daemon in ("supervisor", "guard", *c.daemons(c.must_exist()))]
    env.out(tabulate.tabulate(rows, headers=HEADERS, tablefmt="plain", disable_numparse=True))
    for cluster in chosen:
        env.out(f"\n{cluster.name}: https://127.0.0.1:{cluster.must_exist().port}, state in {cluster.folder}")
    return 0 if all(r[2] == "Running" for r in rows) else 1


def row(cluster: Cluster, daemon: str) -> list[str]:
    """One line of the table."""
    import time

    import psutil

    from kk.base.times import human_duration

    record = cluster.process(daemon)
    try:
        process = psutil.Process(record["pid"])
        memory = f"{process.memory_info().rss / 2**20:.0f}Mi"
        age = human_duration(time.time() - process.create_time())
    except (KeyError, psutil.NoSuchProcess):
        return [cluster.name, daemon, "Stopped", "", "", "", ""]
    return [cluster.name, daemon, "Running", str(record["pid"]), age, memory, str(record.get("restarts", ""))]


COMMAND = Command(
    "status",
    "Show the daemons of local clusters",
    run,
    usage="[--cluster NAME]",
    text="Show each daemon of each local cluster. Exit status 1 where one that should run does not.",
    examples="""# All clusters of this machine
kk status""",
    flags=(Flag("cluster", help="Only this local cluster."),),
    section=SECTION,
)

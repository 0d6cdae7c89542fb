"""kk kubeconfig: the administrator's kubeconfig of a local cluster, to standard output."""

from __future__ import annotations

from kk.cli.cluster.flags import CLUSTER, SECTION
from kk.cli.command import Command, Options
from kk.cli.context import Env


def run(env: Env, options: Options) -> None:
    """Print the file that the API server made, under the names that `kk up` uses."""
    import json

    import yaml

    from kk.cli.cluster import home

    cluster = home.Cluster(options.cluster)
    cluster.must_exist()
    config = json.loads(cluster.admin.read_text())
    for kind in ("clusters", "users", "contexts"):
        config[kind][0]["name"] = cluster.context
    config["contexts"][0]["context"].update(cluster=cluster.context, user=cluster.context)
    config["current-context"] = cluster.context
    env.stdout.write(yaml.safe_dump(config, sort_keys=False))


COMMAND = Command(
    "kubeconfig",
    "Print a self-contained kubeconfig of a local cluster",
    run,
    usage="[--cluster NAME]",
    text="Print a kubeconfig with everything in it: address, CA, client certificate and key. Who has it has full power over the cluster.",
    examples="""# A file for another program
kk kubeconfig > lab.kubeconfig""",
    flags=(CLUSTER,),
    section=SECTION,
)

"""kk up: start a cluster on this machine and make it the current context."""

from __future__ import annotations

from kk.cli.cluster.flags import CLUSTER, KUBECONFIG, SECTION
from kk.cli.command import Command, Flag, Options
from kk.cli.context import Env


def run(env: Env, options: Options) -> None:
    """Start what is asked for, wait for it, merge the context."""
    import time

    from kk.cli.cluster import context, home, lifecycle

    begun = time.monotonic()
    cluster = home.Cluster(options.cluster)
    given = {
        name: getattr(options, name) if name in options.changed else None for name in ("nodes", "controllers", "port")
    }
    if "runtime-config" in options.changed:
        given["runtime_config"] = ",".join(options.runtime_config)
    spec = lifecycle.desired(cluster, **given)
    progress = Progress(env)
    progress.show(f'Starting cluster "{cluster.name}"')
    try:
        changed = lifecycle.start(cluster, spec)
        context.merge(cluster, context.target(options.kubeconfig))
        lifecycle.wait_ready(cluster, spec, lambda text: progress.show(f'Starting cluster "{cluster.name}": {text}'))
    finally:
        progress.clear()
    what = f"is up ({time.monotonic() - begun:.1f} s)" if changed else "is up already"
    nodes = "1 node" if spec.nodes == 1 else f"{spec.nodes} nodes"
    env.out(f'Cluster "{cluster.name}" {what}: https://127.0.0.1:{spec.port}, {nodes}, context "{cluster.context}".')


class Progress:
    """One line on standard error that is written over, on a terminal only."""

    def __init__(self, env: Env) -> None:
        self.stream = env.stderr if env.stderr.isatty() else None

    def show(self, text: str) -> None:
        """Say what is waited for."""
        if self.stream:
            self.stream.write(f"\r\033[K{text} …")
            self.stream.flush()

    def clear(self) -> None:
        """Make room for the result."""
        if self.stream:
            self.stream.write("\r\033[K")
            self.stream.flush()


COMMAND = Command(
    "up",
    "Start a local cluster, or bring it to what is asked for",
    run,
    usage="[--cluster NAME] [--nodes N] [--controllers LIST] [--kubeconfig FILE] [--runtime-config LIST] [--port P]",
    text="""Start a cluster on this machine, wait until its nodes are Ready, and make it the current context.

State lies in $KK_HOME (the XDG data folder if not set), one folder a cluster; several clusters run side by side. Run twice it
changes nothing; with other flags it changes what they say and keeps the rest.""",
    examples="""# Start a cluster with one node, or start it again with all its objects and pods
kk up

# Three nodes, in a cluster of its own
kk up --cluster lab --nodes 3

# An API server alone: objects are stored and nothing else happens
kk up --nodes 0 --controllers ''

# Serve Deployments in their old group as well
kk up --runtime-config extensions/v1beta1=true

# Everything but the scheduler: pods stay Pending
kk up --controllers '*,-scheduler'""",
    flags=(
        CLUSTER,
        Flag(
            "nodes", type="int", default=1, help="How many nodes to run; 0 for none. What it had before, if not given."
        ),
        Flag(
            "controllers",
            default="*",
            help="Controllers to run, as in kube-controller-manager; '' for none. What it had before, if not given.",
        ),
        KUBECONFIG,
        Flag(
            "runtime-config",
            type="list",
            help="Versions to serve beside the usual ones or not at all, as in kube-apiserver, for example extensions/v1beta1=true. "
            "What it had before, if not given.",
        ),
        Flag(
            "port",
            type="int",
            help="Port of the API server: the first free one from 6443 if not given. It stays the same from then on.",
        ),
    ),
    section=SECTION,
)

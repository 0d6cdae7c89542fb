"""kk api: run the API server in the foreground."""

from __future__ import annotations

from kk.cli.cluster.flags import CLUSTER, SECTION
from kk.cli.command import Command, Flag, Options
from kk.cli.context import Env
from kk.server.flags import FLAGS, given


def run(env: Env, options: Options) -> int:
    """Serve until TERM; tells a waiting `kk up` when it listens."""
    from pathlib import Path

    from kk.cli.cluster import home, lifecycle
    from kk.server.main import Config, serve

    cluster = home.Cluster(options.cluster)
    spec = cluster.spec()
    port = options.port or (spec.port if spec else home.FIRST_PORT)
    folder = Path(options.data_dir) if options.data_dir else cluster.server
    ready = lifecycle.announce_ready(cluster.run / "api.ready")
    flags = given(options, options.changed)
    return serve(Config(data_dir=folder, host=options.bind_address, port=port, ready_fd=ready, flags=flags))


COMMAND = Command(
    "api",
    "Run the API server in the foreground",
    run,
    usage="[--cluster NAME | --data-dir DIR] [--port P] [FLAG...]",
    text="""Run the API server in the foreground, as "kk up" runs it in the background.

Alone it stores objects and nothing else happens: no controller acts on them, no scheduler, no agent. Its first start makes a
CA, credentials (DIR/pki) and kubeconfigs (DIR/kubeconfig). The other flags are kube-apiserver's, and mean the same.""",
    examples="""# An API server of its own
kk api --data-dir /tmp/api --port 7443""",
    flags=(
        CLUSTER,
        Flag("data-dir", help="Where its data lies; the cluster's folder if not given."),
        Flag("port", type="int", help="Port to listen on; the cluster's, or 6443."),
        Flag("bind-address", default="127.0.0.1", help="Address to listen on."),
        *(Flag(f.name, type=f.type, default=f.default, help=f.help) for f in FLAGS),
    ),
    section=SECTION,
)

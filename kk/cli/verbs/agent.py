"""kk agent: run a node agent in the foreground."""

from __future__ import annotations

from kk.cli.cluster.flags import CLUSTER, SECTION
from kk.cli.command import Command, Flag, Options
from kk.cli.context import Env


def run(env: Env, options: Options) -> int:
    """Find or issue the node's credentials, then be the node."""
    import os

    from kk.agent import main as agent
    from kk.cli.cluster import home

    cluster = home.Cluster(options.cluster)
    name = options.node_name
    pki = cluster.server / "pki"
    kubeconfig = options.kubeconfig
    if not kubeconfig:
        cluster.must_exist()
        path = cluster.credentials(f"node-{name}")
        if not path.exists():
            from kk.server.pki import issue_node

            issue_node(cluster.server, name)
        kubeconfig = str(path)
    root = options.root_dir or str(cluster.root(name))
    os.makedirs(root, mode=0o700, exist_ok=True)
    return agent.run(
        agent.Options(
            kubeconfig=kubeconfig,
            node_name=name,
            root_dir=root,
            serving_cert=options.tls_cert_file or str(pki / f"kubelet-{name}.crt"),
            serving_key=options.tls_private_key_file or str(pki / f"kubelet-{name}.key"),
            client_ca=options.client_ca_file or str(pki / "ca.crt"),
            port=options.port,
        )
    )


COMMAND = Command(
    "agent",
    "Run a node agent (kubelet) in the foreground",
    run,
    usage="--node-name NAME [--cluster NAME | --kubeconfig FILE]",
    text="""Run a node agent in the foreground, as "kk up" runs one for each node in the background.

It registers a Node and runs the pods that are bound to it as processes of this machine. Pods outlive the agent: stopped and
started again it finds them running.""",
    examples="""# One more node for the local cluster
kk agent --node-name extra""",
    flags=(
        CLUSTER,
        Flag("node-name", required=True, help="Name of the node."),
        Flag("kubeconfig", help="The node's credentials; made by the local cluster's CA if not given."),
        Flag("root-dir", help="Where pods, logs and volumes lie; the cluster's folder if not given."),
        Flag("tls-cert-file", help="Certificate that the agent shows to the API server."),
        Flag("tls-private-key-file", help="Its key."),
        Flag("client-ca-file", help="CA of clients that may use the agent's API."),
        Flag("port", type="int", help="Port of the agent's API; a free one if 0."),
    ),
    section=SECTION,
)

"""`kk create service nodeport NAME`."""

from __future__ import annotations

from ....command import Command, Flag, Options
from ....context import Env, one_name
from ....errors import CommandError
from ...create import GENERATOR_FLAGS
from ._build import TCP, build_service


def run(env: Env, options: Options) -> None:
    """Create the service."""
    name = one_name(env, options.args, "create service nodeport")
    if not options.tcp:
        raise CommandError("at least one tcp port specifier must be provided")
    build_service(env, options, name, "NodePort", node_port=options.node_port)


COMMAND = Command(
    "create service nodeport",
    "Create a NodePort service",
    run,
    usage="NAME [--tcp=port:targetPort] [--dry-run=server|client|none]",
    examples="# A service that listens on a port of each node\nkk create service nodeport web --tcp=80:8080",
    flags=(*GENERATOR_FLAGS, TCP, Flag("node-port", type="int", help="Port of the nodes; 0 lets the server choose.")),
)

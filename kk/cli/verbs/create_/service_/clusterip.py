"""`kk create service clusterip NAME`."""

from __future__ import annotations

from ....command import Command, Flag, Options
from ....context import Env, one_name
from ....errors import CommandError
from ...create import GENERATOR_FLAGS
from ._build import TCP, build_service


def run(env: Env, options: Options) -> None:
    """Create the service."""
    name = one_name(env, options.args, "create service clusterip")
    if options.clusterip != "None" and not options.tcp:
        raise CommandError("at least one tcp port specifier must be provided")
    build_service(env, options, name, "ClusterIP", cluster_ip=options.clusterip)


COMMAND = Command(
    "create service clusterip",
    "Create a ClusterIP service",
    run,
    usage="NAME [--tcp=<port>:<targetPort>] [--dry-run=server|client|none]",
    examples="# A service on port 80 for the pods labelled app=web\nkk create service clusterip web --tcp=80:8080\n\n"
    "# A headless one\nkk create service clusterip web --clusterip=None",
    flags=(*GENERATOR_FLAGS, TCP, Flag("clusterip", help="The address, or None for a headless service.")),
)

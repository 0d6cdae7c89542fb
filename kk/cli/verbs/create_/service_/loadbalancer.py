"""`kk create service loadbalancer NAME`."""

from __future__ import annotations

from ....command import Command, Options
from ....context import Env, one_name
from ....errors import CommandError
from ...create import GENERATOR_FLAGS
from ._build import TCP, build_service


def run(env: Env, options: Options) -> None:
    """Create the service."""
    name = one_name(env, options.args, "create service loadbalancer")
    if not options.tcp:
        raise CommandError("at least one tcp port specifier must be provided")
    build_service(env, options, name, "LoadBalancer")


COMMAND = Command(
    "create service loadbalancer",
    "Create a LoadBalancer service",
    run,
    usage="NAME [--tcp=port:targetPort] [--dry-run=server|client|none]",
    examples="# A service with a load balancer\nkk create service loadbalancer web --tcp=80:8080",
    flags=(*GENERATOR_FLAGS, TCP),
)

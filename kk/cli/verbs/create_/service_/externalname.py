"""`kk create service externalname NAME`."""

from __future__ import annotations

from ....command import Command, Flag, Options
from ....context import Env, one_name
from ...create import GENERATOR_FLAGS
from ._build import TCP, build_service


def run(env: Env, options: Options) -> None:
    """Create the service."""
    name = one_name(env, options.args, "create service externalname")
    build_service(env, options, name, "ExternalName", external_name=options.external_name)


COMMAND = Command(
    "create service externalname",
    "Create an ExternalName service",
    run,
    usage="NAME --external-name external.name [--dry-run=server|client|none]",
    examples="# A name of this cluster for one elsewhere\nkk create service externalname db --external-name=db.example.com",
    flags=(*GENERATOR_FLAGS, TCP, Flag("external-name", required=True, help="The name to stand for.")),
)

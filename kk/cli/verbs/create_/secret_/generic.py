"""`kk create secret generic NAME`."""

from __future__ import annotations

from ....command import Command, Flag, Options
from ....context import Env, one_name
from ...create import GENERATOR_FLAGS
from .._data import FLAGS, collect
from ._build import build_secret


def run(env: Env, options: Options) -> None:
    """Create the secret."""
    name = one_name(env, options.args, "create secret generic")
    build_secret(env, options, name, options.type, collect(env, options, "Secret"))


COMMAND = Command(
    "create secret generic",
    "Create a secret from files, folders or literal values",
    run,
    usage="NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]",
    examples="# From literal values\nkk create secret generic db --from-literal=password=s3cret\n\n"
    "# From files\nkk create secret generic ssh --from-file=id=~/.ssh/id_ed25519",
    flags=(*GENERATOR_FLAGS, *FLAGS, Flag("type", help="Type of the secret.")),
)

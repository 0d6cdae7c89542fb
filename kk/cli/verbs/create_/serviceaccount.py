"""`kk create serviceaccount NAME`."""

from __future__ import annotations

from ...command import Command, Options
from ...context import Env, one_name
from ..create import GENERATOR_FLAGS, build


def run(env: Env, options: Options) -> None:
    """Create the service account."""
    name = one_name(env, options.args, "create serviceaccount")
    build(
        env,
        options,
        "serviceaccounts",
        {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": name}},
        failing="failed to create serviceaccount",
    )


COMMAND = Command(
    "create serviceaccount",
    "Create a service account",
    run,
    usage="NAME [--dry-run=server|client|none]",
    examples="# Create a service account named builder\nkk create serviceaccount builder",
    flags=GENERATOR_FLAGS,
    aliases=("sa",),
)

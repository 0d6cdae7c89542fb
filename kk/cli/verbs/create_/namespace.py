"""`kk create namespace NAME`."""

from __future__ import annotations

from ...command import Command, Options
from ...context import Env, one_name
from ..create import GENERATOR_FLAGS, build


def run(env: Env, options: Options) -> None:
    """Create the namespace."""
    name = one_name(env, options.args, "create namespace")
    obj = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}, "spec": {}, "status": {}}
    build(env, options, "namespaces", obj, namespaced=False)


COMMAND = Command(
    "create namespace",
    "Create a namespace",
    run,
    usage="NAME [--dry-run=server|client|none]",
    examples="# Create a namespace named hello\nkk create namespace hello",
    flags=GENERATOR_FLAGS,
    aliases=("ns",),
)

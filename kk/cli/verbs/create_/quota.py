"""`kk create quota NAME`."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env, one_name
from ...errors import CommandError
from ..create import GENERATOR_FLAGS, build

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(env: Env, options: Options) -> None:
    """Create the quota."""
    name = one_name(env, options.args, "create quota")
    spec: dict[str, Any] = {}
    hard = {}
    for part in options.hard.split(",") if options.hard else ():
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise CommandError(f"Invalid argument syntax {part}, expected <resource>=<value>")
        hard[key] = value
    if hard:
        spec["hard"] = dict(sorted(hard.items()))
    if options.scopes:
        spec["scopes"] = options.scopes.split(",")
    obj = {"kind": "ResourceQuota", "apiVersion": "v1", "metadata": {"name": name}, "spec": spec, "status": {}}
    build(env, options, "resourcequotas", obj, failing="failed to create quota")


COMMAND = Command(
    "create quota",
    "Create a quota",
    run,
    usage="NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2] [--dry-run=server|client|none]",
    examples="# A limit for a namespace\nkk create quota small --hard=cpu=1,memory=1Gi,pods=10",
    flags=(
        *GENERATOR_FLAGS,
        Flag("hard", help="Limits as resource=quantity, with commas between."),
        Flag("scopes", help="Scopes of objects that count, with commas between."),
    ),
    aliases=("resourcequota",),
)

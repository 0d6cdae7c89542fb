"""`kk create role NAME`."""

from __future__ import annotations

from ...command import Command, Options
from ...context import Env, one_name
from ...errors import CommandError
from ..create import GENERATOR_FLAGS, build
from ._rbac import GROUP, RULE_FLAGS, resource_rules


def run(env: Env, options: Options) -> None:
    """Create the role."""
    name = one_name(env, options.args, "create role")
    if not options.verb:
        raise CommandError("at least one verb must be specified")
    if not options.resource:
        raise CommandError("at least one resource must be specified")
    meta = {"name": name}
    rules = resource_rules(env, options)
    build(env, options, "roles", {"kind": "Role", "apiVersion": f"{GROUP}/v1", "metadata": meta, "rules": rules})


COMMAND = Command(
    "create role",
    "Create a role with one rule",
    run,
    usage="NAME --verb=verb --resource=resource.group/subresource [--resource-name=resourcename] [--dry-run=server|client|none]",
    examples="# A role that may read pods\nkk create role pod-reader --verb=get,list,watch --resource=pods",
    flags=(*GENERATOR_FLAGS, *RULE_FLAGS),
)

"""`kk create clusterrole NAME`."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env, one_name
from ...errors import CommandError
from ..create import GENERATOR_FLAGS, build
from ._rbac import GROUP, RULE_FLAGS, resource_rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(env: Env, options: Options) -> None:
    """Create the cluster role."""
    name = one_name(env, options.args, "create clusterrole")
    obj: dict[str, Any] = {"kind": "ClusterRole", "apiVersion": f"{GROUP}/v1", "metadata": {"name": name}}
    if options.aggregation_rule:
        if options.verb or options.resource or options.non_resource_url:
            raise CommandError("aggregation rule must be specified without verb, resource and non-resource-url")
        labels = dict(p.partition("=")[::2] for p in options.aggregation_rule.split(","))
        obj["rules"] = None
        obj["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": labels}]}
    else:
        obj["rules"] = _rules(env, options)
    build(env, options, "clusterroles", obj, namespaced=False)


def _rules(env: Env, options: Options) -> list[dict[str, Any]]:
    if not options.verb:
        raise CommandError("at least one verb must be specified")
    if not options.resource and not options.non_resource_url:
        raise CommandError("one of resource or nonResourceURL must be specified")
    rules = resource_rules(env, options) if options.resource else []
    if options.non_resource_url:
        rules.append({"verbs": list(options.verb), "nonResourceURLs": list(options.non_resource_url)})
    return rules


COMMAND = Command(
    "create clusterrole",
    "Create a cluster role",
    run,
    usage="NAME --verb=verb --resource=resource.group [--resource-name=resourcename] [--dry-run=server|client|none]",
    examples="# A role that may read pods of any namespace\nkk create clusterrole pod-reader --verb=get,list,watch --resource=pods",
    flags=(
        *GENERATOR_FLAGS,
        *RULE_FLAGS,
        Flag("aggregation-rule", help="Labels of the roles to take the rules of, as key=value."),
        Flag("non-resource-url", type="list", help="Path that the rule is for."),
    ),
)

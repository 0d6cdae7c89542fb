"""Rules and subjects of the RBAC generators. The checks are kubectl's."""

from __future__ import annotations

from ...command import Flag, Options
from ...context import Env
from ...errors import CommandError, no_resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

GROUP = "rbac.authorization.k8s.io"

RULE_FLAGS = (
    Flag("resource", type="list", help="Resource that the rule is for, as plural[.group][/subresource]."),
    Flag("resource-name", type="array", help="Name that the rule is for; all names without it."),
    Flag("verb", type="list", help="Verb that the rule allows."),
)
SUBJECT_FLAGS = (
    Flag("group", type="array", help="Group to bind."),
    Flag("serviceaccount", type="array", help="Service account to bind, as NAMESPACE:NAME."),
    Flag("user", type="array", help="User to bind."),
)


def resource_rules(env: Env, options: Options) -> list[dict[str, Any]]:
    """A rule per API group of the --resource flags.

    Raises CommandError.
    """
    verbs = ["*"] if "*" in options.verb else list(dict.fromkeys(options.verb))
    groups: dict[str, list[str]] = {}
    for text in options.resource:
        word, _, sub = text.partition("/")
        if not word:
            raise CommandError("resource with empty resource type")
        if word == "*":
            group, name = "*", "*"
        else:
            found = env.discovery.find(word)
            if found is None:
                raise no_resource(word)
            group, name = found.group, found.name
        full = f"{name}/{sub}" if sub else name
        if full not in groups.setdefault(group, []):
            groups[group].append(full)
    rules = []
    for group, names in groups.items():
        rule: dict[str, Any] = {"verbs": verbs, "apiGroups": [group], "resources": names}
        if options.resource_name:
            rule["resourceNames"] = list(options.resource_name)
        rules.append(rule)
    return rules


def subjects(options: Options) -> list[dict[str, str]]:
    """Users, groups and service accounts as subjects.

    Raises CommandError.
    """
    found = [{"kind": "User", "apiGroup": GROUP, "name": n} for n in options.user]
    found += [{"kind": "Group", "apiGroup": GROUP, "name": n} for n in options.group]
    for text in options.serviceaccount:
        parts = text.split(":")
        if len(parts) != 2 or not parts[0] or not parts[1]:
            raise CommandError("serviceaccount must be <namespace>:<name>")
        found.append({"kind": "ServiceAccount", "name": parts[1], "namespace": parts[0]})
    return found


def binding(kind: str, name: str, role_kind: str, role: str, options: Options) -> dict[str, Any]:
    """A RoleBinding or ClusterRoleBinding."""
    obj: dict[str, Any] = {"kind": kind, "apiVersion": f"{GROUP}/v1", "metadata": {"name": name}}
    bound = subjects(options)
    if bound:
        obj["subjects"] = bound
    obj["roleRef"] = {"apiGroup": GROUP, "kind": role_kind, "name": role}
    return obj

"""`kk set subject`: add users, groups and service accounts to role bindings."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env
from ...errors import CommandError
from ._common import FLAGS, apply, require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_GROUP = "rbac.authorization.k8s.io"


def subjects(options: Any, namespace: str) -> list[dict[str, str]]:
    """The subjects that the flags tell.

    Raises CommandError.
    """
    found = [{"kind": "User", "apiGroup": _GROUP, "name": name} for name in dict.fromkeys(options.user)]
    found += [{"kind": "Group", "apiGroup": _GROUP, "name": name} for name in dict.fromkeys(options.group)]
    for account in dict.fromkeys(options.serviceaccount):
        space, colon, name = account.partition(":")
        if not colon or not name or ":" in name:
            raise CommandError("serviceaccount must be <namespace>:<name>")
        found.append({"kind": "ServiceAccount", "namespace": space or namespace, "name": name})
    return found


def run(env: Env, options: Options) -> None:
    """Change what is meant."""
    require(env, options, options.args)
    if not options.user and not options.group and not options.serviceaccount:
        raise CommandError("you must specify at least one value of user, group or serviceaccount")
    wanted = subjects(options, env.namespace)

    def alter(obj: dict[str, Any]) -> None:
        if obj.get("kind") not in ("RoleBinding", "ClusterRoleBinding"):
            raise CommandError("setting subjects is only supported for RoleBinding/ClusterRoleBinding")
        present = obj.get("subjects") or []
        obj["subjects"] = present + [s for s in wanted if s not in present]

    apply(env, options, options.args, "subjects updated", alter)


COMMAND = Command(
    "set subject",
    "Add subjects to role bindings",
    run,
    usage="(-f FILENAME | TYPE NAME) [--user=username] [--group=groupname] "
    "[--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]",
    text="Add users, groups and service accounts to a role binding or cluster role binding.",
    examples="""# A service account
kk set subject clusterrolebinding admin --serviceaccount=apps:robot

# Users and a group
kk set subject rolebinding admin --user=user1 --user=user2 --group=group1""",
    flags=(
        *FLAGS,
        Flag("group", type="list", help="Group to add."),
        Flag("serviceaccount", type="list", help="Service account to add, as namespace:name."),
        Flag("user", type="list", help="User to add."),
    ),
    complete="resources",
)

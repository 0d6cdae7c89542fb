"""`kk create rolebinding NAME`."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env, one_name
from ...errors import CommandError
from ..create import GENERATOR_FLAGS, build
from ._rbac import SUBJECT_FLAGS, binding


def run(env: Env, options: Options) -> None:
    """Create the binding."""
    name = one_name(env, options.args, "create rolebinding")
    if bool(options.clusterrole) == bool(options.role):
        raise CommandError("exactly one of clusterrole or role must be specified")
    kind = "Role" if options.role else "ClusterRole"
    build(
        env,
        options,
        "rolebindings",
        binding("RoleBinding", name, kind, options.role or options.clusterrole, options),
        failing="failed to create rolebinding",
    )


COMMAND = Command(
    "create rolebinding",
    "Bind a role, or a cluster role in one namespace, to users",
    run,
    usage="NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname]",
    examples="# Let a user view a namespace\nkk create rolebinding view --clusterrole=view --user=ann --namespace=hello",
    flags=(
        *GENERATOR_FLAGS,
        *SUBJECT_FLAGS,
        Flag("clusterrole", help="Cluster role to bind."),
        Flag("role", help="Role to bind."),
    ),
)

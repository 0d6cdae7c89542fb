"""`kk create clusterrolebinding NAME`."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env, one_name
from ..create import GENERATOR_FLAGS, build
from ._rbac import SUBJECT_FLAGS, binding


def run(env: Env, options: Options) -> None:
    """Create the binding."""
    name = one_name(env, options.args, "create clusterrolebinding")
    obj = binding("ClusterRoleBinding", name, "ClusterRole", options.clusterrole, options)
    build(env, options, "clusterrolebindings", obj, namespaced=False, failing="failed to create clusterrolebinding")


COMMAND = Command(
    "create clusterrolebinding",
    "Bind a cluster role to users everywhere",
    run,
    usage="NAME --clusterrole=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname]",
    examples="# Make a user an administrator of the cluster\nkk create clusterrolebinding root --clusterrole=cluster-admin --user=ann",
    flags=(*GENERATOR_FLAGS, *SUBJECT_FLAGS, Flag("clusterrole", required=True, help="Cluster role to bind.")),
)

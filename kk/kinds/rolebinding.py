"""RoleBinding: gives the rules of a role to users, groups and service accounts, in one namespace."""

from kk.base import names
from kk.kinds._checks import Errors, Obj
from kk.kinds._later import later
from kk.kinds._rbac import binding_columns, check_binding, default_binding
from kk.kinds.kind import Kind


def validate(obj: Obj, old: Obj | None) -> Errors:
    """The role and who gets it."""
    yield from check_binding(obj, old, ("Role", "ClusterRole"), namespaced=True)


KIND = Kind(
    "rbac.authorization.k8s.io/v1",
    "RoleBinding",
    describe=later("_describe_core", "role_binding"),
    default=default_binding,
    validate=validate,
    validate_name=names.path_segment,
    columns=binding_columns("roleBinding"),
    generation=False,
    create_on_update=True,
)

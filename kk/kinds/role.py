"""Role: rules that hold in one namespace. The authorizer of kk.server reads them."""

from kk.base import names
from kk.kinds._checks import Errors, Obj, listed
from kk.kinds._later import later
from kk.kinds._rbac import check_rules
from kk.kinds.kind import Kind


def default(obj: Obj) -> None:
    """Rules are always written."""
    listed(obj, "rules")


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Rules about resources only."""
    yield from check_rules(obj.get("rules"), namespaced=True)


KIND = Kind(
    "rbac.authorization.k8s.io/v1",
    "Role",
    describe=later("_describe_core", "role"),
    default=default,
    validate=validate,
    validate_name=names.path_segment,
    generation=False,
    create_on_update=True,
)

"""Role: rules that hold in one namespace. The authorizer of kk.server reads them."""

from kk.base import names
from kk.kinds._checks import Errors, Obj
from kk.kinds._later import later
from kk.kinds._rbac import check_rules, default_rules, keep_rules
from kk.kinds.kind import Kind


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Rules about resources only."""
    yield from check_rules(obj.get("rules"), namespaced=True)


KIND = Kind(
    "rbac.authorization.k8s.io/v1",
    "Role",
    describe=later("_describe_core", "role"),
    default=default_rules,
    prepare_create=keep_rules,
    prepare_update=keep_rules,
    validate=validate,
    validate_name=names.path_segment,
    generation=False,
    create_on_update=True,
)

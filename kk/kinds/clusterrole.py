"""ClusterRole: rules that hold everywhere, or wherever a RoleBinding takes them. The authorizer of kk.server reads them."""

from kk.base import names
from kk.base.errors import invalid_value, required
from kk.kinds._checks import Errors, Obj, each
from kk.kinds._labelselector import check_selector
from kk.kinds._later import later
from kk.kinds._rbac import check_rules, default_rules, keep_rules
from kk.kinds.kind import Kind


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Rules about resources or paths, and the selectors that gather other roles' rules."""
    yield from check_rules(obj.get("rules"), namespaced=False)
    if obj.get("aggregationRule") is None:
        return
    selectors = obj["aggregationRule"].get("clusterRoleSelectors")
    where = "aggregationRule.clusterRoleSelectors"
    if not selectors:
        yield required(where, "at least one clusterRoleSelector required if aggregationRule is non-nil")
    for path, selector in each(where, selectors):
        faults = list(check_selector(selector, path))
        yield from faults
        if faults:
            yield invalid_value(path, None, "invalid label selector.")


KIND = Kind(
    "rbac.authorization.k8s.io/v1",
    "ClusterRole",
    describe=later("_describe_core", "role"),
    default=default_rules,
    prepare_create=keep_rules,
    prepare_update=keep_rules,
    validate=validate,
    validate_name=names.path_segment,
    generation=False,
    create_on_update=True,
)

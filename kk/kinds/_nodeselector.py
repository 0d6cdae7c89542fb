"""NodeSelector: terms about labels and fields of nodes, and their faults.

Source of the words: `pkg/apis/core/validation/validation.go` of Kubernetes.
"""

from kk.base import names
from kk.base.errors import forbidden_value, invalid_value, required
from kk.kinds._checks import Errors, Obj, bad, each


def check_node_selector(path: str, selector: Obj) -> Errors:
    """Faults of a node selector."""
    terms = selector.get("nodeSelectorTerms")
    if not terms:
        yield required(f"{path}.nodeSelectorTerms", "must have at least one node selector term")
    for where, term in each(f"{path}.nodeSelectorTerms", terms):
        yield from check_term(where, term)


def check_term(path: str, term: Obj, values: bool = True) -> Errors:
    """Faults of one term; values that no label can have are faults where `values` says so (elsewhere they are warned of)."""
    for where, requirement in each(f"{path}.matchExpressions", term.get("matchExpressions")):
        yield from _expression(where, requirement)
        for there, value in each(f"{where}.values", requirement.get("values") if values else None):
            yield from bad(there, value, names.label_value(value))
    for where, requirement in each(f"{path}.matchFields", term.get("matchFields")):
        yield from _field(where, requirement)


def _expression(path: str, requirement: Obj) -> Errors:
    operator, values = requirement.get("operator") or "", requirement.get("values") or []
    if operator in ("In", "NotIn"):
        if not values:
            yield required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            yield forbidden_value(
                f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            )
    elif operator in ("Gt", "Lt"):
        if len(values) != 1:
            yield required(f"{path}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
    else:
        yield invalid_value(f"{path}.operator", operator, "not a valid selector operator")
    key = requirement.get("key") or ""
    yield from bad(f"{path}.key", key, names.qualified_name(key))


def _field(path: str, requirement: Obj) -> Errors:
    operator, values, key = (
        requirement.get("operator") or "",
        requirement.get("values") or [],
        requirement.get("key") or "",
    )
    if operator in ("In", "NotIn"):
        if len(values) != 1:
            yield required(
                f"{path}.values", "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
            )
    else:
        yield invalid_value(f"{path}.operator", operator, "not a valid selector operator")
    if key != "metadata.name":
        yield invalid_value(f"{path}.key", key, "not a valid field selector key")
    else:
        for where, value in each(f"{path}.values", values):
            yield from bad(where, value, names.dns_subdomain(value))

"""ValidatingAdmissionPolicyBinding: where a ValidatingAdmissionPolicy holds, with what parameters, and what a fault leads to."""

from kk.base.errors import duplicate, invalid_value, not_supported, required
from kk.kinds._checks import Errors, Obj, each
from kk.kinds._policies import check_binding, default_binding, param_ref_cell
from kk.kinds.kind import AGE, Column, Kind

_ACTIONS = ("Audit", "Deny", "Warn")


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Policy, parameters, matching and actions."""
    yield from check_binding(obj)
    path, actions = "spec.validationActions", obj["spec"].get("validationActions") or []
    if not actions:
        yield required(path, "at least one validation action is required")
    seen: set[str] = set()
    for where, action in each(path, actions):
        if action not in _ACTIONS:
            yield not_supported(where, action, _ACTIONS)
        if action in seen:
            yield duplicate(where, action)
        seen.add(action)
    if {"Deny", "Warn"} <= seen:
        yield invalid_value(
            path,
            actions,
            "must not contain both Deny and Warn (repeating the same validation failure information in the API response "
            "and headers serves no purpose)",
        )


KIND = Kind(
    "admissionregistration.k8s.io/v1",
    "ValidatingAdmissionPolicyBinding",
    default=default_binding,
    validate=validate,
    columns=(
        Column(
            "PolicyName",
            ".spec.policyName",
            description="PolicyName indicates the policy definition which the policy binding binded to",
        ),
        Column(
            "ParamRef",
            param_ref_cell,
            description="ParamRef indicates the param resource which sets the configuration param",
        ),
        AGE,
    ),
    unconditional_update=False,
)

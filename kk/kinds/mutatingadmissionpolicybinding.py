"""MutatingAdmissionPolicyBinding: where a MutatingAdmissionPolicy holds, and with what parameters."""

from kk.kinds._checks import Errors, Obj
from kk.kinds._policies import check_binding, default_binding, param_ref_cell
from kk.kinds.kind import AGE, Column, Kind


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Policy, parameters, matching."""
    yield from check_binding(obj)


KIND = Kind(
    "admissionregistration.k8s.io/v1",
    "MutatingAdmissionPolicyBinding",
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

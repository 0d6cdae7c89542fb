"""ValidatingAdmissionPolicy: expressions that objects must satisfy before they are stored. kk.server evaluates them."""

from kk.base import names
from kk.base.errors import duplicate, invalid_value, required
from kk.kinds._checks import Errors, Obj, bad, each, fill, one_of
from kk.kinds._policies import check_policy, default_policy, param_kind_cell
from kk.kinds.kind import AGE, Column, Kind

_NONE = "validations or auditAnnotations must contain at least one item"
_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")


def default(obj: Obj) -> None:
    """Shared defaults, and a status."""
    default_policy(obj)
    fill(obj, "status", {})


def prepare_create(obj: Obj) -> None:
    """Only the type checker writes a status."""
    obj["status"] = {}


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Something must be said: a validation or an audit annotation."""
    yield from check_policy(obj)
    spec, name = obj["spec"], obj["metadata"].get("name") or ""
    if not spec.get("validations") and not spec.get("auditAnnotations"):
        yield required("spec.validations", _NONE)
        yield required("spec.auditAnnotations", _NONE)
    for path, validation in each("spec.validations", spec.get("validations")):
        yield from _validation(path, validation)
    seen: set[str] = set()
    for path, annotation in each("spec.auditAnnotations", spec.get("auditAnnotations")):
        key = annotation.get("key") or ""
        yield from bad(f"{path}.key", f"{name}/{key}", names.qualified_name(f"{name}/{key}"))
        if key in seen:
            yield duplicate(f"{path}.key", key)
        seen.add(key)
        if not (annotation.get("valueExpression") or "").strip():
            yield required(f"{path}.valueExpression", "valueExpression is not specified")


def _validation(path: str, validation: Obj) -> Errors:
    expression, message = validation.get("expression") or "", validation.get("message") or ""
    if not expression.strip():
        yield required(f"{path}.expression", "expression is not specified")
    if message and not message.strip():
        yield invalid_value(f"{path}.message", message, "must be non-empty if specified")
    elif "\n" in message.strip():
        yield invalid_value(f"{path}.message", message, "must not contain line breaks")
    elif "\n" in expression and not message:
        yield required(f"{path}.message", "must be specified if expression contains line breaks")
    if validation.get("reason"):
        yield from one_of(f"{path}.reason", validation["reason"], _REASONS)


KIND = Kind(
    "admissionregistration.k8s.io/v1",
    "ValidatingAdmissionPolicy",
    default=default,
    prepare_create=prepare_create,
    validate=validate,
    columns=(
        Column(
            "Validations",
            lambda obj: len((obj.get("spec") or {}).get("validations") or []),
            "integer",
            description="Validations indicates the number of validation rules defined in this configuration",
        ),
        Column(
            "ParamKind",
            param_kind_cell,
            description="ParamKind specifies the kind of resources used to parameterize this policy",
        ),
        AGE,
    ),
    status=True,
    unconditional_update=False,
)

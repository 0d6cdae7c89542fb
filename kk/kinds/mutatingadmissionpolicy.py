"""MutatingAdmissionPolicy: expressions that change objects before they are stored. kk.server evaluates them."""

from kk.base.errors import forbidden_value, required
from kk.kinds._checks import Errors, Obj, each, one_of
from kk.kinds._policies import check_policy, default_policy, param_kind_cell
from kk.kinds.kind import AGE, Column, Kind

_PATCHES = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}


def validate(obj: Obj, old: Obj | None) -> Errors:
    """At least one mutation, each of one of two forms."""
    yield from check_policy(obj)
    spec = obj["spec"]
    if not spec.get("reinvocationPolicy"):
        yield required("spec.reinvocationPolicy")
    else:
        yield from one_of("spec.reinvocationPolicy", spec["reinvocationPolicy"], ("IfNeeded", "Never"))
    if not spec.get("mutations"):
        yield required("spec.mutations", "mutations must contain at least one item")
    for path, mutation in each("spec.mutations", spec.get("mutations")):
        yield from _mutation(path, mutation)


def _mutation(path: str, mutation: Obj) -> Errors:
    kind = mutation.get("patchType") or ""
    if not kind:
        yield required(f"{path}.patchType")
        return
    if kind not in _PATCHES:
        yield from one_of(f"{path}.patchType", kind, tuple(_PATCHES))
        return
    for other, field in _PATCHES.items():
        found = mutation.get(field)
        if other != kind:
            if found is not None:
                yield forbidden_value(f"{path}.{field}", f"must not be specified when patchType is {kind}")
        elif found is None:
            yield required(f"{path}.{field}", f"must be specified when patchType is {kind}")
        elif not (found.get("expression") or "").strip():
            yield required(f"{path}.{field}.expression")


KIND = Kind(
    "admissionregistration.k8s.io/v1",
    "MutatingAdmissionPolicy",
    default=default_policy,
    validate=validate,
    columns=(
        Column(
            "Mutations",
            lambda obj: len((obj.get("spec") or {}).get("mutations") or []),
            "integer",
            description="Mutation indicates the number of mutations rules defined in this configuration",
        ),
        Column(
            "ParamKind",
            param_kind_cell,
            description="ParamKind specifies the kind of resources used to parameterize this policy",
        ),
        AGE,
    ),
    unconditional_update=False,
)

"""ResourceClaimTemplate: the claim that each pod which names it gets. kk.control makes the claims."""

from kk.base.errors import forbidden_value, invalid_value
from kk.kinds._checks import IMMUTABLE, Errors, Obj, section
from kk.kinds._devices import check_claim, default_claim
from kk.kinds.kind import AGE, Kind
from kk.kinds.meta import check_labels

_NOT_SET = (
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "ownerReferences",
    "finalizers",
    "managedFields",
)


def default(obj: Obj) -> None:
    """The template's claim has a claim's defaults."""
    claim = section(section(obj, "spec"), "spec")
    section(claim, "devices")
    default_claim(claim)


def validate(obj: Obj, old: Obj | None) -> Errors:
    """A template never changes, and gives its claims labels and annotations only."""
    spec = obj["spec"]
    if old is not None:
        if spec != old["spec"]:
            yield invalid_value("spec", spec, IMMUTABLE)
        return
    metadata = spec.get("metadata") or {}
    for field in _NOT_SET:
        if metadata.get(field):
            yield forbidden_value(f"spec.metadata.{field}", "cannot be set")
    yield from check_labels(metadata.get("labels"), "spec.metadata.labels")
    yield from check_claim("spec.spec", spec.get("spec") or {})


KIND = Kind(
    "resource.k8s.io/v1",
    "ResourceClaimTemplate",
    default=default,
    validate=validate,
    columns=(AGE,),
    generation=False,
)

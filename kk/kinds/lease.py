"""Lease: who holds a role and since when: heartbeats of nodes, leader election. kk.client.lease takes and renews them."""

from kk.base.errors import invalid_value
from kk.kinds._checks import Errors, Obj, not_negative, section
from kk.kinds.kind import AGE, Column, Kind


def default(obj: Obj) -> None:
    """A spec is always there."""
    section(obj, "spec")


def _drop_gated(obj: Obj) -> None:
    # coordinated leader election is behind a gate that 1.36 leaves off
    obj["spec"].pop("strategy", None)
    obj["spec"].pop("preferredHolder", None)


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Durations and counts; an empty holder is a lease that nobody holds."""
    spec = obj["spec"]
    duration = spec.get("leaseDurationSeconds")
    if duration is not None and duration <= 0:
        yield invalid_value("spec.leaseDurationSeconds", duration, "must be greater than 0")
    yield from not_negative("spec.leaseTransitions", spec.get("leaseTransitions"))


KIND = Kind(
    "coordination.k8s.io/v1",
    "Lease",
    default=default,
    prepare_create=_drop_gated,
    prepare_update=lambda obj, old: _drop_gated(obj),
    validate=validate,
    columns=(Column("Holder", ".spec.holderIdentity"), AGE),
    generation=False,
    create_on_update=True,
    unconditional_update=False,
)

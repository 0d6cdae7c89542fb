"""Claiming for real: adopts and releases what kk.control.owners says, and returns what is owned."""

from kk.base.errors import StatusError
from kk.base.selectors import LabelSelector
from kk.control import owners
from kk.control.controller import Obj
from kk.control.through import Through


def claim_all(above: Through, owner: Obj, below: Through, selector: LabelSelector) -> list[Obj]:
    """The owner's objects in `below` (the owner is one of `above`), after orphans were adopted and strangers released."""
    candidates = below.list(owner["metadata"]["namespace"])
    found = owners.claim(owner, candidates, lambda o: selector.matches(o["metadata"].get("labels")))
    if found.adopt and not _alive(above, owner):
        found.adopt = []
    for obj in found.adopt:
        adopted = _patched(below, obj, owners.adoption(owner, obj))
        if adopted is not None:
            found.owned.append(adopted)
    for obj in found.release:
        _patched(below, obj, owners.releasing(owner, obj))
    return found.owned


def _alive(above: Through, owner: Obj) -> bool:
    """Ask the server itself before adopting: the cache may not know yet that the owner is being deleted or is another."""
    fresh = above.read(owner)
    return bool(
        fresh
        and fresh["metadata"]["uid"] == owner["metadata"]["uid"]
        and not fresh["metadata"].get("deletionTimestamp")
    )


def _patched(below: Through, obj: Obj, patch: Obj) -> Obj | None:
    try:
        return below.patch(obj, patch)
    except StatusError as error:
        if error.code in (404, 409, 422):  # gone, or another object by now
            return None
        raise

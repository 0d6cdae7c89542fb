"""Who owns whom: controller references, and which objects a controller may claim. Pure.

Source: k8s.io/kubernetes `pkg/controller/controller_ref_manager.go`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Obj = dict[str, Any]


def controller_of(obj: Obj) -> Obj | None:
    """The owner reference that is marked as the controller."""
    return next((r for r in obj["metadata"].get("ownerReferences") or () if r.get("controller")), None)


def controlled_by(obj: Obj, owner: Obj) -> bool:
    """Whether `owner` is the object's controller."""
    reference = controller_of(obj)
    return reference is not None and reference["uid"] == owner["metadata"]["uid"]


def reference(owner: Obj) -> Obj:
    """The owner reference that makes `owner` the controller."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


@dataclass(slots=True)
class Claim:
    """What of a list of candidates is an owner's, and what has to be written to make it so."""

    owned: list[Obj] = field(default_factory=list)
    adopt: list[Obj] = field(default_factory=list)
    release: list[Obj] = field(default_factory=list)


def claim(owner: Obj, candidates: Iterable[Obj], matches: Callable[[Obj], bool]) -> Claim:
    """Keep what is owned and matches, release what is owned and does not, adopt orphans that match; nothing is adopted by or while dying."""
    dying = bool(owner["metadata"].get("deletionTimestamp"))
    found = Claim()
    for obj in candidates:
        ref = controller_of(obj)
        if ref is not None:
            if ref["uid"] != owner["metadata"]["uid"]:
                continue
            if matches(obj):
                found.owned.append(obj)
            elif not dying:
                found.release.append(obj)
        elif not dying and not obj["metadata"].get("deletionTimestamp") and matches(obj):
            found.adopt.append(obj)
    return found


def adoption(owner: Obj, obj: Obj) -> Obj:
    """A merge patch that makes `owner` the controller of an orphan; the uid keeps it from hitting a successor of the same name."""
    references = [*(obj["metadata"].get("ownerReferences") or ()), reference(owner)]
    return {"metadata": {"uid": obj["metadata"]["uid"], "ownerReferences": references}}


def releasing(owner: Obj, obj: Obj) -> Obj:
    """A merge patch that takes the owner's reference away."""
    uid = owner["metadata"]["uid"]
    rest = [r for r in obj["metadata"].get("ownerReferences") or () if r["uid"] != uid]
    return {"metadata": {"uid": obj["metadata"]["uid"], "ownerReferences": rest or None}}

"""What a default role or binding lacks at a later start, so that rights that a newer server needs are there and own additions stay.

Nothing is taken away, and nothing given back to what its owner marked `rbac.authorization.kubernetes.io/autoupdate: "false"`. Pure: reading
and writing are kk.server.bootstrap's. As kubernetes `pkg/registry/rbac/reconciliation` without removal of extra rights.
"""

from typing import Any

Obj = dict[str, Any]
AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"


def protected(held: Obj) -> bool:
    """Whether its owner wants it left alone."""
    return bool((held["metadata"].get("annotations") or {}).get(AUTOUPDATE) == "false")


def rebound(held: Obj, wanted: Obj) -> bool:
    """Whether a binding binds another role than it should: it must be made anew, for that never changes."""
    return bool(held.get("roleRef") != wanted.get("roleRef"))


def completed(held: Obj, wanted: Obj) -> Obj:
    """The top-level fields that change; empty where nothing is missing."""
    fields: Obj = {}
    for key, lacking in (("rules", _rules), ("subjects", _items), ("aggregationRule", _selectors)):
        have, want = held.get(key), wanted.get(key)
        if want and want != have:
            found = lacking(have or type(want)(), want)
            if found is not None:
                fields[key] = found
    metadata = _metadata(held["metadata"], wanted["metadata"])
    if metadata is not None:
        fields["metadata"] = metadata
    return fields


def _rules(have: list[Obj], want: list[Obj]) -> list[Obj] | None:
    lost = [rule for rule in want if rule not in have]
    if not lost:
        return None
    from kk.server.admission.rbac_escalation import break_down, covers

    parts = [part for rule in lost for part in break_down(rule)]
    missing = [part for part in parts if not any(covers(rule, part) for rule in have)]
    if not missing:
        return None
    if len(missing) == len(parts):  # what is gone as a whole comes back as a whole
        missing = lost
    return [*have, *missing]


def _items(have: list[Obj], want: list[Obj]) -> list[Obj] | None:
    lost = [item for item in want if item not in have]
    return [*have, *lost] if lost else None


def _selectors(have: Obj, want: Obj) -> Obj | None:
    key = "clusterRoleSelectors"
    found = _items(have.get(key) or [], want[key])
    return None if found is None else {**have, key: found}


def _metadata(have: Obj, want: Obj) -> Obj | None:
    """Metadata with the labels and annotations that are missing; those that are there keep their values."""
    found = dict(have)
    for key in ("labels", "annotations"):
        merged = {**(want.get(key) or {}), **(have.get(key) or {})}
        if merged != (have.get(key) or {}):
            found[key] = merged
    return None if found == have else found

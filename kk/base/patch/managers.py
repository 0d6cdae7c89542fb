"""Who owns which fields of an object: metadata.managedFields after a create, an update or a patch.

The rules are those of k8s.io/apimachinery `pkg/util/managedfields` over structured-merge-diff's Updater: whoever changes a field
owns it, others lose it; the oldest of more than ten updaters are put together as "ancient-changes".
Server-side apply is kk.base.patch.apply.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from kk.base.patch import fields as f
from kk.base.schema import Node
from kk.base.times import format_time

Obj = dict[str, Any]
Entries = list[dict[str, Any]]
#: (manager, operation, version for updates, subresource)
Id = tuple[str, str, str, str]
#: an object in another version and that version's type; None where there is no such version
Convert = Callable[[Obj, str], "tuple[Obj, Node] | None"]

_MOST_UPDATERS = 10
ANCIENT = "ancient-changes"
BEFORE_FIRST_APPLY = "before-first-apply"

#: what nobody owns
STRIPPED: f.Set = {
    "f:apiVersion": {},
    "f:kind": {},
    "f:metadata": {
        "f:name": {},
        "f:namespace": {},
        "f:creationTimestamp": {},
        "f:selfLink": {},
        "f:uid": {},
        "f:clusterName": {},
        "f:generation": {},
        "f:managedFields": {},
        "f:resourceVersion": {},
    },
}
#: fields of metadata that never tell anything about ownership, left out of comparisons
_UNOWNED = frozenset(
    ("managedFields", "resourceVersion", "generation", "creationTimestamp", "uid", "name", "namespace", "selfLink")
)


@dataclass(frozen=True, slots=True)
class Owner:
    """What one manager owns. `entry` is the wire form that it was read from, while it is unchanged."""

    fields: f.Set
    api_version: str
    applied: bool
    time: str | None = None
    entry: dict[str, Any] | None = None

    def having(self, fields: f.Set) -> "Owner":
        """The same with other fields."""
        return self if fields is self.fields else replace(self, fields=fields, entry=None)


Owners = dict[Id, Owner]


def decode(entries: Entries | None, trusted: bool = True) -> Owners:
    """Owners from the wire; none where an entry is malformed, as upstream forgets them all then.

    `trusted` entries were written here: their field sets are not looked through.
    """
    out: Owners = {}
    for entry in entries or ():
        operation = entry.get("operation")
        fields = entry.get("fieldsV1")
        if operation not in ("Update", "Apply"):
            return {}
        if not trusted and not (
            entry.get("apiVersion") and entry.get("fieldsType") == "FieldsV1" and f.valid(fields or {})
        ):
            return {}
        key = identity(entry)
        owner = Owner(fields or {}, entry.get("apiVersion", ""), operation == "Apply", entry.get("time"), entry)
        if key in out:
            owner = out[key].having(f.union(out[key].fields, owner.fields))
        out[key] = owner
    return out


def identity(entry: dict[str, Any]) -> Id:
    """What makes two entries one: an apply is the same manager's at any version."""
    operation = entry.get("operation", "")
    version = entry.get("apiVersion", "") if operation == "Update" else ""
    return (entry.get("manager", ""), operation, version, entry.get("subresource", ""))


def encode(owners: Owners) -> Entries:
    """The wire form, sorted as upstream does: applies first, then by time, manager, version, subresource."""
    keys = sorted(owners, key=lambda key: (key[1], owners[key].time or "", key[0], owners[key].api_version, key[3]))
    return [_entry(key, owners[key]) for key in keys]


def _entry(key: Id, owner: Owner) -> dict[str, Any]:
    if owner.entry is not None:
        return owner.entry
    out: dict[str, Any] = {"manager": key[0], "operation": key[1], "apiVersion": owner.api_version}
    if owner.time:
        out["time"] = owner.time
    out["fieldsType"] = "FieldsV1"
    out["fieldsV1"] = f.ordered(owner.fields)
    if key[3]:
        out["subresource"] = key[3]
    if not key[0]:
        del out["manager"]
    return out


def bare(obj: Obj) -> Obj:
    """The object without what nobody owns; a shallow copy."""
    found = dict(obj)
    found.pop("kind", None)
    found.pop("apiVersion", None)
    metadata = obj.get("metadata")
    if isinstance(metadata, dict):
        found["metadata"] = {key: value for key, value in metadata.items() if key not in _UNOWNED}
    return found


_NO_STATUS: f.Set = {"f:status": {}}
_NO_STATUS_NOR_SPEC: f.Set = {"f:status": {}, "f:spec": {}}
_STATUS_ONLY: f.Set = {"f:spec": {}, "f:metadata": {"f:labels": {}}}
#: kinds whose spec only the server writes, so that nobody owns it
_SERVERS_OWN = frozenset({"io.k8s.api.certificates.v1.CertificateSigningRequest"})


def reset_fields(node: Node, subresource: str) -> f.Set:
    """What a write to the object (or to a sub-resource of it) cannot set, and so does not own."""
    if "status" not in node.fields:
        return {}
    if subresource == "":
        return _NO_STATUS_NOR_SPEC if node.name in _SERVERS_OWN else _NO_STATUS
    return _STATUS_ONLY if subresource == "status" else {}


def take_over(
    old: Obj,
    new: Obj,
    node: Node,
    owners: Owners,
    api_version: str,
    skip: Id | None,
    convert: Convert | None,
    ignored: f.Set | None = None,
) -> tuple[Owners, dict[Id, f.Set], f.Set, f.Set]:
    """(owners without what others changed, what they lose by conflict, changed fields, removed fields); both objects bare.

    Differences in `ignored` fields are none: the write cannot make them.
    """
    changed, removed = f.compare(old, new, node)
    if ignored:
        changed, removed = f.without(changed, ignored), f.without(removed, ignored)
    at: dict[str, tuple[f.Set, f.Set] | None] = {api_version: (changed, removed)}
    left: Owners = {}
    conflicts: dict[Id, f.Set] = {}
    for key, owner in owners.items():
        if key == skip:
            left[key] = owner
            continue
        version = owner.api_version
        if version not in at:
            at[version] = _compare_at(version, old, new, convert)
        sets = at[version]
        if sets is None:
            continue
        kept = owner.fields
        if sets[0] and (lost := f.intersection(kept, sets[0])):
            conflicts[key] = lost
            kept = f.difference(kept, lost)
        if sets[1]:
            kept = f.difference(kept, sets[1])
        if kept:
            left[key] = owner.having(kept)
    return left, conflicts, changed, removed


def _compare_at(version: str, old: Obj, new: Obj, convert: Convert | None) -> tuple[f.Set, f.Set] | None:
    if convert is None:
        return None
    before, after = (convert(old, version) if old else None), convert(new, version)
    if after is None:
        return None
    return f.compare(before[0] if before else {}, after[0], after[1])


def update(
    old: Obj | None,
    new: Obj,
    node: Node,
    manager: str,
    operation: str = "Update",
    *,
    api_version: str,
    now: datetime,
    subresource: str = "",
    convert: Convert | None = None,
    reset: f.Set | None = None,
    empty: Obj | None = None,
) -> Entries:
    """managedFields after a create (`old` None), update or patch made `new` of `old`; neither object changes.

    A client may write managedFields itself with the main resource; `[{}]` forgets everything. An object that has none stays without.
    `reset` are the fields that this write cannot set (default: by `subresource`); `empty` is what an object says before
    anybody said anything, for a create.
    """
    given = new.get("metadata", {}).get("managedFields") if not subresource else None
    if old is None and not given:
        return _of_new(new, node, empty or {}, (manager, operation, api_version, subresource), now, reset)
    live = (old or {}).get("metadata", {}).get("managedFields")
    if given == [{}]:
        owners: Owners = {}
    else:
        owners = (decode(given, trusted=False) if given and given is not live and given != live else {}) or decode(live)
    if not owners and old is not None:
        return []
    owners = updated(
        old or empty or {}, new, node, owners, (manager, operation, api_version, subresource), now, convert, reset
    )
    return encode(owners)


def _of_new(new: Obj, node: Node, empty: Obj, key: Id, now: datetime, reset: f.Set | None) -> Entries:
    """managedFields of an object that nobody owned anything of: the short way of `updated`, for it is most of a create."""
    own, _ = f.compare(empty, bare(new), node)
    ignored = reset_fields(node, key[3]) if reset is None else reset
    if ignored and not own.keys().isdisjoint(ignored):
        own = f.without(own, ignored)
    if own.get("f:metadata") == {}:
        del own["f:metadata"]
    return [_entry(key, Owner(own, key[2], False, _stamp(now)))] if own else []


_stamped: tuple[datetime | None, str] = (None, "")


def _stamp(now: datetime) -> str:
    """A time as text. Writers of one second bring the same datetime, and making its text costs as much as a look-up in ten maps."""
    global _stamped
    if _stamped[0] is not now:
        _stamped = (now, format_time(now))
    return _stamped[1]


def updated(
    old: Obj,
    new: Obj,
    node: Node,
    owners: Owners,
    key: Id,
    now: datetime,
    convert: Convert | None = None,
    reset: f.Set | None = None,
) -> Owners:
    """Owners after `key` (an Update at key[2]) made `new` of `old`."""
    version = key[2]
    ignored = reset_fields(node, key[3]) if reset is None else reset
    owners, _, changed, _ = take_over(bare(old), bare(new), node, owners, version, None, convert, ignored)
    own = f.without(changed, STRIPPED) if changed else changed
    own = {step: inner for step, inner in own.items() if inner or step != "f:metadata"}
    if own:
        before = owners.get(key)
        fields = f.union(before.fields, own) if before else own
        owners[key] = Owner(fields, version, False, _stamp(now))
        owners = _capped(owners)
    return {key: owner for key, owner in owners.items() if owner.fields}


def _capped(owners: Owners) -> Owners:
    """Puts the oldest updaters together where there are too many."""
    updaters = [key for key, owner in owners.items() if not owner.applied]
    if len(updaters) <= _MOST_UPDATERS:
        return owners
    updaters.sort(key=lambda key: (owners[key].time or "", key))
    length, first = len(updaters), {}  # type: tuple[int, dict[str, Id]]
    for key in updaters:
        if length <= _MOST_UPDATERS:
            break
        owner = owners[key]
        version = owner.api_version
        if version not in first:
            first[version] = key
            continue
        bucket = (ANCIENT, "Update", version, "")
        if bucket not in owners:
            owners[bucket] = replace(owners.pop(first[version]), entry=None)
        owners[bucket] = replace(
            owners[bucket], fields=f.union(owners[bucket].fields, owner.fields), time=owner.time, entry=None
        )
        if key != bucket:
            del owners[key]
        length -= 1
    return owners

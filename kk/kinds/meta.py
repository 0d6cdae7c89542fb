"""ObjectMeta: the faults of names, labels, annotations, owners and finalizers, and what an update may not change.

The rules and words are those of k8s.io/apimachinery `pkg/api/validation/objectmeta.go`. What the server sets by itself (uid, versions, times) the pipeline sets.
"""

from collections.abc import Callable, Iterable
from typing import Any

from kk.base import names
from kk.base.errors import FieldError, forbidden_value, invalid_value, required, too_long
from kk.kinds.kind import Obj

Errors = Iterable[FieldError]
Check = Callable[[str], Iterable[str]]

ANNOTATIONS_MOST = 256 * 1024
IMMUTABLE = "field is immutable"
NAME = "name or generateName is required"
#: apiVersion and kind that may own nothing: events
_NO_OWNERS = frozenset({("v1", "Event")})


def is_dns_label(name: str) -> list[str]:
    """A validate_name for kinds whose names are DNS labels."""
    return names.dns_label(name)


def check_labels(labels: Obj | None, path: str) -> Errors:
    """Faults of a map of labels."""
    for key, value in (labels or {}).items():
        for message in names.qualified_name(key):
            yield invalid_value(path, key, message)
        for message in names.label_value(value):
            yield invalid_value(path, value, message)


def check_annotations(annotations: Obj | None, path: str) -> Errors:
    """Faults of annotations: keys, and the size of all together in bytes."""
    size = 0
    for key, value in (annotations or {}).items():
        for message in names.qualified_name(key.lower()):
            yield invalid_value(path, key, message)
        size += len(key.encode()) + len(value.encode())
    if size > ANNOTATIONS_MOST:
        yield too_long(path, "", ANNOTATIONS_MOST)


def _name_faults(meta: Obj, check: Check, path: str) -> Errors:
    prefix, name = meta.get("generateName") or "", meta.get("name") or ""
    if prefix:
        # a prefix is judged as if something valid followed it
        masked = prefix[:-1] + "a" if len(prefix) > 1 and prefix.endswith("-") else prefix
        for message in check(masked):
            yield invalid_value(f"{path}.generateName", prefix, message)
    if not name:
        yield required(f"{path}.name", NAME)
        return
    for message in check(name):
        yield invalid_value(f"{path}.name", name, message)


def _namespace_faults(meta: Obj, namespaced: bool, path: str) -> Errors:
    namespace = meta.get("namespace") or ""
    if not namespaced:
        if namespace:
            yield forbidden_value(f"{path}.namespace", "not allowed on this type")
    elif not namespace:
        yield required(f"{path}.namespace")
    else:
        for message in names.dns_label(namespace):
            yield invalid_value(f"{path}.namespace", namespace, message)


def owner_shown(owner: Obj) -> Obj:
    """An owner reference with its fields in the order in which messages show them."""
    shown = {key: owner.get(key) or "" for key in ("apiVersion", "kind", "name", "uid")}
    return shown | {key: owner[key] for key in ("controller", "blockOwnerDeletion") if owner.get(key) is not None}


def check_owners(owners: list[Obj] | None, path: str) -> Errors:
    """Faults of ownerReferences; at most one is the controller."""
    first: Obj | None = None
    for owner in owners or ():
        yield from _owner_faults(owner, path)
        if not owner.get("controller"):
            continue
        if first is not None:
            detail = (
                "Only one reference can have Controller set to true. "
                f'Found "true" in references for {_owner_name(first)} and {_owner_name(owner)}'
            )
            yield invalid_value(path, [owner_shown(o) for o in owners or ()], detail)
        else:
            first = owner


def _owner_name(owner: Obj) -> str:
    return f"{owner.get('kind', '')}/{owner.get('name', '')}"


def _owner_faults(owner: Obj, path: str) -> Errors:
    api_version, kind = owner.get("apiVersion") or "", owner.get("kind") or ""
    group, _, version = api_version.rpartition("/")
    if "/" in group:
        group = version = ""
    if not version:
        yield invalid_value(f"{path}.apiVersion", api_version, "version must not be empty")
    if not kind:
        yield invalid_value(f"{path}.kind", kind, "must not be empty")
    for key in ("name", "uid"):
        if not owner.get(key):
            yield invalid_value(f"{path}.{key}", "", "must not be empty")
    if (api_version, kind) in _NO_OWNERS:
        detail = f"{group}/{version}, Kind={kind} is disallowed from being an owner"
        yield invalid_value(path, owner_shown(owner), detail)


def check_finalizers(finalizers: list[str] | None, path: str) -> Errors:
    """Faults of finalizers: each a qualified name; the two of garbage collection exclude each other."""
    for finalizer in finalizers or ():
        for message in names.qualified_name(finalizer):
            yield invalid_value(path, finalizer, message)
    both = {"orphan", "foregroundDeletion"} & set(finalizers or ())
    if len(both) == 2:
        yield invalid_value(path, list(finalizers or ()), "finalizer orphan and foregroundDeletion cannot be both set")


def check_own_finalizers(finalizers: list[str] | None, path: str) -> Errors:
    """What Kubernetes' own kinds ask on top: a finalizer is a standard one or has a prefix."""
    for at, finalizer in enumerate(finalizers or ()):
        if "/" not in finalizer and finalizer not in ("kubernetes", "orphan", "foregroundDeletion"):
            detail = "name is neither a standard finalizer name nor is it fully qualified"
            yield invalid_value(f"{path}[{at}]", finalizer, detail)


def _managed_faults(entries: list[Obj], path: str) -> Errors:
    for at, entry in enumerate(entries):
        operation = entry.get("operation") or ""
        if operation not in ("Apply", "Update"):
            yield invalid_value(f"{path}[{at}].operation", operation, "must be `Apply` or `Update`")
        if (entry.get("fieldsType") or "") not in ("", "FieldsV1"):
            yield invalid_value(f"{path}[{at}].fieldsType", entry["fieldsType"], "must be `FieldsV1`")
        manager, subresource = entry.get("manager") or "", entry.get("subresource") or ""
        if len(manager.encode()) > 128:
            yield too_long(f"{path}[{at}].manager", manager, 128)
        if not manager.isprintable():
            for place, sign in enumerate(manager):
                if not sign.isprintable():
                    detail = f"invalid character U+{ord(sign):04X} (at position {place})"
                    yield invalid_value(f"{path}[{at}].manager", manager, detail)
        if len(subresource.encode()) > 256:
            yield too_long(f"{path}[{at}].subresource", subresource, 256)


#: what `check` looks at where it is there at all: most objects have little of it, and each look costs a microsecond
_PARTS: tuple[tuple[str, Callable[[Any, str], Errors]], ...] = (
    ("labels", check_labels),
    ("annotations", check_annotations),
    ("ownerReferences", check_owners),
    ("finalizers", check_finalizers),
    ("managedFields", _managed_faults),
)


def check(meta: Obj, namespaced: bool, name: Check | None = None, path: str = "metadata") -> Errors:
    """Faults that both a new and a changed object can have."""
    yield from _name_faults(meta, name or names.dns_subdomain, path)
    yield from _namespace_faults(meta, namespaced, path)
    generation = meta.get("generation") or 0
    if generation < 0:
        yield invalid_value(f"{path}.generation", generation, "must be greater than or equal to 0")
    for key, part in _PARTS:
        if value := meta.get(key):
            yield from part(value, f"{path}.{key}")


def _fixed(meta: Obj, old: Obj, path: str) -> Errors:
    """What stays as it is; creationTimestamp, uid and the deletion fields are filled in by the pipeline where the client leaves them out."""
    for key in ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"):
        new_value, old_value = meta.get(key), old.get(key)
        if (new_value or None) == (old_value or None):
            continue
        yield invalid_value(f"{path}.{key}", new_value, IMMUTABLE)


def check_update(meta: Obj, old: Obj, path: str = "metadata") -> Errors:
    """Faults of a change."""
    if old.get("deletionTimestamp"):
        added = set(meta.get("finalizers") or ()) - set(old.get("finalizers") or ())
        if added:
            detail = (
                "no new finalizers can be added if the object is being deleted, found new finalizers "
                f"{go_strings(sorted(added))}"
            )
            yield forbidden_value(f"{path}.finalizers", detail)
    if (meta.get("generation") or 0) < (old.get("generation") or 0):
        yield invalid_value(f"{path}.generation", meta.get("generation") or 0, "must not be decremented")
    yield from _fixed(meta, old, path)


def go_strings(values: Iterable[str]) -> str:
    """A list of strings as messages of upstream show it."""
    return "[]string{" + ", ".join(f'"{v}"' for v in values) + "}"


def validate(meta: Obj, old: Obj | None, namespaced: bool, name: Check | None = None) -> list[FieldError]:
    """All faults of an object's metadata. `old` is the metadata before an update; `name` gives messages for a name (default: DNS subdomain)."""
    found = list(check(meta, namespaced, name))
    return found if old is None else found + list(check_update(meta, old))

"""Strategic merge patches: applying one, and making one of two objects, or of three as client-side `kubectl apply` does.

Rules follow k8s.io/apimachinery `pkg/util/strategicpatch`; how two maps are merged is kk.base.patch._strategic.
"""

from dataclasses import dataclass, replace
from typing import Any

from kk.base.patch import BadPatch, PatchError, copied
from kk.base.patch import _strategic as s
from kk.base.patch.json_patch import same
from kk.base.schema import Node

Obj = dict[str, Any]


class DiffConflict(PatchError):
    """`overwrite` is off, and the live object was changed differently from what is wanted."""


@dataclass(frozen=True, slots=True)
class _Options:
    changes: bool = True  # additions and changes go into the patch
    deletions: bool = True
    retain: bool = False  # the map at hand wants $retainKeys
    order: bool = True  # $setElementOrder lists go into the patch


def apply(doc: Obj, patch: Obj | None, node: Node) -> Obj:
    """The object with the patch merged in by the schema `node`; neither argument changes.

    Raises BadPatch (400) for malformed directives, PatchError (500, as upstream) for a patch that cannot be merged.
    """
    if patch is None:
        return doc
    if not isinstance(patch, dict):
        raise BadPatch("json: cannot unmarshal into Go value of type map[string]interface {}")
    return s.merge_map(copied(doc), copied(patch), node, s.ONTO_OBJECT)


def diff2(original: Obj, modified: Obj, node: Node) -> Obj:
    """The patch that makes `modified` of `original`. Raises PatchError for lists without their merge keys or unknown fields."""
    return _maps(original, modified, node, _Options())


def diff(original: Obj | None, modified: Obj, current: Obj, node: Node, overwrite: bool = True) -> Obj:
    """The patch of a client-side apply: what differs between `current` and `modified`, and what `modified` dropped since `original`.

    `original` is the last applied configuration (None: never applied). Raises DiffConflict where `overwrite` is False and
    both sides changed the same field, PatchError for lists without their merge keys.
    """
    original = original or {}
    delta = _maps(current, modified, node, _Options(deletions=False))
    dropped = _maps(original, modified, node, _Options(changes=False))
    patch = s.merge_map(copied(dropped), copied(delta), node, s.ONTO_PATCH)
    if not overwrite:
        changed = _maps(original, current, node, _Options(order=False))
        if _conflicts(patch, changed, node):
            raise DiffConflict(
                f"patch:\n{s.show(patch)}\nconflicts with changes made from original to current:\n{s.show(changed)}\n"
            )
    return patch


def _maps(original: Obj, modified: Obj, node: Node, options: _Options) -> Obj:
    patch: Obj = {}
    for key, value in modified.items():
        if key not in original:
            if options.changes:
                patch[key] = value
            continue
        before = original[key]
        if key == s.PATCH:
            if before != value:
                patch[key] = value
        elif type(before) is not type(value):
            if options.changes:
                patch[key] = value
        elif isinstance(value, dict):
            _map_field(patch, key, before, value, node, options)
        elif isinstance(value, list):
            _list_field(patch, key, before, value, node, options)
        elif options.changes and before != value:
            patch[key] = value
    if options.deletions:
        patch.update((key, None) for key in original if key not in modified)
    if options.retain:
        kept = sorted(key for key, value in modified.items() if value is not None)
        if kept and (patch or any(v is not None and k not in modified for k, v in original.items())):
            patch[s.RETAIN] = kept
    return patch


def _map_field(patch: Obj, key: str, before: Obj, value: Obj, node: Node, options: _Options) -> None:
    child = node.child(key)
    if child is None:
        if same(before, value):
            return
        s.field_type(node, key)
    assert child is not None
    if "replace" in child.strategies:
        if options.changes:
            patch[key] = value
    elif inner := _maps(before, value, child, replace(options, retain="retainKeys" in child.strategies)):
        patch[key] = inner


def _list_field(patch: Obj, key: str, before: list[Any], value: list[Any], node: Node, options: _Options) -> None:
    child = node.child(key)
    if child is None:
        if same(before, value):
            return
        s.field_type(node, key)
    assert child is not None
    if not s.merges(child):
        if options.changes and not same(before, value):
            patch[key] = value
        return
    added, deleted, order = _lists(before, value, child, replace(options, retain="retainKeys" in child.strategies))
    if added:
        patch[key] = added
    if deleted:
        patch[f"{s.DELETE_FROM}/{key}"] = deleted
    if order:
        patch[f"{s.SET_ORDER}/{key}"] = order


def _lists(
    original: list[Any], modified: list[Any], node: Node, options: _Options
) -> tuple[list[Any], list[Any], list[Any]]:
    """(items to add or change, scalars to delete, the order list)."""
    if not original:
        return (modified if options.changes else []), [], []
    key = node.merge_key
    if s.kind_of(original, modified) is dict:
        changed, gone = _lists_of_maps(original, modified, node, options)
        changed = s.sorted_by(changed, modified, key) + gone
        moved = [i[key] for i in original] != [i[key] for i in modified]
        ordered = options.order and ((options.changes and (changed or moved)) or (options.deletions and changed))
        return changed, [], [{key: item[key]} for item in modified] if ordered else []
    added = [item for item in modified if item not in original] if options.changes else []
    gone = s.deduplicate(sorted((i for i in original if i not in modified), key=s.show)) if options.deletions else []
    ordered = options.order and (gone or (options.changes and original != modified))
    return added, gone, list(modified) if ordered else []


def _lists_of_maps(
    original: list[Obj], modified: list[Obj], node: Node, options: _Options
) -> tuple[list[Any], list[Any]]:
    key = node.merge_key
    for item in [*original, *modified]:
        if key not in item:
            raise s.no_merge_key(item, key)
    before = {s.show(item[key]): item for item in original}
    after = {s.show(item[key]): item for item in modified}
    changed: list[Any] = []
    for name, item in after.items():
        if name not in before:
            if options.changes:
                changed.append(item)
        elif inner := _maps(before[name], item, node.items, options):
            changed.append({**inner, key: item[key]})
    gone = [{key: item[key], s.PATCH: "delete"} for name, item in sorted(before.items()) if name not in after]
    return changed, gone if options.deletions else []


def _conflicts(left: Any, right: Any, node: Node) -> bool:
    if isinstance(left, dict):
        if not isinstance(right, dict) or left.get(s.PATCH) != right.get(s.PATCH):
            return True
        for key, value in left.items():
            if key in right and key not in (s.PATCH, s.RETAIN) and not key.startswith((s.SET_ORDER, s.DELETE_FROM)):
                child = s.field_type(node, key)
                if isinstance(value, list) and isinstance(right[key], list):
                    if _lists_conflict(value, right[key], child):
                        return True
                elif "replace" not in child.strategies and _conflicts(value, right[key], child):
                    return True
        return False
    return not same(left, right)


def _lists_conflict(left: list[Any], right: list[Any], node: Node) -> bool:
    if not s.merges(node):
        return not same(left, right)
    if s.kind_of(left, right) is not dict:
        return False
    other = {s.show(item.get(node.merge_key)): item for item in right}
    return any(
        _conflicts(item, other[name], node.items)
        for item in left
        if (name := s.show(item.get(node.merge_key))) in other
    )

"""JSON Merge Patch (RFC 7386): applying one, and making one from two or three objects."""

from typing import Any

from kk.base.patch import BadPatch
from kk.base.patch.json_patch import same


def apply(doc: Any, patch: Any) -> Any:
    """The document with the patch merged in; neither argument changes. Raises BadPatch where the patch is no object."""
    if not isinstance(patch, dict):
        raise BadPatch("Invalid JSON Patch")
    return _merge(doc, patch)


def _merge(doc: Any, patch: dict[str, Any]) -> dict[str, Any]:
    out = dict(doc) if isinstance(doc, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = _merge(out[key], value)
        else:
            out[key] = _pruned(value)
    return out


def _pruned(value: Any) -> Any:
    """A new value without the nulls of its maps, also of those inside lists (as evanphx/json-patch does)."""
    if isinstance(value, dict):
        return {key: _pruned(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_pruned(inner) for inner in value]
    return value


def diff(old: Any, new: Any) -> dict[str, Any]:
    """The patch that makes `new` of `old`; empty where they are the same."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if key not in old:
            patch[key] = value
        elif isinstance(value, dict) and isinstance(before, dict):
            if inner := diff(before, value):
                patch[key] = inner
        elif not same(before, value):
            patch[key] = value
    return patch


def diff3(original: Any, modified: Any, current: Any) -> dict[str, Any]:
    """The patch of a client-side apply on kinds without patch metadata: what to set on `current`, and what `modified` dropped since `original`."""
    return _union(_only(diff(current, modified), nulls=False), _only(diff(original, modified), nulls=True))


def _only(patch: dict[str, Any], nulls: bool) -> dict[str, Any]:
    """The deletions of a patch, or everything else of it."""
    kept: dict[str, Any] = {}
    for key, value in patch.items():
        if isinstance(value, dict):
            inner = _only(value, nulls)
            if inner or (not nulls and not value):
                kept[key] = inner
        elif (value is None) is nulls:
            kept[key] = value
    return kept


def _union(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    out = dict(left)
    for key, value in right.items():
        out[key] = (
            _union(out[key], value)
            if isinstance(out.get(key), dict) and isinstance(value, dict)
            else out.get(key, value)
        )
    return out

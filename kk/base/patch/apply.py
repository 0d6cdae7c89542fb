"""Server-side apply: merging an applied configuration into the live object by who owns what.

The rules are those of structured-merge-diff (`merge/update.go`, `typed/merge.go`, `typed/remove.go`) and of the managers that
k8s.io/apimachinery puts around it. Ownership after other writes is kk.base.patch.managers.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kk.base.patch import PatchError, copied, typed
from kk.base.patch import fields as f
from kk.base.patch import managers as m
from kk.base.patch.managers import update
from kk.base.schema import ANY, Node

__all__ = ["Conflict", "Conflicts", "NotTyped", "apply", "update"]

Obj = dict[str, Any]
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class NotTyped(PatchError):
    """The configuration does not fit its type (upstream answers 500 without a reason)."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """One field that another manager owns, and what to call that manager (`"x" using v1`)."""

    manager: str
    path: str


class Conflicts(PatchError):
    """Fields that others own with other values; the text is upstream's message, `causes` the StatusCauses."""

    def __init__(self, found: Iterable[Conflict]):
        self.conflicts = sorted(found, key=lambda c: (c.path, c.manager))
        super().__init__(_message(self.conflicts))

    @property
    def causes(self) -> list[dict[str, str]]:
        """For Status.details.causes."""
        return [
            {"reason": "FieldManagerConflict", "message": f"conflict with {c.manager}", "field": c.path}
            for c in self.conflicts
        ]


def _message(conflicts: list[Conflict]) -> str:
    if len(conflicts) == 1:
        return f"Apply failed with 1 conflict: conflict with {conflicts[0].manager}: {conflicts[0].path}"
    lines = []
    for manager in sorted({c.manager for c in conflicts}):
        lines.append(f"conflicts with {manager}:")
        lines += [f"- {c.path}" for c in conflicts if c.manager == manager]
    return f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)


def _describe(key: m.Id, owner: m.Owner) -> str:
    text = json.dumps(key[0], ensure_ascii=False)
    if key[3]:
        text += f' with subresource "{key[3]}"'
    return text if owner.applied else f"{text} using {owner.api_version}"


def apply(
    live: Obj | None,
    applied: Obj,
    node: Node,
    manager: str,
    *,
    api_version: str,
    now: datetime,
    subresource: str = "",
    force: bool = False,
    convert: m.Convert | None = None,
    reset: f.Set | None = None,
) -> Obj:
    """The object after an apply, with its managedFields; `live` (None: there is none) and `applied` do not change.

    Raises NotTyped for a configuration that does not fit, Conflicts (with `force` never) for fields that others own.
    An apply that changes nothing gives an object equal to `live` but for ownership.
    """
    if wrong := typed.faults(applied, node):
        raise NotTyped(_untyped(applied, wrong))
    key: m.Id = (manager, "Apply", "", subresource)
    reset = m.reset_fields(node, subresource) if reset is None else reset
    before = live or {}
    owners = m.decode(before.get("metadata", {}).get("managedFields"))
    if not owners and live is not None:
        first: m.Id = (m.BEFORE_FIRST_APPLY, "Update", api_version, subresource)
        owners = m.updated({}, live, node, owners, first, now, convert, reset)
    last = owners.get(key)
    whole = f.without(f.fields_of(applied, node), reset) if reset else f.fields_of(applied, node)
    config = f.without(whole, m.STRIPPED)
    owners[key] = m.Owner(config, api_version, True, last.time if last else None)
    new = _merge(_unmanaged(before), _without_reset(applied, reset), node)
    if last is not None and last.fields:
        # the name and its like are claimed while pruning, though nobody is said to own them afterwards
        claims = {**owners, key: m.Owner(whole, api_version, True, None)}
        new = _prune(new, node, claims, last, convert)
    owners, conflicts, changed, removed = m.take_over(
        m.bare(before), m.bare(new), node, owners, api_version, key, convert
    )
    if conflicts and not force:
        allowed = _allowed(before, node) if manager == "kubectl" else {}
        _refuse(conflicts, owners, before, allowed)
    owners = {k: o for k, o in owners.items() if o.fields}
    if (changed or removed or live is None or _meant(before, applied, node, reset)) and key in owners:
        owners[key] = m.Owner(config, api_version, True, m.format_time(now))
    return _managed(new, m.encode(owners))


def _untyped(applied: Obj, wrong: list[str]) -> str:
    metadata = applied.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    group_version, kind = _text(applied, "apiVersion"), _text(applied, "kind")
    if "/" not in group_version:
        group_version = "/" + group_version
    text = wrong[0] if len(wrong) == 1 else "errors:\n  " + "\n  ".join(wrong)
    where = f"{_text(metadata, 'namespace')}/{_text(metadata, 'name')}"
    return f"failed to create typed patch object ({where}; {group_version}, Kind={kind}): {text}"


def _text(obj: Obj, key: str) -> str:
    value = obj.get(key)
    return value if isinstance(value, str) else ""


def _refuse(conflicts: dict[m.Id, f.Set], owners: m.Owners, before: Obj, allowed: f.Set) -> None:
    """Raises Conflicts for all that is not allowed; owners that lost everything are described from the live object."""
    known = m.decode(before.get("metadata", {}).get("managedFields"))
    found = []
    for key, fields in conflicts.items():
        owner = known.get(key) or owners.get(key) or m.Owner({}, key[2], key[1] == "Apply")
        left = f.difference(fields, allowed) if allowed else fields
        found += [Conflict(_describe(key, owner), path) for path in f.members(left)]
    if found:
        raise Conflicts(found)


def _allowed(live: Obj, node: Node) -> f.Set:
    """The fields of the last client-side apply: kubectl may take those over when it moves to server-side apply."""
    text = (live.get("metadata", {}).get("annotations") or {}).get(LAST_APPLIED)
    try:
        last = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return {}
    return f.fields_of(last, node) if isinstance(last, dict) else {}


def _unmanaged(obj: Obj) -> Obj:
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {k: v for k, v in metadata.items() if k != "managedFields"}}


def _managed(obj: Obj, entries: m.Entries) -> Obj:
    metadata = dict(obj.get("metadata") or {})
    if entries:
        metadata["managedFields"] = entries
    return {**obj, "metadata": metadata}


def _meant(live: Obj, applied: Obj, node: Node, reset: f.Set) -> bool:
    """Whether a configuration asks for a change of fields that this write cannot set: upstream counts it as a change."""
    asked = {step[2:]: applied[step[2:]] for step in reset if step[2:] in applied and step != "f:metadata"}
    return any(
        live.get(name) != _merge(live.get(name), value, node.child(name) or ANY) for name, value in asked.items()
    )


def _without_reset(applied: Obj, reset: f.Set) -> Obj:
    """The configuration without the fields that this write cannot set."""
    out = dict(applied)
    for step, inner in reset.items():
        name = step[2:]
        if name not in out:
            continue
        if not inner:
            del out[name]
        elif isinstance(out[name], dict):
            out[name] = _without_reset(out[name], inner)
    return out


# ---- merging ----


def _merge(live: Any, config: Any, node: Node) -> Any:
    """The live value with the configuration's laid over it; lists that are maps or sets are merged item by item."""
    kind = node.type
    if kind in ("object", "map", "any") and isinstance(config, dict) and not node.atomic:
        if not isinstance(live, dict):
            live = {}
        out = dict(live)
        for key, value in config.items():
            child = node.child(key) or ANY
            out[key] = _merge(live[key], value, child) if key in live else _merge(None, value, child)
        return out
    if kind == "list" and f.granular(node) and isinstance(config, list):
        return _merge_lists(live if isinstance(live, list) else [], config, node)
    if config is None and live and not node.atomic:
        if kind in ("object", "map") or (kind == "list" and f.granular(node)):
            return live
    return config


def _merge_lists(live: list[Any], config: list[Any], node: Node) -> list[Any]:
    """Items of both, in an order that keeps the configuration's and, where it can, the live one."""
    left = [_step(item, node, i) for i, item in enumerate(live)]
    right = [_step(item, node, i) for i, item in enumerate(config)]
    mine = dict(zip(right, config))
    theirs = {step: item for step, item in zip(left, live) if left.count(step) == 1}
    in_left = set(left)
    shared = [step for step in right if step in in_left]
    out: list[Any] = []
    done: set[str] = set()
    i = j = at = 0

    def merged(step: str) -> Any:
        done.add(step)
        return _merge(theirs.get(step), mine[step], node.items)

    while i < len(left) or j < len(right):
        wanted = shared[at] if at < len(shared) else None
        if i < len(left) and j < len(right):
            if left[i] == right[j]:
                out.append(merged(left[i]))
                i, j, at = i + 1, j + 1, at + 1
                continue
            if left[i] in mine and wanted is not None and wanted != left[i]:
                i += 1
                continue
        if i < len(left):
            if left[i] not in mine:
                out.append(live[i])
                i += 1
                continue
            if left[i] in done:
                i += 1
        if j < len(right):
            out.append(merged(right[j]))
            at += wanted == right[j]
            j += 1
    return out


def _step(item: Any, node: Node, index: int) -> str:
    try:
        return f.item_key(item, node, index)
    except ValueError:
        return f"i:{index}"


# ---- removing what is no longer applied ----

_GONE = object()


def _remove(value: Any, gone: f.Set, node: Node) -> Any:
    """A value without the items of `gone`; _GONE where nothing is left of it."""
    if not value or node.atomic:
        return value
    if isinstance(value, dict) and node.type in ("object", "map", "any"):
        out = {}
        for key, inner in value.items():
            found = gone.get("f:" + key)
            if found is None:
                out[key] = inner
            elif found and "." not in found:
                kept = _remove(inner, found, node.child(key) or ANY)
                if kept is not _GONE:
                    out[key] = kept
        return out or _GONE
    if isinstance(value, list) and node.type == "list" and f.granular(node):
        items = []
        for index, item in enumerate(value):
            found = gone.get(_step(item, node, index))
            if found is None:
                items.append(item)
            elif found and "." not in found:
                kept = _remove(item, found, node.items)
                items.append({} if kept is _GONE else kept)
        return items or _GONE
    return value


def _removed(obj: Obj, gone: f.Set, node: Node) -> Obj:
    if not gone:
        return obj
    out = _remove(obj, gone, node)
    return {} if out is _GONE else out


def _prune(merged: Obj, node: Node, owners: m.Owners, last: m.Owner, convert: m.Convert | None) -> Obj:
    """Takes out what this manager applied last time, does not apply now, and nobody else owns, whether by apply or update."""
    if (
        last.api_version
        and any(o.api_version != last.api_version for o in owners.values() if o.applied)
        and convert is None
    ):
        return merged
    named = f.with_named(last.fields, node)
    pruned = _removed(merged, named, node)
    everything = f.with_named(f.fields_of(merged, node), node)
    claimed: f.Set = {}
    for owner in owners.values():
        claimed = f.union(claimed, owner.fields)
    kept = f.union(f.with_named(f.fields_of(pruned, node), node), f.with_named(claimed, node))
    pruned = _removed(merged, f.difference(everything, kept), node)
    left = f.with_named(f.fields_of(pruned, node), node)
    return _removed(merged, f.intersection(f.difference(everything, left), named), node)


def merged(live: Obj, config: Obj, node: Node) -> Obj:
    """An object with an apply configuration merged in by its type; nobody's fields are taken away and no owners are kept."""
    found: Obj = _merge(copied(live), config, node)
    return found

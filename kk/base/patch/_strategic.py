"""How a strategic merge patch is merged, by the merge keys and strategies of a kind's schema.

Directives: `$patch` (delete, replace, merge), `$retainKeys`, `$deleteFromPrimitiveList/x`, `$setElementOrder/x`.
Rules and words follow k8s.io/apimachinery `pkg/util/strategicpatch`. What others call is kk.base.patch.strategic.
"""

from typing import Any

from kk.base.patch import BadPatch, PatchError
from kk.base.schema import Node

PATCH, RETAIN = "$patch", "$retainKeys"
DELETE_FROM, SET_ORDER = "$deleteFromPrimitiveList", "$setElementOrder"

Obj = dict[str, Any]


class Options:
    """How maps are merged: onto an object (the server), or onto another patch (the three-way diff)."""

    __slots__ = ("onto_object",)

    def __init__(self, onto_object: bool):
        self.onto_object = onto_object


ONTO_OBJECT, ONTO_PATCH = Options(True), Options(False)


def show(value: Any) -> str:
    """A value as Go prints it with %v."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{k}:{show(v)}" for k, v in sorted(value.items())) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(show, value)) + "]"
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def no_merge_key(item: Obj, key: str) -> PatchError:
    """An item of a merging list without its key."""
    return PatchError(f"map: {show(item)} does not contain declared merge key: {key}")


def bad_type(found: Any, wanted: str = "[]interface {}") -> PatchError:
    """A value of a type that a directive cannot have."""
    name = {
        dict: "map[string]interface {}",
        list: "[]interface {}",
        str: "string",
        bool: "bool",
        int: "int64",
        float: "float64",
    }
    return PatchError(f"expected a {wanted}, but received a {name.get(type(found), '<nil>')}")


def field_type(node: Node, key: str) -> Node:
    """The schema of a field. Raises PatchError where an object has no such field, as upstream's lookup does."""
    child = node.child(key)
    if child is None:
        struct = node.name.rpartition(".")[2] or node.type
        raise PatchError(f'unable to find api field in struct {struct} for the json field "{key}"')
    return child


def merges(node: Node) -> bool:
    """Whether a list is merged item by item; otherwise it is replaced."""
    return "merge" in node.strategies


def kind_of(items: list[Any], *more: list[Any]) -> type | None:
    """The one type of all items. Raises PatchError where they differ, or are lists."""
    found: type | None = None
    for group in (items, *more):
        for item in group:
            if found is None:
                if isinstance(item, list):
                    raise PatchError("lists of lists are not supported")
                found = type(item)
            elif type(item) is not found:
                raise PatchError(f"list element types are not identical: {show([items, *more])}")
    return found


def merge_map(original: Obj, patch: Obj, node: Node, options: Options) -> Obj:
    """Merges `patch` into `original`, changing and consuming both; gives the result."""
    if PATCH in patch:
        directive = patch[PATCH]
        if directive == "replace":
            del patch[PATCH]
            return patch
        if directive == "delete":
            return {}
        raise PatchError(f"unknown patch type: {_directive(directive)} in map: {show(patch)}")
    _retain_keys(original, patch, options)
    _set_orders(original, patch, node, options)
    for key, value in patch.items():
        deleting = key.startswith(DELETE_FROM)
        if deleting:
            if not options.onto_object:
                original[key] = value
                continue
            key = _plain_key(key, DELETE_FROM, "invalid patch format of primitive list")
        if value is None:
            original.pop(key, None)
            if options.onto_object:
                continue
        before: Any = original.get(key)
        if key not in original or type(before) is not type(value):
            if not deleting:
                original[key] = _without_nulls(value) if options.onto_object else value
        elif isinstance(value, dict):
            child = field_type(node, key)
            replaced = "replace" in child.strategies
            original[key] = value if replaced else merge_map(before, value, child, options)
        elif isinstance(value, list):
            child = field_type(node, key)
            original[key] = merge_list(before, value, child, deleting, options) if merges(child) else value
        else:
            original[key] = value
    return original


def _without_nulls(value: Any) -> Any:
    """A value for where nothing was: the nulls of its maps have nothing to delete."""
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return value


def _directive(value: Any) -> str:
    if isinstance(value, str):
        return value
    go = {bool: "bool", int: "int64", float: "float64"}.get(type(value))
    return f"%!s({go}={show(value)})" if go else "%!s(<nil>)" if value is None else show(value)


def _plain_key(key: str, prefix: str, fault: str) -> str:
    head, slash, rest = key.partition("/")
    if not slash or head != prefix:
        raise BadPatch(fault)
    return rest


def _retain_keys(original: Obj, patch: Obj, options: Options) -> None:
    """`$retainKeys`: clears what it does not name."""
    if RETAIN not in patch:
        return
    keys = patch.pop(RETAIN)
    if not options.onto_object:
        if RETAIN in original and original[RETAIN] != keys:
            raise PatchError(
                f"{show(original[RETAIN])} and {show(keys)} are not deep equal: this may happen when calculating the 3-way diff patch"
            )
        original[RETAIN] = keys
        return
    if not isinstance(keys, list):
        raise BadPatch("invalid patch format of retainKeys")
    for key, value in patch.items():
        if value is not None and not key.startswith((DELETE_FROM, SET_ORDER)) and key not in keys:
            raise BadPatch("invalid patch format of retainKeys")
    for key in list(original):
        if key not in keys:
            del original[key]


def _set_orders(original: Obj, patch: Obj, node: Node, options: Options) -> None:
    """`$setElementOrder/x`: merges list x together with its order, and takes both out of the patch."""
    bad_order = "invalid patch format of setElementOrder list"
    for directive in [key for key in patch if key.startswith(SET_ORDER)]:
        order = patch.pop(directive)
        if not options.onto_object:
            if original.setdefault(directive, order) != order:
                raise BadPatch(bad_order)
        if not isinstance(order, list):
            raise bad_type(order)
        key = _plain_key(directive, SET_ORDER, bad_order)
        before, value = original.get(key), patch.get(key)
        for found in (before, value):
            if found is not None and not isinstance(found, list):
                raise bad_type(found)
        child = field_type(node, key)
        _check_order(value or [], order, child.merge_key)
        if key not in original and key not in patch:
            continue
        if key in original and key in patch:
            merged = merge_list(before or [], value or [], child, False, options) if merges(child) else (value or [])
        else:
            merged = (before if key in original else value) or []
        kind = kind_of(before or [], value or [])
        if kind is None:
            raise PatchError("no elements in any of the given slices")
        original[key] = _in_order(merged, order, before or [], child.merge_key)
        patch.pop(key, None)


def _same_key(left: Any, right: Any, key: str) -> bool:
    if not key:
        return left == right
    for item in (left, right):
        if not isinstance(item, dict):
            raise bad_type(item, "map[string]interface {}")
        if key not in item:
            raise no_merge_key(item, key)
    return left[key] == right[key]


def _check_order(items: list[Any], order: list[Any], key: str) -> None:
    """Every item of the patch must stand in the order list, in that order."""
    if not items or not order:
        return
    kept = [i for i in items if not (key and isinstance(i, dict) and i.get(PATCH) == "delete")]
    at = place = 0
    while at < len(kept) and place < len(order):
        if isinstance(kept[at], dict) and PATCH in kept[at]:
            at += 1
            continue
        if _same_key(kept[at], order[place], key):
            at += 1
        place += 1
    if at < len(kept) and place >= len(order):
        raise PatchError(f"The order in patch list:\n{show(items)}\n doesn't match {SET_ORDER} list:\n{show(order)}\n")


def merge_list(original: list[Any], patch: list[Any], node: Node, deleting: bool, options: Options) -> list[Any]:
    """Merges two lists of scalars (a union, or a difference where `deleting`) or of maps (by merge key)."""
    if not original and not patch:
        return original
    kind, key = kind_of(original, patch), node.merge_key
    if kind is not dict:
        if options.onto_object and deleting:
            return [item for item in original if item not in patch]
        merged = deduplicate(original + patch)
        return _in_order(merged, patch, original, "")
    if not key:
        raise PatchError("cannot merge lists without merge key for type struct")
    original, patch = _directives(original, patch, key)
    before = list(original)
    merged = list(original)
    for item in patch:
        if key not in item:
            raise no_merge_key(item, key)
        value = item[key]
        for index, found in enumerate(merged):
            if found.get(key, _NONE) == value:
                merged[index] = merge_map(found, item, node.items, options)
                break
        else:
            merged.append(item)
    return _in_order(merged, patch, before, key)


_NONE = object()


def _directives(original: list[Any], patch: list[Any], key: str) -> tuple[list[Any], list[Any]]:
    """Does what the special items of a list say, and gives both lists without them."""
    plain, replace = [], False
    for item in patch:
        directive = item.get(PATCH, _NONE)
        if directive is _NONE:
            plain.append(item)
        elif directive == "delete":
            if key not in item:
                raise no_merge_key(item, key)
            original = [i for i in original if i.get(key, _NONE) != item[key]]
        elif directive == "replace":
            replace = True
        elif directive == "merge":
            raise PatchError("merging lists cannot yet be specified in the patch")
        else:
            raise PatchError(f"unknown patch type: {_directive(directive)} in map: {show(item)}")
    return (plain, []) if replace else (original, plain)


def deduplicate(items: list[Any]) -> list[Any]:
    """Scalars, each once; a repeat is filled from the end, which is upstream's order."""
    items = list(items)
    last, i = len(items) - 1, 0
    while i < last:
        j = i + 1
        while j <= last:
            if items[i] == items[j]:
                items[j] = items[last]
                items.pop()
                last -= 1
            else:
                j += 1
        i += 1
    return items


def identity(item: Any, key: str) -> Any:
    """What tells an item of a list from the others: the value of its merge key, or the item itself."""
    return item.get(key) if key and isinstance(item, dict) else item


def position(order: list[Any], item: Any, key: str) -> int:
    """Where an item stands in an order list, or -1."""
    wanted = identity(item, key)
    return next((i for i, other in enumerate(order) if identity(other, key) == wanted), -1)


def _in_order(merged: list[Any], order: list[Any], server_order: list[Any], key: str) -> list[Any]:
    """The merged items: those of the patch in its order, the server's own between them as they were."""
    named: list[Any] = []
    own: list[Any] = []
    for item in merged:
        if key and (not isinstance(item, dict) or key not in item):
            raise no_merge_key(item, key) if isinstance(item, dict) else bad_type(item, "map[string]interface {}")
        (named if position(order, item, key) >= 0 else own).append(item)
    return interleave(sorted_by(own, server_order, key), sorted_by(named, order, key), server_order, key)


def sorted_by(items: list[Any], order: list[Any], key: str) -> list[Any]:
    """Items sorted by an order list, deletions last."""
    if key:
        for item in [*items, *order]:
            if not isinstance(item, dict):
                raise bad_type(item, "map[string]interface {}")
            if key not in item:
                raise no_merge_key(item, key)
    gone = [i for i in items if key and i.get(PATCH) == "delete"]
    rest = [i for i in items if not (key and i.get(PATCH) == "delete")]
    rest.sort(key=lambda item: position(order, item, key))
    return rest + gone


def interleave(left: list[Any], right: list[Any], order: list[Any], key: str) -> list[Any]:
    """Puts each item of `left` before the first item of `right` that `order` says comes after it; both keep their order."""
    out: list[Any] = []
    i = j = 0
    while i < len(left) and j < len(right):
        first, second = position(order, left[i], key), position(order, right[j], key)
        if 0 <= first < second:
            out.append(left[i])
            i += 1
        else:
            out.append(right[j])
            j += 1
    return out + left[i:] + right[j:]

"""List functions of Kubernetes (isSorted, sum, min, max, indexOf, lastIndexOf), sets, and those of regular expressions."""

from typing import Any

from kk.server import regexps
from kk.server.cel import values as v
from kk.server.cel.values import CelError, Duration

_ORDERED = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")
_SUMMED = ("int", "uint", "double", "duration")

FUNCTIONS = (
    "\n".join(
        f"{name} list_{t}_{id} list({t}).() -> {t if name != 'isSorted' else 'bool'}"
        for name, id in (("isSorted", "is_sorted_bool"), ("max", "max"), ("min", "min"))
        for t in _ORDERED
    )
    + "\n"
    + "\n".join(f"sum list_{t}_sum_{t} list({t}).() -> {t}" for t in _SUMMED)
    + """
indexOf list_a_index_of_int list(A).(A) -> int
lastIndexOf list_a_last_index_of_int list(A).(A) -> int
sets.contains list_sets_contains_list (list(A), list(A)) -> bool
sets.equivalent list_sets_equivalent_list (list(A), list(A)) -> bool
sets.intersects list_sets_intersects_list (list(A), list(A)) -> bool
find string_find_string string.(string) -> string
findAll string_find_all_string string.(string) -> list(string)
findAll string_find_all_string_int string.(string, int) -> list(string)
cel.@mapInsert @mapInsert_map_key_value (map(A, B), A, B) -> map(A, B)
cel.@mapInsert @mapInsert_map_map (map(A, B), map(A, B)) -> map(A, B)
"""
)


def _sum(items: "list[Any]") -> Any:
    from kk.server.cel.library.standard import IMPLEMENTATIONS as standard

    if not items:
        return 0
    total = items[0]
    for item in items[1:]:
        total = standard["_+_"](total, item)
    return total if not isinstance(total, Duration) else Duration(total.ns)


def _extreme(items: "list[Any]", name: str, sign: int) -> Any:
    if not items:
        raise CelError(f"{name} called on empty list")
    best = items[0]
    for item in items[1:]:
        if v.compare(item, best, name) * sign > 0:
            best = item
    return best


def _sorted(items: "list[Any]") -> bool:
    return all(v.compare(a, b, "isSorted") <= 0 for a, b in zip(items, items[1:], strict=False))


def _contains(a: "list[Any]", b: "list[Any]") -> bool:
    return all(any(v.equal(x, y) for y in a) for x in b)


def _pattern(pattern: str) -> Any:
    try:
        return regexps.compile(pattern)
    except ValueError as error:
        raise CelError(f"Illegal regex: {error}") from None


def _find(text: str, pattern: str) -> str:
    return next(iter(_pattern(pattern).find(text, 1)), "")


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    return _pattern(pattern).find(text, limit)


def _insert(held: "dict[Any, Any]", *entry: Any) -> "dict[Any, Any]":
    added = entry[0] if len(entry) == 1 else {entry[0]: entry[1]}
    for key in added:
        if key in held:
            raise CelError(f"insert failed: key {key} already exists")
    return {**held, **added}


IMPLEMENTATIONS: dict[str, Any] = {
    "isSorted": _sorted,
    "sum": _sum,
    "max": lambda a: _extreme(a, "max", 1),
    "min": lambda a: _extreme(a, "min", -1),
    "sets.contains": _contains,
    "sets.equivalent": lambda a, b: _contains(a, b) and _contains(b, a),
    "sets.intersects": lambda a, b: any(any(v.equal(x, y) for y in b) for x in a),
    "cel.@mapInsert": _insert,
    "find": _find,
    "findAll": _find_all,
}

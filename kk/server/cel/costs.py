"""What calls cost while they run, as google/cel-go `interpreter/runtimecost.go` and Kubernetes' libraries count it."""

import math
from collections.abc import Callable
from typing import Any

from kk.server.cel.values import size

Price = Callable[["list[Any]", Any], int]
TRAVERSAL = 0.1
REGEX = 0.25


def _scaled(times: float, argument: int = 0) -> Price:
    return lambda values, found: math.ceil(size(values[argument]) * times)


def _compared(values: "list[Any]", found: Any) -> int:
    return math.ceil(min(size(values[0]), size(values[1])) * TRAVERSAL) if isinstance(values[0], (str, bytes)) else 1


def equality(values: "list[Any]", found: Any) -> int:
    """== and !=."""
    return math.ceil(min(size(values[0]), size(values[1])) * TRAVERSAL)


def _added(values: "list[Any]", found: Any) -> int:
    return math.ceil((size(values[0]) + size(values[1])) * TRAVERSAL) if isinstance(values[0], (str, bytes)) else 1


def _matched(values: "list[Any]", found: Any) -> int:
    return math.ceil((1.0 + size(values[0])) * TRAVERSAL) * math.ceil(size(values[1]) * REGEX)


def _contained(values: "list[Any]", found: Any) -> int:
    return math.ceil(size(values[0]) * TRAVERSAL) * math.ceil(size(values[1]) * TRAVERSAL)


def _in(values: "list[Any]", found: Any) -> int:
    return size(values[1]) if isinstance(values[1], list) else 1


def _traversed(values: "list[Any]", found: Any) -> int:
    return _traversal(values[0])


def _traversal(value: Any) -> int:
    if isinstance(value, (str, bytes)):
        return int(len(value) * TRAVERSAL)
    if isinstance(value, list):
        return sum(map(_traversal, value))
    if isinstance(value, dict):
        return sum(_traversal(k) + _traversal(v) for k, v in value.items())
    return 1


def _address(values: "list[Any]", found: Any) -> int:
    return math.ceil(size(values[0]) * TRAVERSAL) if isinstance(values[0], str) else 1


def _crossed(times: int) -> Price:
    """Each item of one list beside each of the other."""
    return lambda values, found: 1 + size(values[0]) * size(values[1]) * times


def _within(values: "list[Any]", found: Any) -> int:
    text = math.ceil(size(values[1]) * TRAVERSAL) if isinstance(values[1], str) else 0
    return 4 + text


_PRICES: dict[str, Price] = {
    "check": lambda values, found: 350000,
    **dict.fromkeys(("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"), _traversed),
    **dict.fromkeys(("url", "lowerAscii", "upperAscii", "substring", "trim"), _scaled(TRAVERSAL)),
    **dict.fromkeys(("replace", "split"), _scaled(2 * TRAVERSAL)),
    "join": lambda values, found: math.ceil(size(found) * 2 * TRAVERSAL),
    **dict.fromkeys(("find", "findAll", "matches"), _matched),
    **dict.fromkeys(
        ("cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver", "validate"), _scaled(TRAVERSAL)
    ),
    "ip": _address,
    "ip.isCanonical": _scaled(2 * TRAVERSAL),
    **dict.fromkeys(("containsIP", "containsCIDR"), _within),
    **dict.fromkeys(("startsWith", "endsWith"), _scaled(TRAVERSAL)),
    "contains": _contained,
    **dict.fromkeys(("sets.contains", "sets.intersects"), _crossed(1)),
    "sets.equivalent": _crossed(2),
    "@in": _in,
    "_+_": _added,
    **dict.fromkeys(("_<_", "_<=_", "_>_", "_>=_"), _compared),
    "bytes": _address,
}


#: calls whose price depends on what they give; all others are paid for before they are made
AFTERWARDS = frozenset(["join"])


def of_call(name: str, overload: str) -> "Price | None":
    """The price of a call; None: 1."""
    return _PRICES.get(name)

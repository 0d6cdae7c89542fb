"""Quantities and semantic versions."""

import re
from functools import total_ordering
from typing import Any

from kk.base.quantity import Quantity as Amount
from kk.server.cel.values import CelError

_Q, _S = "kubernetes.Quantity", "kubernetes.Semver"
FUNCTIONS = f"""
quantity string_to_quantity (string) -> {_Q}
isQuantity is_quantity_string (string) -> bool
isInteger quantity_is_integer {_Q}.() -> bool
asInteger quantity_as_integer {_Q}.() -> int
asApproximateFloat quantity_get_float {_Q}.() -> double
sign quantity_sign {_Q}.() -> int
add quantity_add {_Q}.({_Q}) -> {_Q}
add quantity_add_int {_Q}.(int) -> {_Q}
sub quantity_sub {_Q}.({_Q}) -> {_Q}
sub quantity_sub_int {_Q}.(int) -> {_Q}
isLessThan quantity_less_than {_Q}.({_Q}) -> bool
isGreaterThan quantity_greater_than {_Q}.({_Q}) -> bool
compareTo quantity_compare_to {_Q}.({_Q}) -> int
semver string_to_semver (string) -> {_S}
semver string_bool_to_semver (string, bool) -> {_S}
isSemver is_semver_string (string) -> bool
isSemver is_semver_string_bool (string, bool) -> bool
major semver_major {_S}.() -> int
minor semver_minor {_S}.() -> int
patch semver_patch {_S}.() -> int
isLessThan semver_is_less_than {_S}.({_S}) -> bool
isGreaterThan semver_is_greater_than {_S}.({_S}) -> bool
compareTo semver_compare_to {_S}.({_S}) -> int
"""


class Quantity:
    """An amount as a value of CEL."""

    __slots__ = ("amount",)
    cel_type = _Q

    def __init__(self, amount: Amount):
        self.amount = amount

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.amount == other.amount

    def __hash__(self) -> int:
        return hash(self.amount)

    def __lt__(self, other: "Quantity") -> bool:
        return self.amount < other.amount


_VERSION = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?\Z"
)


@total_ordering
class Semver:
    """A semantic version."""

    __slots__ = ("numbers", "before")
    cel_type = _S

    def __init__(self, text: str):
        found = _VERSION.match(text)
        if not found:
            raise CelError(f'error parsing semver "{text}"' if text else "Version string empty")
        self.numbers = tuple(int(found.group(i)) for i in (1, 2, 3))
        pieces = (found.group(4) or "").split(".") if found.group(4) else []
        self.before = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in pieces)

    def _key(self) -> Any:
        return self.numbers, not self.before, self.before

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Semver) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __lt__(self, other: "Semver") -> bool:
        return bool(self._key() < other._key())


def _semver(text: str, normalize: bool = False) -> Semver:
    if normalize:
        text = text.strip().removeprefix("v")
        core, sep, rest = re.match(r"([^-+]*)([-+]?)(.*)", text).groups()  # type: ignore[union-attr]
        numbers = [n.lstrip("0") or "0" for n in core.split(".")]
        text = ".".join([*numbers, "0", "0"][: max(3, len(numbers))]) + sep + rest
    return Semver(text)


def _valid(make: Any, *args: Any) -> bool:
    try:
        make(*args)
    except CelError:
        return False
    return True


def _quantity(text: str) -> Quantity:
    try:
        return Quantity(Amount.parse(text))
    except ValueError as error:
        raise CelError(str(error)) from None


def _integer(q: Quantity) -> int:
    if q.amount.nano % 10**9 or not -(1 << 63) <= q.amount.nano // 10**9 < 1 << 63:
        raise CelError("cannot convert value to integer")
    return q.amount.nano // 10**9


def _amount(value: "Quantity | int") -> Amount:
    return value.amount if isinstance(value, Quantity) else Amount(int(value) * 10**9)


def _compare(a: Any, b: Any) -> int:
    return (b < a) - (a < b)


IMPLEMENTATIONS: dict[str, Any] = {
    "quantity": _quantity,
    "isQuantity": lambda a: _valid(_quantity, a),
    "isInteger": lambda q: q.amount.nano % 10**9 == 0 and -(1 << 63) <= q.amount.nano // 10**9 < 1 << 63,
    "asInteger": _integer,
    "asApproximateFloat": lambda q: float(q.amount),
    "sign": lambda q: (q.amount.nano > 0) - (q.amount.nano < 0),
    "add": lambda q, other: Quantity(q.amount + _amount(other)),
    "sub": lambda q, other: Quantity(q.amount - _amount(other)),
    "isLessThan": lambda a, b: a < b,
    "isGreaterThan": lambda a, b: b < a,
    "compareTo": _compare,
    "semver": _semver,
    "isSemver": lambda *a: _valid(_semver, *a),
    "major": lambda s: s.numbers[0],
    "minor": lambda s: s.numbers[1],
    "patch": lambda s: s.numbers[2],
}

"""Quantities of resources (`100m`, `1.5Gi`, `12e6`): exact arithmetic and upstream's canonical form.

The rules are those of k8s.io/apimachinery `pkg/api/resource`: nothing finer than a nano, fractions round away from zero,
the suffix family of the text is remembered.
"""

import re
from functools import lru_cache, total_ordering

_NANO = 10**9
_MOST = (2**63 - 1) * _NANO
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_NAMES = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_NAMES = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
_SHAPE = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
_TEXT = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)\Z")

FORMAT_WRONG = f"quantities must match the regular expression '{_SHAPE}'"
SUFFIX_WRONG = "unable to parse quantity's suffix"
NUMBER_WRONG = "unable to parse numeric part of quantity"


def _round_up(numerator: int, denominator: int) -> int:
    """Division away from zero."""
    whole = -(-abs(numerator) // denominator)
    return -whole if numerator < 0 else whole


@total_ordering
class Quantity:
    """An exact amount. `format` is DecimalSI, BinarySI or DecimalExponent; equality and order look at the amount only."""

    __slots__ = ("nano", "format", "_text")

    def __init__(self, nano: int = 0, format: str = "DecimalSI", text: str = ""):
        self.nano, self.format, self._text = nano, format, text

    @staticmethod
    def parse(value: "str | int | float | Quantity") -> "Quantity":
        """From the wire: a string, or a JSON number. Raises ValueError in upstream's words."""
        if isinstance(value, Quantity):
            return value
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise ValueError(FORMAT_WRONG)
        text = value if isinstance(value, str) else repr(value)
        return _parse(text) if len(text) <= 100 else _parse.__wrapped__(text)  # long ones are not worth remembering

    @staticmethod
    def of_milli(milli: int) -> "Quantity":
        """An amount of thousandths, as CPU is counted."""
        return Quantity(milli * 1_000_000)

    def milli(self) -> int:
        """Thousandths, rounded up."""
        return _round_up(self.nano, 1_000_000)

    def value(self) -> int:
        """Units, rounded up."""
        return _round_up(self.nano, _NANO)

    def canonical(self) -> str:
        """The text that the API server would write."""
        if not self._text:
            self._text = _canonical(self.nano, self.format)
        return self._text

    __str__ = canonical

    def __repr__(self) -> str:
        return f"Quantity({self.canonical()!r})"

    def __float__(self) -> float:
        return self.nano / _NANO

    def __bool__(self) -> bool:
        return self.nano != 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.nano == other.nano

    def __lt__(self, other: "Quantity") -> bool:
        return self.nano < other.nano

    def __hash__(self) -> int:
        return hash(self.nano)

    def __add__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.nano + other.nano, self.format if self.nano else other.format)

    def __sub__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.nano - other.nano, self.format if self.nano else other.format)

    def __neg__(self) -> "Quantity":
        return Quantity(-self.nano, self.format)

    def __mul__(self, times: int) -> "Quantity":
        return Quantity(self.nano * times, self.format)


def _suffix(text: str) -> tuple[int, int, str]:
    """(base, exponent, format)."""
    if text in _DECIMAL:
        return 10, _DECIMAL[text], "DecimalSI"
    if text in _BINARY:
        return 2, _BINARY[text], "BinarySI"
    if len(text) > 1 and text[0] in "eE" and re.fullmatch(r"[+-]?[0-9]{1,9}", text[1:]):
        return 10, int(text[1:]), "DecimalExponent"
    raise ValueError(SUFFIX_WRONG)


@lru_cache(maxsize=4096)
def _parse(text: str) -> Quantity:
    found = _TEXT.match(text) if len(text) <= 4000 else None  # Python converts no longer numbers
    if not text or not found:
        raise ValueError(FORMAT_WRONG)
    sign, number, fraction, suffix = found.groups()
    base, exponent, format = _suffix(suffix)
    fraction = fraction or ""
    if not number and not fraction and (suffix or text in (".", "+.", "-.")):
        raise ValueError(NUMBER_WRONG)
    digits = int((number + fraction) or "0")
    scale = len(fraction)
    if base == 2:
        nano = _round_up((digits << exponent) * _NANO, 10**scale)
        nano = min(nano, _MOST)
        if 0 < nano < _NANO:
            format = "DecimalSI"
    else:
        power = min(exponent, 400) - scale + 9
        nano = digits * 10**power if power >= 0 else _round_up(digits, 10 ** min(-power, 4000))
    kept = text if _keeps_text(number.lstrip("0") or "0", fraction, base, exponent - scale) and digits else ""
    return Quantity(-nano if sign == "-" else nano, format, kept)


def _keeps_text(number: str, fraction: str, base: int, scale: int) -> bool:
    """Whether upstream hands the text back as it came, which it does for what it takes to be canonical already."""
    shifted = number + fraction
    if base == 2:
        return not fraction and int(shifted) & 7 != 0 and len(number) < 10
    return scale >= -9 and scale % 3 == 0 and not shifted.endswith("000") and shifted[0] != "0" and len(shifted) <= 18


def _canonical(nano: int, format: str) -> str:
    if nano == 0:
        return "0"
    if format == "BinarySI" and abs(nano) >= 1024 * _NANO and nano % _NANO == 0:
        amount, power = nano // _NANO, 0
        while amount % 1024 == 0 and power < 6:
            amount //= 1024
            power += 1
        return f"{amount}{_BINARY_NAMES[power]}"
    exponent = -9
    while nano % 1000 == 0 and (exponent < 18 or format == "DecimalExponent"):
        nano //= 1000
        exponent += 3
    if format == "DecimalExponent":
        return f"{nano}e{exponent}" if exponent else str(nano)
    return f"{nano}{_DECIMAL_NAMES[exponent]}"

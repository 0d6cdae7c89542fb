"""Formats of strings that schemas of custom resources may ask for, and whether a string is of one.

The set is that of k8s.io/apiextensions-apiserver `pkg/apiserver/validation/formats.go`; other formats say nothing. What each means is
k8s.io/kube-openapi `pkg/validation/strfmt`.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import date
from email.utils import parseaddr
from urllib.parse import urlsplit

from kk.base import names

_HOSTNAME = re.compile(
    r"([a-zA-Z0-9À-\uffff](-?[a-zA-Z0-9À-\uffff]{0,62})?"
    r"|[a-zA-Z0-9À-\uffff](([a-zA-Z0-9\-À-\uffff]{0,61}[a-zA-Z0-9À-\uffff])?\.)+[a-zA-ZÀ-\uffff]{2,63}"
    r"|([a-zA-Z0-9À-\uffff]([a-zA-Z0-9\-À-\uffff]{0,61}[a-zA-Z0-9À-\uffff])?\.)+[a-zA-ZÀ-\uffff]{2,63})\Z"
)
_DATE_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:?\d\d)\Z")
_UNIT = r"(ns|us|µs|μs|ms|s|m|h)"
_DURATION = re.compile(rf"[-+]?(0|(\d+\.?\d*|\.\d+){_UNIT}((\d+\.?\d*|\.\d+){_UNIT})*)\Z")
_WORDS = re.compile(
    r"\d+\s*(nanoseconds?|nanos?|ns|nanosecs?|microseconds?|micros?|us|µs|microsecs?|milliseconds?|millis?|ms|millisecs?"
    r"|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|hs?|days?|d|weeks?|wks?|w)\Z"
)
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\Z", re.IGNORECASE)
_MAC = re.compile(
    r"(?:[0-9a-f]{2}(?::[0-9a-f]{2}){5}(?:(?::[0-9a-f]{2}){2}|(?::[0-9a-f]{2}){14})?"
    r"|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}(?:(?:-[0-9a-f]{2}){2}|(?:-[0-9a-f]{2}){14})?"
    r"|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}(?:\.[0-9a-f]{4}|(?:\.[0-9a-f]{4}){7})?)\Z",
    re.IGNORECASE,
)
_CARD = re.compile(
    r"(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|(222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}|6(?:011|5\d\d)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11}|6[27]\d{14})\Z"
)
_RGB = re.compile(
    r"rgb\(\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,"
    r"\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*\)\Z"
)


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern + r"\Z")
    return lambda text: compiled.match(text) is not None


def _date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 10


def _date_time(text: str) -> bool:
    found = _DATE_TIME.match(text)
    return bool(found and _date(found[1]) and int(found[2]) < 24 and int(found[3]) < 60 and int(found[4]) < 60)


def _duration(text: str) -> bool:
    return bool(_DURATION.match(text) or _WORDS.match(text.strip()))


def _email(text: str) -> bool:
    _, address = parseaddr(text)
    local, sign, domain = address.rpartition("@")
    return bool(sign and local and domain) and not re.search(r"\s", address) and ".." not in address


def _hostname(text: str) -> bool:
    return bool(_HOSTNAME.match(text)) and len(text.encode()) <= 255 and all(len(p) <= 63 for p in text.split("."))


def _uri(text: str) -> bool:
    """What net/url's ParseRequestURI takes: an absolute URI, or an absolute path."""
    if not text or re.search(r"[\x00-\x20\x7f]", text) or re.search(r"%(?![0-9A-Fa-f]{2})", text):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return text.startswith("/") or bool(parts.scheme)


def _address(version: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            return ipaddress.ip_address(text).version == version
        except ValueError:
            return False

    return check


def _cidr(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return bool(re.search(r"/\d+\Z", text))


def _byte(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _uuid(version: str) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        if not _UUID.match(text):
            return False
        digits = text.replace("-", "")
        return not version or (digits[12] == version and (version == "3" or digits[16] in "89abAB"))

    return check


def _isbn10(text: str) -> bool:
    digits = re.sub(r"[\s-]+", "", text)
    if not re.fullmatch(r"\d{9}[\dX]", digits):
        return False
    return sum((at + 1) * (10 if d == "X" else int(d)) for at, d in enumerate(digits)) % 11 == 0


def _isbn13(text: str) -> bool:
    digits = re.sub(r"[\s-]+", "", text)
    return (
        bool(re.fullmatch(r"\d{13}", digits)) and sum((1, 3)[at % 2] * int(d) for at, d in enumerate(digits)) % 10 == 0
    )


def _creditcard(text: str) -> bool:
    digits = re.sub(r"\D+", "", text)
    if not _CARD.match(digits):
        return False
    total = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if at % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


_FORMATS: dict[str, Callable[[str], bool]] = {
    "bsonobjectid": _matches(r"[0-9a-fA-F]{24}"),
    "uri": _uri,
    "email": _email,
    "hostname": _hostname,
    "ipv4": _address(4),
    "ipv6": _address(6),
    "cidr": _cidr,
    "mac": lambda text: _MAC.match(text) is not None,
    "uuid": _uuid(""),
    "uuid3": _uuid("3"),
    "uuid4": _uuid("4"),
    "uuid5": _uuid("5"),
    "isbn": lambda text: _isbn10(text) or _isbn13(text),
    "isbn10": _isbn10,
    "isbn13": _isbn13,
    "creditcard": _creditcard,
    "ssn": _matches(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "hexcolor": _matches(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})"),
    "rgbcolor": lambda text: _RGB.match(text) is not None,
    "byte": _byte,
    "password": lambda text: True,
    "date": _date,
    "duration": _duration,
    "datetime": _date_time,
    "k8sshortname": lambda text: not names.dns_label(text),
    "k8slongname": lambda text: not names.dns_subdomain(text),
}


def find(name: str) -> Callable[[str], bool] | None:
    """The check of a format; None where the format is not known and so says nothing. Dashes in the name do not count."""
    return _FORMATS.get(name.replace("-", ""))

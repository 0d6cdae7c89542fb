"""Named formats: format.dns1123Label().validate(text) gives optional.none(), or what is wrong."""

import base64
import binascii
import functools
import re
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from kk.base import names
from kk.server.cel.values import NONE, Optional, parse_timestamp

_F = "kubernetes.NamedFormat"


class Format:
    """A named format."""

    __slots__ = ("name", "check")
    cel_type = _F

    def __init__(self, name: str, check: "Callable[[str], Iterable[str]]"):
        self.name, self.check = name, check

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Format) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


def _uri(text: str) -> Iterable[str]:
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|/", text):
        yield f'parse "{text}": invalid URI for request'


def _uuid(text: str) -> Iterable[str]:
    try:
        uuid.UUID(text)
    except ValueError:
        yield "does not match the UUID format"


def _byte(text: str) -> Iterable[str]:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        yield "invalid base64"


def _date(text: str) -> Iterable[str]:
    if parse_timestamp(f"{text}T00:00:00Z") is None:
        yield "invalid date"


def _datetime(text: str) -> Iterable[str]:
    if parse_timestamp(text) is None:
        yield "invalid datetime"


def _prefixed(check: "Callable[[str], Iterable[str]]") -> "Callable[[str], Iterable[str]]":
    return lambda text: check(text[:-1] + "a" if text.endswith("-") else text)


_CHECKS: dict[str, Callable[[str], Iterable[str]]] = {
    "dns1123Label": names.dns_label,
    "dns1123Subdomain": names.dns_subdomain,
    "dns1035Label": names.dns1035_label,
    "dns1123LabelPrefix": _prefixed(names.dns_label),
    "dns1123SubdomainPrefix": _prefixed(names.dns_subdomain),
    "dns1035LabelPrefix": _prefixed(names.dns1035_label),
    "qualifiedName": names.qualified_name,
    "labelValue": names.label_value,
    "uri": _uri,
    "uuid": _uuid,
    "byte": _byte,
    "date": _date,
    "datetime": _datetime,
}
_FORMATS = {name: Format(name, check) for name, check in _CHECKS.items()}

FUNCTIONS = (
    "\n".join(f"format.{name} format-{name} () -> {_F}" for name in _CHECKS)
    + f"""
format.named format-named (string) -> optional({_F})
validate format-validate {_F}.(string) -> optional(list(string))
"""
)


def _validate(format: Format, text: str) -> Optional:
    faults = list(format.check(text))
    return Optional(True, faults) if faults else NONE


IMPLEMENTATIONS: dict[str, Any] = {
    **{f"format.{name}": functools.partial(_FORMATS.__getitem__, name) for name in _FORMATS},
    "format.named": lambda name: Optional(True, _FORMATS[name]) if name in _FORMATS else NONE,
    "validate": _validate,
}

"""Small shared checks and fillers for kinds: each says one fact about one field and yields FieldErrors in upstream's words.

Paths are dotted strings ("spec.limits[0].type"). Nothing here knows a kind, and nothing changes an object except the `fill` family.
The words follow k8s.io/apimachinery `pkg/api/validation` and `pkg/util/validation/field`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kk.base.errors import FieldError, duplicate, invalid_value, not_supported, required
from kk.base.quantity import Quantity

Obj = dict[str, Any]
Errors = Iterator[FieldError]

IMMUTABLE = "field is immutable"
NOT_NEGATIVE = "must be greater than or equal to 0"
PORT_RANGE = "must be between 1 and 65535, inclusive"


def fill(obj: Obj, key: str, value: Any) -> None:
    """Set a field that is absent or null."""
    if obj.get(key) is None:
        obj[key] = value


def section(obj: Obj, key: str) -> Obj:
    """A nested object, made where it is absent or null."""
    fill(obj, key, {})
    found: Obj = obj[key]
    return found


def listed(obj: Obj, key: str) -> None:
    """A list that upstream's type always writes: null where it is absent or empty."""
    if not obj.get(key):
        obj[key] = None


def each(path: str, values: Iterable[Any] | None) -> Iterator[tuple[str, Any]]:
    """(path of the item, item) for every item of a list that may be absent."""
    for i, value in enumerate(values or ()):
        yield f"{path}[{i}]", value


def bad(path: str, value: Any, messages: Iterable[str]) -> Errors:
    """One invalid value for each message."""
    for message in messages:
        yield invalid_value(path, value, message)


def needed_name(path: str, value: str | None, check: Callable[[str], Iterable[str]]) -> Errors:
    """A name that must be there and be right."""
    if not value:
        yield required(path)
    else:
        yield from bad(path, value, check(value))


def one_of(path: str, value: str | None, allowed: Iterable[str]) -> Errors:
    """A value of a closed list; absent counts as empty and as wrong."""
    allowed = tuple(allowed)
    if (value or "") not in allowed:
        yield not_supported(path, value or "", allowed)


def optional_one_of(path: str, value: str | None, allowed: Iterable[str]) -> Errors:
    """A value of a closed list, where it is set."""
    if value is not None:
        yield from one_of(path, value, allowed)


def not_negative(path: str, value: int | None) -> Errors:
    """A number of at least 0, where it is set."""
    if value is not None and value < 0:
        yield invalid_value(path, value, NOT_NEGATIVE)


def port(path: str, value: Any) -> Errors:
    """A port number."""
    if not 1 <= (value or 0) <= 65535:
        yield invalid_value(path, value or 0, PORT_RANGE)


def immutable(path: str, new: Any, old: Any, shown: Any = None) -> Errors:
    """A field that may not change; `shown` replaces the value in the message."""
    if (new or None) != (old or None):
        yield invalid_value(path, new if shown is None else shown, IMMUTABLE)


def quantity(value: Any) -> Quantity:
    """A quantity of a decoded object; decoding has refused what is none."""
    return Quantity.parse(value)


def canonical(value: Any) -> str:
    """A quantity as upstream writes it; "0" where it is absent."""
    return quantity(value).canonical() if value is not None else "0"


def quantity_not_negative(path: str, value: Any) -> Errors:
    """A quantity of at least 0."""
    if quantity(value).milli() < 0:
        yield invalid_value(path, canonical(value), NOT_NEGATIVE)


def go_value(value: Any, *fields: str, **nested: Any) -> Obj:
    """An object as messages of upstream show its internal type: Go's field names in their order, all of them.

    `fields` are "GoName=jsonName" or "GoName" (first letter lowered on the wire); `nested` gives ready values by Go name.
    """
    shown: Obj = {}
    for spec in fields:
        name, _, wire = spec.partition("=")
        shown[name] = nested[name] if name in nested else (value or {}).get(wire or name[0].lower() + name[1:])
    return shown


def condition_types(obj: Obj, old: Obj) -> Errors:
    """Faults of a status whose conditions have a type each, and each type once."""
    del old
    seen: set[str] = set()
    for where, condition in each("status.conditions", (obj.get("status") or {}).get("conditions")):
        kind = condition.get("type") or ""
        if kind in seen:
            yield duplicate(f"{where}.type", kind)
        seen.add(kind)
        if not kind:
            yield required(f"{where}.type", "must not be empty")

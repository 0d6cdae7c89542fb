"""Whether an object's values keep to a schema, in the words of k8s.io/kube-openapi `pkg/validation/validate`.

`faults` judges an object by itself; `update_faults` forgives what was there before and did not change (ratcheting: the rules of
k8s.io/apiextensions-apiserver `pkg/apiserver/validation/ratcheting.go`). Pure. Shapes (unknown fields, defaults), list types and
expressions are judged elsewhere.
"""

import json
from typing import Any

from kk.base.errors import FieldError, invalid_value, not_supported, required, too_long, too_many, type_invalid
from kk.server.custom.schema import Schema

#: the path of a fault that upstream tells of no field
NOWHERE = "<nil>"
_KINDS = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}
_INT64 = 2**63
#: no value at all
MISSING: Any = object()


def faults(value: Any, schema: Schema, field: str = "") -> list[FieldError]:
    """The faults of a value; `field` is where it stands in the object that is told of, while texts tell paths from the value on."""
    found: list[FieldError] = []
    Look(found, field).look(value, schema, "")
    return found


def update_faults(value: Any, old: Any, schema: Schema, field: str = "") -> list[FieldError]:
    """The faults of a changed value but for those of parts that are as they were."""
    found = faults(value, schema, field)
    if not found:
        return found
    ratcheted: list[FieldError] = []
    Look(ratcheted, field).look(value, schema, "", old)
    return ratcheted


def number_text(value: Any) -> str:
    """A number as Go's %v prints a float64."""
    if isinstance(value, int):
        value = float(value)
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    text = repr(value)
    if "e" in text:
        mantissa, _, exponent = text.partition("e")
        return f"{mantissa.removesuffix('.0')}e{exponent[0] if exponent[0] in '+-' else '+'}{exponent.lstrip('+-').zfill(2)}"
    return text


class Look:
    """One look at a value. `look` returns how many checks were passed, by which the nearest of several schemas is chosen."""

    __slots__ = ("found", "field")

    def __init__(self, found: list[FieldError], field: str = ""):
        self.found, self.field = found, field

    def _at(self, path: str) -> str:
        if not self.field:
            return path or NOWHERE
        return f"{self.field}.{path}" if path else self.field

    def _say(self, path: str, value: Any, text: str) -> None:
        self.found.append(invalid_value(self._at(path), value, f"{path} in body {text}"))

    def _tell(self, text: str) -> None:
        self.found.append(invalid_value(self.field or NOWHERE, "", text))

    def look(self, value: Any, schema: Schema, path: str, old: Any = MISSING) -> int:
        """Judge one place, and what is below it."""
        before = len(self.found)
        passed = self._look(value, schema, path, old)
        if old is not MISSING and len(self.found) > before and same(value, old, schema):
            del self.found[before:]
        return passed

    def _look(self, value: Any, schema: Schema, path: str, old: Any) -> int:
        kind = type(value)
        if kind is type(None):
            return self._null(schema, path)
        passed = 2
        if schema.kinds:
            passed += self._kind(value, schema, path)
        if schema.all or schema.any or schema.one or schema.never is not None:
            passed += 1 + self._logic(value, schema, path)
        if kind is str:
            if schema.textual:
                self._text(value, schema, path)
            if schema.format is not None and not schema.format(value):
                text = f"{path} in body must be of type {schema.format_name}: {json.dumps(value, ensure_ascii=False)}"
                self.found.append(type_invalid(self._at(path), value, text))
        elif kind is dict:
            passed += self._map(value, schema, path, old)
        elif kind is list:
            passed += self._list(value, schema, path, old)
        elif kind is not bool and schema.numeric:
            self._number(value, schema, path)
        if schema.enum:
            self._enum(value, schema, path)
        return passed

    def _null(self, schema: Schema, path: str) -> int:
        if schema.kinds and not schema.nullable:
            self._wrong(schema, path, "null")
        elif schema.enum and not schema.nullable and None not in schema.enum:
            self._enum(None, schema, path)
        return 1

    def _wrong(self, schema: Schema, path: str, kind: str) -> None:
        text = f'{path} in body must be of type {",".join(schema.kinds)}: "{kind}"'
        self.found.append(type_invalid(self._at(path), kind, text))

    def _kind(self, value: Any, schema: Schema, path: str) -> int:
        kind, kinds = _KINDS[type(value)], schema.kinds
        if kind in kinds or (kind == "integer" and "number" in kinds):
            return 2
        if kind == "number" and "integer" in kinds and value.is_integer():
            return 2
        self._wrong(schema, path, kind)
        return 1

    # numbers and strings

    def _range(self, value: Any, schema: Schema, prefix: str, path: str) -> bool:
        if not schema.integers:
            return True
        if isinstance(value, int) or value.is_integer():
            if -_INT64 <= value < _INT64:
                return True
        self._tell(f"{prefix} value must be of type integer (default format) in {path}")
        return False

    def _number(self, value: Any, schema: Schema, path: str) -> None:
        self._range(value, schema, "Checked", path)
        multiple, high, low = schema.multiple, schema.high, schema.low
        if multiple is not None:
            self._range(multiple, schema, "MultipleOf", path)
            if not _divides(value, multiple):
                self._say(path, value, f"should be a multiple of {number_text(multiple)}")
        if high is not None:
            self._range(high, schema, "Maximum", path)
            if value > high or (schema.high_open and value == high):
                word = "less than" if schema.high_open else "less than or equal to"
                self._say(path, value, f"should be {word} {number_text(high)}")
        if low is not None:
            self._range(low, schema, "Minimum", path)
            if value < low or (schema.low_open and value == low):
                word = "greater than" if schema.low_open else "greater than or equal to"
                self._say(path, value, f"should be {word} {number_text(low)}")

    def _text(self, value: str, schema: Schema, path: str) -> None:
        if schema.longest is not None and len(value) > schema.longest:
            self.found.append(too_long(self._at(path), value, schema.longest))
        elif schema.shortest is not None and len(value) < schema.shortest:
            self._say(path, value, f"should be at least {schema.shortest} chars long")
        elif schema.pattern is not None and not schema.pattern.search(value):
            self._say(path, value, f"should match '{schema.pattern_text}'")

    def _enum(self, value: Any, schema: Schema, path: str) -> None:
        for allowed in schema.enum:
            if allowed == value and isinstance(allowed, bool) == isinstance(value, bool):
                return
        shown = [v if isinstance(v, str) else json.dumps(v, separators=(",", ":")) for v in schema.enum]
        self.found.append(not_supported(self._at(path), value, shown))

    # maps and lists

    def _map(self, value: dict[str, Any], schema: Schema, path: str, old: Any) -> int:
        count, passed = len(value), 1
        if schema.fewest_fields is not None and count < schema.fewest_fields:
            self._say(path, count, f"should have at least {schema.fewest_fields} properties")
            return passed
        if schema.most_fields is not None and count > schema.most_fields:
            self.found.append(too_many(self._at(path), count, schema.most_fields))
            return passed
        fields, more, closed = schema.fields, schema.more, schema.closed
        before = old if type(old) is dict else None
        for key, inner in value.items():
            child = fields.get(key) or more
            if child is None:
                if closed:
                    self._say(path, "", f"is a forbidden property: {key}")
                continue
            was = MISSING if before is None else before.get(key, MISSING)
            passed += self.look(inner, child, f"{path}.{key}" if path else key, was)
        for key in schema.required:
            if key not in value:
                self.found.append(required(self._at(f"{path}.{key}" if path else key)))
        return passed

    def _list(self, value: list[Any], schema: Schema, path: str, old: Any) -> int:
        passed, items = 2, schema.items
        if items is not None:
            known = _by_keys(old, schema) if schema.list_type == "map" and type(old) is list else None
            for at, inner in enumerate(value):
                was = MISSING if known is None else known.get(_keys(inner, schema), MISSING)
                passed += self.look(inner, items, f"{path}[{at}]", was)
        size = len(value)
        if schema.fewest is not None and size < schema.fewest:
            self._say(path, size, f"should have at least {schema.fewest} items")
        if schema.most is not None and size > schema.most:
            self.found.append(too_many(self._at(path), size, schema.most))
        if schema.unique and _repeated(value):
            self._say(path, value, "shouldn't contain duplicates")
        return passed

    # several schemas at once

    def _try(self, value: Any, schema: Schema, path: str) -> tuple[list[FieldError], int]:
        inner = Look([], self.field)
        passed = inner.look(value, schema, path)
        return inner.found, passed

    def _logic(self, value: Any, schema: Schema, path: str) -> int:
        passed = 0
        if schema.any:
            passed += self._any(value, schema, path)
        if schema.one:
            passed += self._one(value, schema, path)
        if schema.all:
            passed += self._all(value, schema, path)
        if schema.never is not None and not self._try(value, schema.never, path)[0]:
            self._tell(f'"{path}" must not validate the schema (not)')
        return passed

    def _any(self, value: Any, schema: Schema, path: str) -> int:
        best: tuple[list[FieldError], int] | None = None
        for choice in schema.any:
            found, passed = self._try(value, choice, path)
            if not found:
                return passed
            if best is None or passed > best[1]:
                best = (found, passed)
        self._tell(f'"{path}" must validate at least one schema (anyOf)')
        self.found.extend(best[0] if best else ())
        return best[1] if best else 0

    def _one(self, value: Any, schema: Schema, path: str) -> int:
        best: tuple[list[FieldError], int] | None = None
        good: list[int] = []
        for choice in schema.one:
            found, passed = self._try(value, choice, path)
            if not found:
                good.append(passed)
            elif not good and (best is None or passed > best[1]):
                best = (found, passed)
        if len(good) == 1:
            return good[0]
        why = f"Found {len(good)} valid alternatives" if good else "Found none valid"
        self._tell(f'"{path}" must validate one and only one schema (oneOf). {why}')
        if not good and best:
            self.found.extend(best[0])
            return best[1]
        return 0

    def _all(self, value: Any, schema: Schema, path: str) -> int:
        valid = total = 0
        for part in schema.all:
            found, passed = self._try(value, part, path)
            valid += not found
            total += passed
            self.found.extend(found)
        if valid < len(schema.all):
            self._tell(f'"{path}" must validate all the schemas (allOf){"" if valid else ". None validated"}')
        return total


def _divides(value: Any, multiple: Any) -> bool:
    if isinstance(value, int) and float(multiple).is_integer():
        return not multiple or value % int(multiple) == 0
    ratio = value / multiple if multiple else 0.0
    return float(ratio).is_integer()


def _repeated(values: list[Any]) -> bool:
    return any(one == other for at, one in enumerate(values) for other in values[at + 1 :])


# what was there before


def _keys(item: Any, schema: Schema) -> tuple[str, ...]:
    """What tells an item of a map list from the others."""
    if type(item) is not dict:
        return ()
    return tuple(json.dumps(item.get(key), sort_keys=True) for key in schema.map_keys)


def _by_keys(items: list[Any], schema: Schema) -> dict[tuple[str, ...], Any]:
    known: dict[tuple[str, ...], Any] = {}
    for item in items:
        known.setdefault(_keys(item, schema), item)
    return known


def same(value: Any, old: Any, schema: Schema | None) -> bool:
    """Whether a value is what it was; the order of items of map lists does not count."""
    if type(value) is not type(old):
        return False
    if schema is None:
        return bool(value == old)
    if type(value) is dict:
        if len(value) != len(old):
            return False
        for key, inner in value.items():
            if key not in old:
                return False
            child = schema.fields.get(key) or schema.more
            if not same(inner, old[key], child):
                return False
        return True
    if type(value) is list and schema.list_type == "map":
        if len(value) != len(old):
            return False
        known = _by_keys(old, schema)
        for item in value:
            keys = _keys(item, schema)
            if keys not in known or not same(item, known[keys], schema.items):
                return False
        return True
    return bool(value == old)

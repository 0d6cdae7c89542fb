"""An openAPIV3Schema, compiled: one small object a place, with everything precomputed that looking at an object asks for.

Made once per served version, on first use; texts for people (descriptions, titles, examples) are not kept. What the facts mean for an
object is said in kk.server.custom.structural (shape) and kk.server.custom.validation (values).
"""

from typing import Any

from kk.server import regexps
from kk.server.custom import formats

Obj = dict[str, Any]
#: no default
ABSENT: Any = object()
PRESERVE, EMBEDDED, EITHER = (
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
)


class Schema:
    """The facts of one place.

    kinds        JSON types that may stand here ("integer", "string" …), empty for any
    default      ABSENT, or the value that stands in for nothing; `defaulting` says whether there is one here or below
    more         schema of values under names that `fields` does not know, None where there is none; `closed`: such names are faults
    walked       whether pruning has to look below (anything but a scalar)
    grouped      whether list types or embedded resources are anywhere at or below this place
    """

    __slots__ = (
        "kinds",
        "integers",
        "format",
        "format_name",
        "enum",
        "low",
        "low_open",
        "high",
        "high_open",
        "multiple",
        "shortest",
        "longest",
        "pattern",
        "pattern_text",
        "fewest",
        "most",
        "unique",
        "fewest_fields",
        "most_fields",
        "required",
        "fields",
        "more",
        "closed",
        "items",
        "all",
        "any",
        "one",
        "never",
        "nullable",
        "default",
        "preserve",
        "embedded",
        "list_type",
        "map_keys",
        "map_type",
        "defaulting",
        "grouped",
        "numeric",
        "textual",
    )

    def __init__(self, raw: Obj):
        self._kinds(raw)
        self._values(raw)
        self._lists(raw)
        self._objects(raw)
        self._logic(raw)
        self.nullable = bool(raw.get("nullable"))
        self.default = raw["default"] if raw.get("default") is not None else ABSENT
        self.preserve, self.embedded = bool(raw.get(PRESERVE)), bool(raw.get(EMBEDDED))
        self.list_type = raw.get("x-kubernetes-list-type") or ""
        self.map_keys = tuple(raw.get("x-kubernetes-list-map-keys") or ())
        self.map_type = raw.get("x-kubernetes-map-type") or ""
        below: list[Schema] = [
            *self.fields.values(),
            *([self.more] if self.more else []),
            *([self.items] if self.items else []),
        ]
        self.defaulting: bool = any(s.default is not ABSENT or s.defaulting for s in below)
        self.grouped: bool = self.embedded or self.list_type in ("set", "map") or any(s.grouped for s in below)

    def _kinds(self, raw: Obj) -> None:
        kind = raw.get("type") or ""
        self.kinds: tuple[str, ...] = ("integer", "string") if raw.get(EITHER) else (kind,) if kind else ()
        self.integers = self.kinds == ("integer",)
        name = raw.get("format") or ""
        self.format = formats.find(name) if name else None
        self.format_name = name if self.format is not None else ""

    def _values(self, raw: Obj) -> None:
        self.enum = tuple(raw.get("enum") or ())
        self.low, self.high, self.multiple = raw.get("minimum"), raw.get("maximum"), raw.get("multipleOf")
        self.low_open, self.high_open = bool(raw.get("exclusiveMinimum")), bool(raw.get("exclusiveMaximum"))
        self.shortest, self.longest = raw.get("minLength"), raw.get("maxLength")
        self.pattern_text = raw.get("pattern") or ""
        self.pattern = _pattern(self.pattern_text) if self.pattern_text else None
        self.numeric = self.integers or any(v is not None for v in (self.low, self.high, self.multiple))
        self.textual = self.shortest is not None or self.longest is not None or self.pattern is not None

    def _lists(self, raw: Obj) -> None:
        items = raw.get("items")
        self.items = Schema(items) if isinstance(items, dict) else None
        self.fewest, self.most, self.unique = raw.get("minItems"), raw.get("maxItems"), bool(raw.get("uniqueItems"))

    def _objects(self, raw: Obj) -> None:
        more = raw.get("additionalProperties")
        self.fields = {name: Schema(inner) for name, inner in (raw.get("properties") or {}).items()}
        self.more = Schema(more) if isinstance(more, dict) else NOTHING if more is True else None
        self.closed = more is False
        self.required = tuple(raw.get("required") or ())
        self.fewest_fields, self.most_fields = raw.get("minProperties"), raw.get("maxProperties")

    def _logic(self, raw: Obj) -> None:
        self.all = tuple(Schema(inner) for inner in raw.get("allOf") or ())
        self.any = tuple(Schema(inner) for inner in raw.get("anyOf") or ())
        self.one = tuple(Schema(inner) for inner in raw.get("oneOf") or ())
        self.never = Schema(raw["not"]) if raw.get("not") is not None else None


def _pattern(text: str) -> Any:
    try:
        return regexps.compile(text)
    except ValueError:  # stored before patterns were checked: it says nothing then
        return None


NOTHING: Any = None
#: a place without any rule, below which nothing is known
NOTHING = Schema({})

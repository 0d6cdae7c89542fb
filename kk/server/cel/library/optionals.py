"""Optional values (google/cel-go `cel/library.go`)."""

from typing import Any

from kk.server.cel.values import NONE, CelError, Duration, Optional, Timestamp

FUNCTIONS = """
optional.of optional_of (A) -> optional(A)
optional.ofNonZeroValue optional_ofNonZeroValue (A) -> optional(A)
optional.none optional_none () -> optional(A)
value optional_value optional(A).() -> A
hasValue optional_hasValue optional(A).() -> bool
or optional_or_optional optional(A).(optional(A)) -> optional(A)
orValue optional_orValue_value optional(A).(A) -> A
_[_] optional_list_index_int (optional(list(A)), int) -> optional(A)
_[_] optional_map_index_value (optional(map(A, B)), A) -> optional(B)
_[?_] list_optindex_optional_int (list(A), int) -> optional(A)
_[?_] optional_list_optindex_optional_int (optional(list(A)), int) -> optional(A)
_[?_] map_optindex_optional_value (map(A, B), A) -> optional(B)
_[?_] optional_map_optindex_optional_value (optional(map(A, B)), A) -> optional(B)
"""


def _zero(value: Any) -> bool:
    return value.ns == 0 if isinstance(value, (Duration, Timestamp)) else not value


def _value(held: Optional) -> Any:
    if not held.present:
        raise CelError("optional.none() dereference")
    return held.value


def _special(*_: Any) -> Any:
    raise CelError("no such overload")


IMPLEMENTATIONS: dict[str, Any] = {
    "optional.of": lambda a: Optional(True, a),
    "optional.ofNonZeroValue": lambda a: NONE if _zero(a) else Optional(True, a),
    "optional.none": lambda: NONE,
    "value": _value,
    "hasValue": lambda a: a.present,
    "or": _special,
    "orValue": _special,
    "_[?_]": _special,
}

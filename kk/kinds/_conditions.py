"""metav1.Condition: the faults of a list of them in a status. What the conditions mean is their kinds' matter.

Source of the rules and words: k8s.io/apimachinery `pkg/apis/meta/v1/validation` (ValidateConditions).
"""

import re
from typing import Any

from kk.base import names
from kk.base.errors import duplicate, invalid_value, required, too_long
from kk.kinds._checks import Errors, bad, each, one_of

Obj = dict[str, Any]
_REASON = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"
_REASON_TEXT = names.regex_message(
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric "
    "characters or '_,:', and must end with an alphanumeric character or '_'",
    _REASON,
    "my_name",
    "MY_NAME",
    "MyName",
    "ReasonA,ReasonB",
    "ReasonA:ReasonB",
)
_is_reason = re.compile(_REASON).fullmatch
_LONGEST_REASON, _LONGEST_MESSAGE = 1024, 32 * 1024


def check_conditions(path: str, conditions: list[Obj] | None) -> Errors:
    """Faults of conditions: each type once, each condition whole."""
    seen: set[str] = set()
    for where, condition in each(path, conditions):
        kind = condition.get("type") or ""
        if kind in seen:
            yield duplicate(f"{where}.type", kind)
        seen.add(kind)
        yield from bad(f"{where}.type", kind, names.qualified_name(kind))
        yield from one_of(f"{where}.status", condition.get("status"), ("False", "True", "Unknown"))
        generation = condition.get("observedGeneration") or 0
        if generation < 0:
            yield invalid_value(f"{where}.observedGeneration", generation, "must be greater than or equal to zero")
        if not condition.get("lastTransitionTime"):
            yield required(f"{where}.lastTransitionTime", "must be set")
        yield from _texts(where, condition.get("reason") or "", condition.get("message") or "")


def _texts(path: str, reason: str, message: str) -> Errors:
    if not reason:
        yield required(f"{path}.reason", "must be set")
    elif not _is_reason(reason):
        yield invalid_value(f"{path}.reason", reason, _REASON_TEXT)
    if len(reason.encode()) > _LONGEST_REASON:
        yield too_long(f"{path}.reason", reason, _LONGEST_REASON)
    if len(message.encode()) > _LONGEST_MESSAGE:
        yield too_long(f"{path}.message", message, _LONGEST_MESSAGE)

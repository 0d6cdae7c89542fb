"""Tolerations, where a kind carries them outside a pod. Source of the words: `pkg/apis/core/validation/validation.go`."""

from kk.base import names
from kk.base.errors import invalid_value
from kk.kinds._checks import Errors, Obj, bad, one_of

_EFFECTS = ("NoExecute", "NoSchedule", "PreferNoSchedule")


def check_toleration(path: str, toleration: Obj, effects: tuple[str, ...] = _EFFECTS) -> Errors:
    """Faults of one toleration."""
    key, operator = toleration.get("key") or "", toleration.get("operator") or ""
    value, effect = toleration.get("value") or "", toleration.get("effect") or ""
    if key:
        yield from bad(f"{path}.key", key, names.qualified_name(key))
    if not key and operator != "Exists":
        yield invalid_value(
            f"{path}.operator",
            operator,
            'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        )
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        yield invalid_value(f"{path}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
    if operator in ("Equal", ""):
        yield from bad(f"{path}.operator", value, names.label_value(value))
    elif operator == "Exists":
        if value:
            yield invalid_value(f"{path}.operator", value, "value must be empty when `operator` is 'Exists'")
    else:
        yield from one_of(f"{path}.operator", operator, ("Equal", "Exists"))
    if effect:
        yield from one_of(f"{path}.effect", effect, effects)

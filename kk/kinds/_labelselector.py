"""metav1.LabelSelector: its faults, and its text in a table. Matching is kk.base.selectors' work.

Source of the words: k8s.io/apimachinery `pkg/apis/meta/v1/validation/validation.go`.
"""

from kk.base import names
from kk.base.errors import forbidden_value, invalid_value, required
from kk.kinds._checks import Errors, Obj, bad, each
from kk.kinds.meta import check_labels


def check_selector(selector: Obj | None, path: str) -> Errors:
    """Faults of a label selector; None has none."""
    if selector is None:
        return
    yield from check_labels(selector.get("matchLabels"), f"{path}.matchLabels")
    for where, requirement in each(f"{path}.matchExpressions", selector.get("matchExpressions")):
        operator, values = requirement.get("operator") or "", requirement.get("values") or []
        if operator in ("In", "NotIn"):
            if not values:
                yield required(f"{where}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                yield forbidden_value(
                    f"{where}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                )
        else:
            yield invalid_value(f"{where}.operator", operator, "not a valid selector operator")
        key = requirement.get("key") or ""
        yield from bad(f"{where}.key", key, names.qualified_name(key))
        for there, value in each(f"{where}.values", values):
            yield from bad(there, value, names.label_value(value))


def shown(selector: Obj | None) -> Obj | None:
    """A selector with its fields in the order in which messages show them."""
    if selector is None:
        return None
    made: Obj = {}
    if selector.get("matchLabels"):
        made["matchLabels"] = dict(sorted(selector["matchLabels"].items()))
    if selector.get("matchExpressions"):
        made["matchExpressions"] = [
            {key: r[key] for key in ("key", "operator", "values") if r.get(key)} for r in selector["matchExpressions"]
        ]
    return made


def is_empty(selector: Obj | None) -> bool:
    """Whether a selector has no requirement."""
    return not (selector or {}).get("matchLabels") and not (selector or {}).get("matchExpressions")


def selector_text(selector: Obj | None) -> str:
    """A selector as tables show it: requirements by key, `<none>` where there is none."""
    if is_empty(selector):
        return "<none>"
    assert selector is not None
    parts = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    for requirement in selector.get("matchExpressions") or []:
        key, operator = requirement.get("key", ""), requirement.get("operator", "")
        values = ",".join(sorted(requirement.get("values") or []))
        text = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": f"!{key}",
        }
        parts.append((key, text.get(operator, "<error>")))
    return ",".join(text for _, text in sorted(parts, key=lambda part: part[0]))

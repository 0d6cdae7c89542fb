"""Compile checks of the kinds that hold CEL, by resource: what the validation of kk.kinds cannot say, since floor 1 knows no CEL.

Only what changed is compiled: an update with the same expressions costs a comparison.
"""

from collections.abc import Callable, Iterator
from typing import Any

from kk.base.errors import FieldError, invalid_value
from kk.server import regexps
from kk.server.cel import expressions as ex
from kk.server.cel import types as t
from kk.server.cel.expressions import Scope

Obj = dict[str, Any]
_BOOL, _TEXT = "must evaluate to bool but got", "must evaluate to string but got"


def _fault(
    scope: Scope, path: str, text: Any, wanted: "tuple[t.Type, ...]", words: str, mutation: bool = False
) -> Iterator[FieldError]:
    if not isinstance(text, str) or not text.strip():
        return
    why = ex.fault(scope, text.strip(), wanted, words, mutation)
    if why is not None:
        yield invalid_value(path, text, why)


def _conditions(path: str, found: Any, scope: Scope) -> Iterator[FieldError]:
    for index, condition in enumerate(found or ()):
        yield from _fault(scope, f"{path}[{index}].expression", condition.get("expression"), (t.BOOL,), _BOOL)


def _variables(spec: Obj, scope: Scope) -> Iterator[FieldError]:
    for index, variable in enumerate(spec.get("variables") or ()):
        path, text = f"spec.variables[{index}].expression", variable.get("expression")
        faults = list(_fault(scope, path, text, (), ""))
        yield from faults
        if not faults and text and text.strip():
            scope.composed[variable.get("name") or ""] = scope.compile(text).result


def _scopes(spec: Obj) -> tuple[Scope, Scope]:
    params = bool(spec.get("paramKind"))
    return Scope(params), Scope(params, composed=bool(spec.get("variables")))


def _validating(obj: Obj) -> Iterator[FieldError]:
    spec = obj.get("spec") or {}
    conditions, scope = _scopes(spec)
    yield from _variables(spec, scope)
    for index, rule in enumerate(spec.get("validations") or ()):
        at = f"spec.validations[{index}]"
        yield from _fault(scope, f"{at}.expression", rule.get("expression"), (t.BOOL,), _BOOL)
        yield from _fault(scope, f"{at}.messageExpression", rule.get("messageExpression"), (t.STRING,), _TEXT)
    for index, note in enumerate(spec.get("auditAnnotations") or ()):
        at = f"spec.auditAnnotations[{index}].valueExpression"
        words = "must evaluate to one of [string null_type] but got"
        yield from _fault(scope, at, note.get("valueExpression"), (t.STRING, t.NULL), words)
    yield from _conditions("spec.matchConditions", spec.get("matchConditions"), conditions)


def _mutating(obj: Obj) -> Iterator[FieldError]:
    spec = obj.get("spec") or {}
    conditions, scope = _scopes(spec)
    yield from _variables(spec, scope)
    for index, mutation in enumerate(spec.get("mutations") or ()):
        at = f"spec.mutations[{index}]"
        if mutation.get("patchType") == "ApplyConfiguration":
            text = (mutation.get("applyConfiguration") or {}).get("expression")
            words = "must evaluate to Object but got"
            yield from _fault(scope, f"{at}.applyConfiguration.expression", text, (("object", "Object"),), words, True)
        elif mutation.get("patchType") == "JSONPatch":
            text = (mutation.get("jsonPatch") or {}).get("expression")
            words = "must evaluate to list(JSONPatch) but got"
            wanted = (t.list_of(("object", "JSONPatch")),)
            yield from _fault(scope, f"{at}.jsonPatch.expression", text, wanted, words, True)
    yield from _conditions("spec.matchConditions", spec.get("matchConditions"), conditions)


def _webhooks(obj: Obj) -> Iterator[FieldError]:
    scope = Scope(namespace=False)
    for index, hook in enumerate(obj.get("webhooks") or ()):
        yield from _conditions(f"webhooks[{index}].matchConditions", hook.get("matchConditions"), scope)


def _selectors(path: str, found: Any) -> Iterator[FieldError]:
    scope = Scope()
    scope.variables = {"device": ("object", "kubernetes.Device")}
    for index, selector in enumerate(found or ()):
        held = selector.get("cel")
        if held is None:
            continue
        text = held.get("expression") or ""
        why = ex.fault(scope, text, (t.BOOL,), "must evaluate to bool or the unknown type, not")
        if why is not None:
            yield invalid_value(f"{path}[{index}].cel.expression", text, why)


def _device_class(obj: Obj) -> Iterator[FieldError]:
    yield from _selectors("spec.selectors", (obj.get("spec") or {}).get("selectors"))


def _claim(obj: Obj, path: str = "spec") -> Iterator[FieldError]:
    devices = (obj.get("spec") or {}).get("devices") or {}
    for index, request in enumerate(devices.get("requests") or ()):
        at = f"{path}.devices.requests[{index}]"
        yield from _selectors(f"{at}.exactly.selectors", (request.get("exactly") or {}).get("selectors"))
        for number, sub in enumerate(request.get("firstAvailable") or ()):
            yield from _selectors(f"{at}.firstAvailable[{number}].selectors", sub.get("selectors"))


def _claim_template(obj: Obj) -> Iterator[FieldError]:
    yield from _claim((obj.get("spec") or {}), "spec.spec")


def _definition(obj: Obj) -> Iterator[FieldError]:
    from kk.server.cel import rules

    versions = (obj.get("spec") or {}).get("versions") or ()
    schemas = [(v.get("schema") or {}).get("openAPIV3Schema") for v in versions]
    alike = all(s == schemas[0] for s in schemas)
    for index, schema in enumerate(schemas[:1] if alike else schemas):
        path = ("spec.validation" if alike else f"spec.versions[{index}].schema") + ".openAPIV3Schema"
        if isinstance(schema, dict):
            yield from _patterns(schema, path)
            yield from rules.check(schema, path)


def _patterns(schema: Obj, path: str) -> Iterator[FieldError]:
    """Regular expressions, which floor 1 cannot compile either, in the schema itself and below its logic."""
    for name in ("anyOf", "allOf", "oneOf"):
        for index, branch in enumerate(schema.get(name) or ()):
            yield from _patterns(branch, f"{path}.{name}[{index}]")
    for name in ("not", "items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from _patterns(schema[name], f"{path}.{name}")
    for name, inner in (schema.get("properties") or {}).items():
        yield from _patterns(inner, f"{path}.properties[{name}]")
    text = schema.get("pattern")
    if text:
        try:
            regexps.compile(text)
        except ValueError as error:
            yield invalid_value(f"{path}.pattern", text, f"must be a valid regular expression, but isn't: {error}")


CHECKS: dict[tuple[str, str], Callable[[Obj], Iterator[FieldError]]] = {
    ("admissionregistration.k8s.io", "validatingadmissionpolicies"): _validating,
    ("admissionregistration.k8s.io", "mutatingadmissionpolicies"): _mutating,
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"): _webhooks,
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"): _webhooks,
    ("resource.k8s.io", "deviceclasses"): _device_class,
    ("resource.k8s.io", "resourceclaims"): _claim,
    ("resource.k8s.io", "resourceclaimtemplates"): _claim_template,
    ("apiextensions.k8s.io", "customresourcedefinitions"): _definition,
}


def merged(found: "list[FieldError]", own: "list[FieldError]") -> list[FieldError]:
    """Both lists of faults; one of an expression stands before that of the name beside it."""
    for fault in own:
        name = fault.field.removesuffix(".expression") + ".name"
        at = next((i for i, f in enumerate(found) if f.field == name), len(found))
        found.insert(at, fault)
    return found


def faults(key: tuple[str, str], obj: Obj, old: "Obj | None") -> list[FieldError]:
    """Faults of an object's expressions. `key`: (group, plural)."""
    part = "webhooks" if "webhooks" in obj else "spec"
    if old is not None and obj.get(part) == old.get(part):
        return []
    return list(CHECKS[key](obj))

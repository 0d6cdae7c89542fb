"""Structural schemas: what upstream asks of the OpenAPI schema of a custom resource before it takes it.

Checks the schema itself; what a schema says about an object, and what its patterns and expressions mean, is judged in kk.server. The rules
and words are those of k8s.io/apiextensions-apiserver `pkg/apiserver/schema/validation.go` and `pkg/apis/apiextensions/validation`.
"""

import re
from collections.abc import Iterator
from typing import Any

from kk.base.errors import forbidden_value, invalid_value, not_supported, required
from kk.kinds._checks import Errors, Obj, each

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_SCALARS = ("boolean", "integer", "number", "string")
_NOT_HERE = ("id", "$ref", "definitions", "dependencies", "patternProperties", "additionalItems")
_REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_PRESERVE, _EMBEDDED, _EITHER = (
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
)
_LIST, _KEYS, _MAP, _RULES = (
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
    "x-kubernetes-validations",
)
#: what may not stand in allOf, anyOf, oneOf and not, and how upstream says so
_FOREIGN = {
    "type": "must be empty to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "default": "must be undefined to be structural",
    "additionalProperties": "must be undefined to be structural",
    "nullable": "must be false to be structural",
    _PRESERVE: "must be undefined to be structural",
    _EMBEDDED: "must be false to be structural",
    _EITHER: "must be false to be structural",
    _LIST: "must be undefined to be structural",
    _KEYS: "must be empty to be structural",
    _MAP: "must be undefined to be structural",
    _RULES: "must be empty to be structural",
}
_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
_EMPTY_TYPE = {
    "root": "must not be empty at the root",
    "item": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}


def check_schema(path: str, schema: Obj) -> Errors:
    """Faults of a whole schema."""
    if schema.get("nullable"):
        yield forbidden_value(f"{path}.nullable", "nullable cannot be true at the root")
    if schema.get("type") and schema["type"] != "object":
        yield invalid_value(f"{path}.type", schema["type"], "must be object at the root")
    if schema.get("additionalProperties") is not None:
        yield forbidden_value(f"{path}.additionalProperties", "must not be used at the root")
    yield from _node(path, schema, "root")


def _node(path: str, schema: Obj, level: str) -> Errors:
    kind = schema.get("type") or ""
    yield from _plain(path, schema, kind)
    if kind == "array" and schema.get("items") is None:
        yield required(f"{path}.items", "must be specified")
    if not kind and not schema.get(_EITHER) and not schema.get(_PRESERVE):
        yield required(f"{path}.type", _EMPTY_TYPE[level])
    if schema.get(_PRESERVE) is False:
        yield invalid_value(f"{path}.{_PRESERVE}", False, "must be true or undefined")
    yield from _embedded(path, schema, kind)
    if level == "root" or schema.get(_EMBEDDED):
        yield from _object_fields(path, schema.get("properties") or {}, level == "root")
    yield from _list_type(path, schema, kind)
    yield from _map_type(path, schema, kind)
    yield from _junctors(path, schema, bool(schema.get(_EITHER)))
    for where, rule in each(f"{path}.{_RULES}", schema.get(_RULES)):
        yield from _rule(where, rule, schema)
    for where, inner, place in children(path, schema):
        yield from _node(where, inner, place)


def children(path: str, schema: Obj) -> Iterator[tuple[str, Obj, str]]:
    """(path, schema, level) of the schemas directly below one."""
    items, more = schema.get("items"), schema.get("additionalProperties")
    if isinstance(items, dict):
        yield f"{path}.items", items, "item"
    if isinstance(more, dict):
        yield f"{path}.additionalProperties", more, "field"
    for name, inner in (schema.get("properties") or {}).items():
        yield f"{path}.properties[{name}]", inner, "field"


def _plain(path: str, schema: Obj, kind: str) -> Errors:
    """What JSON schema has and custom resources do not."""
    for field in _NOT_HERE:
        if schema.get(field) is not None:
            yield forbidden_value(f"{path}.{field}", f"{field} is not supported")
    if schema.get("uniqueItems"):
        yield forbidden_value(
            f"{path}.uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        )
    if isinstance(schema.get("items"), list):
        yield forbidden_value(f"{path}.items", "items must be a schema object and not an array")
    if kind and kind not in _TYPES:
        yield not_supported(f"{path}.type", kind, _TYPES)
    if schema.get("additionalProperties") is not None and schema.get("properties"):
        yield forbidden_value(
            f"{path}.additionalProperties", "additionalProperties and properties are mutual exclusive"
        )


def _embedded(path: str, schema: Obj, kind: str) -> Errors:
    if not schema.get(_EMBEDDED):
        return
    if not schema.get(_PRESERVE) and not schema.get("properties"):
        yield required(f"{path}.properties", f"must not be empty if {_EMBEDDED} is true without {_PRESERVE}")
    if kind != "object":
        text = f"must be object if {_EMBEDDED} is true"
        yield invalid_value(f"{path}.type", kind, text) if kind else required(f"{path}.type", text)


def _object_fields(path: str, properties: Obj, root: bool) -> Errors:
    """kind, apiVersion and metadata of a whole object are upstream's own; a schema may narrow names only."""
    for name, kind in (("kind", "string"), ("apiVersion", "string"), ("metadata", "object")):
        field = properties.get(name)
        if field is None:
            continue
        where = f"{path}.properties[{name}]"
        if field.get("type") != kind:
            yield invalid_value(f"{where}.type", field.get("type") or "", f"must be {kind}")
        if root and field.get("default") is not None:
            yield forbidden_value(f"{where}.default", f"must not be set in top-level {name}")
    metadata = properties.get("metadata") or {}
    others = set(metadata.get("properties") or {}) - {"name", "generateName"}
    if root and (others or metadata.get("additionalProperties") is not None):
        yield forbidden_value(
            f"{path}.properties[metadata]",
            "must not specify anything other than name and generateName, but metadata is implicitly specified",
        )


def _list_type(path: str, schema: Obj, kind: str) -> Errors:
    form, keys, items = schema.get(_LIST), schema.get(_KEYS) or [], schema.get("items")
    if form is not None:
        if kind != "array":
            text = f"must be array if {_LIST} is specified"
            yield invalid_value(f"{path}.type", kind, text) if kind else required(f"{path}.type", text)
        if form not in ("atomic", "set", "map"):
            yield not_supported(f"{path}.{_LIST}", form, ("atomic", "set", "map"))
    if keys and form != "map":
        text = f"must be map if {_KEYS} is non-empty"
        yield invalid_value(f"{path}.{_LIST}", form, text) if form else required(f"{path}.{_LIST}", text)
    if form == "map":
        if not keys:
            yield required(f"{path}.{_KEYS}", f"must not be empty if {_LIST} is map")
        if isinstance(items, dict):
            yield from _map_items(path, items, keys)
    if form == "set" and isinstance(items, dict):
        yield from _set_items(f"{path}.items", items)


def _map_items(path: str, items: Obj, keys: list[str]) -> Errors:
    where = f"{path}.items"
    if items.get("type") != "object":
        yield invalid_value(
            f"{where}.type", items.get("type") or "", f"must be object if parent array's {_LIST} is map"
        )
        return
    if items.get("nullable"):
        yield forbidden_value(f"{where}.nullable", f"cannot be nullable when {_LIST} is map")
    if len(set(keys)) < len(keys):
        yield invalid_value(f"{path}.{_KEYS}", keys, "must not contain duplicate entries")
    properties = items.get("properties") or {}
    known = True
    for key in keys:
        field = properties.get(key)
        if field is None:
            known = False
            continue
        there = f"{where}.properties[{key}]"
        if field.get("type") not in _SCALARS:
            yield invalid_value(
                f"{there}.type", field.get("type") or "", f"must be a scalar type if parent array's {_LIST} is map"
            )
        if field.get("default") is None and key not in (items.get("required") or []):
            yield required(
                f"{there}.default", f"this property is in {_KEYS}, so it must have a default or be a required property"
            )
    if not known:
        yield invalid_value(f"{path}.{_KEYS}", keys, "entries must all be names of item properties")


def _set_items(path: str, items: Obj) -> Errors:
    if items.get("nullable"):
        yield forbidden_value(f"{path}.nullable", f"cannot be nullable when {_LIST} is set")
    if items.get("type") == "object" and items.get(_MAP) != "atomic":
        yield invalid_value(f"{path}.{_MAP}", items.get(_MAP), f"must be atomic as item of a list with {_LIST}=set")
    elif items.get("type") == "array" and items.get(_LIST) not in (None, "atomic"):
        yield invalid_value(f"{path}.{_LIST}", items.get(_LIST), f"must be atomic as item of a list with {_LIST}=set")


def _map_type(path: str, schema: Obj, kind: str) -> Errors:
    form = schema.get(_MAP)
    if form is None:
        return
    if kind != "object":
        text = f"must be object if {_MAP} is specified"
        yield invalid_value(f"{path}.type", kind, text) if kind else required(f"{path}.type", text)
    if form not in ("atomic", "granular"):
        yield not_supported(f"{path}.{_MAP}", form, ("atomic", "granular"))


def _junctors(path: str, schema: Obj, either: bool) -> Errors:
    for name in ("allOf", "anyOf", "oneOf"):
        branches = schema.get(name) or []
        if either and branches and (name, branches) == ("anyOf", _INT_OR_STRING):
            continue
        for at, branch in enumerate(branches):
            if either and name == "allOf" and at == 0 and branch.get("anyOf") == _INT_OR_STRING:
                branch = {k: v for k, v in branch.items() if k != "anyOf"}
            yield from _branch(f"{path}.{name}[{at}]", branch)
    if schema.get("not") is not None:
        yield from _branch(f"{path}.not", schema["not"])


def _branch(path: str, schema: Obj) -> Errors:
    for field, text in _FOREIGN.items():
        if schema.get(field) or field == "default" and field in schema:
            yield forbidden_value(f"{path}.{field}", text)
    yield from _junctors(path, schema, False)
    if isinstance(schema.get("items"), dict):
        yield from _branch(f"{path}.items", schema["items"])
    for name, inner in (schema.get("properties") or {}).items():
        yield from _branch(f"{path}.properties[{name}]", inner)


def _rule(path: str, rule: Obj, schema: Obj) -> Errors:
    text, message, place = rule.get("rule") or "", rule.get("message") or "", rule.get("fieldPath") or ""
    if not text.strip():
        yield required(f"{path}.rule", "rule is not specified")
    if message and not message.strip():
        yield invalid_value(f"{path}.message", message, "must be non-empty if specified")
    elif "\n" in message.strip():
        yield invalid_value(f"{path}.message", message, "must not contain line breaks")
    elif "\n" in text and not message:
        yield required(f"{path}.message", "message must be specified if rule contains line breaks")
    if place and not _leads_somewhere(place, schema):
        yield invalid_value(f"{path}.fieldPath", place, "must be a valid path")
    if rule.get("reason") is not None and rule["reason"] not in _REASONS:
        yield not_supported(f"{path}.reason", rule["reason"], _REASONS)
    if rule.get("optionalOldSelf") is not None and "oldSelf" not in text:
        yield invalid_value(
            f"{path}.optionalOldSelf", rule["optionalOldSelf"], "may not be set if oldSelf is not used in rule"
        )


def _leads_somewhere(place: str, schema: Obj) -> bool:
    """Whether a path of fields (`.a.b`, `['a']`) exists in a schema."""
    steps = re.findall(r"\.([A-Za-z_$][\w$-]*)|\['([^']+)'\]", place)
    if "".join(f".{a}" if a else f"['{b}']" for a, b in steps) != place:
        return False
    found: Any = schema
    for plain, quoted in steps:
        found = (found.get("properties") or {}).get(plain or quoted) or found.get("additionalProperties")
        if not isinstance(found, dict):
            return False
    return True


def field_of(place: str, schema: Obj) -> "Obj | str":
    """The schema of the field that a simple JSON path names, or what is wrong with the path."""
    if not place.startswith("."):
        return f"is an invalid path: expected [ or . but got: {re.split(r'[.[]', place)[0]}"
    if "[" in place:
        return "is an invalid path: array notation is not allowed"
    found: Any = schema
    for step in place[1:].split("."):
        found = (found.get("properties") or {}).get(step)
        if found is None:
            return "is an invalid path: does not refer to a valid field"
    return dict(found)

"""What a version's schema, scale and rules say of whole objects: defaults, faults on create, update and of status, warnings.

The order and the words are those of k8s.io/apiextensions-apiserver `pkg/registry/customresource`. Pure, but for the schema that is compiled
on first use. ObjectMeta of the object itself is judged by the pipeline.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kk.base import names
from kk.base.errors import FieldError, invalid_value
from kk.server.custom import embedded, listtypes, structural, validation
from kk.server.custom.schema import Schema

if TYPE_CHECKING:
    from kk.server.custom.resource import Custom

Obj = dict[str, Any]
_INT32 = 2**31 - 1
#: faults that make rules meaningless
_BLOCKING = frozenset(
    {
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    }
)
_BLOCKED = (
    "some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)
_STANDARD = ("orphan", "foregroundDeletion", "kubernetes")
_GO_TYPES = {
    str: "string",
    bool: "bool",
    int: "int64",
    float: "float64",
    dict: "map[string]interface {}",
    list: "[]interface {}",
}


class Strategy:
    """See the module's docstring."""

    __slots__ = ("_schema", "_status", "_scale", "_rules", "_forgiven")

    def __init__(self, resource: "Custom"):
        raw = resource.raw_schema()
        self._schema: Schema = resource.compiled
        self._status = self._schema.fields.get("status")
        self._scale: Obj = resource.raw_scale or {}
        self._rules = _rules(raw)
        self._forgiven: list[str] = []

    def default(self, obj: Obj) -> None:
        """Fill in what the schema has defaults for."""
        structural.default(obj, self._schema)

    def validate(self, obj: Obj, old: Obj | None) -> list[FieldError]:
        """Faults of a new or changed object."""
        schema = self._schema
        if old is None:
            found = validation.faults(obj, schema)
        else:
            found = validation.update_faults(obj, old, schema)
        if self._scale:
            found += [*self._scale_spec(obj), *self._scale_status(obj)]
        if schema.grouped:
            found += embedded.faults(obj, schema)
            found += self._list_faults(obj, old)
        return self._with_rules(found, obj, old)

    def validate_status(self, obj: Obj, old: Obj) -> list[FieldError]:
        """Faults of a write to the status."""
        found: list[FieldError] = []
        if "status" in obj and self._status is not None:
            was = old.get("status", validation.MISSING)
            if was is validation.MISSING:
                found = validation.faults(obj["status"], self._status, "status")
            else:
                found = validation.update_faults(obj["status"], was, self._status, "status")
        if self._scale:
            found += self._scale_status(obj)
        if self._schema.grouped:
            found += self._list_faults(obj, old)
        return self._with_rules(found, obj, old)

    def warnings(self, obj: Obj, old: Obj | None) -> Iterator[str]:
        """Texts for Warning headers: finalizers that may meet others of their name."""
        finalizers = obj["metadata"].get("finalizers")
        if finalizers:
            known = set((old or {}).get("metadata", {}).get("finalizers") or ())
            for name in sorted(set(finalizers) - known):
                yield from _finalizer(name)

    # parts

    def _list_faults(self, obj: Obj, old: Obj | None) -> list[FieldError]:
        found = list(listtypes.faults(obj, self._schema))
        if found and old is not None and any(listtypes.faults(old, self._schema)):
            return []
        return found

    def _with_rules(self, found: list[FieldError], obj: Obj, old: Obj | None) -> list[FieldError]:
        if self._rules is None:
            return found
        if any(fault.reason in _BLOCKING for fault in found):
            return [*found, invalid_value(validation.NOWHERE, None, _BLOCKED)]
        forgiven: list[FieldError] = []
        found = [*found, *self._rules.validate(obj, old, forgiven=forgiven)]
        self._forgiven += [str(fault) for fault in forgiven]
        return found

    def forgiven(self) -> list[str]:
        """What the last look forgave, once: the client is warned of it."""
        texts, self._forgiven = self._forgiven, []
        return texts

    def _scale_spec(self, obj: Obj) -> Iterator[FieldError]:
        yield from _replicas(obj, self._scale.get("specReplicasPath") or "")

    def _scale_status(self, obj: Obj) -> Iterator[FieldError]:
        yield from _replicas(obj, self._scale.get("statusReplicasPath") or "")
        path = self._scale.get("labelSelectorPath") or ""
        if path:
            value, fault = nested(obj, path)
            if not fault and value is not None and not isinstance(value, str):
                fault = _accessor(path, value, "string")
            if fault:
                yield invalid_value(path, "", fault)


def _rules(raw: Obj) -> Any:
    """The expressions of a schema, None where there are none: what evaluates them is imported only then."""
    if not has_rules(raw):
        return None
    from kk.server.cel.rules import Rules

    rules = Rules(raw)
    return None if rules.empty else rules


def has_rules(raw: Any) -> bool:
    """Whether a schema has expressions anywhere."""
    if isinstance(raw, dict):
        return "x-kubernetes-validations" in raw or any(
            has_rules(v) for v in raw.values() if isinstance(v, (dict, list))
        )
    return isinstance(raw, list) and any(has_rules(v) for v in raw)


def _accessor(path: str, value: Any, wanted: str) -> str:
    shown = "true" if value is True else "false" if value is False else value
    return f"{path} accessor error: {shown} is of the type {_GO_TYPES[type(value)]}, expected {wanted}"


def nested(obj: Obj, path: str) -> tuple[Any, str]:
    """(the value at a plain path or None, what is wrong on the way there)."""
    value: Any = obj
    steps = path.removeprefix(".").split(".")
    for at, step in enumerate(steps):
        if value is None:
            return None, ""
        if not isinstance(value, dict):
            return None, _accessor("." + ".".join(steps[: at + 1]), value, "map[string]interface{}")
        if step not in value:
            return None, ""
        value = value[step]
    return value, ""


def _replicas(obj: Obj, path: str) -> Iterator[FieldError]:
    value, fault = nested(obj, path)
    if not fault and value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        fault = _accessor(path, value, "int64")
    if fault:
        yield invalid_value(path, 0, fault)
    elif value is not None and value < 0:
        yield invalid_value(path, value, "should be a non-negative integer")
    elif value is not None and value > _INT32:
        yield invalid_value(path, value, f"should be less than or equal to {_INT32}")


def _finalizer(name: str) -> Iterator[str]:
    for message in names.qualified_name(name):
        yield f'metadata.finalizers: "{name}": {message}'
    if "/" not in name and name not in _STANDARD:
        yield (
            f'metadata.finalizers: "{name}": prefer a domain-qualified finalizer name including a path (/) '
            "to avoid accidental conflicts with other finalizer writers"
        )

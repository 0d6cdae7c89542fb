"""An object of a kind with every field filled, made from the schema: right by its types, not by the kind's own rules."""

from typing import Any

from kk.kinds import schema

_SCALARS: dict[str, Any] = {
    "s": "text",
    "i": 3,
    "l": 1 << 40,
    "n": 1.5,
    "b": True,
    "q": "1500m",
    "o": "http",
    "t": "2026-01-02T03:04:05Z",
    "m": "2026-01-02T03:04:05.000006Z",
    "y": "AAEC/w==",
    "a": {"any": ["thing", 1, None]},
}
#: fields whose untyped JSON has a shape of its own
_SHAPED = {
    "items": [{"type": "string"}, {"type": "integer"}],
    "additionalItems": True,
    "additionalProperties": {"type": "string"},
    "dependencies": {"a": ["b", "c"], "d": {"type": "object"}},
}
_SCHEMA = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"


def full(definition: str, above: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every field of a definition, types that hold themselves once."""
    made: dict[str, Any] = {}
    for name, value in schema.definition(definition).f.items():
        _, code, extras = schema.place(value)
        if definition == _SCHEMA and name in _SHAPED:
            made[name] = _SHAPED[name]
            continue
        inner = _value(code, (*above, definition), extras)
        if inner is not None:
            made[name] = inner
    return made


def _value(code: str, above: tuple[str, ...], extras: dict[str, Any]) -> Any:
    if code[0] == "[":
        inner = _value(code[1:], above, {})
        return None if inner is None else [inner]
    if code[0] == "{":
        inner = _value(code[1:], above, {})
        return None if inner is None else {"key": inner}
    if code[0] == "#":
        return None if code[1:] in above else full(code[1:], above)
    if extras.get("e"):
        return extras["e"][0]
    return _SCALARS[code]

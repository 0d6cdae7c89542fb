"""A definition of custom resources that uses all a schema can say, so that fuzzed instances meet all of it."""

from dataclasses import dataclass, field
from typing import Any

GROUP, VERSION = "faults.example.com", "v1"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@dataclass(frozen=True)
class Custom:
    """As much of a kk.kinds.kind.Resource as traffic asks for; there is no Node for its schema."""

    plural: str
    kind: str
    namespaced: bool
    objects: tuple[dict[str, Any], ...]
    group: str = GROUP
    version: str = VERSION
    schema: Any = None
    subresources: tuple[str, ...] = ("status", "scale")
    api_version: str = field(default=f"{GROUP}/{VERSION}")


_SPEC: dict[str, Any] = {
    "type": "object",
    "required": ["size"],
    "x-kubernetes-validations": [
        {"rule": "self.size <= 100 || has(self.note)", "message": "large ones need a note"},
        {"rule": "!has(oldSelf.mode) || has(self.mode)", "reason": "FieldValueForbidden"},
    ],
    "properties": {
        "size": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 1000, "multipleOf": 1},
        "ratio": {"type": "number", "default": 0.5, "exclusiveMaximum": True, "maximum": 2},
        "note": {"type": "string", "maxLength": 20, "pattern": "^[a-z ]*$", "nullable": True},
        "mode": {"type": "string", "enum": ["a", "b"], "x-kubernetes-validations": [{"rule": "self == oldSelf"}]},
        "port": {"x-kubernetes-int-or-string": True},
        "when": {"type": "string", "format": "date-time"},
        "address": {"type": "string", "format": "ipv4"},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "pod": {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
        "parts": {
            "type": "array",
            "maxItems": 5,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string", "default": "x"}, "n": {"type": "integer", "default": 1}},
            },
        },
        "tags": {
            "type": "array",
            "maxItems": 10,
            "x-kubernetes-list-type": "set",
            "items": {"type": "string", "maxLength": 9},
        },
        "labels": {"type": "object", "maxProperties": 3, "additionalProperties": {"type": "string"}},
        "either": {
            "type": "object",
            "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}},
            "oneOf": [{"required": ["x"]}, {"required": ["y"]}],
            "not": {"required": ["x", "y"]},
        },
        "bytes": {"type": "string", "format": "byte"},
    },
}


def definition(custom: Custom) -> dict[str, Any]:
    """The CustomResourceDefinition of a resource."""
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {
            "openAPIV3Schema": {
                "type": "object",
                "properties": {
                    "spec": _SPEC,
                    "status": {
                        "type": "object",
                        "properties": {"size": {"type": "integer"}, "selector": {"type": "string"}},
                    },
                },
            }
        },
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.size",
                "statusReplicasPath": ".status.size",
                "labelSelectorPath": ".status.selector",
            },
        },
        "additionalPrinterColumns": [
            {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
            {"name": "When", "type": "date", "jsonPath": ".spec.when"},
            {"name": "Parts", "type": "string", "jsonPath": ".spec.parts[*].name", "priority": 1},
        ],
        "selectableFields": [{"jsonPath": ".spec.mode"}],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{custom.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced" if custom.namespaced else "Cluster",
            "names": {
                "plural": custom.plural,
                "kind": custom.kind,
                "singular": custom.kind.lower(),
                "listKind": f"{custom.kind}List",
            },
            "versions": [version],
        },
    }


def _objects(kind: str) -> tuple[dict[str, Any], ...]:
    head: dict[str, Any] = {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": {"name": "a"}}
    full = {
        "size": 3,
        "ratio": 1.5,
        "note": "abc",
        "mode": "a",
        "port": "http",
        "when": "2024-01-02T03:04:05Z",
        "address": "10.0.0.1",
        "free": {"a": [1, {"b": None}]},
        "pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"}}, "spec": {"x": 1}},
        "parts": [{"name": "p"}, {"name": "q", "n": 2}],
        "tags": ["a", "b"],
        "labels": {"a": "b"},
        "either": {"x": 1},
        "bytes": "eA==",
    }
    return (
        {**head, "spec": {"size": 1}},
        {**head, "spec": full},
        {**head, "spec": full, "status": {"size": 2, "selector": "a=b"}},
    )


CUSTOM = (Custom("gizmos", "Gizmo", True, _objects("Gizmo")), Custom("realms", "Realm", False, _objects("Realm")))

"""Every kind through protobuf: what is encoded and decoded again is the same object."""

import pytest

from kk.kinds import types
from kk.kinds.registry import registry
from kk.server import protobuf, protobuf_write
from tests.clients.full import full

KINDS = sorted({(r.api_version, r.kind): r for r in registry().resources.values()}.items())


@pytest.mark.parametrize("known", KINDS, ids=lambda known: "/".join(known[0]))
def test_a_full_object_is_the_same_after_protobuf(known: tuple) -> None:
    (api_version, kind), resource = known
    obj = full(types.definition_of(resource))
    obj.update(kind=kind, apiVersion=api_version)
    for template in obj.get("spec", {}).get("volumeClaimTemplates", ()):
        del template["kind"], template["apiVersion"]  # an object inside of an object has no type in protobuf
    wanted = types.convert(types.definition_of(resource), obj)
    assert protobuf.decode(protobuf_write.encode(wanted), ("", "")) == wanted


@pytest.mark.parametrize("known", KINDS, ids=lambda known: "/".join(known[0]))
def test_a_full_object_is_the_same_after_json_types(known: tuple) -> None:
    _, resource = known
    definition = types.definition_of(resource)
    once = types.convert(definition, full(definition))
    assert types.convert(definition, once) == once
    assert once.keys() == full(definition).keys(), "nothing that is filled is lost"


@pytest.mark.parametrize(
    "schema", [{"items": {"type": "x"}}, {"items": [{"type": "x"}]}, {"additionalProperties": False}]
)
def test_either_or_of_schemas(schema: dict) -> None:
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", **schema}},
    }
    crd = {"kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1", "spec": {"versions": [version]}}
    assert protobuf.decode(protobuf_write.encode(crd), ("", "")) == crd

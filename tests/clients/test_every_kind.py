"""Every built-in kind over HTTP: what is written is what is read, and JSON, YAML and protobuf say the same of it."""

import json
from typing import Any

import pytest
import yaml

from kk.kinds import types
from kk.kinds.registry import registry
from kk.server import protobuf, protobuf_write
from tests.clients.full import full
from tests.servers import APIServer

RESOURCES = [r for r in registry().resources.values() if {"create", "get"} <= set(r.verbs)]
BODIES = {
    "application/json": lambda obj: json.dumps(obj).encode(),
    "application/yaml": lambda obj: yaml.safe_dump(obj).encode(),
    protobuf.MEDIA: protobuf_write.encode,
}


def minimal(resource: Any) -> dict[str, Any]:
    """A full object by its types; the server's own rules may refuse it."""
    definition = types.definition_of(resource)
    obj = types.convert(definition, full(definition))
    obj.update(kind=resource.kind, apiVersion=resource.api_version, metadata={"name": "full-1"})
    for template in (obj.get("spec") or {}).get("volumeClaimTemplates") or ():
        template.pop("kind", None), template.pop("apiVersion", None)  # protobuf does not carry them
    return obj


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda r: f"{r.api_version}/{r.kind}")
def test_three_bodies_of_a_full_object_are_judged_alike(api: APIServer, resource: Any) -> None:
    """A full object passes no kind's rules by chance; the same object gets the same verdict, fault by fault, in each form."""
    obj = minimal(resource)
    where = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
    path = f"{where}/namespaces/default/{resource.plural}" if resource.namespaced else f"{where}/{resource.plural}"
    answers = []
    for media, encode in BODIES.items():
        query = "dryRun=All&fieldValidation=Strict"
        status, _, data = api.raw("POST", f"{path}?{query}", encode(obj), {"Content-Type": media})
        answer = json.loads(data)
        assert status in (201, 403, 422), answer
        for change in ("creationTimestamp", "uid", "managedFields"):
            answer.get("metadata", {}).pop(change, None)
        answers.append((status, _without_times(answer)))
    assert answers[0] == answers[1]
    assert answers[0] == answers[2]


def _without_times(value: Any) -> Any:
    """Clock readings differ from one request to the next."""
    if isinstance(value, dict):
        return {k: _without_times(v) for k, v in value.items() if not k.lower().endswith("time")}
    return [_without_times(v) for v in value] if isinstance(value, list) else value


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    return [_without_nulls(v) for v in value] if isinstance(value, list) else value


def seeds(api: APIServer) -> list[tuple[str, Any]]:
    """(path, object) of what a fresh server holds of every kind."""
    found = []
    for resource in RESOURCES:
        if "list" not in resource.verbs:
            continue
        where = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
        _, listed = api.request("GET", f"{where}/{resource.plural}")
        for item in (listed["items"] or [])[:3]:
            namespace = item["metadata"].get("namespace")
            middle = f"/namespaces/{namespace}" if namespace else ""
            found.append((f"{where}{middle}/{resource.plural}/{item['metadata']['name']}", item))
    return found


def test_what_is_there_reads_the_same_in_all_forms_and_writes_back_unchanged(api: APIServer) -> None:
    held = seeds(api)
    assert len(held) > 20
    for path, _ in held:
        _, obj = api.request("GET", path)
        assert yaml.safe_load(api.raw("GET", path, headers={"Accept": "application/yaml"})[2]) == obj
        found = protobuf.decode(api.raw("GET", path, headers={"Accept": protobuf.MEDIA})[2], ("", ""))
        assert _without_nulls(found) == _without_nulls(obj), "protobuf has no null"
        for media, encode in BODIES.items():
            status, _, data = api.raw("PUT", path, encode(obj), {"Content-Type": media})
            assert status == 200, (path, media, data)
            assert json.loads(data) == obj, "a write of what is there changes nothing"

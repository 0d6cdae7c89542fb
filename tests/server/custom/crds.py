"""Definitions for tests of custom resources, and how to wait until they are served."""

import json
import time
from typing import Any

from tests.servers import APIServer

Obj = dict[str, Any]
PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def version(name: str = "v1", storage: bool = True, spec: "Obj | None" = None, **more: Any) -> Obj:
    """An entry of spec.versions; `spec` are the properties of the object's spec."""
    properties: Obj = {"spec": {"type": "object", "properties": spec or {"size": {"type": "integer"}}}}
    properties["status"] = {"type": "object", "properties": {"phase": {"type": "string"}}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": properties}}
    return {"name": name, "served": True, "storage": storage, "schema": schema, **more}


def definition(plural: str, group: str, *versions: Obj, scope: str = "Namespaced", **names: Any) -> Obj:
    """A CustomResourceDefinition; the kind follows from the plural."""
    kind = plural[:-1].capitalize()
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"plural": plural, "kind": kind, **names},
            "versions": list(versions or (version(),)),
        },
    }


def until(api: APIServer, path: str, wanted: Any, seconds: float = 60) -> Any:
    """Ask a path again until `wanted(status, body)` holds."""
    end = time.monotonic() + seconds
    while True:
        status, _, data = api.raw("GET", path)
        body = json.loads(data) if data[:1] == b"{" else data
        if wanted(status, body):
            return body
        assert time.monotonic() < end, (status, body)
        time.sleep(0.02)


def condition(obj: Any, kind: str) -> str:
    """The status of a condition, "" where it is not there."""
    found = ((obj.get("status") or {}).get("conditions") or []) if isinstance(obj, dict) else []
    return next((c["status"] for c in found if c["type"] == kind), "")


def define(api: APIServer, crd: Obj) -> Obj:
    """Create a definition and wait until it is served."""
    status, made = api.request("POST", PATH, crd)
    assert status == 201, made
    return until(api, f"{PATH}/{crd['metadata']['name']}", lambda _, obj: condition(obj, "Established") == "True")


def undefine(api: APIServer, name: str) -> None:
    """Delete a definition and wait until it is gone."""
    assert api.request("DELETE", f"{PATH}/{name}")[0] == 200
    until(api, f"{PATH}/{name}", lambda status, _: status == 404)

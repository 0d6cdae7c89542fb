"""What CustomResourceDefinitions cost: 200 of them with schemas of the size of cert-manager's, in time, memory, start and documents."""

import json
import time

from tests.bench import cluster

COUNT = 200
_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_TEXT = "What this field says, in a sentence or two of the length that such fields usually have, so that the size is a real one. "


def ROWS() -> list[list[str]]:
    """One server: before the definitions, with them, after the documents were asked for, and started again."""
    with cluster.api() as one:
        before, begun = one.pss(), time.perf_counter()
        for at in range(COUNT):
            one.ask("POST", _PATH, _definition(at))
        each = (time.perf_counter() - begun) / COUNT
        while len(one.ask("GET", "/apis/g199.bench.example.com/v1")["resources"]) < 1:
            continue
        grown = one.pss() - before
        document, discovery = _seconds(one, "/openapi/v3/apis/g7.bench.example.com/v1"), _seconds(one, "/apis")
        begun = time.perf_counter()
        one.restart()
        start = time.perf_counter() - begun
        size = len(json.dumps(_definition(0))) // 1024
        what = f"{COUNT} definitions of {size} KiB"
        told = f"start {start:.2f} s, /apis {discovery * 1000:.0f} ms, one OpenAPI document {document * 1000:.0f} ms"
        return [
            [f"{what}: time of each", f"{each * 1000:.1f} ms", "", "", "", told],
            [f"{what}: memory of each", f"{grown / COUNT:.2f} MiB", "", "", "", f"{one.pss():.0f} MiB after a restart"],
        ]


def _seconds(one: cluster.Api, path: str) -> float:
    begun = time.perf_counter()
    one.ask("GET", path)
    return time.perf_counter() - begun


def _field(depth: int) -> dict:
    """A schema of a few fields at each level, as generated ones are."""
    fields: dict = {f"text{n}": {"type": "string", "description": _TEXT, "minLength": 1} for n in range(6)}
    if depth:
        fields |= {f"part{n}": _field(depth - 1) for n in range(3)}
        fields["list"] = {"type": "array", "description": _TEXT, "items": _field(depth - 1)}
    return {"type": "object", "description": _TEXT, "properties": fields, "required": ["text0"]}


def _definition(at: int) -> dict:
    group = f"g{at}.bench.example.com"
    schema = {"type": "object", "properties": {"spec": _field(3), "status": _field(1)}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [{**version, "subresources": {"status": {}}}],
        },
    }

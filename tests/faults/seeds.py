"""Valid objects of every kind to start mutations from: the bodies that the recorded scenarios create, and bare ones where none is recorded."""

import functools
from pathlib import Path
from typing import Any

import yaml

from kk.kinds.kind import Resource
from kk.kinds.registry import registry
from tests.faults.custom import CUSTOM, Custom

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PER_KIND = 4


@functools.cache
def resources() -> list[Any]:
    """Every served resource, in discovery's order, and the custom ones of tests.faults.custom, more than once each."""
    return [*registry().resources.values(), *(CUSTOM * 3)]


@functools.cache
def by_kind() -> dict[tuple[str, str], list[dict[str, Any]]]:
    """(apiVersion, kind) → up to a few valid objects."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for path in sorted(GOLDEN.rglob("*.yaml")):
        if "invalid" in path.name or "validation" in path.name:
            continue
        text = path.read_text(encoding="utf-8").replace("$NS", "default")
        for step in (yaml.load(text, Loader=_Loader) or {}).get("steps", ()):
            body, expect = step.get("body"), step.get("expect") or {}
            if (
                not isinstance(body, dict)
                or not str(step.get("do", "")).startswith("POST ")
                or expect.get("status") != 201
            ):
                continue
            kept = found.setdefault((body.get("apiVersion", ""), body.get("kind", "")), [])
            if len(kept) < _PER_KIND:
                kept.append(body)
    return found


def of(resource: Resource) -> list[dict[str, Any]]:
    """Valid objects of a resource; the bare one at least."""
    if isinstance(resource, Custom):
        return list(resource.objects)
    bare = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": "a"}}
    return by_kind().get((resource.api_version, resource.kind)) or [bare]

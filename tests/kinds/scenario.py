"""Plays recorded scenarios against the pure functions of kinds: decode, default, prepare, validate, print. No server, no store.

What only a server does (admission, field managers, controllers) is not played: such steps are skipped by status or path.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from kk.base import errors
from kk.base.patch import merge_patch
from kk.kinds import meta, types
from kk.kinds.kind import Resource
from kk.kinds.registry import registry
from kk.server.tables import Printer

NS = "golden-0"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_GO = re.compile(r"&\w+\.\w+\{|x509:|json: cannot unmarshal|\w+\.\w+\{\w+:|\n\s*[+-]|map\[string\]|strconv\.")
_BY_KEY = {"caBundle": "<pem>", "uid": "<uid>", "resourceVersion": "<rv>"}
_METADATA = ("uid", "creationTimestamp", "resourceVersion", "managedFields", "deletionTimestamp", "finalizers")
_METADATA += ("deletionGracePeriodSeconds",)


def norm(value: Any) -> Any:
    """A value as the recorder wrote it: times, uids and Go's words replaced."""
    if isinstance(value, dict):
        out = {norm(k): norm(v) for k, v in value.items()}
        out.update((key, mark) for key, mark in _BY_KEY.items() if isinstance(out.get(key), str) and out[key])
        return out
    if isinstance(value, list):
        return [norm(v) for v in value]
    if not isinstance(value, str):
        return value
    if len(value) > 200 and (value.startswith("LS0t") or "-----BEGIN" in value):
        return "<pem>"
    if _GO.search(value):
        return "<any>"
    return _TIME.sub("<time>", _UID.sub("<uid>", value.replace(NS, "NS")))


def fill(value: Any) -> Any:
    """A request's text with the namespace put in."""
    if isinstance(value, dict):
        return {fill(k): fill(v) for k, v in value.items()}
    if isinstance(value, list):
        return [fill(v) for v in value]
    return value.replace("$NS", NS) if isinstance(value, str) else value


def same(want: Any, got: Any) -> bool:
    """Equality in which <any> stands for any text."""
    if want == "<any>":
        return isinstance(got, str)
    if isinstance(want, dict) and isinstance(got, dict):
        return want.keys() == got.keys() and all(same(want[k], got[k]) for k in want)
    if isinstance(want, list) and isinstance(got, list):
        return len(want) == len(got) and all(map(same, want, got))
    return bool(want == got) and isinstance(want, bool) == isinstance(got, bool)


class Played:
    """The objects of one scenario while it is played."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}

    def step(self, verb: str, url: str, body: Any, kind: str, accept: str) -> tuple[int, Any, list[str]] | None:
        """(status, body, warnings) of a step, or None where it is no pure function's affair."""
        split = urlsplit(url)
        query = {k: v[0] for k, v in parse_qs(split.query).items()}
        found = locate(split.path)
        if found is None:
            return None
        resource, namespace, name, sub = found
        prefix = f"{resource.plural}.{resource.group}/{namespace}/"
        try:
            if verb == "POST" and not name:
                return self._create(resource, namespace, prefix, body, query.get("fieldValidation", "Warn"))
            live = self.objects.get(prefix + name)
            if live is None or sub not in ("", "status"):
                return self._table(resource, prefix, query, accept) if verb == "GET" and not name else None
            if verb == "GET":
                return 200, live, []
            if verb == "PATCH" and "merge-patch+json" in kind and "strategic" not in kind:
                return self._update(resource, prefix + name, live, merge_patch.apply(live, body), sub)
            if verb == "PUT":
                return self._update(resource, prefix + name, live, body, sub)
        except errors.StatusError as error:
            return error.code, error.status, []
        return None

    def step_with_deprecation(self, *args: Any) -> tuple[int, Any, list[str]] | None:
        """The same, with the warning that every request for a deprecated kind gets."""
        got, found = self.step(*args), locate(urlsplit(args[1]).path)
        if got is None or found is None or not found[0].strategy.deprecated:
            return got
        return got[0], got[1], [*got[2], f"299 - {json.dumps(found[0].strategy.deprecated)}"]

    def _table(self, resource: Resource, prefix: str, query: Any, accept: str) -> tuple[int, Any, list[str]] | None:
        if "as=Table" not in accept:
            return None
        printer = Printer(resource, resource.strategy.columns)
        wanted = query.get("fieldSelector", "").partition("=")[2]
        rows = [printer.cells(o, 0) for k, o in self.objects.items() if k == prefix + wanted]
        return 200, {"kind": "Table", "columnDefinitions": printer.definitions, "rows": rows}, []

    def _create(self, resource: Resource, namespace: str, prefix: str, body: Any, how: str) -> Any:
        obj, unknown = types.read(resource, body, how)
        strategy = resource.strategy
        if strategy.default:
            strategy.default(obj)
        metadata = obj.setdefault("metadata", {})
        if namespace:
            metadata.setdefault("namespace", namespace)
        if strategy.generation:
            metadata["generation"] = 1
        if "status" in resource.subresources:
            obj.pop("status", None)
        if strategy.prepare_create:
            strategy.prepare_create(obj)
        faults = meta.validate(metadata, None, resource.namespaced, strategy.validate_name)
        faults += strategy.validate(obj, None)
        if faults:
            raise errors.invalid(resource.kind, resource.group, metadata.get("name") or "", faults)
        self.objects[prefix + metadata["name"]] = json.loads(json.dumps(obj))
        return 201, obj, [f"299 - {json.dumps(w)}" for w in [*strategy.warnings(obj, None), *unknown]]

    def _update(self, resource: Resource, key: str, old: Any, body: Any, sub: str) -> Any:
        new, unknown = types.read(resource, body, "Warn")
        strategy = resource.strategy
        if strategy.default:
            strategy.default(new)
        if sub == "status":
            new = {**old, "status": new.get("status", {})}
            faults = list(strategy.validate_status(new, old))
        else:
            if "status" in old:
                new["status"] = old["status"]
            new["metadata"].setdefault("namespace", old["metadata"].get("namespace"))
            if not new["metadata"]["namespace"]:
                del new["metadata"]["namespace"]
            if strategy.prepare_update:
                strategy.prepare_update(new, old)
            if strategy.generation and _rest(new) != _rest(old):
                new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
            faults = meta.validate(new["metadata"], old["metadata"], resource.namespaced, strategy.validate_name)
            faults += strategy.validate(new, old)
        if faults:
            raise errors.invalid(resource.kind, resource.group, old["metadata"]["name"], faults)
        self.objects[key] = json.loads(json.dumps(new))
        return 200, new, [f"299 - {json.dumps(w)}" for w in [*strategy.warnings(new, old), *unknown]]


def _rest(obj: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in obj.items() if k not in ("metadata", "status")}


def locate(path: str) -> tuple[Resource, str, str, str] | None:
    """(resource, namespace, name, sub-resource) of a path."""
    parts = path.strip("/").split("/")
    group, version, rest = ("", parts[1], parts[2:]) if parts[0] == "api" else (parts[1], parts[2], parts[3:])
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        namespace, rest = rest[1], rest[2:]
    resource = registry().resources.get((group, version, rest[0]))
    rest += ["", ""]
    return None if resource is None else (resource, namespace, rest[1], rest[2])


def play(path: Path) -> Iterator[str]:
    """Differences between a recorded scenario and what the kinds' functions say."""
    doc = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    played = Played()
    for at, step in enumerate(doc["steps"], 1):
        verb, url = fill(step["do"]).split(" ", 1)
        got = played.step_with_deprecation(
            verb, url, fill(step.get("body")), step.get("type", "application/json"), step.get("accept", "")
        )
        if got is None or step.get("quiet"):
            continue
        expect = step["expect"]
        for difference in differences(expect, *got):
            yield f"{at} {step['do']}: {difference}"


def differences(expect: Any, status: int, body: Any, warnings: list[str]) -> Iterator[str]:
    """What of an answer is not as it was recorded."""
    want = expect.get("body")
    if expect["status"] in (403, 409) and status < 400:
        return  # admission's work
    if expect["status"] != status:
        yield f"status {status}, expected {expect['status']}: {json.dumps(norm(body))[:600]}"
        return
    if sorted(norm(warnings)) != sorted(expect.get("warning") or []):
        yield f"warnings {warnings}, expected {expect.get('warning')}"
    if want.get("kind") == "Table":
        yield from _table_differences(want, body)
    elif want.get("kind") == "Status":
        yield from _status_differences(want, norm(body))
    else:
        left, right = _bare(want), _bare(norm(body))
        for key in {*left, *right}:
            if not same(left.get(key), right.get(key)):
                yield f"{key} {json.dumps(right.get(key))}, expected {json.dumps(left.get(key))}"


def _table_differences(want: Any, body: Any) -> Iterator[str]:
    for key in ("name", "type", "format", "priority"):
        left = [c[key] for c in want["columnDefinitions"]]
        right = [c[key] for c in body["columnDefinitions"]]
        if left != right:
            yield f"columns' {key} {right}, expected {left}"
    for left, right in zip([r.get("cells") for r in want["rows"]], body["rows"], strict=False):
        if left is not None and [_cell(c) for c in left] != [_cell(c) for c in norm(right)]:
            yield f"cells {right}, expected {left}"


def _cell(value: Any) -> Any:
    """A cell, with every time the same: objects of these plays have none."""
    if value is None or isinstance(value, str) and re.fullmatch(r"\d+s|<unknown>|<time>", value):
        return "<age>"
    return value


def _status_differences(want: Any, body: Any) -> Iterator[str]:
    left = (want.get("details") or {}).get("causes") or []
    right = (body.get("details") or {}).get("causes") or []
    missing = [c for c in left if not any(same(c, d) for d in right)]
    extra = [c for c in right if not any(same(d, c) for d in left)]
    if missing or extra or len(left) != len(right):
        yield f"causes: missing {missing}, not expected {extra}"
    if not left and not same(want.get("message"), body.get("message")) and want["reason"] != "BadRequest":
        yield f"message {body.get('message')}, expected {want.get('message')}"


def _bare(obj: Any) -> dict[str, Any]:
    metadata = {k: v for k, v in (obj.get("metadata") or {}).items() if k not in _METADATA}
    return {**obj, "metadata": metadata}

"""What aggregated servers say of their types: their OpenAPI documents, read when they change, in both versions.

A server that knows version 2 only has its document told as version 3 as well. What is merged into whose document is kk.server.endpoints.openapi.
"""

import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kk.base.errors import StatusError
from kk.server.aggregation import availability
from kk.server.aggregation.remote import Remote
from kk.server.backend import Target
from kk.server.context import Server
from kk.server.encoding import encode

Obj = dict[str, Any]
_SCHEMAS, _DEFINITIONS = "#/components/schemas/", "#/definitions/"


async def refresh(server: Server, found: Remote) -> None:
    """Bring `openapi_v2`, `openapi_v3` and `openapi_mark` up to date; what cannot be had stays as it was."""
    try:
        target = found.unchecked(server)
        address, mark = await _address(server, target, found)
        if mark and mark == found.openapi_mark:
            return
        second = await _document(server, target, "/openapi/v2")
        third = await _document(server, target, address) if address else None
    except (availability.Unanswered, StatusError, TimeoutError):
        return
    own = of_paths(second, found.api_version) if second is not None else None
    if third is None and own is not None:
        third = converted(own)
    body = encode(third) if third is not None else None
    found.openapi_v2, found.openapi_v3 = own, body
    found.openapi_mark = mark or hashlib.sha512(body or b"").hexdigest().upper()


async def _document(server: Server, target: Target, path: str) -> Obj | None:
    status, document, _ = await availability.fetch(server, target, path)
    return document if status == 200 else None


async def _address(server: Server, target: Target, found: Remote) -> tuple[str, str]:
    """(path, hash) of the version's document in the server's index; "" where it has none."""
    index = await _document(server, target, "/openapi/v3")
    entry = ((index or {}).get("paths") or {}).get(f"apis/{found.api_version}") or {}
    address = str(entry.get("serverRelativeURL") or "")
    return address, (parse_qs(urlsplit(address).query).get("hash") or [""])[0]


def of_paths(document: Obj, api_version: str) -> Obj:
    """The part of a version 2 document that speaks of one group and version."""
    prefix = f"/apis/{api_version}/"
    paths = {p: v for p, v in (document.get("paths") or {}).items() if f"{p}/".startswith(prefix)}
    known: Obj = document.get("definitions") or {}
    found: Obj = {}
    waiting = [*_references(paths), *(name for name, d in known.items() if _is_of(d, api_version))]
    while waiting:
        name = waiting.pop()
        if name in known and name not in found:
            found[name] = known[name]
            waiting += _references(known[name])
    return {"paths": paths, "definitions": found}


def _is_of(definition: Any, api_version: str) -> bool:
    kinds = definition.get("x-kubernetes-group-version-kind") if isinstance(definition, dict) else None
    if not isinstance(kinds, list):
        return False
    return any(isinstance(k, dict) and f"{k.get('group')}/{k.get('version')}" == api_version for k in kinds)


def _references(value: Any) -> list[str]:
    """Names of the definitions that a piece of a document refers to."""
    if isinstance(value, list):
        return [name for item in value for name in _references(item)]
    if not isinstance(value, dict):
        return []
    found = [name for item in value.values() for name in _references(item)]
    reference = value.get("$ref")
    if isinstance(reference, str) and reference.startswith(_DEFINITIONS):
        found.append(reference[len(_DEFINITIONS) :])
    return found


def converted(second: Obj) -> Obj:
    """A version 2 document as version 3."""
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "unversioned"},
        "paths": {path: _item(item) for path, item in (second.get("paths") or {}).items()},
        "components": {"schemas": _moved(second.get("definitions") or {})},
    }


def _moved(value: Any) -> Any:
    """A piece with its references as version 3 writes them."""
    if isinstance(value, list):
        return [_moved(v) for v in value]
    if not isinstance(value, dict):
        return value
    found = {k: _moved(v) for k, v in value.items()}
    reference = found.get("$ref")
    if isinstance(reference, str):
        found["$ref"] = reference.replace(_DEFINITIONS, _SCHEMAS)
    return found


def _item(item: Obj) -> Obj:
    found: Obj = {}
    for key, value in item.items():
        found[key] = [_parameter(p) for p in value] if key == "parameters" else _operation(value)
    return found


def _operation(operation: Any) -> Any:
    if not isinstance(operation, dict):
        return operation
    consumes, produces = operation.get("consumes") or ["*/*"], operation.get("produces") or ["application/json"]
    found = {
        k: v for k, v in operation.items() if k not in ("consumes", "produces", "schemes", "parameters", "responses")
    }
    parameters = operation.get("parameters") or []
    body = next((p for p in parameters if p.get("in") == "body"), None)
    if parameters:
        found["parameters"] = [_parameter(p) for p in parameters if p.get("in") != "body"]
    if body is not None:
        found["requestBody"] = {"content": {media: {"schema": _moved(body.get("schema") or {})} for media in consumes}}
    found["responses"] = {code: _response(r, produces) for code, r in (operation.get("responses") or {}).items()}
    return found


def _response(response: Obj, produces: list[str]) -> Obj:
    found = {k: v for k, v in response.items() if k != "schema"}
    if response.get("schema"):
        found["content"] = {media: {"schema": _moved(response["schema"])} for media in produces}
    return found


_TYPED = ("type", "format", "items", "default", "enum", "uniqueItems", "minimum", "maximum")


def _parameter(parameter: Obj) -> Obj:
    typed = {k: _moved(v) for k, v in parameter.items() if k in _TYPED}
    rest = {k: _moved(v) for k, v in parameter.items() if k not in _TYPED}
    return {**rest, "schema": typed} if typed else rest

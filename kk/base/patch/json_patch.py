"""JSON Patch (RFC 6902) as the API server takes it: negative indexes are allowed, and a missing map key reads as null.

The lenience is that of evanphx/json-patch v4, which Kubernetes uses.
"""

import json
import re
from typing import Any

from kk.base.patch import BadPatch, Unprocessable, copied

_MISSING = object()
#: characters that the copies of one patch may add up to; each could double the object else
_COPIED = 3 * 1024 * 1024


def apply(doc: Any, ops: Any) -> Any:
    """The document with the operations done, in order; the given one is left as it is.

    Raises BadPatch where `ops` is no list of operations, Unprocessable where one does not apply.
    """
    if ops is None:
        return doc
    if not isinstance(ops, list) or not all(op is None or isinstance(op, dict) for op in ops):
        raise BadPatch("error decoding patch: json: cannot unmarshal into Go value of type jsonpatch.Patch")
    doc, grown = copied(doc), [0]
    for op in ops:
        doc = _one(doc, op or {}, grown)
    return doc


def _one(doc: Any, op: dict[str, Any], grown: list[int]) -> Any:
    name = op.get("op")
    path = _pointer(op, "path", name)
    if name == "replace" and path == "":
        value = op.get("value")
        if not isinstance(value, (dict, list)):
            raise Unprocessable(f"replace operation value must be object or array: {path}")
        return copied(value)
    if name == "test" and path == "":
        _test(doc, op.get("value"), path)
        return doc
    parent, key = _find(doc, path)
    if name not in ("add", "remove", "replace", "move", "copy", "test"):
        raise Unprocessable(f"Unexpected kind: {name}")
    if name in ("move", "copy"):
        _transfer(doc, op, name, path, grown)
    elif parent is None:
        if name == "test" and op.get("value") is None:
            return doc
        raise Unprocessable(f'{name} operation does not apply: doc is missing path: "{path}": missing value')
    elif name == "add":
        _add(parent, key, copied(op.get("value")))
    elif name == "remove":
        _remove(parent, key, path)
    elif name == "replace":
        _get(parent, key, path)
        _put(parent, key, copied(op.get("value")))
    else:
        _test(_get(parent, key, path), op.get("value"), path)
    return doc


def _pointer(op: dict[str, Any], field: str, name: Any) -> str:
    value = op.get(field)
    if not isinstance(value, str):
        raise Unprocessable(f"{name} operation failed to decode {field}: operation missing {field} field")
    return value


def _transfer(doc: Any, op: dict[str, Any], name: str, path: str, grown: list[int]) -> None:
    source = _pointer(op, "from", name)
    parent, key = _find(doc, source)
    if parent is None:
        raise Unprocessable(f'{name} operation does not apply: doc is missing from path: "{source}": missing value')
    value = _get(parent, key, source)
    if name == "move":
        _remove(parent, key, source)
    else:
        grown[0] += len(json.dumps(value, separators=(",", ":"), ensure_ascii=False))
        if grown[0] > _COPIED:
            text = f"the accumulated size increase of copy is {grown[0]}, exceeding the limit {_COPIED}"
            raise Unprocessable(f"Unable to complete the copy, {text}")
        value = copied(value)
    target, last = _find(doc, path)
    if target is None:
        raise Unprocessable(
            f'{name} operation does not apply: doc is missing destination path: "{path}": missing value'
        )
    _add(target, last, value)


def _find(doc: Any, path: str) -> tuple[Any, str]:
    """The map or list that holds the last step, and that step; None where there is no such place."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")]
    if len(parts) < 2:
        return None, ""
    here = doc
    for part in parts[1:-1]:
        if isinstance(here, dict):
            here = here.get(part)
        elif isinstance(here, list):
            index = _index(part)
            if index is None or not -len(here) <= index < len(here):
                return None, ""
            here = here[index]
        else:
            return None, ""
    return (here, parts[-1]) if isinstance(here, (dict, list)) else (None, "")


def _index(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[+-]?[0-9]+", text) else None


def _place(items: list[Any], key: str, path: str) -> int:
    index = _index(key)
    if index is None or not -len(items) <= index < len(items):
        raise Unprocessable(f"unable to access invalid index: {key}: {path}: invalid index referenced")
    return index


def _get(parent: Any, key: str, path: str) -> Any:
    return parent.get(key) if isinstance(parent, dict) else parent[_place(parent, key, path)]


def _put(parent: Any, key: str, value: Any) -> None:
    if isinstance(parent, dict):
        parent[key] = value
    else:
        parent[_place(parent, key, key)] = value


def _add(parent: Any, key: str, value: Any) -> None:
    if isinstance(parent, dict):
        parent[key] = value
        return
    if key == "-":
        parent.append(value)
        return
    index, size = _index(key), len(parent) + 1
    if index is None or not -size <= index < size:
        raise Unprocessable(f"unable to access invalid index: {key}: invalid index referenced")
    parent.insert(index + size if index < 0 else index, value)


def _remove(parent: Any, key: str, path: str) -> None:
    if isinstance(parent, dict):
        if parent.pop(key, _MISSING) is _MISSING:
            raise Unprocessable(
                f"remove operation does not apply: unable to remove nonexistent key: {path}: missing value"
            )
    else:
        del parent[_place(parent, key, path)]


def same(left: Any, right: Any) -> bool:
    """Equality of JSON: true is not 1."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _test(found: Any, wanted: Any, path: str) -> None:
    if not same(found, wanted):
        raise Unprocessable(f"testing value {path} failed: test failed")

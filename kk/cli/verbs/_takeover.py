"""From client-side to server-side apply: the fields that an earlier client-side apply owns are handed to the server-side manager,
so that both do not own them, and taking a field out of the manifest removes it. The way is client-go's `util/csaupgrade`.
"""

from __future__ import annotations

import copy
from typing import Any

from ..context import Env
from ..resources import Item
from ..writing import JSON_PATCH, LAST_APPLIED

_TRIES = 5


def take_over(env: Env, item: Item, manager: str) -> bool:
    """Hand over what client-side managers own, if they own anything; whether something was changed.

    `item.obj` is the live object and becomes the changed one.
    """
    from kk.base.errors import StatusError

    for attempt in range(_TRIES):
        meta = (item.obj or {}).get("metadata") or {}
        fields = handed_over(meta.get("managedFields") or [], manager)
        if fields is None:
            return False
        version = meta.get("resourceVersion", "")
        ops = [
            {"op": "replace", "path": "/metadata/managedFields", "value": fields},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        ]
        try:
            path = item.path()
            item.obj = env.client.request("PATCH", path, body=_bytes(ops), content_type=JSON_PATCH).json()
            return True
        except StatusError as error:
            if error.code != 409 or attempt + 1 == _TRIES:
                raise
            item.fetch(env)
    return False


def _bytes(value: Any) -> bytes:
    import json

    return json.dumps(value).encode()


def handed_over(entries: list[dict[str, Any]], manager: str) -> list[dict[str, Any]] | None:
    """managedFields with the entries of client-side managers joined into that of `manager`; None where there are none.

    A client-side manager is one that owns the last-applied annotation by updates.
    """
    old = {e.get("manager") for e in entries if e.get("operation") == "Update" and _owns_annotation(e)}
    if not old:
        return None
    found = copy.deepcopy(entries)
    mine = [e for e in found if e.get("operation") == "Update" and e.get("manager") in old and not e.get("subresource")]
    target = next((e for e in found if e.get("operation") == "Apply" and e.get("manager") == manager), None)
    for entry in mine:
        if target is None:
            target = entry
            target.update(manager=manager, operation="Apply")
            continue
        target["fieldsV1"] = _union(target.get("fieldsV1") or {}, entry.get("fieldsV1") or {})
        found.remove(entry)
    return found


def _owns_annotation(entry: dict[str, Any]) -> bool:
    meta = (entry.get("fieldsV1") or {}).get("f:metadata") or {}
    return f"f:{LAST_APPLIED}" in (meta.get("f:annotations") or {})


def _union(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    found = dict(one)
    for key, value in other.items():
        found[key] = _union(found[key], value) if key in found else value
    return found

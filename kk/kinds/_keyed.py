"""Data by key, as ConfigMaps and Secrets hold it: keys, size, and what an immutable one keeps."""

import base64
from typing import Any

from kk.base import names
from kk.base.errors import forbidden_value, invalid_value, too_long
from kk.kinds._checks import Errors

Obj = dict[str, Any]
MOST = 1024 * 1024
_IMMUTABLE = "field is immutable when `immutable` is set"


def check_data(
    obj: Obj, old: Obj | None, fields: tuple[str, ...], encoded: tuple[str, ...] = ("binaryData",)
) -> Errors:
    """Faults of the maps named by `fields`; those in `encoded` hold base64 and count by what they decode to."""
    if old is not None and old.get("immutable"):
        if not obj.get("immutable"):
            yield forbidden_value("immutable", _IMMUTABLE)
        for field in fields:
            if (obj.get(field) or {}) != (old.get(field) or {}):
                yield forbidden_value(field, _IMMUTABLE)
    size = 0
    for field in fields:
        for key, value in (obj.get(field) or {}).items():
            for message in names.config_map_key(key):
                yield invalid_value(f"{field}[{key}]", key, message)
            if field == "data" and len(fields) > 1 and key in (obj.get("binaryData") or {}):
                yield invalid_value(f"{field}[{key}]", key, "duplicate of key present in binaryData")
            size += len(base64.b64decode(value)) if field in encoded else len(value.encode())
    if size > MOST:
        yield too_long("[]" if "binaryData" in fields else "data", "", MOST)

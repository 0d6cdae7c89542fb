"""Requests that change objects: the query parameters that go with the flags, and the annotation that `apply` keeps.

Which object and what to say about it is the verb's business.
"""

from __future__ import annotations

import copy
import json

from .context import Env, dry_run
from .errors import CommandError
from .resources import Item, collection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


def validation(env: Env) -> str:
    """Strict, Warn or Ignore, from --validate.

    Raises CommandError for another word.
    """
    word = str(env.options.validate)
    for name, spellings in (("Strict", ("strict", "true")), ("Warn", ("warn",)), ("Ignore", ("ignore", "false"))):
        if word in spellings:
            return name
    raise CommandError(f'invalid - validate option "{word}"; must be one of: strict (or true), warn, ignore (or false)')


def query(env: Env, *, validate: bool = True) -> dict[str, str]:
    """fieldManager, fieldValidation and dryRun as the flags want them."""
    o = env.options
    found: dict[str, str] = {}
    if getattr(o, "field_manager", ""):
        found["fieldManager"] = o.field_manager
    if validate and hasattr(o, "validate"):
        found["fieldValidation"] = validation(env)
    if hasattr(o, "dry_run") and dry_run(env) == "server":
        found["dryRun"] = "All"
    return found


def create(env: Env, item: Item) -> dict[str, Any]:
    """POST the item's object; the answer, kept in `item.obj`."""
    path = collection(item.resource, item.namespace)
    item.obj = env.client.request("POST", path, query=query(env), body=item.obj).json()
    item.name = (item.obj.get("metadata") or {}).get("name", item.name)
    return item.obj


def patch(env: Env, item: Item, body: Any, content_type: str, subresource: str = "", **more: str) -> dict[str, Any]:
    """PATCH the object with a JSON value; the answer."""
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    found = {**query(env), **more}
    return env.client.request("PATCH", item.path(subresource), query=found, body=data, content_type=content_type).json()


def replace(env: Env, item: Item, obj: dict[str, Any], subresource: str = "") -> dict[str, Any]:
    """PUT the object; the answer."""
    return env.client.request("PUT", item.path(subresource), query=query(env), body=obj).json()


def configuration(obj: dict[str, Any]) -> str:
    """The object as the last-applied annotation holds it: compact JSON without that annotation, and a newline."""
    bare = copy.deepcopy(obj)
    meta = bare.setdefault("metadata", {})
    annotations = dict(meta.get("annotations") or {})
    annotations.pop(LAST_APPLIED, None)
    meta["annotations"] = annotations
    from .printers.json import text

    return text(bare, indent=None) + "\n"


def annotated(obj: dict[str, Any], kept: str | None = None) -> dict[str, Any]:
    """A copy of the object with its configuration (or `kept`) in the last-applied annotation."""
    found = copy.deepcopy(obj)
    meta = found.setdefault("metadata", {})
    text = configuration(obj) if kept is None else kept
    meta["annotations"] = {**(meta.get("annotations") or {}), LAST_APPLIED: text}
    return found


def last_applied(obj: dict[str, Any]) -> str | None:
    """The last applied configuration of a live object, or None."""
    return ((obj.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)

"""Deletion as delete, replace --force and apply --force do it: the options of the request, and the wait until it is gone."""

from __future__ import annotations

import json
import time

from .command import Options
from .context import Env
from .errors import CommandError
from .resources import Item, collection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_POLICY = {
    "background": "Background",
    "foreground": "Foreground",
    "orphan": "Orphan",
    "true": "Background",
    "false": "Orphan",
}


def policy(options: Options) -> str:
    """The propagationPolicy of --cascade.

    Raises CommandError.
    """
    try:
        return _POLICY[options.cascade]
    except KeyError:
        raise CommandError(
            f'invalid cascade value ({options.cascade}). Must be "background", "foreground", or "orphan"'
        ) from None


def delete(env: Env, item: Item, options: Options, grace: int, dry: bool = False) -> str:
    """DELETE the object; the UID of what is going."""
    body: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy(options)}
    if grace >= 0:
        body["gracePeriodSeconds"] = grace
    if dry:
        body["dryRun"] = ["All"]
    answer = env.client.request("DELETE", item.path(), body=body).json()
    if answer.get("kind") == "Status":
        return (answer.get("details") or {}).get("uid") or ""
    return (answer.get("metadata") or {}).get("uid") or ""


def wait_gone(env: Env, item: Item, uid: str, timeout: float) -> None:
    """Return when the object (that with this UID) is gone.

    timeout in seconds, 0 for as long as it takes. Raises CommandError when the time is over.
    """
    from kk.base.errors import StatusError

    env.stdout.flush()  # whoever waits with us sees what was deleted
    end = time.monotonic() + timeout if timeout else None
    path = collection(item.resource, item.namespace)
    query = {"fieldSelector": f"metadata.name={item.name}"}
    while True:
        try:
            page = env.client.request("GET", path, query=query).json()
        except StatusError as error:
            if error.code in (403, 404, 405):
                return
            raise
        found = page.get("items") or []
        if not found or (uid and found[0]["metadata"].get("uid") != uid):
            return
        version = page["metadata"]["resourceVersion"]
        if _deleted(env, path, {**query, "watch": "true", "resourceVersion": version}, end):
            return
        if end is not None and time.monotonic() >= end:
            raise CommandError(f"timed out waiting for the condition on {item.resource.name}/{item.name}")


def _deleted(env: Env, path: str, query: dict[str, str], end: float | None) -> bool:
    """Follow the object until it is deleted; False when the watch ended before."""
    left = None
    if end is not None:
        left = end - time.monotonic()
        if left <= 0:
            return False
        query = {**query, "timeoutSeconds": str(max(1, int(left) + 1))}
    try:
        with env.client.stream("GET", path, query=query, timeout=left) as answer:
            for line in answer.lines():
                if line.strip() and json.loads(line).get("type") == "DELETED":
                    return True
    except (TimeoutError, OSError):
        if end is None or time.monotonic() < end:
            raise
    return False


def told(item: Item, forced: bool, end: str = "") -> str:
    """`pod "web" deleted from default namespace`."""
    from .resources import kind_label

    label = kind_label(item.resource.kind, item.resource.group)
    where = f" from {item.namespace} namespace" if item.namespace else ""
    return f'{label} "{item.name}" {"force deleted" if forced else "deleted"}{where}{end}'


def delete_and_wait(env: Env, item: Item, options: Options) -> None:
    """Delete the object if it is there, say so, and wait until it is gone."""
    from kk.base.errors import StatusError

    grace = options.grace_period
    if options.force and grace < 0:
        grace = 0
    try:
        uid = delete(env, item, options, grace)
    except StatusError as error:
        if error.code == 404:
            return
        raise
    env.out(told(item, forced=options.grace_period == 0))
    wait_gone(env, item, uid, options.timeout)

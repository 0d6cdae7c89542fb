"""Waiting for one object: its present state, then its changes, until a condition holds or the time is over.

Nothing is polled: a list gives the state and the version, a watch goes on from there, and is opened again when the server ends it.
"""

from __future__ import annotations

import json
import time

from .context import Env
from .errors import CommandError
from .resources import Item, collection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    #: (event type, object or None where it is gone) → whether the wait is over
    Condition = Callable[[str, "dict[str, Any] | None"], bool]

TIMED_OUT = "timed out waiting for the condition"


class TimedOut(CommandError):
    """The condition did not come in time."""

    def __init__(self, message: str = TIMED_OUT):
        super().__init__(message)


def until(env: Env, item: Item, done: Condition, timeout: float, message: str = TIMED_OUT) -> dict[str, Any] | None:
    """Call `done` with the present state and each change until it says True; the object then, None where it is gone.

    timeout in seconds; 0 waits for ever, less only looks once. Raises TimedOut.
    """
    end = time.monotonic() + timeout if timeout > 0 else None
    for event, obj in changes(env, item, end, once=timeout < 0):
        if done(event, obj):
            return obj
    raise TimedOut(message)


def changes(env: Env, item: Item, end: float | None, once: bool = False) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """("", state) first, then (type, object) of each event until `end` (monotonic)."""
    path = collection(item.resource, item.namespace)
    query = {"fieldSelector": f"metadata.name={item.name}"}
    while True:
        page = env.client.request("GET", path, query=query).json()
        found = page.get("items") or []
        yield "", _typed(found[0], item) if found else None
        if once:
            return
        version = page["metadata"].get("resourceVersion", "")
        for event, obj in watch(env, path, {**query, "watch": "true", "resourceVersion": version}, end):
            if event == "ERROR":
                break
            yield event, None if event == "DELETED" else _typed(obj, item)
        if end is not None and time.monotonic() >= end:
            return


def _typed(obj: dict[str, Any], item: Item) -> dict[str, Any]:
    obj.setdefault("apiVersion", item.resource.api_version)
    obj.setdefault("kind", item.resource.kind)
    return obj


def watch(env: Env, path: str, query: dict[str, str], end: float | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """(type, object) of each event of one watch, until the server ends it or the time `end` (monotonic) comes."""
    left = None
    if end is not None:
        left = end - time.monotonic()
        if left <= 0:
            return
        query = {**query, "timeoutSeconds": str(int(left) + 1)}
    import threading

    try:
        with env.client.stream("GET", path, query=query) as answer:
            timer = threading.Timer(left, answer.close) if left is not None else None
            if timer:
                timer.daemon = True
                timer.start()
            try:
                for line in answer.lines():
                    if line.strip():
                        event = json.loads(line)
                        yield event["type"], event["object"]
            finally:
                if timer:
                    timer.cancel()
    except (OSError, ValueError):
        if end is None or time.monotonic() < end:
            raise

"""Runs the admission plugins that concern a write: all that mutate, in order, and later all that validate.

The plugins are the files of kk.server.admission; which of them concern a kind of write is worked out once.
"""

import inspect
from collections.abc import Callable
from time import perf_counter
from typing import Any

from kk.base import discover
from kk.base.errors import qualified
from kk.server.context import Attributes, Plugin
from kk.server.metrics import metrics

#: what plugins are asked about that name no operations: the update that a Binding leads to is nobody's concern
_OPERATIONS = ("CONNECT", "CREATE", "DELETE", "UPDATE")
_Phase = tuple[Callable[[Attributes], Any], ...]


class Admission:
    """The plugins, by what they are asked about."""

    def __init__(self, plugins: "list[Plugin] | None" = None):
        if plugins is None:
            plugins = list(discover.load_all("kk.server.admission", "PLUGIN").values())
        self.plugins = sorted(plugins, key=lambda p: (p.order, p.name))
        self._known: dict[tuple[str, str, str, str], tuple[_Phase, _Phase]] = {}

    def phases(self, operation: str, group: str, plural: str, subresource: str) -> tuple[_Phase, _Phase]:
        """(mutating, validating) functions for one kind of write."""
        key = (operation, group, plural, subresource)
        found = self._known.get(key)
        if found is None:
            name = qualified(plural, group)
            meant = [p for p in self.plugins if _concerns(p, operation, name, subresource)]
            found = self._known[key] = (
                tuple(p.mutate for p in meant if p.mutate is not None),
                tuple(p.validate for p in meant if p.validate is not None),
            )
        return found


def _concerns(plugin: Plugin, operation: str, name: str, subresource: str) -> bool:
    if operation not in (plugin.operations or _OPERATIONS):
        return False
    if not plugin.resources:
        return True
    full = f"{name}/{subresource}" if subresource else name
    return any(r == full or r in ("*", "*/*") or (r.endswith("/*") and r[:-2] == name) for r in plugin.resources)


async def timed(phase: _Phase, attributes: Attributes, kind: str) -> None:
    """The same as `run`, counted as a step of admission: kind is admit or validate."""
    began, rejected = perf_counter(), True
    try:
        waiting = _begin(phase, attributes)
        if waiting is not None or attributes.again:
            await _finish(phase, attributes, waiting)
        rejected = False
    finally:
        metrics(attributes.server.state).step(attributes.operation, kind, rejected, perf_counter() - began)


async def run(phase: _Phase, attributes: Attributes) -> None:
    """Ask each function; the first that raises refuses the write. Where one wants it, all are asked a second time."""
    await _finish(phase, attributes, _begin(phase, attributes))


def _begin(phase: _Phase, attributes: Attributes, first: int = 0) -> tuple[int, Any] | None:
    """Ask until one has to wait: (the number of the next one, what to await), or None when all were asked."""
    for at in range(first, len(phase)):
        result = phase[at](attributes)
        if result is not None and inspect.isawaitable(result):
            return at + 1, result
    return None


async def _finish(phase: _Phase, attributes: Attributes, waiting: tuple[int, Any] | None) -> None:
    while waiting is not None:
        await waiting[1]
        waiting = _begin(phase, attributes, waiting[0])
    if attributes.again and not attributes.round:
        attributes.round = 1
        await run(phase, attributes)
        attributes.again, attributes.round = False, 0

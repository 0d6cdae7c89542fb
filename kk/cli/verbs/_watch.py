"""The watching half of `kk get`: the list (or object) first, then its events until the server or the user ends it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..command import Options
from ..context import Env
from ..errors import CommandError
from ..resources import collection, select

if TYPE_CHECKING:
    from ..printers import Printer
    from .get import Getter


def watch(env: Env, options: Options, printed: Printer | None, getter: Getter) -> None:
    """Show what is there and then every change; returns when the server ends the watch."""
    selection = select(env, options.args, single_type=True)
    resources = {(r.group, r.kind) for r in selection.resources} | {
        (i.resource.group, i.resource.kind) for i in selection.named
    }
    if len(resources) > 1 or len(selection.named) > 1:
        raise CommandError(
            "watch is only supported on individual resources and resource collections - more than 1 resource was found"
        )
    getter.sorting = False
    shower = _Shower(env, options, printed, getter, selection)
    listed = selection.kind == "selector"
    query = selection.query()
    if listed:
        version = _show_list(shower, options, getter, selection)
        resource, namespace = selection.resources[0], selection.namespace_of(selection.resources[0])
    else:
        item = selection.named[0]
        first = getter.one(item)
        shower.learn(first)
        if not options.watch_only:
            shower.show("ADDED", first)
        resource, namespace, version = item.resource, item.namespace, "0"
        query["fieldSelector"] = f"metadata.name={item.name}"
    env.stdout.flush()
    query.update(watch="true", resourceVersion=version)
    _follow(env, shower, getter, collection(resource, namespace), query, skip_first=not listed)


def _show_list(shower: _Shower, options: Options, getter: Getter, selection: Any) -> str:
    version = "0"
    for page in getter.pages(selection, selection.resources[0]):
        version = (page.get("metadata") or {}).get("resourceVersion") or version
        if options.watch_only:
            shower.learn(page)
            continue
        if page.get("kind") == "Table" or "items" not in page:
            shower.show("ADDED", page)
            continue
        for obj in page["items"]:
            obj.setdefault("apiVersion", page.get("apiVersion", ""))
            obj.setdefault("kind", selection.resources[0].kind)
            shower.show("ADDED", obj)
    return version


def _follow(env: Env, shower: _Shower, getter: Getter, path: str, query: dict[str, str], *, skip_first: bool) -> None:
    from .get import TABLE

    accept = TABLE if getter.tables else "application/json"
    with env.client.stream("GET", path, query=query, accept=accept) as answer:
        for line in answer.lines():
            if not line.strip():
                continue
            event = json.loads(line)
            kind, obj = event.get("type", ""), event.get("object") or {}
            if kind == "ERROR":
                from kk.base.errors import StatusError

                raise StatusError.from_status(obj)
            if not skip_first:
                shower.show(kind, obj)
                env.stdout.flush()
            skip_first = False


class _Shower:
    """Shows one object or Table, as an event where that is wanted."""

    def __init__(self, env: Env, options: Options, printed: Printer | None, getter: Getter, selection: Any):
        self.env, self.printed, self.events = env, printed, options.output_watch_events
        resource = selection.resources[0] if selection.resources else selection.named[0].resource
        self.table = None
        if printed is None:
            from .get import table_printer

            self.table = table_printer(env, options, resource, several=False, events=self.events)

    def learn(self, answer: dict[str, Any]) -> None:
        """Take the columns of a list that is not shown."""
        if self.table is not None:
            self.table.learn(answer)

    def show(self, kind: str, obj: dict[str, Any]) -> None:
        """Show it."""
        if self.table is not None:
            if obj.get("kind") != "Table":
                from ..printers.table import of_objects

                obj = of_objects([obj])
            self.table.show(obj, kind)
        elif self.printed is not None:
            self._generic(kind, obj)

    def _generic(self, kind: str, obj: dict[str, Any]) -> None:
        from ..printers import split

        assert self.printed is not None
        name = split(self.env.options.output)[0]
        if not self.events:
            self.printed.show(obj)
        elif name == "json":
            from ..printers.json import text

            body = text(obj, indent=None)  # kubectl leaves managedFields in events
            self.env.out('{"type":' + json.dumps(kind) + ',"object":' + body + "}")
        elif name == "name":
            self.printed.show(obj)
        else:
            self.printed.show({"type": kind, "object": obj})

"""`kk events`: what happened, oldest first."""

from __future__ import annotations

from ..command import Command, Flag, Options
from ..common import ALL_NAMESPACES, CHUNK_SIZE, FORMATS, output
from ..context import Env
from ..errors import CommandError
from ..printers import printer
from ..printers.table import Columns
from ..resources import Item

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(env: Env, options: Options) -> None:
    """Print the events, and with --watch those that follow."""
    for kind in options.types:
        if kind.lower() not in ("normal", "warning"):
            raise CommandError("valid --types are Normal or Warning")
    printed = printer(env, FORMATS) if options.output or options.template else None
    query = _query(env, options)
    root = "/api/v1/events" if options.all_namespaces else f"/api/v1/namespaces/{env.namespace}/events"
    page = env.client.request("GET", root, query=query).json()
    wanted = [e for e in page.get("items") or () if _wanted(e, options)]
    wanted.sort(key=_last)
    shower = _Shower(env, options)
    if printed is not None:
        for event in wanted:
            event.update(apiVersion="v1", kind="Event")
        printed.show({"apiVersion": "v1", "items": wanted, "kind": "List", "metadata": {"resourceVersion": ""}})
    elif wanted:
        shower.show(wanted)
    elif not options.watch:
        where = "" if options.all_namespaces else f" in {env.namespace} namespace"
        env.err(f"No events found{where}.")
    if options.watch:
        _follow(env, options, root, {**query, "resourceVersion": page["metadata"]["resourceVersion"]}, printed, shower)


def _query(env: Env, options: Options) -> dict[str, str]:
    named = options.__dict__["for"]
    if not named:
        return {}
    word, slash, name = named.partition("/")
    if not slash or not name:
        raise CommandError("--for must be in resource/name form")
    item = Item(env.find(word), env.namespace, name)
    fields = f"involvedObject.kind={item.resource.kind},involvedObject.name={name}"
    return {"fieldSelector": f"{fields},involvedObject.apiVersion={item.resource.api_version}"}


def _wanted(event: dict[str, Any], options: Options) -> bool:
    return not options.types or str(event.get("type", "")).lower() in {t.lower() for t in options.types}


def _last(event: dict[str, Any]) -> str:
    series = event.get("series") or {}
    return series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or ""


def _follow(env: Env, options: Options, path: str, query: dict[str, str], printed: Any, shower: _Shower) -> None:
    import json

    with env.client.stream("GET", path, query={**query, "watch": "true"}) as answer:
        for line in answer.lines():
            if not line.strip():
                continue
            change = json.loads(line)
            if change.get("type") == "DELETED" or not _wanted(change["object"], options):
                continue
            if printed is not None:
                printed.show(change["object"])
            else:
                shower.show([change["object"]])
            env.stdout.flush()


class _Shower:
    """The table, its header once."""

    def __init__(self, env: Env, options: Options):
        self.env, self.options = env, options
        self.columns, self.header = Columns(), not options.no_headers

    def show(self, events: list[dict[str, Any]]) -> None:
        """Print rows for the events."""
        rows = []
        if self.header:
            head = ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
            rows.append(["NAMESPACE", *head] if self.options.all_namespaces else head)
            self.header = False
        rows.extend(self._row(e) for e in events)
        self.env.stdout.write(self.columns.lines(rows))

    def _row(self, event: dict[str, Any]) -> list[str]:
        about = event.get("involvedObject") or {}
        row = [
            seen(event),
            event.get("type", ""),
            event.get("reason", ""),
            f"{about.get('kind', '')}/{about.get('name', '')}",
            str(event.get("message", "")).strip(),
        ]
        return [event["metadata"].get("namespace", ""), *row] if self.options.all_namespaces else row


def seen(event: dict[str, Any]) -> str:
    """`3m (x4 over 10m)`: when it was last, and how often since when."""
    import datetime

    from kk.base.times import human_duration, parse_time

    now = datetime.datetime.now(datetime.UTC)

    def since(text: str | None) -> str:
        return human_duration((now - parse_time(text)).total_seconds()) if text else "<unknown>"

    first = since(event.get("firstTimestamp") or event.get("eventTime"))
    series = event.get("series")
    if series:
        return f"{since(series.get('lastObservedTime'))} (x{series.get('count')} over {first})"
    if (event.get("count") or 0) > 1:
        return f"{since(event.get('lastTimestamp'))} (x{event['count']} over {first})"
    return since(event.get("lastTimestamp")) if event.get("lastTimestamp") else first


COMMAND = Command(
    "events",
    "List events",
    run,
    section="Troubleshooting and Debugging Commands",
    usage="[(-o|--output=)FORMAT] [--for TYPE/NAME] [--watch] [--types=Normal,Warning]",
    text="Show the events of the namespace, of all namespaces, or about one object, oldest first.",
    examples="""# What happened lately
kk events

# About one pod, and what follows
kk events --for pod/web-1 --watch

# Only warnings
kk events --types=Warning""",
    flags=(
        ALL_NAMESPACES,
        *output(),
        CHUNK_SIZE,
        Flag("for", help="Only events about this object, TYPE/NAME."),
        Flag("no-headers", type="bool", help="Leave out the line of headers."),
        Flag("types", type="list", help="Only events of these types: Normal, Warning."),
        Flag("watch", "w", type="bool", help="Then show events as they come."),
    ),
)

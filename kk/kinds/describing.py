"""Helpers for `Kind.describe(obj, ask)`: a page of tab-aligned lines, laid out as kubectl describe lays them out.

`ask` (see Ask) is how a description reads other objects; kk.cli gives one. Nothing here does I/O, and no kind is known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from kk.base.quantity import Quantity
from kk.base.times import human_duration, parse_time

Obj = dict[str, Any]
#: named, because Ask has a method called list
Objects = list[Obj]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_LONGEST = 140


class Ask(Protocol):
    """What a description may ask.

    events(obj) is None where events are not to be shown; now is a POSIX time.
    """

    now: float

    def list(
        self, api_version: str, plural: str, namespace: str, label_selector: str = "", field_selector: str = ""
    ) -> list[Obj] | None:
        """The objects, None where they may not be read or are not served."""

    def get(self, api_version: str, plural: str, namespace: str, name: str) -> Obj | None:
        """One object, None where it is not there."""

    def events(self, obj: Obj) -> Objects | None:
        """Events about the object."""


class Page:
    """Text with tabs, aligned when it is done: cells of neighbouring lines in one column are as wide as the widest, and two spaces."""

    def __init__(self) -> None:
        self._blocks: list[str] = [""]

    def write(self, level: int, text: str) -> None:
        """Append text (with its newline) behind two spaces a level."""
        self._blocks[-1] += "  " * level + text

    def line(self, level: int, *cells: Any) -> None:
        """A line of cells."""
        self.write(level, "\t".join(str(c) for c in cells) + "\n")

    def flush(self) -> None:
        """What follows is aligned by itself."""
        self._blocks.append("")

    def lines(self) -> list[str]:
        """The aligned lines."""
        return [line for block in self._blocks if block for line in aligned(block)]


def aligned(text: str, padding: int = 2) -> list[str]:
    """Lines of tab-separated cells, aligned as Go's text/tabwriter does: a column is a run of lines that have a cell in it; the last
    cell of a line belongs to no column."""
    rows = [line.split("\t") for line in text.removesuffix("\n").split("\n")]
    widths: list[list[int]] = [[0] * (len(row) - 1) for row in rows]
    _measure(rows, widths, 0, 0, len(rows), padding)
    return ["".join(c.ljust(w) for c, w in zip(row, wide)) + row[-1] for row, wide in zip(rows, widths)]


def _measure(rows: list[list[str]], widths: list[list[int]], column: int, start: int, end: int, padding: int) -> None:
    place = start
    while place < end:
        if column >= len(rows[place]) - 1:
            place += 1
            continue
        first = place
        while place < end and column < len(rows[place]) - 1:
            place += 1
        width = max(len(rows[i][column]) + padding for i in range(first, place))
        for i in range(first, place):
            widths[i][column] = width
        _measure(rows, widths, column + 1, first, place, padding)


# ---- pieces that many kinds share ----
def meta(obj: Obj) -> Obj:
    """The object's metadata."""
    return obj.get("metadata") or {}


def head(page: Page, obj: Obj, *, namespace: bool = True) -> None:
    """Name and namespace."""
    page.line(0, "Name:", meta(obj).get("name", ""))
    if namespace:
        page.line(0, "Namespace:", meta(obj).get("namespace", ""))


def labels(page: Page, title: str, values: Mapping[str, str] | None, indent: str = "") -> None:
    """`Title:` and a line per label, sorted."""
    lines = [f"{key}={value}" for key, value in sorted((values or {}).items())] or ["<none>"]
    for place, text in enumerate(lines):
        page.write(0, f"{indent}{title}:\t{text}\n" if place == 0 else f"{indent}\t{text}\n")


def annotation_lines(page: Page, title: str, values: Mapping[str, str] | None) -> None:
    """`Title:` and the annotations; long ones on lines of their own, cut; the last applied configuration is left out."""
    shown = sorted(k for k in values or {} if k != LAST_APPLIED)
    if not shown:
        page.line(0, f"{title}:", "<none>")
    for place, key in enumerate(shown):
        start = f"{title}:\t" if place == 0 else "\t"
        value = (values or {})[key].removesuffix("\n")
        if len(value) + len(key) + 2 <= _LONGEST and "\n" not in value:
            page.write(0, f"{start}{key}: {value}\n")
            continue
        page.write(0, f"{start}{key}:\n")
        for text in value.split("\n"):
            page.write(0, f"\t  {_shortened(text, _LONGEST - 2)}\n")


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + "..."


def titled(page: Page, obj: Obj, *, namespace: bool = True) -> None:
    """Name, namespace, labels and annotations."""
    head(page, obj, namespace=namespace)
    labels(page, "Labels", meta(obj).get("labels"))
    annotation_lines(page, "Annotations", meta(obj).get("annotations"))


def selector_text(selector: Obj | None) -> str:
    """A LabelSelector as text; `<none>` for none."""
    if not selector:
        return "<none>"
    parts = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    for term in selector.get("matchExpressions") or ():
        key, operator = term["key"], term["operator"]
        values = "(" + ",".join(sorted(term.get("values") or ())) + ")"
        text = {"In": f"{key} in {values}", "NotIn": f"{key} notin {values}", "Exists": key}.get(operator, f"!{key}")
        parts.append((key, text))
    return ",".join(text for _, text in sorted(parts)) or "<none>"


def pairs_text(values: Mapping[str, str] | None) -> str:
    """`a=b,c=d`, sorted; `<none>` for none."""
    return ",".join(f"{k}={v}" for k, v in sorted((values or {}).items())) or "<none>"


def controller(obj: Obj) -> Obj | None:
    """The owner that controls the object."""
    return next((o for o in meta(obj).get("ownerReferences") or () if o.get("controller")), None)


def controlled_by(page: Page, obj: Obj) -> None:
    """`Controlled By:` where something does."""
    owner = controller(obj)
    if owner:
        page.line(0, "Controlled By:", f"{owner['kind']}/{owner['name']}")


def moment(text: str | None) -> str:
    """A time as `Mon, 02 Jan 2006 15:04:05 +0000` in the local zone; the zero time where there is none."""
    if not text:
        return "Mon, 01 Jan 0001 00:00:00 +0000"
    local = parse_time(text).astimezone()
    day, month = (["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][local.weekday()]), _MONTHS[local.month - 1]
    return f"{day}, {local.day:02d} {month} {local.year:04d} {local:%H:%M:%S %z}"


_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def since(text: str | None, now: float) -> str:
    """How long ago, `<unknown>` without a time."""
    return human_duration(now - parse_time(text).timestamp()) if text else "<unknown>"


def boolean(value: Any) -> str:
    """True or False, `<unset>` for None."""
    return "<unset>" if value is None else "True" if value else "False"


def small(value: Any) -> str:
    """A value as Go prints it by default."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "<nil>"
    if isinstance(value, list):
        return "[" + " ".join(small(v) for v in value) + "]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dict):
        return "map[" + " ".join(f"{k}:{small(v)}" for k, v in sorted(value.items())) + "]"
    return str(value)


def quantity(value: Any) -> str:
    """A quantity in canonical form."""
    return Quantity.parse(value).canonical()


def conditions(page: Page, values: Sequence[Obj] | None) -> None:
    """The table of type, status and reason that workloads have."""
    if not values:
        return
    page.write(0, "Conditions:\n  Type\tStatus\tReason\n")
    page.write(1, "----\t------\t------\n")
    for c in values:
        page.write(1, f"{c.get('type', '')} \t{c.get('status', '')}\t{c.get('reason', '')}\n")


def timed_conditions(page: Page, values: Sequence[Obj] | None) -> None:
    """The table of conditions with time and message."""
    if not values:
        return
    page.line(0, "Conditions:")
    page.line(1, "Type", "Status", "LastTransitionTime", "Reason", "Message")
    page.line(1, "----", "------", "------------------", "------", "-------")
    for c in values:
        changed = moment(c.get("lastTransitionTime"))
        page.line(1, c.get("type", ""), c.get("status", ""), changed, c.get("reason", ""), c.get("message", ""))


def events(page: Page, ask: Ask, obj: Obj) -> None:
    """The events about the object, where they are to be shown."""
    found = ask.events(obj)
    if found is not None:
        events_table(page, found, ask.now)


def events_table(page: Page, found: Iterable[Obj], now: float) -> None:
    """A table of events, oldest first."""
    ordered = sorted(found, key=lambda e: str(e.get("lastTimestamp") or e.get("eventTime") or ""))
    if not ordered:
        page.line(0, "Events:", "<none>")
        return
    page.flush()
    page.write(0, "Events:\n  Type\tReason\tAge\tFrom\tMessage\n")
    page.write(1, "----\t------\t----\t----\t-------\n")
    for event in ordered:
        source = (event.get("source") or {}).get("component") or event.get("reportingComponent") or ""
        message = str(event.get("message") or "").strip()
        field = (event.get("involvedObject") or {}).get("fieldPath")
        if field:
            message = f"{field}: {message}"
        page.line(1, event.get("type", ""), event.get("reason", ""), _interval(event, now), source, message)


def _interval(event: Obj, now: float) -> str:
    first = since(event.get("eventTime") or event.get("firstTimestamp"), now)
    series = event.get("series")
    if series:
        return f"{since(series.get('lastObservedTime'), now)} (x{series.get('count')} over {first})"
    if (event.get("count") or 0) > 1:
        return f"{since(event.get('lastTimestamp'), now)} (x{event['count']} over {first})"
    return first


def pod_counts(ask: Ask, obj: Obj, selector: str) -> str:
    """`1 Running / 0 Waiting / 0 Succeeded / 0 Failed` of the pods that the object controls."""
    counts = {"Running": 0, "Pending": 0, "Succeeded": 0, "Failed": 0}
    for pod in ask.list("v1", "pods", meta(obj).get("namespace", ""), selector) or ():
        owner = controller(pod)
        if owner and owner.get("uid") == meta(obj).get("uid"):
            phase = (pod.get("status") or {}).get("phase", "")
            counts[phase] = counts.get(phase, 0) + 1
    running, waiting, done, failed = (counts[k] for k in ("Running", "Pending", "Succeeded", "Failed"))
    return f"{running} Running / {waiting} Waiting / {done} Succeeded / {failed} Failed"


# ---- any kind ----
_SKIPPED = (
    ".metadata.managedFields",
    ".metadata.name",
    ".metadata.namespace",
    ".metadata.labels",
    ".metadata.annotations",
)
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|-+")
_ACRONYMS = ("API", "URL", "UID", "GUID")


def generic(obj: Obj, ask: Ask) -> list[str]:
    """The description of an object of any kind: every field by its name."""
    page = Page()
    head(page, obj)
    labels(page, "Labels", meta(obj).get("labels"))
    annotation_lines(page, "Annotations", meta(obj).get("annotations"))
    _content(page, 0, obj, "")
    events(page, ask, obj)
    return page.lines()


def _content(page: Page, level: int, content: Obj, path: str) -> None:
    for field in sorted(content):
        inner, value = f"{path}.{field}", content[field]
        if inner in _SKIPPED:
            continue
        if isinstance(value, dict):
            page.write(level, f"{title(field)}:\n")
            _content(page, level + 1, value, inner)
        elif isinstance(value, list):
            page.write(level, f"{title(field)}:\n")
            for child in value:
                if isinstance(child, dict):
                    _content(page, level + 1, child, inner)
                else:
                    page.write(level + 1, f"{small(child)}\n")
        else:
            page.write(level, f"{title(field)}:\t{small(value)}\n")


def title(field: str) -> str:
    """A field's name as words: `creationTimestamp` is `Creation Timestamp`, `uid` is `UID`."""
    if any(not (c.isalpha() or c == "-") for c in field):
        return field
    words = []
    for word in _WORD.findall(field):
        if word.upper() in _ACRONYMS:
            word = word.upper()
        elif word.islower():
            word = word.capitalize()
        words.append(word)
    return " ".join(words)

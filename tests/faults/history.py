"""The checker of a history: what writers were told, what watchers saw, what is there in the end. Pure, and knows nothing of how the server works.

A value is written once in the whole history, so that each can be found again. Names are each written by one writer.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Ack(NamedTuple):
    """A write that was acknowledged: op is create, change or delete; revision 0 where the answer told none."""

    op: str
    name: str
    value: str
    revision: int


class Doubt(NamedTuple):
    """A write whose answer never came; the last of its name."""

    op: str
    name: str
    value: str


class Seen(NamedTuple):
    """An event that a watcher got: type is ADDED, MODIFIED or DELETED."""

    type: str
    name: str
    value: str
    revision: int


def _expected(acks: Iterable[Ack], doubts: Iterable[Doubt]) -> dict[str, set[str | None]]:
    """Name → the values that may stand in the end, None for not being there."""
    allowed: dict[str, set[str | None]] = {}
    for ack in acks:
        allowed[ack.name] = {None if ack.op == "delete" else ack.value}
    for doubt in doubts:
        allowed.setdefault(doubt.name, {None}).add(None if doubt.op == "delete" else doubt.value)
    return allowed


def check_state(acks: Sequence[Ack], doubts: Sequence[Doubt], final: dict[str, str]) -> list[str]:
    """Whether each acknowledged write is there, and nothing that nobody wrote."""
    faults = []
    allowed = _expected(acks, doubts)
    for name, values in allowed.items():
        if final.get(name) not in values:
            faults.append(f"{name} is {final.get(name)!r} and should be one of {sorted(map(str, values))}")
    faults += [f"{name} was written by nobody" for name in final if name not in allowed]
    return faults


def check_revisions(acks: Sequence[Ack]) -> list[str]:
    """Whether each acknowledged write has a revision of its own, and those of a name rise."""
    faults, owner, newest = [], {}, {}
    for ack in acks:
        if not ack.revision:
            continue
        if ack.revision in owner:
            faults.append(f"revision {ack.revision} was given to {owner[ack.revision]} and {ack.name}")
        owner[ack.revision] = ack.name
        if ack.revision <= newest.get(ack.name, 0):
            faults.append(f"{ack.name} went from revision {newest[ack.name]} to {ack.revision}")
        newest[ack.name] = ack.revision
    return faults


def check_stream(events: Sequence[Seen]) -> list[str]:
    """Whether one watcher's events rise, make sense for each object, and tell no write twice."""
    faults, newest = [], 0
    there: dict[str, str] = {}
    written: set[str] = set()
    for event in events:
        if event.revision <= newest:
            faults.append(f"{event} after revision {newest}")
        newest = max(newest, event.revision)
        if (event.type == "ADDED") == (event.name in there):
            faults.append(f"{event} while the object was {'there' if event.name in there else 'not there'}")
        if event.type == "DELETED":
            if there.pop(event.name, None) != event.value:
                faults.append(f"{event} tells another last state")
            continue
        if event.value in written:
            faults.append(f"{event} tells a write again")
        written.add(event.value)
        there[event.name] = event.value
    return faults


def check_complete(events: Sequence[Seen], acks: Sequence[Ack], final: dict[str, str]) -> list[str]:
    """Whether one watcher got every acknowledged write, at its revision, and ends in the final state."""
    faults = []
    told = {e.value: e for e in events if e.type != "DELETED"}
    gone = {e.name for e in events if e.type == "DELETED"}
    for ack in acks:
        if ack.op == "delete":
            if ack.name not in gone:
                faults.append(f"the deletion of {ack.name} was not told")
        elif ack.value not in told:
            faults.append(f"{ack} was not told")
        elif ack.revision and told[ack.value].revision != ack.revision:
            faults.append(f"{ack} was told as {told[ack.value]}")
    state: dict[str, str] = {}
    for event in events:
        if event.type == "DELETED":
            state.pop(event.name, None)
        else:
            state[event.name] = event.value
    if state != final:
        wrong = sorted(n for n in state.keys() | final.keys() if state.get(n) != final.get(n))
        faults.append(f"following the events leads to another state of {wrong[:10]}")
    return faults


def check(
    acks: Sequence[Ack], doubts: Sequence[Doubt], streams: Sequence[Sequence[Seen]], final: dict[str, str]
) -> list[str]:
    """All faults of a history."""
    faults = check_state(acks, doubts, final) + check_revisions(acks)
    for number, events in enumerate(streams):
        found = check_stream(events) + check_complete(events, acks, final)
        if list(events) != list(streams[0]):
            found.append("it saw other events than watcher 0")
        faults += [f"watcher {number}: {fault}" for fault in found]
    return faults

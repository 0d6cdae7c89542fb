"""The checker finds each kind of broken history."""

import pytest

from tests.faults.history import Ack, Doubt, Seen, check

ACKS = [
    Ack("create", "a", "1", 10),
    Ack("change", "a", "2", 11),
    Ack("create", "b", "3", 12),
    Ack("delete", "b", "", 0),
    Ack("create", "c", "4", 14),
]
DOUBTS = [Doubt("change", "c", "5")]
EVENTS = [
    Seen("ADDED", "a", "1", 10),
    Seen("MODIFIED", "a", "2", 11),
    Seen("ADDED", "b", "3", 12),
    Seen("DELETED", "b", "3", 13),
    Seen("ADDED", "c", "4", 14),
]
FINAL = {"a": "2", "c": "4"}


def test_a_good_history() -> None:
    assert check(ACKS, DOUBTS, [EVENTS, EVENTS], FINAL) == []


def test_a_write_in_doubt_may_have_happened() -> None:
    events = [*EVENTS, Seen("MODIFIED", "c", "5", 15)]
    assert check(ACKS, DOUBTS, [events], {"a": "2", "c": "5"}) == []
    assert (
        check([], [Doubt("create", "x", "9")], [], {}) == check([], [Doubt("create", "x", "9")], [], {"x": "9"}) == []
    )


BROKEN = {
    "a lost write": (ACKS, [EVENTS], {"a": "1", "c": "4"}),
    "a lost object": (ACKS, [EVENTS], {"a": "2"}),
    "a deletion undone": (ACKS, [EVENTS], {"a": "2", "b": "3", "c": "4"}),
    "an object from nowhere": (ACKS, [EVENTS], {**FINAL, "z": "9"}),
    "a revision twice": ([*ACKS, Ack("create", "d", "7", 14)], [[*EVENTS, Seen("ADDED", "d", "7", 15)]], {**FINAL, "d": "7"}),
    "revisions that fall": ([*ACKS, Ack("change", "c", "6", 9)], [[*EVENTS, Seen("MODIFIED", "c", "6", 15)]], {"a": "2", "c": "6"}),
    "an event lost": (ACKS, [EVENTS[:1] + EVENTS[2:]], FINAL),
    "a deletion untold": (ACKS, [EVENTS[:3] + EVENTS[4:]], FINAL),
    "an event twice": (ACKS, [[*EVENTS[:2], EVENTS[1], *EVENTS[2:]]], FINAL),
    "events in another order": (ACKS, [[EVENTS[0], EVENTS[2], EVENTS[1], *EVENTS[3:]]], FINAL),
    "a write told again later": (ACKS, [[*EVENTS, Seen("MODIFIED", "a", "2", 15)]], FINAL),
    "added while it was there": (ACKS, [[EVENTS[0], Seen("ADDED", "a", "2", 11), *EVENTS[2:]]], FINAL),
    "changed while it was not": (ACKS, [[Seen("MODIFIED", "a", "1", 10), *EVENTS[1:]]], FINAL),
    "another last state": (ACKS, [[*EVENTS[:3], Seen("DELETED", "b", "2", 13), EVENTS[4]]], FINAL),
    "another revision": (ACKS, [[*EVENTS[:4], Seen("ADDED", "c", "4", 15)]], FINAL),
    "watchers that differ": (ACKS, [EVENTS, EVENTS[:4]], FINAL),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_history(case: str) -> None:
    acks, streams, final = BROKEN[case]
    assert check(acks, DOUBTS, streams, final)

"""The queue by a clock of the test's own."""

import threading

from kk.scheduler.framework import PodInfo
from kk.scheduler.queue import Queue


class Hand:
    """A clock that is moved by hand."""

    def __init__(self):
        self.at = 0.0

    def monotonic(self):
        return self.at

    def now(self):
        raise AssertionError("the queue asks for no wall time")


def pod(name, priority=0):
    return PodInfo(
        {"metadata": {"name": name, "namespace": "n", "uid": name}, "spec": {"priority": priority, "containers": []}}
    )


def test_priority_then_age():
    q = Queue(Hand())
    for p in (pod("a"), pod("b", 10), pod("c")):
        q.add(p)
    assert [q.pop().uid for _ in range(3)] == ["b", "a", "c"]


def test_a_failed_pod_waits_for_what_helps():
    clock = Hand()
    q = Queue(clock)
    first = pod("a")
    q.add(first)
    assert q.pop() is first
    q.failed(first, frozenset({"node"}))
    q.happened("pod-deleted")
    other = pod("b")
    q.add(other)
    assert q.pop() is other
    clock.at = 5
    q.happened("node")
    assert q.pop() is first


def test_a_change_while_it_was_tried_is_not_missed():
    clock = Hand()
    q = Queue(clock)
    first = pod("a")
    q.add(first)
    q.pop()
    q.happened("node")
    q.failed(first, frozenset({"node"}))
    clock.at = 60
    assert q.pop() is first


def test_back_off_doubles_and_ends():
    clock = Hand()
    q = Queue(clock)
    first = pod("a")
    q.add(first)
    for attempt in range(10):
        assert q.pop() is first
        q.failed(first, frozenset({"node"}))
        q.happened("node")
        clock.at += min(10.0, 0.1 * 2**attempt) + 0.001


def test_removed_pods_are_not_handed_out():
    q = Queue(Hand())
    q.add(pod("a"))
    q.remove("a")
    q.add(pod("b"))
    assert q.pop().uid == "b"


def test_close_ends_a_waiting_pop():
    q = Queue()
    found = []
    waiter = threading.Thread(target=lambda: found.append(q.pop()))
    waiter.start()
    q.close()
    waiter.join(10)
    assert found == [None]

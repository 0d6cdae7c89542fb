"""The queue's rules: a key waits once, is worked on once at a time, comes again when added meanwhile, and waits its delay."""

import threading

from kk.client.workqueue import WorkQueue


class Hand:
    """A clock that a test moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_a_key_waits_once():
    queue = WorkQueue()
    for key in ("a", "b", "a"):
        queue.add(key)
    assert [queue.get(0), queue.get(0), queue.get(0)] == ["a", "b", None]


def test_a_key_added_while_worked_on_comes_after_done():
    queue = WorkQueue()
    queue.add("a")
    assert queue.get(0) == "a"
    queue.add("a")
    assert queue.get(0) is None
    queue.done("a")
    assert queue.get(0) == "a"


def test_delay_and_the_earlier_time_wins():
    clock = Hand()
    queue = WorkQueue(monotonic=clock)
    queue.add_after("a", 10)
    queue.add_after("a", 5)
    queue.add_after("a", 20)
    assert queue.get(0) is None
    clock.now = 5
    assert queue.get(0) == "a"
    queue.done("a")
    clock.now = 30
    assert queue.get(0) is None


def test_backoff_doubles_until_forgotten():
    clock = Hand()
    queue = WorkQueue(base=1, cap=3, monotonic=clock)
    for wait in (1, 2, 3, 3):
        queue.add_rate_limited("a")
        clock.now += wait - 0.1
        assert queue.get(0) is None
        clock.now += 0.2
        assert queue.get(0) == "a"
        queue.done("a")
    assert queue.failures("a") == 4
    queue.forget("a")
    assert queue.failures("a") == 0


def test_sleepers_wake_for_keys_delays_and_shutdown():
    queue, got = WorkQueue(), []

    def work():
        while (key := queue.get()) is not None:
            got.append(key)
            queue.done(key)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(50):
        queue.add_after(number, 0.001 * (number % 3))
    while len(got) < 50:
        threading.Event().wait(0.005)
    queue.shutdown()
    for thread in threads:
        thread.join(10)
    assert sorted(got) == list(range(50))
    assert not any(t.is_alive() for t in threads)

"""Writers of one object take turns: each change is made, and with few tries."""

import asyncio

import pytest

from kk.server.turns import RETRIES, Turns


class Lost(Exception):
    """The stand-in for a lost race."""


def race(writers: int) -> tuple[int, int]:
    """(the counter, the tries) after so many writers added one to a counter that is checked when written."""

    async def run() -> tuple[int, int]:
        turns, state = Turns(Lost), {"value": 0, "tries": 0}

        async def add() -> int:
            state["tries"] += 1
            seen = state["value"]
            await asyncio.sleep(0)
            if state["value"] != seen:
                raise Lost
            state["value"] = seen + 1
            return seen

        results = await asyncio.gather(*(turns.take("one", add) for _ in range(writers)))
        assert sorted(results) == list(range(writers))
        assert not turns._queues
        return state["value"], state["tries"]

    return asyncio.run(run())


def test_each_writer_has_its_turn_and_few_try_more_than_twice():
    value, tries = race(16)
    assert value == 16
    assert tries <= 2 * 16


def test_who_always_loses_is_told():
    async def never() -> None:
        nonlocal tries
        tries += 1
        raise Lost

    tries = 0
    with pytest.raises(Lost):
        asyncio.run(Turns(Lost).take("one", never))
    assert tries == RETRIES + 1

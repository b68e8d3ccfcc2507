"""Turns go round the accounts, and no account has all places."""

from __future__ import annotations

import asyncio

import pytest

from lambent.core.turns import QueueFull, Turns


class Visits:
    """Who is inside, in the order in which they came in."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.entered: list[str] = []
        self.leave: dict[str, asyncio.Event] = {}

    async def visit(self, name: str) -> None:
        """The account is the first letter of the name."""
        self.leave[name] = asyncio.Event()
        async with self.turns.turn(name[0]):
            self.entered.append(name)
            await self.leave[name].wait()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_account_leaves_a_place_for_another():
    visits = Visits(Turns(2))
    async with asyncio.TaskGroup() as tasks:
        for name in ("a1", "a2", "a3", "b1"):
            tasks.create_task(visits.visit(name))
        await settle()
        assert visits.entered == ["a1", "b1"]
        visits.leave["b1"].set()
        await settle()
        assert visits.entered == ["a1", "b1"]
        for event in visits.leave.values():
            event.set()
            await settle()
    assert visits.entered == ["a1", "b1", "a2", "a3"]


async def test_free_places_go_round_the_accounts():
    visits = Visits(Turns(1))
    async with asyncio.TaskGroup() as tasks:
        for name in ("a1", "a2", "a3", "b1", "b2", "c1"):
            tasks.create_task(visits.visit(name))
        for _ in range(6):
            await settle()
            visits.leave[visits.entered[-1]].set()
    assert visits.entered == ["a1", "a2", "b1", "c1", "a3", "b2"]


async def test_who_is_cancelled_takes_no_place_and_keeps_none():
    turns = Turns(2)
    visits = Visits(turns)
    first = asyncio.create_task(visits.visit("a1"))
    await settle()
    waiting = asyncio.create_task(visits.visit("a2"))
    await settle()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    given = asyncio.create_task(visits.visit("a3"))
    await settle()
    visits.leave["a1"].set()
    await first  # a3 has the place, and is cancelled before it knows
    given.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given
    async with asyncio.timeout(5), turns.turn("a"), turns.turn("b"):
        pass


async def test_a_key_may_have_fewer_places_than_there_are():
    visits = Visits(Turns(3, each=1))
    async with asyncio.TaskGroup() as tasks:
        for name in ("a1", "a2", "b1", "b2", "c1"):
            tasks.create_task(visits.visit(name))
        await settle()
        assert visits.entered == ["a1", "b1", "c1"]
        visits.leave["c1"].set()
        await settle()
        assert visits.entered == ["a1", "b1", "c1"]
        for name in ("a1", "b1", "a2", "b2"):
            visits.leave[name].set()
            await settle()
    assert visits.entered == ["a1", "b1", "c1", "a2", "b2"]


async def test_so_many_of_a_key_wait_and_more_are_refused():
    turns = Turns(1, waiting=2)
    visits = Visits(turns)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(visits.visit(name)) for name in ("a1", "a2", "a3")]
        await settle()
        with pytest.raises(QueueFull):
            await visits.visit("a4")
        tasks.create_task(visits.visit("b1"))  # another one's queue is another
        running[1].cancel()
        await settle()
        tasks.create_task(visits.visit("a5"))  # who has gone waits no more
        await settle()
        for name in ("a1", "a3", "b1", "a5"):
            visits.leave[name].set()
            await settle()
    assert visits.entered == ["a1", "a3", "b1", "a5"]


async def test_a_place_goes_past_whoever_is_cancelled_in_the_same_moment():
    visits = Visits(Turns(1))
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(visits.visit(name)) for name in ("a1", "a2", "a3")]
        await settle()
        visits.leave["a1"].set()
        running[1].cancel()
        await settle()
        assert visits.entered == ["a1", "a3"]
        visits.leave["a3"].set()

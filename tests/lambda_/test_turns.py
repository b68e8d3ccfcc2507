"""Turns to start a sandbox: a few at a time, one function after the other, and nothing for those who have gone."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from lambent.lambda_.invoke.errors import FunctionInvocationRateLimitExceeded
from lambent.lambda_.invoke.turns import NotWanted, Turns


class Line:
    """Starts that note the order in which their turns came."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.came: list[str] = []

    def start(self, key: str, awaited: asyncio.Future[None] | None = None) -> asyncio.Task[None]:
        return asyncio.create_task(self._start(key, awaited))

    async def _start(self, key: str, awaited: asyncio.Future[None] | None) -> None:
        async with self.turns.turn(key, awaited):
            self.came.append(key)
            await asyncio.sleep(0)


async def test_each_function_has_its_turn_however_many_starts_another_one_wants():
    line = Line(Turns(at_once=1))
    async with line.turns.turn("first"):
        starts = [line.start(key) for key in ("a", "a", "a", "a", "b", "c", "c")]
        await asyncio.sleep(0)
        assert line.turns.waiting == 7
    await asyncio.gather(*starts)
    assert line.came == ["a", "b", "c", "a", "c", "a", "a"]
    assert line.turns.waiting == 0


async def test_no_more_than_so_many_are_under_way():
    turns = Turns(at_once=2)
    line = Line(turns)
    async with turns.turn("x"), turns.turn("y"):
        start = line.start("z")
        await asyncio.sleep(0.01)
        assert line.came == []
    await start
    assert line.came == ["z"]


async def test_who_is_awaited_no_longer_leaves_the_queue():
    line = Line(Turns(at_once=1))
    async with line.turns.turn("first"):
        awaited: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        start = line.start("a", awaited)
        await asyncio.sleep(0)
        awaited.cancel()
        with pytest.raises(NotWanted):
            await start
        assert line.turns.waiting == 0
        with pytest.raises(NotWanted):
            await line.start("a", awaited)
    await line.start("b")
    assert line.came == ["b"]


async def test_who_waits_too_long_is_throttled_and_told_when_to_try_again():
    line = Line(Turns(at_once=1, patience_s=0.01))
    async with line.turns.turn("first"):
        with pytest.raises(FunctionInvocationRateLimitExceeded) as caught:
            await line.start("a")
        assert caught.value.members["retryAfterSeconds"] == "1"
        assert line.turns.waiting == 0


async def test_a_turn_that_comes_in_the_moment_of_a_cancellation_is_passed_on():
    line = Line(Turns(at_once=1))
    async with AsyncExitStack() as held:
        await held.enter_async_context(line.turns.turn("first"))
        awaited: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        gone, unwanted, next_one = line.start("a"), line.start("b", awaited), line.start("c")
        await asyncio.sleep(0)
        await held.aclose()  # a has been called, and does not know it yet
        gone.cancel()
        awaited.set_result(None)
        await asyncio.gather(gone, unwanted, return_exceptions=True)
        await next_one
    assert line.came == ["c"]
    async with line.turns.turn("last"):
        pass

"""What environments weigh when processors are short: a function's part does not grow with the number of its environments."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from lambent.lambda_.environment.environment import Outcome
from lambent.lambda_.invoke.weights import LEAST, weight_of
from lambent.sandbox.contract import Exit
from tests.lambda_.house import SETTINGS, VERSION, House, house

MANY = msgspec.structs.replace(SETTINGS, concurrent_executions=40)
OTHER = msgspec.structs.replace(VERSION, arn=msgspec.structs.replace(VERSION.arn, name="g"))


async def working(it: House, number: int) -> list[asyncio.Task[Outcome]]:
    """Have so many invocations under way, each in an environment of its own."""
    before = len(it.served)
    running = [it.invoke(b'"hold"') for _ in range(number)]
    while len(it.served) < before + number:
        await asyncio.sleep(0.001)
    return running


def weights(it: House) -> list[float]:
    return [guest.weight for guest in it.guests]


@pytest.mark.parametrize("working", [1, 2, 3, 4, 7, 8, 31, 32, 64])
def test_together_they_weigh_between_one_part_and_two(working: int) -> None:
    assert 1 <= working * weight_of(working) < 2


def test_past_the_kernels_steps_each_weighs_the_least() -> None:
    assert weight_of(1000) == weight_of(65) == LEAST
    assert weight_of(0) == 1


async def test_each_start_beyond_the_double_weighs_all_of_the_function_anew_and_no_other() -> None:
    async with house(MANY) as it:
        await it.invoke(version=OTHER)
        running = await working(it, 9)
        assert weights(it) == [1.0] + [1 / 8] * 9
        it.let_go.set()
        await asyncio.gather(*running)


async def test_when_few_work_again_each_weighs_more_again_step_by_step() -> None:
    async with house(MANY) as it:
        running = await working(it, 8)
        it.let_go.set()
        await asyncio.gather(*running)
        await it.settled()
        seen: list[float] = []
        for _ in range(4):
            it.placement.weights.settle()
            seen.append(it.guests[0].weight)
        assert seen == [1 / 4, 1 / 2, 1, 1]
        assert set(weights(it)) == {1}


async def test_those_that_work_again_without_a_start_are_put_right() -> None:
    async with house(MANY) as it:
        running = await working(it, 8)
        it.let_go.set()
        await asyncio.gather(*running)
        await it.settled()
        for _ in range(3):
            it.placement.weights.settle()
        it.let_go.clear()
        running = await working(it, 8)
        assert len(it.guests) == 8
        it.placement.weights.settle()
        assert weights(it) == [1 / 8] * 8
        it.let_go.set()
        await asyncio.gather(*running)


async def test_an_environment_that_is_reset_weighs_what_it_weighed() -> None:
    async with house(MANY) as it:
        running = await working(it, 2)
        it.guests[1].exit(Exit(1, None))
        it.let_go.set()
        await asyncio.gather(*running)
        await asyncio.gather(*(it.invoke(b'"hold"') for _ in range(2)))
        assert len(it.guests) == 3
        assert weights(it) == [1 / 2] * 3


async def test_nothing_is_kept_of_a_function_whose_environments_have_ended() -> None:
    async with house(MANY) as it:
        running = await working(it, 4)
        it.let_go.set()
        await asyncio.gather(*running)
        await it.settled()
        it.placement.end_all()
        while it.placement.environments():
            await asyncio.sleep(0.001)
        it.guests.clear()
        await it.invoke()
        assert weights(it) == [1.0]

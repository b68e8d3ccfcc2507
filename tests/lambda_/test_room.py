"""Room for environments on the machine: who is given up for whom, and who is throttled."""

import asyncio

import msgspec
import pytest

from lambent.lambda_.invoke.errors import ConcurrentInvocationLimitExceeded
from lambent.lambda_.invoke.room import HEAD_ROOM_PART, MIB, RECENT_S, START_BYTES
from lambent.lambda_.names import FunctionArn
from tests.lambda_.house import BUDGET_MIB, SETTINGS, VERSION, House, house

NARROW = msgspec.structs.replace(SETTINGS, concurrent_executions=10, environments=2)


def another(name: str):
    return msgspec.structs.replace(VERSION, arn=FunctionArn("us-east-1", "000000000000", name, "$LATEST"))


async def at_work(it: House, version=VERSION) -> asyncio.Task:
    """An invocation that holds its environment."""
    guests = len(it.guests)
    running = it.invoke(b'"hold"', version)
    while len(it.guests) == guests:
        await asyncio.sleep(0.001)
    return running


async def test_when_all_are_at_work_the_next_is_throttled():
    async with house(NARROW) as it:
        running = [await at_work(it), await at_work(it)]
        with pytest.raises(ConcurrentInvocationLimitExceeded) as caught:
            await it.invoke()
        assert caught.value.members["Reason"] == "ConcurrentInvocationLimitExceeded"
        it.let_go.set()
        await asyncio.gather(*running)
        assert len(it.guests) == 2


async def test_the_idle_environment_that_was_used_longest_ago_makes_room():
    async with house(NARROW) as it:
        await it.invoke(version=another("old"))
        it.clock.advance(1)
        await it.invoke(version=another("young"))
        await it.settled()
        it.clock.advance(RECENT_S)
        await it.invoke(version=another("new"))
        assert [guest.killed for guest in it.guests] == [True, False, False]


async def test_a_busy_function_does_not_end_what_another_has_just_used():
    async with house(NARROW) as it:
        await it.invoke(version=another("other"))
        await it.settled()
        running = await at_work(it)
        with pytest.raises(ConcurrentInvocationLimitExceeded):
            await it.invoke()
        assert (await it.invoke(version=another("other"))).payload == b"1"
        assert len(it.guests) == 2
        await asyncio.sleep(0.01)  # its runtime asks again
        it.clock.advance(RECENT_S)
        await it.invoke()
        assert it.guests[0].killed
        it.let_go.set()
        await running


async def test_a_function_without_environments_has_one_of_those_with_several():
    async with house(NARROW) as it:
        running = [await at_work(it), await at_work(it)]
        it.let_go.set()
        await asyncio.gather(*running)
        await it.settled()
        assert (await it.invoke(version=another("new"))).payload == b"1"
        assert [guest.killed for guest in it.guests] == [True, False, False]


async def test_provisioned_environments_are_never_given_up():
    async with house(NARROW) as it:
        for _ in range(2):
            await it.placement.provision(another("kept"))
        it.clock.advance(RECENT_S)
        with pytest.raises(ConcurrentInvocationLimitExceeded):
            await it.invoke()
        assert not any(guest.killed for guest in it.guests)


async def test_what_could_not_be_started_takes_no_room():
    async with house(NARROW) as it:
        it.no_sandbox = True
        for _ in range(4):
            with pytest.raises(Exception, match="could not create"):
                await it.invoke()
        it.no_sandbox = False
        assert (await it.invoke()).payload == b"1"


async def test_many_who_wait_for_room_at_once_have_no_more_than_there_is():
    async with house(NARROW) as it:
        for name in ("a", "b"):
            await it.invoke(version=another(name))
        await it.settled()
        it.clock.advance(RECENT_S)
        outcomes = await asyncio.gather(
            *(it.invoke(version=another(f"new-{n}")) for n in range(6)), return_exceptions=True
        )
        assert any(not isinstance(outcome, BaseException) for outcome in outcomes)
        assert all(
            isinstance(outcome, ConcurrentInvocationLimitExceeded)
            for outcome in outcomes
            if isinstance(outcome, BaseException)
        )
        assert sum(not guest.killed for guest in it.guests) <= 2


async def test_memory_that_is_used_counts_and_memory_size_does_not():
    large = msgspec.structs.replace(VERSION, memory_mib=10240)
    async with house(NARROW) as it:
        it.used_mib = BUDGET_MIB - 64
        running = [await at_work(it, large), await at_work(it, large)]
        it.let_go.set()
        await asyncio.gather(*running)


async def test_beyond_the_budget_the_next_is_throttled_until_there_is_memory_again():
    async with house() as it:
        running = await at_work(it)
        it.used_mib = BUDGET_MIB
        with pytest.raises(ConcurrentInvocationLimitExceeded):
            await it.invoke()
        it.used_mib = 100
        second = await at_work(it)
        it.let_go.set()
        await asyncio.gather(running, second)


async def test_a_machine_that_has_little_left_starts_none_though_the_budget_is_not_used():
    async with house() as it:
        it.available_mib = 200
        with pytest.raises(ConcurrentInvocationLimitExceeded):
            await it.invoke()


async def test_what_is_starting_has_head_room_that_others_cannot_take():
    async with house() as it:
        it.init_held.clear()
        it.used_mib = BUDGET_MIB - START_BYTES * 3 // 2 // MIB  # room for one and a half
        running = await at_work(it)
        with pytest.raises(ConcurrentInvocationLimitExceeded):
            await it.invoke(version=another("next"))
        it.init_held.set()
        it.let_go.set()
        await running


async def test_what_is_idle_makes_room_for_what_works_to_grow():
    async with house() as it:
        await it.invoke(version=another("idle"))
        await it.settled()
        it.clock.advance(RECENT_S)
        it.used_mib = BUDGET_MIB - BUDGET_MIB // HEAD_ROOM_PART  # there is room, and little beside it
        await it.invoke(version=another("new"))
        assert [guest.killed for guest in it.guests] == [True, False]


async def test_a_warm_invocation_asks_for_no_room():
    async with house() as it:
        await it.invoke()
        it.used_mib, it.available_mib = 2 * BUDGET_MIB, 0
        assert (await it.invoke(b"2")).payload == b"2"
        assert len(it.guests) == 1


async def test_idle_environments_are_given_up_when_what_is_at_work_has_grown():
    async with house(msgspec.structs.replace(SETTINGS, concurrent_executions=10)) as it:
        running = await at_work(it)
        for name in ("old", "young"):
            it.clock.advance(1)
            await it.invoke(version=another(name))
        await asyncio.sleep(0.02)  # until their runtimes have asked again
        it.used_mib = BUDGET_MIB + 1
        it.placement.room.relieve()
        while not it.guests[1].killed:
            await asyncio.sleep(0.001)
        assert [guest.killed for guest in it.guests] == [False, True, False]  # one gives back enough
        it.let_go.set()
        await running


async def test_the_promises_of_what_has_ended_are_taken_back():
    async with house() as it:
        for failing in (True, False):
            it.no_init = failing
            await it.invoke()
            it.placement.forget(VERSION.arn)
            while it.placement.environments():
                await asyncio.sleep(0.001)
        assert (it.placement.room.taken, it.placement.room._promised_bytes) == (0, 0)

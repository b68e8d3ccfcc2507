"""Placing invocations on environments, with runtimes that the test plays."""

import asyncio
import json
from contextlib import suppress

import msgspec
import pytest

from lambent.lambda_.environment.life_cycle import State
from lambent.lambda_.errors import FunctionNotInvocable
from lambent.lambda_.functions import Function
from lambent.lambda_.invoke.errors import (
    ClientContextNotJson,
    ConcurrentInvocationLimitExceeded,
    EventNotJson,
    SandboxUnavailable,
)
from lambent.lambda_.invoke.turns import Turns
from lambent.lambda_.states import Phase
from lambent.sandbox.contract import Exit
from tests.lambda_.house import SETTINGS, VERSION, house


async def test_invocations_one_after_the_other_share_an_environment():
    async with house() as it:
        for _ in range(5):
            assert (await it.invoke()).payload == b"1"
    assert len(it.guests) == 1


async def test_invocations_at_the_same_time_have_one_environment_each():
    async with house() as it:
        running = [it.invoke(b'"hold"') for _ in range(3)]
        while len(it.guests) < 3:
            await asyncio.sleep(0.001)
        it.let_go.set()
        await asyncio.gather(*running)
    assert len(it.guests) == 3


async def test_more_than_the_account_may_run_at_once_is_throttled_with_the_reason():
    async with house() as it:
        running = [it.invoke(b'"hold"') for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(ConcurrentInvocationLimitExceeded) as caught:
            await it.invoke()
        assert caught.value.members["Reason"] == "ConcurrentInvocationLimitExceeded"
        it.let_go.set()
        await asyncio.gather(*running)
        assert (await it.invoke()).payload == b"1"


async def test_an_environment_that_is_about_to_ask_is_waited_for():
    async with house() as it:
        it.ask_again.clear()
        await it.invoke()
        second = it.invoke(b"2")
        await asyncio.sleep(0.02)
        it.ask_again.set()
        assert (await second).payload == b"2"
    assert len(it.guests) == 1


async def test_an_environment_that_does_not_ask_again_in_time_is_not_waited_for():
    async with house(msgspec.structs.replace(SETTINGS, handover_s=0.01)) as it:
        it.ask_again.clear()
        await it.invoke()
        assert (await it.invoke(b"2")).payload == b"2"
    assert len(it.guests) == 2


async def test_an_idle_environment_is_frozen_after_the_grace():
    async with house() as it:
        await it.invoke()
        await it.settled()
        await asyncio.sleep(0)
        it.clock.advance(1)
        while not it.guests[0].frozen:
            await asyncio.sleep(0.001)
        assert (await it.invoke()).payload == b"1"
        assert not it.guests[0].frozen


async def test_an_environment_that_nobody_used_for_the_idle_time_ends():
    async with house() as it:
        await it.invoke()
        await it.settled()
        it.clock.advance(61)
        while it.placement.environments():
            await asyncio.sleep(0.001)
        assert it.guests[0].killed


async def test_a_new_configuration_gets_new_environments_and_the_old_ones_end():
    async with house() as it:
        await it.invoke()
        await it.settled()
        held = it.invoke(b'"hold"')
        await asyncio.sleep(0.02)
        newer = msgspec.structs.replace(VERSION, configuration_id="two")
        assert (await it.invoke(version=newer)).payload == b"1"
        assert not it.guests[0].killed  # it still works for its invocation
        it.let_go.set()
        assert (await held).payload == b'"hold"'
        while not it.guests[0].killed:
            await asyncio.sleep(0.001)
        assert it.placement.environments() == 1


async def test_a_new_revision_of_the_same_configuration_keeps_its_environments():
    """Publishing and tagging give $LATEST a new revision, and so does the end of an update."""
    async with house() as it:
        await it.invoke()
        await it.settled()
        newer = msgspec.structs.replace(VERSION, revision_id="two")
        before, after = (Function(arn=VERSION.arn.unqualified, latest=latest) for latest in (VERSION, newer))
        it.placement.follow(before, after)
        await it.invoke(version=newer)
        assert len(it.guests) == 1


async def test_a_deleted_version_keeps_no_environment():
    async with house() as it:
        await it.invoke()
        await it.settled()
        it.placement.forget(VERSION.arn)
        while it.placement.environments():
            await asyncio.sleep(0.001)


async def test_an_idle_environment_that_broke_is_started_again_and_not_thrown_away():
    async with house() as it:
        await it.invoke()
        await it.settled()
        (placed,) = it.placement._all
        await it.guests[0].kill()
        while placed.environment.state is not State.BROKEN:
            await asyncio.sleep(0.001)
        assert (await it.invoke()).payload == b"1"
        assert it.placement.environments() == 1


async def test_a_machine_that_makes_no_sandbox_is_a_service_error_and_frees_its_slot():
    async with house() as it:
        it.no_sandbox = True
        for _ in range(5):
            with pytest.raises(SandboxUnavailable):
                await it.invoke()
        it.no_sandbox = False
        assert (await it.invoke()).payload == b"1"


async def test_a_cancelled_invocation_leaves_no_environment_in_an_unknown_state():
    async with house() as it:
        held = it.invoke(b'"hold"')
        await asyncio.sleep(0.02)
        held.cancel()
        with suppress(asyncio.CancelledError):
            await held
        while it.placement.environments():
            await asyncio.sleep(0.001)
        it.let_go.set()
        assert (await it.invoke()).payload == b"1"


@pytest.mark.parametrize("event", [b"{", b"\x99", b'{"a":}', b'"\xff"', b"1 2", b"[" * 100_000])
async def test_an_event_that_is_not_json_is_refused_before_anything_starts(event: bytes):
    async with house() as it:
        with pytest.raises(EventNotJson):
            await it.invoke(event)
        assert not it.guests


async def test_why_an_event_is_not_json_is_said_as_aws_says_it():
    async with house() as it:
        with pytest.raises(EventNotJson) as refused:
            await it.invoke(b"\x99")
    assert refused.value.text == (
        "Could not parse request body into json: Could not parse payload into json: Unexpected character "
        "((CTRL-CHAR, code 153)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' "
        "or 'false')\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 1]"
    )


async def test_an_absent_event_is_an_empty_object():
    async with house() as it:
        assert json.loads((await it.invoke(b"")).payload) == {}


async def test_a_version_that_is_not_ready_is_not_invoked():
    async with house() as it:
        pending = msgspec.structs.replace(VERSION, phase=Phase.CREATING)
        with pytest.raises(FunctionNotInvocable, match="Pending"):
            await it.invoke(version=pending)


@pytest.mark.parametrize("context", ["!", "bm90IGpzb24=", "WzFd"])
async def test_a_client_context_that_is_not_base64_of_an_object_is_refused(context: str):
    async with house() as it:
        with pytest.raises(ClientContextNotJson):
            await it.path.invoke(VERSION, request_id="r", event=b"", function_arn="a", client_context=context)


async def test_who_waits_for_a_start_takes_an_environment_that_is_free_before():
    async with house() as it:
        first = it.invoke(b'"hold"')
        while not it.heads:
            await asyncio.sleep(0.001)
        it.init_held.clear()
        second = it.invoke(b"2")
        while len(it.guests) < 2:
            await asyncio.sleep(0.001)
        it.let_go.set()
        assert (await second).payload == b"2"
        assert it.served == [it.guests[0]] * 2
        await first
        it.init_held.set()
        await it.settled()
        assert it.placement.environments() == 2  # what was started is there for the next


async def test_a_start_that_is_not_needed_any_more_is_not_made():
    async with house() as it:
        it.turns = Turns(at_once=1)
        first = it.invoke(b'"hold"')
        while not it.heads:
            await asyncio.sleep(0.001)
        async with it.turns.turn("others"):
            second = it.invoke(b"2")
            while not it.turns.waiting:
                await asyncio.sleep(0.001)
            it.let_go.set()
            assert (await second).payload == b"2"
            await first
            while it.placement.environments() > 1:
                await asyncio.sleep(0.001)
        assert len(it.guests) == 1
        assert it.placement.room.taken == 1


async def test_callers_who_hang_up_leave_no_start_behind():
    async with house() as it:
        it.turns = Turns(at_once=1)
        async with it.turns.turn("others"):
            running = [it.invoke() for _ in range(3)]
            while it.turns.waiting < 3:
                await asyncio.sleep(0.001)
            for each in running:
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            while it.placement.room.taken:
                await asyncio.sleep(0.001)
            assert it.turns.waiting == 0
        assert it.guests == []


async def test_an_environment_that_must_be_reset_is_used_when_no_other_is_idle():
    async with house() as it:
        running = [it.invoke(b'"hold"') for _ in range(2)]
        while len(it.heads) < 2:
            await asyncio.sleep(0.001)
        it.let_go.set()
        await asyncio.gather(*running)
        await it.settled()
        it.guests[1].exit(Exit(1, None))
        while not any(placed.environment.state is State.BROKEN for placed in it.placement._all):
            await asyncio.sleep(0.001)
        await it.invoke()
        assert it.served[-1] is it.guests[0]
        assert len(it.guests) == 2

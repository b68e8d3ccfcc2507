"""Who may run at once, and how often: boundaries, reasons, and that no permit is ever lost."""

import asyncio
import random
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.core.clock import FakeClock
from lambent.core.errors import AwsError
from lambent.lambda_.concurrency.claims import ReservedConcurrency
from lambent.lambda_.environment.environment import Outcome
from lambent.lambda_.functions import Function
from lambent.lambda_.invoke.admission import Admission
from lambent.lambda_.invoke.errors import (
    CallerRateLimitExceeded,
    ConcurrentInvocationLimitExceeded,
    FunctionInvocationRateLimitExceeded,
    ReservedFunctionConcurrentInvocationLimitExceeded,
    ReservedFunctionInvocationRateLimitExceeded,
    SandboxUnavailable,
)
from lambent.lambda_.invoke.rates import Bucket
from tests.lambda_.house import SETTINGS, VERSION, House, house

LIMIT = 10


def function(reserved: int | None = None, name: str = "f") -> Function:
    arn = msgspec.structs.replace(VERSION.arn, name=name)
    made = Function(arn=arn.unqualified, latest=msgspec.structs.replace(VERSION, arn=arn, revision_id=name))
    return made if reserved is None else made.with_part(ReservedConcurrency(executions=reserved))


async def held(it: House, count: int, of: Function | None = None) -> list[asyncio.Task[Outcome]]:
    """Invocations that run until they are let go."""
    version = VERSION if of is None else of.latest
    before = len(it.guests)
    tasks = [it.invoke(b'"hold"', version) for _ in range(count)]
    while len(it.guests) < before + count:
        await asyncio.sleep(0.001)
    return tasks


# --- concurrency -----------------------------------------------------------------------------------------------------


async def test_a_reserved_function_has_its_own_executions_and_no_more():
    async with house() as it:
        it.placement.follow(None, function(1))
        running = await held(it, 1)
        with pytest.raises(ReservedFunctionConcurrentInvocationLimitExceeded) as caught:
            await it.invoke()
        assert caught.value.text == "Rate Exceeded."
        assert caught.value.members == {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"}
        it.let_go.set()
        await asyncio.gather(*running)
        assert (await it.invoke()).payload == b"1"


async def test_a_function_with_nothing_reserved_is_stopped():
    async with house() as it:
        it.placement.follow(None, function(0))
        with pytest.raises(ReservedFunctionConcurrentInvocationLimitExceeded):
            await it.invoke()
        assert not it.guests


async def test_the_others_share_what_is_not_reserved():
    async with house() as it:  # the account has three
        one, other = function(1), function(name="g")
        it.placement.follow(None, one)
        running = await held(it, 2, other)
        with pytest.raises(ConcurrentInvocationLimitExceeded):
            await it.invoke(version=other.latest)
        running += await held(it, 1, one)  # its reservation is not theirs
        it.let_go.set()
        await asyncio.gather(*running)


async def test_a_change_of_the_reservation_holds_at_once_for_what_runs_already():
    async with house() as it:
        free, narrow = function(), function(1)
        running = await held(it, 2)
        it.placement.follow(free, narrow)
        with pytest.raises(ReservedFunctionConcurrentInvocationLimitExceeded):
            await it.invoke()  # two run where one may
        other = function(name="g")
        running += await held(it, 2, other)  # which leaves two of three to the others
        with pytest.raises(ConcurrentInvocationLimitExceeded):
            await it.invoke(version=other.latest)
        it.placement.follow(narrow, free)
        with pytest.raises(ConcurrentInvocationLimitExceeded):
            await it.invoke()  # four run in a pool of three
        it.let_go.set()
        await asyncio.gather(*running)
        assert (await it.invoke()).payload == b"1"


async def test_what_runs_when_its_function_is_deleted_counts_until_it_ends():
    async with house() as it:
        gone, other = function(3), function(name="g")
        it.placement.follow(None, gone)
        running = await held(it, 3)
        it.placement.follow(gone, None)
        with pytest.raises(ConcurrentInvocationLimitExceeded):
            await it.invoke(version=other.latest)
        it.let_go.set()
        await asyncio.gather(*running)
        assert (await it.invoke(version=other.latest)).payload == b"1"


# --- rates -----------------------------------------------------------------------------------------------------------


async def test_a_reserved_function_takes_ten_requests_a_second_for_each_execution():
    async with house() as it:
        it.placement.follow(None, function(1))
        for _ in range(10):
            await it.invoke()
            await it.settled()
        with pytest.raises(ReservedFunctionInvocationRateLimitExceeded) as caught:
            await it.invoke()
        assert caught.value.members["retryAfterSeconds"] == "1"
        it.clock.advance(0.1)
        assert (await it.invoke()).payload == b"1"
        with pytest.raises(ReservedFunctionInvocationRateLimitExceeded):
            await it.invoke()


async def test_the_account_takes_ten_requests_a_second_for_each_execution():
    async with house(msgspec.structs.replace(SETTINGS, concurrent_executions=1)) as it:
        for _ in range(10):
            await it.invoke()
            await it.settled()
        with pytest.raises(CallerRateLimitExceeded) as caught:
            await it.invoke(version=function(name="g").latest)
        assert caught.value.text == "Rate exceeded"
        assert caught.value.members == {"Reason": "CallerRateLimitExceeded", "retryAfterSeconds": "1"}


def test_a_function_starts_a_thousand_environments_and_then_a_hundred_a_second():
    clock = FakeClock()
    shares = Admission(5000, clock)
    one, other = shares.share(VERSION.arn), shares.share(function(name="g").arn)
    for _ in range(1000):
        one.start(clock.monotonic())
    with pytest.raises(FunctionInvocationRateLimitExceeded) as caught:
        one.start(clock.monotonic())
    assert caught.value.members["Reason"] == "FunctionInvocationRateLimitExceeded"
    other.start(clock.monotonic())  # the limit is a function's
    clock.advance(5)
    for _ in range(500):
        one.start(clock.monotonic())
    with pytest.raises(FunctionInvocationRateLimitExceeded):
        one.start(clock.monotonic())
    clock.advance(3600)  # nothing is accrued
    for _ in range(1000):
        one.start(clock.monotonic())
    with pytest.raises(FunctionInvocationRateLimitExceeded):
        one.start(clock.monotonic())


async def test_an_environment_that_may_not_be_started_frees_the_place_of_its_invocation():
    async with house() as it:
        share = it.placement._admission.share(VERSION.arn)
        for _ in range(1000):
            share.start(0.0)
        for _ in range(5):
            with pytest.raises(FunctionInvocationRateLimitExceeded):
                await it.invoke()
        it.clock.advance(1)
        assert (await it.invoke()).payload == b"1"


@given(st.lists(st.floats(0.0, 3.0), max_size=200), st.integers(1, 50), st.integers(1, 50))
def test_a_bucket_never_gives_more_than_its_burst_and_what_flowed_in(waits: list[float], rate: int, burst: int):
    bucket, now = Bucket(rate, burst, 0.0), 0.0
    taken: list[float] = []
    for wait in waits:
        now += wait
        told = bucket.take(now)
        if told:
            assert told <= 1 / rate + 1e-9
            now += told + 1e-9
            assert not bucket.take(now)  # what it says is enough
        taken.append(now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + (taken[last] - taken[first]) * rate + 1e-6


# --- whatever happens ------------------------------------------------------------------------------------------------


class Crowd:
    """Random invocations, cancellations and changes of two functions, and what must always hold."""

    def __init__(self, it: House, seed: int) -> None:
        self.it = it
        self.random = random.Random(seed)
        self.functions = {"f": function(), "g": function(name="g")}
        self.running: list[asyncio.Task[Outcome]] = []

    def step(self) -> None:
        name = self.random.choice("fg")
        match self.random.choice(
            ["invoke", "invoke", "invoke", "cancel", "reserve", "break", "mend", "finish", "time"]
        ):
            case "invoke":
                event = self.random.choice([b"1", b'"hold"'])
                task = self.it.invoke(event, self.functions[name].latest)
                self.running.append(task)
            case "cancel":
                if self.running:
                    self.random.choice(self.running).cancel()
            case "reserve":
                self.reserve(name, self.random.choice([None, 0, 1, 2]))
            case "break":
                self.it.no_sandbox = True
            case "mend":
                self.it.no_sandbox = False
            case "finish":
                self.it.let_go.set()
            case _:
                self.it.clock.advance(self.random.choice([0.1, 1, 70]))

    def reserve(self, name: str, executions: int | None) -> None:
        before = self.functions[name]
        after = before.without_part(ReservedConcurrency)
        if executions is not None:
            after = after.with_part(ReservedConcurrency(executions=executions))
        self.functions[name] = after
        self.it.placement.follow(before, after)

    def check(self) -> None:
        admission = self.it.placement._admission
        shares = {name: admission.share(function.arn) for name, function in self.functions.items()}
        for pool in {share.pool for share in shares.values()}:
            assert pool.on_demand == sum(share.on_demand for share in shares.values() if share.pool is pool)
            assert pool.on_demand >= 0
        reserved = {name: f.part(ReservedConcurrency) for name, f in self.functions.items()}
        for name, part in reserved.items():
            assert shares[name].pool.limit == (
                part.executions if part else LIMIT - sum(p.executions for p in reserved.values() if p)
            )


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 3), min_size=20, max_size=60))
def test_no_place_is_lost_whatever_fails_or_is_cancelled(seed: int, pauses: list[int]):
    async def run() -> None:
        async with house(msgspec.structs.replace(SETTINGS, concurrent_executions=LIMIT)) as it:
            crowd = Crowd(it, seed)
            for pause in pauses:
                crowd.step()
                for _ in range(pause):
                    await asyncio.sleep(0)
                crowd.check()
                it.let_go.clear()
            it.let_go.set()
            for task in crowd.running:
                with suppress(AwsError, asyncio.CancelledError):
                    await task
            crowd.check()
            for made in crowd.functions.values():
                assert it.placement._admission.share(made.arn).on_demand == 0

    asyncio.run(run())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 6), st.integers(1, 12))
def test_never_more_run_than_are_allowed_and_as_many_as_are(reserved: int, callers: int):
    async def run() -> None:
        async with house(msgspec.structs.replace(SETTINGS, concurrent_executions=LIMIT)) as it:
            it.placement.follow(None, function(reserved))
            running = [it.invoke(b'"hold"') for _ in range(callers)]
            while len(it.guests) < min(reserved, callers):
                await asyncio.sleep(0.001)
            it.let_go.set()
            outcomes = await asyncio.gather(*running, return_exceptions=True)
            throttled = [o for o in outcomes if isinstance(o, ReservedFunctionConcurrentInvocationLimitExceeded)]
            assert len(throttled) == max(0, callers - reserved)
            assert len(it.guests) == min(reserved, callers)

    asyncio.run(run())


async def test_a_machine_that_makes_no_sandbox_frees_the_place_in_a_reservation():
    async with house() as it:
        it.placement.follow(None, function(1))
        it.no_sandbox = True
        for _ in range(5):
            with pytest.raises(SandboxUnavailable):
                await it.invoke()
        it.no_sandbox = False
        assert (await it.invoke()).payload == b"1"

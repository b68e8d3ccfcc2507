"""Provisioned concurrency at work: environments that are there before anybody asks, and stay."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.lambda_.aliases import Alias
from lambent.lambda_.concurrency.claims import ProvisionedConcurrency, ReservedConcurrency
from lambent.lambda_.concurrency.provisioned import Standing, Status
from lambent.lambda_.environment.environment import Outcome
from lambent.lambda_.environment.life_cycle import State
from lambent.lambda_.functions import Function, FunctionVersion
from lambent.lambda_.invoke.errors import (
    ConcurrentInvocationLimitExceeded,
    ReservedFunctionConcurrentInvocationLimitExceeded,
)
from lambent.lambda_.invoke.provisioning import Provisioning, provisioning
from lambent.lambda_.states import Phase
from lambent.sandbox.contract import Exit
from tests.lambda_.guest import Guest
from tests.lambda_.house import SETTINGS, VERSION, House, house

KEPT = "provisioned-concurrency"
READY_THREE = Standing(Status.READY, 3, 3)


def published(number: int) -> FunctionVersion:
    arn = VERSION.arn.unqualified.qualified(str(number))
    return msgspec.structs.replace(VERSION, arn=arn, revision_id=f"v{number}")


FUNCTION = Function(arn=VERSION.arn.unqualified, latest=VERSION, published={1: published(1), 2: published(2)})


def provisioned(count: int, qualifier: str = "1", of: Function = FUNCTION, at: float = 0.0) -> Function:
    return of.with_part(ProvisionedConcurrency(executions=count, modified_at=at), qualifier)


def aliased(of: Function = FUNCTION, **alias: object) -> Function:
    given = {"function_version": "1", "revision_id": "a"} | alias
    return of.with_part(Alias(**given), "live")  # pyright: ignore[reportArgumentType]


@dataclass
class Stock:
    """A house with a function whose rows the test changes."""

    it: House
    provisions: Provisioning
    function: Function = FUNCTION

    def become(self, function: Function | None) -> None:
        """As if a commit had made it so."""
        before = self.function
        self.it.placement.follow(before, function)
        self.provisions.follow(before, function)
        self.function = function or FUNCTION

    def standing(self, qualifier: str = "1") -> Standing:
        return self.provisions.standing(FUNCTION.arn.qualified(qualifier))

    async def ready(self, qualifier: str = "1") -> Standing:
        while self.standing(qualifier).status is Status.IN_PROGRESS:
            await asyncio.sleep(0.001)
        return self.standing(qualifier)

    async def until(self, standing: Standing, qualifier: str = "1") -> None:
        while self.standing(qualifier) != standing:
            await asyncio.sleep(0.001)

    def guest(self, state: State = State.IDLE) -> Guest:
        """A guest of a provisioned environment in that state."""
        found = next(p for p in self.it.placement._all if p.slot.kept is not None and p.environment.state is state)
        assert isinstance(found.environment.sandbox, Guest)
        return found.environment.sandbox

    def kept(self) -> int:
        return sum(placed.slot.kept is not None for placed in self.it.placement._all)


@asynccontextmanager
async def stock(limit: int = 10, function: Function | None = None, least_s: float = 0.0) -> AsyncIterator[Stock]:
    async with (
        house(msgspec.structs.replace(SETTINGS, concurrent_executions=limit)) as it,
        provisioning(it.placement, it.clock, least_s) as provisions,
    ):
        it.placement.follow(None, function or FUNCTION)
        provisions.follow(None, function or FUNCTION)
        yield Stock(it, provisions, function or FUNCTION)


async def test_the_environments_are_initialised_before_it_is_ready_and_invocations_use_them():
    async with stock() as it:
        it.become(provisioned(3))
        assert it.standing() == Standing(Status.IN_PROGRESS, 0, 0)
        assert await it.ready() == READY_THREE
        assert it.it.kinds == [KEPT] * 3
        assert (await it.it.invoke(version=published(1))).payload == b"1"
        assert it.it.kinds == [KEPT] * 3


async def test_what_is_in_use_is_allocated_and_not_available():
    async with stock() as it:
        it.become(provisioned(3))
        await it.ready()
        running = it.it.invoke(b'"hold"', published(1))
        await it.until(Standing(Status.READY, 3, 2))
        it.it.let_go.set()
        await running
        await it.until(READY_THREE)


async def test_invocations_spill_over_to_environments_on_demand():
    async with stock() as it:
        it.become(provisioned(2))
        await it.ready()
        running = [it.it.invoke(b'"hold"', published(1)) for _ in range(5)]
        while len(it.it.guests) < 5:
            await asyncio.sleep(0.001)
        assert it.it.kinds == [KEPT] * 2 + ["on-demand"] * 3
        it.it.let_go.set()
        await asyncio.gather(*running)


async def test_one_request_after_the_other_never_leaves_a_single_environment():
    async with stock() as it:
        it.become(provisioned(1, of=FUNCTION.with_part(ReservedConcurrency(executions=1))))
        await it.ready()
        for _ in range(10):
            it.it.ask_again.clear()
            await it.it.invoke(version=published(1))  # has answered, and not asked for more
            second = it.it.invoke(version=published(1))
            await asyncio.sleep(0)
            it.it.ask_again.set()
            assert (await second).payload == b"1"
            await it.it.settled()
            it.it.clock.advance(1)
        assert it.it.kinds == [KEPT]


async def test_more_than_ten_requests_a_second_for_each_environment_spill_over():
    async with stock(limit=100) as it:
        it.become(provisioned(1))
        await it.ready()
        for _ in range(11):
            await it.it.invoke(version=published(1))
            await it.it.settled()
        assert it.it.kinds == [KEPT, "on-demand"]


async def test_other_versions_have_no_part_in_it():
    async with stock() as it:
        it.become(provisioned(1))
        await it.ready()
        await it.it.invoke(version=published(2))
        await it.it.invoke()
        assert it.it.kinds == [KEPT, "on-demand", "on-demand"]


async def test_the_places_of_provisioned_environments_are_not_given_to_others():
    async with stock(limit=3) as it:
        it.become(provisioned(2))
        await it.ready()
        running = [it.it.invoke(b'"hold"')]
        await asyncio.sleep(0.01)
        with pytest.raises(ConcurrentInvocationLimitExceeded):
            await it.it.invoke()
        running += [it.it.invoke(b'"hold"', published(1)) for _ in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(ConcurrentInvocationLimitExceeded):
            await it.it.invoke(version=published(1))
        it.it.let_go.set()
        await asyncio.gather(*running)


async def test_a_reservation_that_is_all_provisioned_stops_latest():
    async with stock() as it:
        it.become(provisioned(2, of=FUNCTION.with_part(ReservedConcurrency(executions=2))))
        await it.ready()
        with pytest.raises(ReservedFunctionConcurrentInvocationLimitExceeded):
            await it.it.invoke()
        assert (await it.it.invoke(version=published(1))).payload == b"1"


async def test_idle_time_ends_none_of_them_and_age_replaces_them():
    async with stock() as it:
        it.become(provisioned(2))
        await it.ready()
        it.it.clock.advance(1000)  # the idle time is 60
        await asyncio.sleep(0.01)
        assert len(it.it.guests) == 2
        it.it.clock.advance(3000)  # the age is 3600
        while len(it.it.guests) < 4:
            await asyncio.sleep(0.001)
        await it.until(Standing(Status.READY, 2, 2))


async def test_one_that_dies_while_it_waits_is_replaced():
    async with stock() as it:
        it.become(provisioned(2))
        await it.ready()
        it.guest().exit(Exit(1, None))
        while len(it.it.guests) < 3:
            await asyncio.sleep(0.001)
        await it.until(Standing(Status.READY, 2, 2))
        assert it.it.kinds == [KEPT] * 3


async def test_one_that_dies_at_work_is_replaced_and_not_reset():
    async with stock() as it:
        it.become(provisioned(1))
        await it.ready()
        running = it.it.invoke(b'"hold"', published(1))
        while it.standing().available:
            await asyncio.sleep(0.001)
        it.guest(State.BUSY).exit(Exit(1, None))
        assert (await running).function_error == "Unhandled"
        while len(it.it.guests) < 2:
            await asyncio.sleep(0.001)
        await it.until(Standing(Status.READY, 1, 1))
        assert (await it.it.invoke(version=published(1))).payload == b"1"
        assert it.it.kinds == [KEPT] * 2


async def test_a_function_that_cannot_initialise_fails_the_configuration_and_nothing_is_kept():
    async with stock() as it:
        it.it.no_init = True
        it.become(provisioned(3))
        assert await it.ready() == Standing(Status.FAILED, 0, 0, "FUNCTION_ERROR_INIT_FAILURE")
        while it.it.placement.environments():
            await asyncio.sleep(0.001)
        it.it.no_init = False
        assert (await it.it.invoke(version=published(1))).payload == b"1"
        assert it.it.kinds[-1] == "on-demand"
        it.become(provisioned(3, at=1.0))  # the owner tries again
        assert await it.ready() == READY_THREE


async def test_a_machine_that_makes_no_sandbox_fails_the_configuration():
    async with stock() as it:
        it.it.no_sandbox = True
        it.become(provisioned(2))
        assert await it.ready() == Standing(Status.FAILED, 0, 0, "INTERNAL_ERROR")


async def test_a_replacement_is_tried_until_it_succeeds():
    async with stock() as it:
        it.become(provisioned(1))
        await it.ready()
        it.it.no_sandbox = True
        it.guest().exit(Exit(1, None))
        await it.until(Standing(Status.READY, 0, 0))
        for _ in range(5):
            await asyncio.sleep(0.005)
            it.it.clock.advance(60)
        it.it.no_sandbox = False
        while it.standing().allocated == 0:
            it.it.clock.advance(60)
            await asyncio.sleep(0.001)
        assert it.standing() == Standing(Status.READY, 1, 1)


async def test_the_number_may_grow_and_shrink_and_what_is_there_stays():
    async with stock() as it:
        it.become(provisioned(2))
        await it.ready()
        first = set(it.it.guests)
        it.become(provisioned(3, at=1.0))
        assert it.standing() == Standing(Status.IN_PROGRESS, 2, 2)
        assert await it.ready() == READY_THREE
        it.become(provisioned(1, at=2.0))
        assert it.standing() == Standing(Status.READY, 1, 1)
        while it.kept() > 1:
            await asyncio.sleep(0.001)
        assert sum(not guest.killed for guest in it.it.guests) == 1
        assert first <= set(it.it.guests)


async def test_one_that_works_when_it_is_not_wanted_any_more_finishes_its_work():
    async with stock() as it:
        it.become(provisioned(1))
        await it.ready()
        running = it.it.invoke(b'"hold"', published(1))
        while it.standing().available:
            await asyncio.sleep(0.001)
        it.become(FUNCTION)
        await asyncio.sleep(0.01)
        assert not it.it.guests[0].killed
        it.it.let_go.set()
        assert (await running).payload == b'"hold"'
        while it.kept():
            await asyncio.sleep(0.001)
        share = it.it.placement._admission.share(FUNCTION.arn)
        assert (share.provisioned, share.in_use, share.on_demand) == (0, 0, 0)


async def test_an_alias_has_them_in_its_version_and_takes_them_along():
    async with stock() as it:
        it.become(provisioned(2, "live", aliased()))
        await it.ready("live")
        await it.it.invoke(version=published(1))
        it.become(provisioned(2, "live", aliased(function_version="2")))
        assert await it.ready("live") == Standing(Status.READY, 2, 2)
        await it.it.invoke(version=published(2))
        while it.kept() > 2:
            await asyncio.sleep(0.001)
        assert it.it.kinds == [KEPT] * 4


async def test_an_alias_with_weights_has_them_in_both_versions():
    async with stock() as it:
        it.become(provisioned(4, "live", aliased(weights={"2": 0.25})))
        assert await it.ready("live") == Standing(Status.READY, 4, 4)
        by_version = [p.slot.version.version for p in it.it.placement._all]
        assert sorted(by_version) == ["1", "1", "1", "2"]


async def test_a_version_that_is_being_prepared_is_waited_for():
    async with stock() as it:
        settling = msgspec.structs.replace(published(1), phase=Phase.CREATING, revision_id="before")
        pending = msgspec.structs.replace(FUNCTION, published={1: settling})
        it.become(provisioned(2, of=pending))
        await asyncio.sleep(0.01)
        assert (it.standing(), it.it.guests) == (Standing(), [])
        it.become(provisioned(2))
        assert await it.ready() == Standing(Status.READY, 2, 2)


async def test_a_version_that_cannot_run_fails_the_configuration():
    async with stock() as it:
        broken = msgspec.structs.replace(published(1), phase=Phase.FAILED)
        it.become(provisioned(2, of=msgspec.structs.replace(FUNCTION, published={1: broken})))
        assert it.standing() == Standing(Status.FAILED, 0, 0, "FUNCTION_ERROR_INIT_FAILURE")


async def test_a_deleted_function_keeps_nothing():
    async with stock() as it:
        it.become(provisioned(3))
        await it.ready()
        it.become(None)
        while it.it.placement.environments():
            await asyncio.sleep(0.001)
        assert it.standing() == Standing()


async def test_after_a_start_everything_is_made_again_from_the_rows():
    async with stock(function=provisioned(3)) as it:
        assert await it.ready() == READY_THREE


class Owner:
    """Changes an alias, its configuration and the world, at random."""

    def __init__(self, it: Stock) -> None:
        self.it = it
        self.wanted = 2
        self.version = "1"
        self.running: list[asyncio.Task[Outcome]] = []
        self.changes = 0

    def configure(self) -> None:
        self.changes += 1
        self.it.become(provisioned(self.wanted, "live", aliased(function_version=self.version), at=self.changes))

    def step(self, step: str, number: int) -> None:
        match step:
            case "number":
                self.wanted = number + 1
                self.configure()
            case "none":
                self.it.become(aliased(function_version=self.version))
            case "move":
                self.version = "12"[number % 2]
                self.configure()
            case "die":
                sandboxes = [placed.environment.sandbox for placed in self.it.it.placement._all]
                for guest in sandboxes[:number]:
                    if isinstance(guest, Guest):
                        guest.exit(Exit(1, None))
            case "invoke":
                self.running.append(self.it.it.invoke(b'"hold"', published(int(self.version))))
            case _:
                self.it.it.clock.advance(2000)

    async def in_the_end(self) -> None:
        """Everything has answered, and everything that is wanted is there."""
        self.it.it.let_go.set()
        await asyncio.gather(*self.running)
        self.configure()
        while self.it.standing("live").status is not Status.READY or self.it.kept() != self.wanted:
            assert self.it.standing("live").allocated <= self.wanted
            if self.it.standing("live").status is Status.FAILED:  # one died in its INIT; the owner tries again
                self.configure()
            self.it.it.clock.advance(1)
            await asyncio.sleep(0.001)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["number", "none", "die", "invoke", "move", "age"]), st.integers(0, 4)), max_size=25
    )
)
def test_whatever_happens_there_are_as_many_as_are_wanted_in_the_end(steps: list[tuple[str, int]]):
    async def run() -> None:
        async with stock(limit=50) as it:
            owner = Owner(it)
            owner.configure()
            for step, number in steps:
                owner.step(step, number)
                for _ in range(number):
                    await asyncio.sleep(0.001)
            await owner.in_the_end()
            share = it.it.placement._admission.share(FUNCTION.arn)
            assert (share.provisioned, share.in_use, share.on_demand) == (owner.wanted, 0, 0)

    asyncio.run(run())

"""What is shown of provisioned concurrency while it changes: as AWS shows it, which takes its time. Recorded in 2023."""

import asyncio

from lambent.lambda_.concurrency.provisioned import Standing, Status
from tests.lambda_.test_provisioning import aliased, provisioned, published, stock

LEAST_S = 0.5
NOTHING_YET = Standing(Status.IN_PROGRESS, 0, 0)


async def test_a_first_configuration_has_nothing_for_its_least_time_though_invocations_use_what_there_is():
    async with stock(least_s=LEAST_S) as it:
        it.become(provisioned(1))
        while not it.kept():
            await asyncio.sleep(0.001)
        await it.it.settled()
        assert it.standing() == NOTHING_YET
        await it.it.invoke(version=published(1))
        assert it.it.kinds == ["provisioned-concurrency"]
        it.it.clock.advance(LEAST_S)
        await it.until(Standing(Status.READY, 1, 1))


async def test_while_an_alias_moves_the_old_ones_count_until_the_new_are_there():
    async with stock(least_s=LEAST_S) as it:
        it.become(provisioned(2, "live", aliased()))
        it.it.clock.advance(LEAST_S)
        await it.ready("live")
        it.it.init_held.clear()
        it.become(provisioned(2, "live", aliased(function_version="2")))
        moving = Standing(Status.IN_PROGRESS, 2, 2)
        assert it.standing("live") == moving
        it.it.clock.advance(LEAST_S)
        assert it.standing("live") == moving  # the new ones are still in their INIT
        it.it.init_held.set()
        assert await it.ready("live") == Standing(Status.READY, 2, 2)


async def test_never_more_count_than_are_asked_for():
    async with stock(least_s=LEAST_S) as it:
        it.become(provisioned(3, "live", aliased()))
        it.it.clock.advance(LEAST_S)
        await it.ready("live")
        it.become(provisioned(1, "live", aliased(function_version="2")))
        assert it.standing("live") == Standing(Status.IN_PROGRESS, 1, 1)


async def test_a_failure_is_shown_at_once():
    async with stock(least_s=LEAST_S) as it:
        it.it.no_init = True
        it.become(provisioned(1))
        while it.standing() == NOTHING_YET:
            await asyncio.sleep(0.001)
        assert it.standing() == Standing(Status.FAILED, 0, 0, "FUNCTION_ERROR_INIT_FAILURE")

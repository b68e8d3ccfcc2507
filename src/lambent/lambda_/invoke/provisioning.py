"""Provisioned concurrency at work: as many initialised environments as each configuration asks for, always.

    IN_PROGRESS ── ALLOCATED ──▶ READY ── CHANGED ──▶ IN_PROGRESS
         └───────── FAILED ────▶ FAILED ── CHANGED ──▶ IN_PROGRESS

A configuration has a seat for each environment, and a seat is a task: it starts an environment, waits until that has
ended (its runtime died, it became too old), and starts the next one. When every seat was taken once the configuration is
READY; what is lost later is replaced without a word, and counts as not allocated meanwhile. If an environment cannot be
made while the configuration is IN_PROGRESS it is FAILED, and nothing is kept for it until it is configured again.

What is shown while it is IN_PROGRESS follows AWS: environments that there were before the change count until the new ones are
there, as when an alias has moved, though here they have ended, since nothing is invoked on them any more; and a change can be
seen for a least time (`least_s`), in which the new ones are used already and not shown.

Configurations are rows, and this follows them: numbers, aliases that move or are weighted, versions and functions that go.
After a start everything is made again from the rows. Sources: reference/lambda.md 5; Lambda developer guide, "Configuring
provisioned concurrency for a function".
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import structlog

from lambent.core.clock import Clock
from lambent.lambda_.concurrency.claims import ProvisionedConcurrency
from lambent.lambda_.concurrency.provisioned import Provisions, Standing, Status, shares
from lambent.lambda_.environment.life_cycle import State
from lambent.lambda_.functions import Function, FunctionVersion
from lambent.lambda_.invoke.placement import InitFailed, Placement
from lambent.lambda_.invoke.slots import Placed
from lambent.lambda_.names import FunctionArn
from lambent.lambda_.states import SETTLING, Phase

log: Final = structlog.get_logger()

STARTS_AT_ONCE: Final = 8  # environments of a configuration that are being initialised; ours
RETRY_FIRST_S: Final = 1.0  # wait before a lost environment is replaced again, once that has failed; ours, doubled
RETRY_MAX_S: Final = 60.0
INIT_FAILURE: Final = "FUNCTION_ERROR_INIT_FAILURE"  # StatusReason as users report it (aws/aws-cdk#6016)
INTERNAL_ERROR: Final = "INTERNAL_ERROR"  # ours: the machine could not make an environment


class Event(enum.Enum):
    CHANGED = "changed"  # it asks for something else
    ALLOCATED = "allocated"  # every seat is taken
    FAILED = "failed"  # a seat cannot be taken


NEXT: Final = {
    (Status.IN_PROGRESS, Event.CHANGED): Status.IN_PROGRESS,
    (Status.IN_PROGRESS, Event.ALLOCATED): Status.READY,
    (Status.IN_PROGRESS, Event.FAILED): Status.FAILED,
    (Status.READY, Event.CHANGED): Status.IN_PROGRESS,
    (Status.FAILED, Event.CHANGED): Status.IN_PROGRESS,
}


class Wanted(msgspec.Struct, frozen=True):
    """What a configuration asks for at one moment."""

    config: ProvisionedConcurrency
    seats: tuple[tuple[FunctionVersion, int], ...]  # by version


class Seat:
    """A place for one environment of one version."""

    __slots__ = ("placed", "task", "version")

    def __init__(self, version: FunctionVersion) -> None:
        self.version: Final = version
        self.placed: Placed | None = None
        self.task: asyncio.Task[None] | None = None

    @property
    def free(self) -> bool:
        """Whether closing it disturbs nobody."""
        return self.placed is None or self.placed.environment.state is State.IDLE


class Allocation:
    """One configuration, and what it has come to."""

    def __init__(self, wanted: Wanted, held_until: float) -> None:
        self.wanted = wanted
        self.held_until = held_until  # on the monotonic clock: what is shown until then is how it began
        self.begun = Standing()  # what it had when it was last changed
        self.status = Status.IN_PROGRESS
        self.reason: str | None = None
        self.seats: list[Seat] = []
        self.turns: Final = asyncio.Semaphore(STARTS_AT_ONCE)

    def happened(self, event: Event, reason: str | None = None) -> None:
        self.status, self.reason = NEXT[self.status, event], reason

    def change(self, wanted: Wanted, now: float, held_until: float) -> None:
        """Ask for something else."""
        most, before = wanted.config.executions, self.standing(now)
        self.begun = Standing(Status.IN_PROGRESS, min(most, before.allocated), min(most, before.available))
        self.wanted, self.held_until = wanted, held_until
        self.happened(Event.CHANGED)

    def standing(self, now: float) -> Standing:
        """What it is shown as, at this moment of the monotonic clock."""
        if now < self.held_until and self.status is not Status.FAILED:
            return self.begun
        taken = [seat.placed for seat in self.seats if seat.placed is not None]
        idle = sum(placed.environment.state is State.IDLE for placed in taken)
        if self.status is not Status.IN_PROGRESS:
            return Standing(self.status, len(taken), idle, self.reason)
        return Standing(self.status, max(len(taken), self.begun.allocated), max(idle, self.begun.available))


class Provisioning(Provisions):
    """Made by `provisioning(...)`."""

    def __init__(self, placement: Placement, clock: Clock, tasks: asyncio.TaskGroup, least_s: float) -> None:
        self._placement: Final = placement
        self._clock: Final = clock
        self._tasks: Final = tasks
        self._least_s: Final = least_s
        self._allocations: Final[dict[FunctionArn, Allocation]] = {}  # by the ARN of the version or the alias
        self._closed = False

    def standing(self, arn: FunctionArn) -> Standing:
        found = self._allocations.get(arn)
        return Standing() if found is None else found.standing(self._clock.monotonic())

    def follow(self, before: Function | None, after: Function | None) -> None:
        """A function's rows have changed: begin to make what its configurations ask for now, and end the rest."""
        if self._closed:
            return
        now = wanted_by(after) if after is not None else {}
        for qualifier in before.parts(ProvisionedConcurrency) if before is not None else ():
            if before is not None and qualifier not in now:
                self._drop(before.arn.qualified(qualifier))
        for qualifier, wanted in now.items():
            assert after is not None
            self._want(after.arn.qualified(qualifier), wanted)

    def close(self) -> None:
        """Begin nothing any more; the environments end with placement."""
        self._closed = True
        for arn in list(self._allocations):
            self._drop(arn)

    def _drop(self, arn: FunctionArn) -> None:
        allocation = self._allocations.pop(arn, None)
        if allocation is not None:
            self._shut(allocation, allocation.seats)

    def _want(self, arn: FunctionArn, wanted: Wanted) -> None:
        allocation, now = self._allocations.get(arn), self._clock.monotonic()
        if allocation is None:
            allocation = self._allocations[arn] = Allocation(wanted, now + self._least_s)
        elif allocation.wanted == wanted:
            return
        else:
            allocation.change(wanted, now, now + self._least_s)
        self._seat(allocation)

    def _seat(self, allocation: Allocation) -> None:
        """Have exactly the seats that are wanted, keeping what is taken already."""
        kept: list[Seat] = []
        missing: list[Seat] = []
        for version, count in allocation.wanted.seats:
            mine = [s for s in allocation.seats if s.version.revision_id == version.revision_id]
            mine.sort(key=lambda seat: (seat.placed is None, seat.free))  # the busy first, the empty last
            kept += mine[:count]
            missing += [Seat(version) for _ in range(count - len(mine))]
        self._shut(allocation, [seat for seat in allocation.seats if seat not in kept])
        allocation.seats = kept + missing
        for seat in missing:
            seat.task = self._tasks.create_task(self._occupy(allocation, seat))
        self._count(allocation)

    def _shut(self, allocation: Allocation, seats: Iterable[Seat]) -> None:
        """Close seats: nothing is started there any more, and what is there ends when it is idle."""
        for seat in list(seats):
            if seat in allocation.seats:
                allocation.seats.remove(seat)
            if seat.task is not None:
                seat.task.cancel()
            if seat.placed is not None:
                self._placement.dismiss(seat.placed)

    def _count(self, allocation: Allocation) -> None:
        """See whether what was in progress has come to its end."""
        if allocation.status is not Status.IN_PROGRESS:
            return
        phases = {version.phase for version, _ in allocation.wanted.seats}
        if Phase.FAILED in phases:
            self._fail(allocation, INIT_FAILURE)
        elif phases.isdisjoint(SETTLING) and all(seat.placed is not None for seat in allocation.seats):
            allocation.happened(Event.ALLOCATED)

    def _fail(self, allocation: Allocation, reason: str) -> None:
        allocation.happened(Event.FAILED, reason)
        self._shut(allocation, allocation.seats)

    # --- a seat ------------------------------------------------------------------------------------------------------

    async def _occupy(self, allocation: Allocation, seat: Seat) -> None:
        """Keep an environment in the seat for as long as it is there."""
        wait_s = RETRY_FIRST_S
        while True:
            try:
                async with allocation.turns:
                    placed = seat.placed = await self._placement.provision(seat.version)
            except Exception as error:  # noqa: BLE001 - whatever it is, the owner reads that it failed, and we that it did
                self._not_made(seat, error)
                if allocation.status is Status.IN_PROGRESS:
                    seat.task = None  # this task ends by itself
                    self._fail(allocation, INIT_FAILURE if isinstance(error, InitFailed) else INTERNAL_ERROR)
                    return
                await self._clock.sleep(wait_s)
                wait_s = min(2 * wait_s, RETRY_MAX_S)
                continue
            wait_s = RETRY_FIRST_S
            self._count(allocation)
            await placed.end.wait()
            seat.placed = None

    def _not_made(self, seat: Seat, error: Exception) -> None:
        if isinstance(error, InitFailed):
            log.warning("provisioned.init_failed", function=seat.version.key)
        else:
            log.error("provisioned.not_started", function=seat.version.key, exc_info=error)


def wanted_by(function: Function) -> dict[str, Wanted]:
    """What each configuration of the function asks for; nothing of a version that is not ready to run."""
    found: dict[str, Wanted] = {}
    for qualifier, config in function.parts(ProvisionedConcurrency).items():
        split = shares(function, qualifier, config.executions)
        seats = ((function.version(number), count) for number, count in split.items())
        found[qualifier] = Wanted(
            config, tuple((version, count if version.invocable else 0) for version, count in seats)
        )
    return found


@asynccontextmanager
async def provisioning(placement: Placement, clock: Clock, least_s: float = 0.0) -> AsyncGenerator[Provisioning]:
    """While the block lasts, environments are kept of the functions that it is told to follow."""
    async with asyncio.TaskGroup() as tasks:
        made = Provisioning(placement, clock, tasks, least_s)
        try:
            yield made
        finally:
            made.close()

"""Which environment runs an invocation: one kept for it, an idle one of the same function version, or a new one.

One invocation has one environment, and `admission` says whether there may be one more. An idle environment is frozen
after a grace of some milliseconds, so that a busy function pays nothing for it, and ended when nobody has used it for
the idle time. When the version's code or configuration changes, idle environments of the old one end at once and running ones
when they have answered.

An environment that has answered but not yet asked for its next event is about to be idle: an invocation that comes in
that moment waits for it a little (`handover_s`) before it starts another one.

              take, acquire               release
      idle ────────────────▶ running ───────────────▶ idle | finishing ──▶ idle
       │ freeze after grace                │ stale code, too old
       ▼ end after idle time               ▼
      ended                              ended

Where a function's tenants are isolated, an environment runs the invocations of one tenant alone.

Provisioned environments are taken first. They are started by `provisioning`, with their INIT before anybody asks, are
not ended for being idle, and are ended, to be replaced, when their runtime has died.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import chain
from typing import Final

import structlog

from lambent.core.clock import Clock
from lambent.lambda_.environment.environment import Environment, environment
from lambent.lambda_.environment.facts import ON_DEMAND, PROVISIONED
from lambent.lambda_.environment.life_cycle import State
from lambent.lambda_.functions import Function, FunctionVersion
from lambent.lambda_.invoke.admission import Admission
from lambent.lambda_.invoke.ageing import Ageing
from lambent.lambda_.invoke.freezing import Freezing
from lambent.lambda_.invoke.room import Room
from lambent.lambda_.invoke.settings import Settings
from lambent.lambda_.invoke.slots import Kept, Placed, Slot
from lambent.lambda_.invoke.turns import Awaited, NotWanted
from lambent.lambda_.invoke.weights import Weights
from lambent.lambda_.names import FunctionArn
from lambent.sandbox.memory import Memory

log: Final = structlog.get_logger()

SWEEP_S: Final = 1.0  # how late the end of an idle time may be noticed

Changed = Callable[[], None]  # it became idle, or broke, while no invocation had it
# The last two: its initialization type, and what is done when nobody waits for it any more.
Launch = Callable[[FunctionVersion, asyncio.TaskGroup, Changed, str, Awaited], Environment]


class InitFailed(Exception):
    """A provisioned environment is of no use: its runtime did not come as far as asking for an event."""


class Placement:
    """Made by `placement(...)`. Each environment that `take` or `acquire` gives is given back to `release`, once.

    None of them touches a file or a database.
    """

    def __init__(
        self, launch: Launch, settings: Settings, memory: Memory, clock: Clock, tasks: asyncio.TaskGroup
    ) -> None:
        self._launch: Final = launch
        self._settings: Final = settings
        self._clock: Final = clock
        self._tasks: Final = tasks
        self._admission: Final = Admission(settings.concurrent_executions, clock)
        self._slots: Final[dict[FunctionArn, Slot]] = {}  # by the qualified ARN of the version
        self._all: Final[set[Placed]] = set()
        self._freezing: Final = Freezing(settings.freeze_after_s, clock)
        self.weights: Final = Weights()
        self.room: Final = Room(settings.environments, memory, self._every_slot, self._give_up, clock)
        self.ageing: Final = Ageing(settings.idle_timeout_s, settings.max_age_s, self._every_slot, self._give_up)

    # --- the path of an invocation -----------------------------------------------------------------------------------

    def take(self, version: FunctionVersion, tenant: str | None = None) -> Placed | None:
        """An environment that is idle (the tenant's, if there is one), for this invocation alone; None: there is none.

        Raises what `Share.enter` raises.
        """
        slot = self._slot(version)
        provisioned = slot.provisioned
        if provisioned is not None and provisioned.idle:
            placed = self._take_provisioned(provisioned)
            if placed is not None:
                return placed
        if tenant is not None and (slot := slot.tenants.get(tenant)) is None:
            return None
        if not slot.idle:
            return None
        slot.share.enter(self._clock.monotonic())
        return self._popped(slot)

    async def acquire(self, version: FunctionVersion, tenant: str | None = None) -> Placed:
        """An environment for this invocation alone: one that finishes in time, or else a new one.

        Raises what `Share.enter`, `Share.start` and `Room.enter` raise, and SandboxError.
        """
        slot = self._slot(version)
        if slot.provisioned is not None and (placed := await self._provisioned_in_time(slot.provisioned)) is not None:
            return placed
        slot.share.enter(self._clock.monotonic())
        mine = slot if tenant is None else slot.of_tenant(tenant)
        try:
            return await self._found(mine)
        except BaseException:
            slot.share.leave()
            mine.tidy()
            raise

    async def _found(self, slot: Slot) -> Placed:
        if len(slot.finishing) > len(slot.waiters) and (placed := await self._handed_over(slot)) is not None:
            return placed
        if slot.idle:
            return self._popped(slot)
        slot.share.start(self._clock.monotonic())
        return await self._started(slot)

    def release(self, placed: Placed) -> None:
        """The invocation has its outcome; the environment takes another one when its runtime asks for it."""
        slot = placed.slot
        if slot.kept is None:
            slot.share.leave()
        else:
            slot.share.unuse()
        if placed.environment.state is State.FINISHING:
            slot.finishing.add(placed)
        else:
            self._idle(placed)

    def _popped(self, slot: Slot) -> Placed:
        placed = slot.idle.pop()
        self._freezing.stop(placed)
        return placed

    def _take_provisioned(self, slot: Slot) -> Placed | None:
        """One of the idle ones that has a runtime, if the pool and the rate have room for it."""
        while slot.idle:
            if not self._may_use(slot):
                return None
            placed = self._popped(slot)
            if placed.environment.state is State.IDLE:
                return placed
            slot.share.unuse()
            self._end(placed)
        return None

    def _may_use(self, slot: Slot) -> bool:
        if not slot.share.use():
            return False
        assert slot.kept is not None
        if slot.kept.takes_another(self._clock.monotonic()):
            return True
        slot.share.unuse()
        return False

    async def _provisioned_in_time(self, slot: Slot) -> Placed | None:
        if len(slot.finishing) <= len(slot.waiters) or not self._may_use(slot):
            return None
        placed = None
        try:
            placed = await self._handed_over(slot)
        finally:
            if placed is None:
                slot.share.unuse()
        return placed

    async def _handed_over(self, slot: Slot) -> Placed | None:
        """The next environment of the slot that finishes, if one does so in time."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Placed] = loop.create_future()
        slot.waiters.append(waiter)
        timer = loop.call_later(self._settings.handover_s, waiter.cancel)
        try:
            return await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():  # it was us who were cancelled, with an environment in hand
                self._idle(waiter.result())
                raise
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return None
        finally:
            timer.cancel()
            if waiter in slot.waiters:
                slot.waiters.remove(waiter)

    async def _started(self, slot: Slot) -> Placed:
        """A new environment, if there is room for it; or one of the others, if that is free before."""
        promised_bytes = await self.room.enter(slot)
        slot.live += 1
        slot.share.of_tenants += slot.parent is not None
        ready: asyncio.Future[Placed] = asyncio.get_running_loop().create_future()
        if slot.kept is None:
            slot.waiters.append(ready)
        self._tasks.create_task(self._live(Placed(slot, self._clock.monotonic(), promised_bytes), ready))
        try:
            return await ready
        except asyncio.CancelledError:
            if ready.done() and not ready.cancelled() and ready.exception() is None:
                self._unwanted(ready.result())  # it came in the moment in which we were cancelled
            raise
        finally:
            if ready in slot.waiters:
                slot.waiters.remove(ready)

    # --- provisioned environments ------------------------------------------------------------------------------------

    async def provision(self, version: FunctionVersion) -> Placed:
        """A provisioned environment of the version, past INIT and waiting for invocations until it is dismissed or dies.

        It waits while the function may not start more. Raises InitFailed, SandboxError, ConcurrentInvocationLimitExceeded.
        """
        slot = self._slot(version)
        if slot.provisioned is None:
            slot.provisioned = Slot(version, slot.share, kept=Kept(self._clock.monotonic()))
        while (wait_s := slot.share.starts.take(self._clock.monotonic())) > 0:
            await self._clock.sleep(wait_s)
        return await self._started(slot.provisioned)

    def dismiss(self, placed: Placed) -> None:
        """It is not wanted any more: it ends now, or when it has answered."""
        placed.dismissed = True
        if placed in placed.slot.idle:
            self._give_up(placed)

    def _unwanted(self, placed: Placed) -> None:
        """It was started for somebody who has gone."""
        if placed.slot.kept is None:
            self._idle(placed)
        else:
            self.dismiss(placed)

    # --- the life of an environment ----------------------------------------------------------------------------------

    async def _live(self, placed: Placed, ready: asyncio.Future[Placed]) -> None:
        """One environment from its init phase to its end."""
        slot = placed.slot
        kind = ON_DEMAND if slot.kept is None else PROVISIONED
        try:
            placed.environment = self._launch(slot.version, self._tasks, lambda: self._changed(placed), kind, ready)
            placed.launched = True
            self._all.add(placed)
            self.weights.enter(placed)
            async with environment(placed.environment):
                self.room.started(placed)
                if slot.kept is not None:
                    self._keep(slot.kept, placed)
                if not ready.done():
                    ready.set_result(placed)
                else:
                    self._unwanted(placed)
                await placed.end.wait()
        except NotWanted:
            pass  # nothing of it was there yet
        except Exception as error:
            if ready.done():
                log.exception("environment.end_failed", function=slot.version.key)
            else:
                ready.set_exception(error)  # no sandbox could be made: the invocation's failure, not ours
        finally:
            self._end(placed)
            self._forget(placed)

    def _keep(self, kept: Kept, placed: Placed) -> None:
        """Its INIT is over: it may be used. Raises InitFailed."""
        if placed.environment.state is not State.IDLE:
            raise InitFailed
        kept.environments.add(placed)
        placed.slot.share.keep(1)
        kept.changed(self._clock.monotonic())
        self._idle(placed)

    def _changed(self, placed: Placed) -> None:
        slot = placed.slot
        if placed in slot.finishing:
            slot.finishing.discard(placed)
            self._idle(placed)
        elif placed in slot.idle:  # its runtime has died while it waited
            if slot.kept is not None:
                self._give_up(placed)
            else:
                slot.use_last(placed)

    def _idle(self, placed: Placed) -> None:
        now = self._clock.monotonic()
        slot = placed.slot
        if not placed.worked:
            self.room.worked(placed)
        healthy = placed.environment.state is State.IDLE
        unusable = slot.kept is not None and not healthy
        if placed.dismissed or unusable or slot.retired or self.ageing.too_old(placed, now):
            self._end(placed)
            return
        if healthy and slot.hand_over(placed):
            return
        placed.idle_since = now
        slot.idle.insert(len(slot.idle) if healthy else 0, placed)  # what has to be reset first is used last
        self._freezing.begin(placed)

    def _give_up(self, placed: Placed) -> None:
        """End one that is idle."""
        placed.slot.idle.remove(placed)
        self._end(placed)

    def _end(self, placed: Placed) -> None:
        placed.end.set()
        kept = placed.slot.kept
        if kept is not None and placed in kept.environments:
            kept.environments.discard(placed)
            placed.slot.share.keep(-1)
            kept.changed(self._clock.monotonic())

    def _forget(self, placed: Placed) -> None:
        slot = placed.slot
        slot.live -= 1
        slot.share.of_tenants -= slot.parent is not None
        slot.tidy()
        self._all.discard(placed)
        slot.finishing.discard(placed)
        if placed in slot.idle:
            slot.idle.remove(placed)
        self._freezing.stop(placed)
        self.room.leave(placed)
        self.weights.leave(placed)
        placed.gone.set()

    # --- time and change ---------------------------------------------------------------------------------------------

    def _slot(self, version: FunctionVersion) -> Slot:
        slot = self._slots.get(version.arn)
        if slot is None or slot.configuration_id != version.configuration_id:
            if slot is not None:
                self._retire(slot)
            slot = self._slots[version.arn] = Slot(version, self._admission.share(version.arn))
        return slot

    def follow(self, before: Function | None, after: Function | None) -> None:
        """A function's rows have changed: its limits hold at once, and environments of what was changed or deleted end."""
        current = {v.arn: v.configuration_id for v in after.invoked()} if after is not None else {}
        for old in before.invoked() if before is not None else ():
            if current.get(old.arn) != old.configuration_id:
                self.forget(old.arn)
        self._admission.follow(before, after)

    def forget(self, version: FunctionArn) -> None:
        """The version was changed or deleted: its idle environments end, the others when they can."""
        slot = self._slots.pop(version, None)
        if slot is not None:
            self._retire(slot)

    def _retire(self, slot: Slot) -> None:
        for each in slot.family():
            each.retired = True
            for placed in list(each.idle):
                self._give_up(placed)

    def _every_slot(self) -> Iterator[Slot]:
        return chain.from_iterable(known.family() for known in self._slots.values())

    def environments(self) -> int:
        """How many environments there are."""
        return len(self._all)

    def end_all(self) -> None:
        for placed in list(self._all):
            self._end(placed)


@asynccontextmanager
async def placement(launch: Launch, settings: Settings, memory: Memory, clock: Clock) -> AsyncGenerator[Placement]:
    """Placement for as long as the block lasts; leaving it ends every environment."""
    async with asyncio.TaskGroup() as tasks:
        placed = Placement(launch, settings, memory, clock, tasks)
        sweeper = tasks.create_task(_sweep(placed, clock))
        try:
            yield placed
        finally:
            sweeper.cancel()
            placed.end_all()


async def _sweep(placed: Placement, clock: Clock) -> None:
    """End, each second, what is idle for too long, or too old, or wanted for others; weigh what remains."""
    while True:
        await clock.sleep(SWEEP_S)
        placed.ageing.sweep(clock.monotonic())
        placed.room.relieve()
        placed.weights.settle()

"""Which environment runs an invocation: an idle one of the same function version, or a new one.

A function version has a `Slot` for its environments. One invocation has one environment; at most as many run at once as
the account may have (1,000), and what is above that is throttled, not queued, as in AWS. An idle environment is frozen
after a grace of some milliseconds, so that a busy function pays nothing for it, and ended when nobody has used it for
the idle time. When the version's revision changes, idle environments of the old one end at once and running ones when
they have answered.

An environment that has answered but not yet asked for its next event is about to be idle: an invocation that comes in
that moment waits for it a little (`handover_s`) before it starts another one.

              take, acquire               release
      idle ────────────────▶ running ───────────────▶ idle | finishing ──▶ idle
       │ freeze after grace                │ stale revision, too old
       ▼ end after idle time               ▼
      ended                              ended

Slots live in memory only: after a crash there are no environments, and that is right.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import structlog

from lambent.core.clock import Clock
from lambent.lambda_.environment.environment import Environment, environment
from lambent.lambda_.environment.life_cycle import State
from lambent.lambda_.functions import FunctionVersion
from lambent.lambda_.invoke.errors import ConcurrentInvocationLimitExceeded
from lambent.lambda_.names import FunctionArn

log: Final = structlog.get_logger()

SWEEP_S: Final = 1.0  # how late the end of an idle time may be noticed

Changed = Callable[[], None]  # it became idle, or broke, while no invocation had it
Launch = Callable[[FunctionVersion, asyncio.TaskGroup, Changed], Environment]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The waiting times and bounds of placement; AWS publishes none of the first four."""

    freeze_after_s: float
    idle_timeout_s: float
    handover_s: float
    max_age_s: float  # an environment's; its credentials are good for a little longer
    concurrent_executions: int


class Placed:
    """An environment and where it belongs."""

    __slots__ = ("born", "end", "environment", "idle_since", "slot")

    environment: Environment

    def __init__(self, slot: Slot, born: float) -> None:
        self.slot: Final = slot
        self.born: Final = born
        self.idle_since = born
        self.end: Final = asyncio.Event()


class Home:
    """An account in a region, and how many invocations run in it."""

    __slots__ = ("running",)

    def __init__(self) -> None:
        self.running = 0


class Slot:
    """The environments of one revision of one function version."""

    __slots__ = ("finishing", "home", "idle", "revision_id", "version", "waiters")

    def __init__(self, version: FunctionVersion, home: Home) -> None:
        self.version: Final = version
        self.home: Final = home
        self.revision_id: Final = version.revision_id
        self.idle: Final[list[Placed]] = []  # the last used one at the end, so that the others grow old
        self.finishing: Final[set[Placed]] = set()
        self.waiters: Final[deque[asyncio.Future[Placed]]] = deque()


class Placement:
    """Made by `placement(...)`. Each environment that `take` or `acquire` gives is given back to `release`, once.

    None of them touches a file or a database.
    """

    def __init__(self, launch: Launch, settings: Settings, clock: Clock, tasks: asyncio.TaskGroup) -> None:
        self._launch: Final = launch
        self._settings: Final = settings
        self._clock: Final = clock
        self._tasks: Final = tasks
        self._slots: Final[dict[FunctionArn, Slot]] = {}  # by the qualified ARN of the version
        self._all: Final[set[Placed]] = set()
        self._thawed: Final[set[Placed]] = set()  # idle, and not frozen yet
        self._freezer: asyncio.TimerHandle | None = None
        self._homes: Final[dict[tuple[str, str], Home]] = {}  # by account and region

    # --- the path of an invocation -----------------------------------------------------------------------------------

    def take(self, version: FunctionVersion) -> Placed | None:
        """An idle environment, for this invocation alone; None when there is none.

        Raises ConcurrentInvocationLimitExceeded.
        """
        slot = self._slot(version)
        self._admit(slot)
        placed = self._pop(slot)
        if placed is not None:
            slot.home.running += 1
        return placed

    async def acquire(self, version: FunctionVersion) -> Placed:
        """An environment for this invocation alone: one that finishes in time, or else a new one.

        Raises ConcurrentInvocationLimitExceeded, SandboxError.
        """
        slot = self._slot(version)
        self._admit(slot)
        slot.home.running += 1
        try:
            placed = await self._handed_over(slot) if len(slot.finishing) > len(slot.waiters) else None
            return placed or self._pop(slot) or await self._started(slot)
        except BaseException:
            slot.home.running -= 1
            raise

    def release(self, placed: Placed) -> None:
        """The invocation has its outcome; the environment takes another one when its runtime asks for it."""
        slot = placed.slot
        slot.home.running -= 1
        if placed.environment.state is State.FINISHING:
            slot.finishing.add(placed)
        else:
            self._idle(placed)

    def _pop(self, slot: Slot) -> Placed | None:
        while slot.idle:
            placed = slot.idle.pop()
            self._thawed.discard(placed)
            if not placed.end.is_set():
                return placed
        return None

    def _admit(self, slot: Slot) -> None:
        if slot.home.running >= self._settings.concurrent_executions:
            raise ConcurrentInvocationLimitExceeded

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
        ready: asyncio.Future[Placed] = asyncio.get_running_loop().create_future()
        self._tasks.create_task(self._live(slot, ready))
        return await ready

    # --- the life of an environment ----------------------------------------------------------------------------------

    async def _live(self, slot: Slot, ready: asyncio.Future[Placed]) -> None:
        """One environment from its init phase to its end."""
        placed = Placed(slot, self._clock.monotonic())
        placed.environment = self._launch(slot.version, self._tasks, lambda: self._finished(placed))
        self._all.add(placed)
        try:
            async with environment(placed.environment):
                if ready.cancelled():  # its invocation was cancelled meanwhile
                    self._idle(placed)
                else:
                    ready.set_result(placed)
                await placed.end.wait()
        except Exception as error:
            if ready.done():
                log.exception("environment.end_failed", function=slot.version.key)
            else:
                ready.set_exception(error)  # no sandbox could be made: the invocation's failure, not ours
        finally:
            placed.end.set()
            self._forget(placed)

    def _finished(self, placed: Placed) -> None:
        if placed in placed.slot.finishing:
            placed.slot.finishing.discard(placed)
            self._idle(placed)

    def _idle(self, placed: Placed) -> None:
        now = self._clock.monotonic()
        slot = placed.slot
        stale = self._slots.get(slot.version.arn) is not slot
        if stale or now - placed.born > self._settings.max_age_s:
            placed.end.set()
            return
        while slot.waiters:
            waiter = slot.waiters.popleft()
            if not waiter.done():
                waiter.set_result(placed)
                return
        placed.idle_since = now
        slot.idle.append(placed)
        self._thawed.add(placed)
        if self._freezer is None:
            self._freezer = asyncio.get_running_loop().call_later(self._settings.freeze_after_s, self._freeze)

    def _forget(self, placed: Placed) -> None:
        slot = placed.slot
        self._all.discard(placed)
        slot.finishing.discard(placed)
        if placed in slot.idle:
            slot.idle.remove(placed)
        self._thawed.discard(placed)

    # --- time and change ---------------------------------------------------------------------------------------------

    def _freeze(self) -> None:
        """Freeze what has been idle for the grace, and come again while something is left."""
        self._freezer = None
        grace = self._settings.freeze_after_s
        before = self._clock.monotonic() - grace
        for placed in [p for p in self._thawed if p.idle_since <= before]:
            self._thawed.discard(placed)
            placed.environment.freeze()
        if self._thawed:
            self._freezer = asyncio.get_running_loop().call_later(grace, self._freeze)

    def _slot(self, version: FunctionVersion) -> Slot:
        slot = self._slots.get(version.arn)
        if slot is None or slot.revision_id != version.revision_id:
            if slot is not None:
                self._retire(slot)
            home = self._homes.setdefault((version.arn.account, version.arn.region), Home())
            slot = self._slots[version.arn] = Slot(version, home)
        return slot

    def forget(self, version: FunctionArn) -> None:
        """The version was changed or deleted: its idle environments end, the others when they can."""
        slot = self._slots.pop(version, None)
        if slot is not None:
            self._retire(slot)

    def _retire(self, slot: Slot) -> None:
        for placed in slot.idle:
            placed.end.set()
        slot.idle.clear()

    def reap(self) -> None:
        """End what has been idle for too long."""
        before = self._clock.monotonic() - self._settings.idle_timeout_s
        for slot in self._slots.values():
            for placed in [p for p in slot.idle if p.idle_since <= before]:
                slot.idle.remove(placed)
                placed.end.set()

    def environments(self) -> int:
        """How many environments there are, for `lambent status` and the tests."""
        return len(self._all)

    def end_all(self) -> None:
        for placed in self._all:
            placed.end.set()


@asynccontextmanager
async def placement(launch: Launch, settings: Settings, clock: Clock) -> AsyncGenerator[Placement]:
    """Placement for as long as the block lasts; leaving it ends every environment."""
    async with asyncio.TaskGroup() as tasks:
        placed = Placement(launch, settings, clock, tasks)
        reaper = tasks.create_task(_reap_forever(placed, clock))
        try:
            yield placed
        finally:
            reaper.cancel()
            placed.end_all()


async def _reap_forever(placed: Placement, clock: Clock) -> None:
    while True:
        await clock.sleep(SWEEP_S)
        placed.reap()

"""Leading mappings from state to state in the background: Creating becomes Enabled or Disabled, Deleting becomes gone.

A job per mapping: let whoever polls sources start, stop or change what the mapping says, then commit what came of it. Every
commit that leaves a mapping unsettled starts its job, which tries until it succeeds, and so does a start after a crash for
whatever it finds: a row is never left Creating for good. While a job is at work nothing else moves the mapping's state, so
there is one at a time; that a mapping was in the same unsettled state before a commit means that its job is at work.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog

from lambent.core.clock import Clock
from lambent.lambda_.resources import Resources
from lambent.lambda_.sources.mapping import EventSourceMapping
from lambent.lambda_.sources.states import Event, State

log: Final = structlog.get_logger()

JOBS_AT_ONCE: Final = 8
RETRY_AFTER_S: Final = 10.0  # what a job that failed waits before it tries again

Apply = Callable[[EventSourceMapping], Awaitable[None]]  # poll the source as the mapping says, or no longer


async def nothing_to_poll(_: EventSourceMapping) -> None:
    """The `Apply` of a control plane without pollers."""


class Settling:
    """Starts jobs; made by `settling`."""

    def __init__(
        self, mappings: Resources[EventSourceMapping], apply: Apply, clock: Clock, tasks: asyncio.TaskGroup
    ) -> None:
        self._mappings = mappings
        self._apply = apply
        self._clock = clock
        self._tasks = tasks
        self._turns = asyncio.Semaphore(JOBS_AT_ONCE)
        self._jobs: set[asyncio.Task[None]] = set()
        self._over = False

    def follow(self, before: EventSourceMapping | None, after: EventSourceMapping | None) -> None:
        """Start the job of a mapping that a commit has left unsettled, unless it is at work already."""
        if after is None or after.settled or self._over:
            return
        if before is None or before.state is not after.state:
            job = self._tasks.create_task(self._settle(after))
            self._jobs.add(job)
            job.add_done_callback(self._jobs.discard)

    def cancel(self) -> None:
        """End the jobs under way and start no more; the next start takes their mappings up again."""
        self._over = True
        for job in self._jobs:
            job.cancel()

    async def _settle(self, mapping: EventSourceMapping) -> None:
        while not await self._succeeded(mapping):
            await self._clock.sleep(RETRY_AFTER_S)

    async def _succeeded(self, mapping: EventSourceMapping) -> bool:
        async with self._turns:
            try:
                await self._apply(mapping)
                now = self._clock.now()
                await self._mappings.change(mapping.place, lambda current: _settled(current, now))
            except Exception:
                log.exception("event_source_mapping.settling_failed", uuid=mapping.uuid)
                return False
        return True


def _settled(current: EventSourceMapping | None, now: float) -> EventSourceMapping | None:
    if current is None or current.state is State.DELETING:
        return None
    return current.happened(Event.STARTED if current.enabled else Event.STOPPED, now)


@asynccontextmanager
async def settling(
    mappings: Resources[EventSourceMapping], clock: Clock, apply: Apply = nothing_to_poll
) -> AsyncGenerator[None]:
    """Jobs run while the block lasts; it begins with those that a crash left, and unfinished ones end with it."""
    async with asyncio.TaskGroup() as tasks:
        jobs = Settling(mappings, apply, clock, tasks)
        mappings.follow(jobs.follow)
        try:
            yield
        finally:
            jobs.cancel()

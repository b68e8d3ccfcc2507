"""Deadlines without timers: one task looks at the connections of every door now and then, and ends what is overdue.

Since what ends leaves free memory behind, the same task gives that back (`core/heap.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from itertools import count
from typing import Final, Protocol

import structlog

from lambent.core.heap import Heap
from lambent.core.http import Connection

log: Final = structlog.get_logger()

SWEEP_S: Final = 0.5  # how late a deadline may be noticed
SWEEPS: Final = 4  # from one look at the heap to the next


class Watched(Protocol):
    """What has connections."""

    @property
    def connections(self) -> AbstractSet[Connection]: ...

    def tick(self) -> None:
        """A sweep has come by."""
        ...


class Sweeper:
    """Sweeps the connections of all that it watches."""

    def __init__(self) -> None:
        self._watched: Final[dict[Watched, None]] = {}
        self._heap: Final = Heap()

    def watch(self, watched: Watched) -> None:
        self._watched[watched] = None

    def forget(self, watched: Watched) -> None:
        self._watched.pop(watched, None)

    async def sweep(self) -> None:
        loop = asyncio.get_running_loop()
        for number in count():
            await asyncio.sleep(SWEEP_S)
            if number % SWEEPS == 0:
                _ = self._heap.give_back()
            now = loop.time()
            for watched in self._watched:
                watched.tick()
            overdue = [
                connection
                for watched in self._watched
                for connection in watched.connections
                if connection.deadline is not None and connection.deadline < now
            ]
            for connection in overdue:
                try:
                    connection.overdue()
                except Exception:
                    log.exception("http.connection_failed")
                    connection.close()


@asynccontextmanager
async def sweeping() -> AsyncGenerator[Sweeper]:
    """A sweeper that works as long as the block lasts."""
    async with asyncio.TaskGroup() as tasks:
        sweeper = Sweeper()
        task = tasks.create_task(sweeper.sweep())
        try:
            yield sweeper
        finally:
            task.cancel()

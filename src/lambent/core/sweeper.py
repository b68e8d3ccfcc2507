"""Deadlines without timers: one task looks at the connections of every door now and then, and ends what is overdue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from typing import Final

import structlog

from lambent.core.http import Connection

log: Final = structlog.get_logger()

SWEEP_S: Final = 0.5  # how late a deadline may be noticed


class Sweeper:
    """Sets of connections, each of a door; what is watched is swept until it is forgotten."""

    def __init__(self) -> None:
        self._watched: Final[dict[int, AbstractSet[Connection]]] = {}

    def watch(self, connections: AbstractSet[Connection]) -> None:
        """Sweep these connections, whichever the set holds, from now on."""
        self._watched[id(connections)] = connections

    def forget(self, connections: AbstractSet[Connection]) -> None:
        self._watched.pop(id(connections), None)

    async def sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_S)
            now = loop.time()
            overdue = [
                connection
                for connections in self._watched.values()
                for connection in connections
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

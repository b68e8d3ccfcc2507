"""What app.py makes of CloudWatch Logs: a database file of its own, a writer, a sweeper, a service.

Logs have their own file because they are written most and lost most cheaply: a burst of lines does not hold a
CreateFunction up, and the file can be deleted without losing a function.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from lambent.core.clock import Clock
from lambent.core.kernel import Service, operations_in
from lambent.services.logs.bounds import Bounds
from lambent.services.logs.events import LogEvents
from lambent.services.logs.groups import LogGroups
from lambent.services.logs.operations import events, groups, streams
from lambent.services.logs.reads import Reads
from lambent.services.logs.sink import writing
from lambent.services.logs.state import LOGS, Logs
from lambent.services.logs.streams import LogStreams
from lambent.services.logs.sweep import Sweeper
from lambent.storage.database import opened
from lambent.storage.directory import DataDirectory
from lambent.storage.disk import Disk
from lambent.storage.migrations import migrations_of
from lambent.storage.reserve import Reserve

MIGRATIONS: Final = migrations_of("lambent.services.logs")


class LogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of logs; the defaults are config.py's."""

    buffer_bytes: int = 16 << 20
    flush_s: float = 0.05
    group_bytes: int = 1 << 30
    total_bytes: int = 8 << 30


@asynccontextmanager
async def logs(
    data: DataDirectory, clock: Clock, settings: LogSettings, disk: Disk, reserve: Reserve | None = None
) -> AsyncGenerator[Service[Logs]]:
    """Run CloudWatch Logs for as long as the block lasts.

    `service.state.writer.at(account, region, function)` is the port `core.ports.LogSink`; `service.state.writer.drain()`
    waits until what was appended is readable.
    """
    bounds = Bounds(settings.group_bytes, settings.total_bytes, disk)
    async with (
        opened(data.path / "logs.db", MIGRATIONS, data.durability, reserve) as database,
        writing(database, bounds, clock, settings.buffer_bytes, settings.flush_s) as writer,
        asyncio.TaskGroup() as tasks,
    ):
        sweeper = tasks.create_task(Sweeper(database, disk, clock).sweeping())
        reads = Reads(database)
        state = Logs(
            LogGroups(database, reads, bounds),
            LogStreams(database, reads, bounds),
            LogEvents(database, reads, bounds),
            writer,
        )
        try:
            yield Service(LOGS, state, operations_in(groups, streams, events))
        finally:
            sweeper.cancel()

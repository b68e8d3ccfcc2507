"""What app.py makes of CloudWatch Logs: a database file of its own, a writer, a sweeper, a service.

Logs have their own file because they are written most and lost most cheaply: a burst of lines does not hold a
CreateFunction up, and the file can be deleted without losing a function.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from lambent.core.clock import Clock
from lambent.core.kernel import Service, operations_in
from lambent.services.logs.events import LogEvents
from lambent.services.logs.groups import LogGroups
from lambent.services.logs.operations import events, groups, streams
from lambent.services.logs.sink import writing
from lambent.services.logs.state import LOGS, Logs
from lambent.services.logs.streams import LogStreams
from lambent.services.logs.sweep import sweeping
from lambent.storage.database import opened
from lambent.storage.directory import DataDirectory
from lambent.storage.migrations import migrations_of

MIGRATIONS: Final = migrations_of("lambent.services.logs")


@asynccontextmanager
async def logs(data: DataDirectory, clock: Clock) -> AsyncGenerator[Service[Logs]]:
    """Run CloudWatch Logs for as long as the block lasts.

    `service.state.writer.at(account, region)` is the port `core.ports.LogSink`; `service.state.writer.drain()` waits
    until what was appended is readable.
    """
    async with (
        opened(data.path / "logs.db", MIGRATIONS, data.durability) as database,
        writing(database, clock) as writer,
        asyncio.TaskGroup() as tasks,
    ):
        sweeper = tasks.create_task(sweeping(database, clock))
        state = Logs(LogGroups(database), LogStreams(database), LogEvents(database), writer)
        try:
            yield Service(LOGS, state, operations_in(groups, streams, events))
        finally:
            sweeper.cancel()

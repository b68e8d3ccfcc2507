"""The way in for the Lambda data plane: append now, written soon.

    append --> buffer (bounded; what does not fit is dropped and counted) --> every SINK_DELAY_S one transaction

An append is on the path of every invocation and costs about a microsecond; groups and streams come into being with
their first event, as Lambda's do. Events lie in memory for up to SINK_DELAY_S: `drain` waits until all are readable,
and leaving `writing` drains. A `kill -9` loses what lies in the buffer, as AWS's own log delivery may. When the disk
refuses, the batch is dropped, counted and said in the server's log: a function must not fail because of its log.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import apsw
import structlog

from lambent.core.clock import Clock
from lambent.core.ports import LogEvent
from lambent.services.logs.groups import QUERIES, Place, group_in
from lambent.services.logs.ingestion import store
from lambent.services.logs.limits import SINK_BYTES, SINK_DELAY_S, SINK_EVENT_BYTES
from lambent.services.logs.streams import stream_in
from lambent.storage.database import Database
from lambent.storage.errors import StorageError

LOG: Final = structlog.get_logger()
BATCH_APPENDS: Final = 4_096  # in one transaction

Append = tuple[Place, str, str, int, Sequence[str]]


class LogWriter:
    """The buffer and whoever empties it; `at` gives the port `core.ports.LogSink` for one account and region."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._appended = asyncio.Event()
        self._waiting: list[Append] = []
        self._waiting_bytes = 0
        self.dropped = 0  # events, since the start
        self._dropped_said = 0

    def at(self, account: str, region: str) -> PlacedSink:
        """Return the sink of an account in a region."""
        return PlacedSink(self, Place(account, region))

    def append(self, place: Place, group: str, stream: str, timestamp_ms: int, messages: Sequence[str]) -> None:
        """Buffer events; the caller does not change the sequence afterwards."""
        size = SINK_EVENT_BYTES * len(messages) + sum(map(len, messages))
        if self._waiting_bytes + size > SINK_BYTES:
            self.dropped += len(messages)
            return
        self._waiting_bytes += size
        self._waiting.append((place, group, stream, timestamp_ms, messages))
        if not self._appended.is_set():
            self._appended.set()

    async def drain(self) -> None:
        """Return when all that was appended before is readable, or was dropped because the disk refused."""
        async with self._one_at_a_time:
            waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
            self._appended.clear()
            for start in range(0, len(waiting), BATCH_APPENDS):
                await self._write(waiting[start : start + BATCH_APPENDS])
        if self.dropped > self._dropped_said:
            LOG.error("log events dropped", events=self.dropped - self._dropped_said)
            self._dropped_said = self.dropped

    async def flushing(self) -> None:
        """Drain SINK_DELAY_S after there is something, until cancelled."""
        while True:
            await self._appended.wait()
            await self._clock.sleep(SINK_DELAY_S)
            await self.drain()

    async def _write(self, appends: Sequence[Append]) -> None:
        by_stream: defaultdict[tuple[Place, str, str], list[LogEvent]] = defaultdict(list)
        for place, group, stream, timestamp_ms, messages in appends:
            by_stream[place, group, stream].extend([LogEvent(timestamp_ms, message) for message in messages])
        now_ms = round(self._clock.now() * 1000)

        def write(connection: apsw.Connection) -> None:
            for (place, group, stream), events in by_stream.items():
                if events:
                    _write(connection, place, group, stream, events, now_ms)

        try:
            await self._database.write(write)
        except StorageError:
            self.dropped += sum(map(len, by_stream.values()))
            LOG.exception("log events not written")


class PlacedSink:
    """Implements `core.ports.LogSink`."""

    __slots__ = ("_place", "_writer")

    def __init__(self, writer: LogWriter, place: Place) -> None:
        self._writer = writer
        self._place = place

    def append(self, group: str, stream: str, timestamp_ms: int, messages: Sequence[str]) -> None:
        """Accept events for writing soon; the caller does not change the sequence afterwards."""
        self._writer.append(self._place, group, stream, timestamp_ms, messages)


@asynccontextmanager
async def writing(database: Database, clock: Clock) -> AsyncGenerator[LogWriter]:
    """Run a writer for as long as the block lasts; leaving writes what is buffered."""
    writer = LogWriter(database, clock)
    async with asyncio.TaskGroup() as tasks:
        flushing = tasks.create_task(writer.flushing())
        try:
            yield writer
        finally:
            flushing.cancel()
    await writer.drain()


def _write(
    connection: apsw.Connection, place: Place, group_name: str, stream_name: str, events: list[LogEvent], now_ms: int
) -> None:
    QUERIES.insert_group.run(connection, **place._asdict(), name=group_name, now_ms=now_ms)
    group = group_in(connection, place, group_name)
    QUERIES.insert_stream.run(connection, group_id=group.id, name=stream_name, now_ms=now_ms)
    store(connection, group.id, stream_in(connection, group.id, stream_name).id, events, now_ms)

"""The way in for the Lambda data plane: append now, written soon.

    append --> buffer, a share for each function --> after `flush_s`, transactions of TRANSACTION_BYTES, in turns

An append is on the path of every invocation and costs about a microsecond; groups and streams come into being with
their first event, as Lambda's do. A transaction is written every `flush_s`: one for each of a few lines would take the
interpreter's lock from those who answer invocations. While a transaction's worth is buffered, or a guest waits for room, the
writer rests only as long as it has worked, so that others write in between and logs take half of a processor at most. Who
fills his share meanwhile waits at his pipe: that is the bound of his rate.

Events lie in memory for a moment: `drain` waits until all are readable, and leaving `writing` drains. A `kill -9` loses what
lies in the buffer, as AWS's own log delivery may. What is over the bounds (`bounds.py`), or is refused by the disk, is
dropped, counted and told in its stream (`losses.py`): a function must not fail because of its log.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import apsw
import structlog

from lambent.core.clock import Clock
from lambent.core.ports import LogEvent
from lambent.services.logs.bounds import Bounds
from lambent.services.logs.buffer import Append, Buffer, Share, StreamName, append_of, guest_append
from lambent.services.logs.groups import QUERIES, Group, Place, group_in
from lambent.services.logs.ingestion import store
from lambent.services.logs.losses import NOTICE_S, Losses, Notice
from lambent.services.logs.streams import made_stream
from lambent.storage.database import Database

LOG: Final = structlog.get_logger()
TRANSACTION_BYTES: Final = 1 << 20  # as the buffer counts
RETRY_S: Final = 5.0  # after a disk that refused; meanwhile nothing is written, and what comes is dropped
BUFFER_FULL: Final = "more came than could be stored in time (log_buffer_bytes)"
NOT_WRITTEN: Final = "they could not be written, for a reason that the server's own log tells"


class Refusal(NamedTuple):
    """Events of a stream that were over a bound."""

    stream: StreamName
    events: int
    size_bytes: int
    reason: str


class LogWriter:
    """The buffer and what empties it; `at` gives the port `core.ports.LogSink`."""

    def __init__(self, database: Database, bounds: Bounds, clock: Clock, buffer_bytes: int, flush_s: float) -> None:
        self.losses: Final = Losses()
        self._database: Final = database
        self._bounds: Final = bounds
        self._clock: Final = clock
        self._buffer: Final = Buffer(buffer_bytes)
        self._flush_s: Final = flush_s
        self._one_at_a_time: Final = asyncio.Lock()
        self._appended: Final = asyncio.Event()
        self._broken_until_s = float("-inf")  # on the monotonic clock
        self._logged_events = 0

    def at(self, account: str, region: str, function: str) -> FunctionSink:
        """Return the sink of a function, or of whatever else is to have a share of its own."""
        place = Place(account, region)
        return FunctionSink(self, place, self._buffer.share((place, function)))

    def put(self, share: Share, append: Append) -> None:
        """Buffer an append."""
        if self._buffer.put(share, append):
            if not self._appended.is_set():
                self._appended.set()
        else:
            self.losses.add(append.stream, append.events, append.size_bytes, BUFFER_FULL)

    def full(self, share: Share) -> bool:
        return self._buffer.full(share)

    def when_room(self, share: Share, resume: Callable[[], None]) -> None:
        self._buffer.wait(share, resume)
        self._appended.set()  # the share may be full of nothing but others' appends, which are being written

    async def drain(self) -> None:
        """Return when all that was appended before is readable, or was dropped; for when appends have an end."""
        while self._buffer:
            await self._write_some()
        await self._write_some()  # the notices of what has just been dropped

    async def flushing(self) -> None:
        """Write what is buffered, until cancelled."""
        while True:
            await self._appended.wait()
            self._appended.clear()
            await self._clock.sleep(self._flush_s)
            while self._buffer:
                started_s = self._clock.monotonic()
                await self._write_some()
                worked_s = self._clock.monotonic() - started_s
                pressing = self._buffer.guests_wait or self._buffer.size_bytes >= TRANSACTION_BYTES
                await self._clock.sleep(worked_s if pressing else max(worked_s, self._flush_s))
            await self._tell_losses()

    async def telling(self) -> None:
        """Write the notices that came due with nothing else to write, and tell the server's own log, until cancelled."""
        while True:
            await self._clock.sleep(NOTICE_S)
            await self._tell_losses()
            if self.losses.events > self._logged_events:
                LOG.warning("logs.events_lost", events=self.losses.events - self._logged_events)
                self._logged_events = self.losses.events

    async def _tell_losses(self) -> None:
        if self.losses.due(self._clock.monotonic()):
            await self._write_some()

    async def _write_some(self) -> None:
        async with self._one_at_a_time:
            now_s = self._clock.monotonic()
            taken = self._buffer.take(TRANSACTION_BYTES)
            try:
                if now_s < self._broken_until_s:
                    self._lose([append for _, append in taken])
                else:
                    await self._write([append for _, append in taken], self.losses.due(now_s))
            finally:
                self._buffer.release(taken)

    async def _write(self, appends: Sequence[Append], notices: Sequence[Notice]) -> None:
        if not appends and not notices:
            return
        batch = _Batch(self._bounds, appends, notices, round(self._clock.now() * 1000))
        try:
            refusals, noticed = await self._database.write(batch.write, optional=True)
        except Exception:  # the disk's refusal, or a bug: it costs these lines, never the server
            self._broken_until_s = self._clock.monotonic() + RETRY_S
            self._lose(appends)
            LOG.exception("logs.not_written", events=sum(append.events for append in appends))
            return
        for refusal in refusals:
            self.losses.add(*refusal)
        if noticed:
            self.losses.settle(notices, self._clock.monotonic())

    def _lose(self, appends: Sequence[Append]) -> None:
        for append in appends:
            self.losses.add(append.stream, *_sizes([append]), NOT_WRITTEN)


class FunctionSink:
    """Implements `core.ports.LogSink`."""

    __slots__ = ("_place", "_share", "_stream", "_writer")

    def __init__(self, writer: LogWriter, place: Place, share: Share) -> None:
        self._writer = writer
        self._place = place
        self._share = share
        self._stream = StreamName(place, "", "")  # the last one; an environment has no other

    def append(self, group: str, stream: str, timestamp_ms: int, messages: Sequence[str | bytes]) -> None:
        """Accept events; the caller does not change the sequence afterwards."""
        self._writer.put(self._share, append_of(self._named(group, stream), timestamp_ms, messages))

    def append_output(self, group: str, stream: str, timestamp_ms: int, lines: bytes) -> None:
        """Accept whole lines as a guest wrote them."""
        self._writer.put(self._share, guest_append(self._named(group, stream), timestamp_ms, lines))

    def full(self) -> bool:
        """Whether the function's share is used up."""
        return self._writer.full(self._share)

    def when_room(self, resume: Callable[[], None]) -> None:
        """Call `resume` once when it no longer is."""
        self._writer.when_room(self._share, resume)

    def count_lost(self, events: int, size_bytes: int) -> None:
        """Count events that were dropped before they came here."""
        self._writer.losses.count(events, size_bytes)

    def _named(self, group: str, name: str) -> StreamName:
        stream = self._stream
        if stream.name != name or stream.group != group:
            stream = self._stream = StreamName(self._place, group, name)
        return stream


@asynccontextmanager
async def writing(
    database: Database, bounds: Bounds, clock: Clock, buffer_bytes: int, flush_s: float
) -> AsyncGenerator[LogWriter]:
    """Run a writer for as long as the block lasts; leaving writes what is buffered."""
    writer = LogWriter(database, bounds, clock, buffer_bytes, flush_s)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(writer.flushing()), tasks.create_task(writer.telling())]
        try:
            yield writer
        finally:
            for task in running:
                task.cancel()
    await writer.drain()


def text(message: str | bytes) -> str:
    """A message as UTF-8 can have it: the platform's lines quote what guests have sent, lone surrogates too."""
    if isinstance(message, bytes):
        return message.decode("utf-8", "replace")
    return message if message.isascii() else message.encode("utf-8", "replace").decode()


class _Batch(NamedTuple):
    """What one transaction writes; runs in the writer's thread."""

    bounds: Bounds
    appends: Sequence[Append]
    notices: Sequence[Notice]
    now_ms: int

    def write(self, connection: apsw.Connection) -> tuple[list[Refusal], bool]:
        """Write what the bounds allow; return what they do not, and whether the notices were written."""
        room = self.bounds.room(connection)
        by_stream: dict[StreamName, list[Append]] = {}
        for append in self.appends:
            by_stream.setdefault(append.stream, []).append(append)
        refusals: list[Refusal] = []
        for stream, appends in by_stream.items():
            group = self._group(connection, stream)
            if reason := room.refusal(group.size_bytes):
                refusals.append(Refusal(stream, *_sizes(appends), reason))
            else:
                self._store(connection, group, stream, [event for append in appends for event in events_of(append)])
        if room.none:
            return refusals, False
        for notice in self.notices:
            group = self._group(connection, notice.stream)
            self._store(connection, group, notice.stream, [LogEvent(self.now_ms, notice.message)])
        return refusals, True

    def _group(self, connection: apsw.Connection, stream: StreamName) -> Group:
        """The stream's group, made if need be."""
        _ = QUERIES.insert_group.run(connection, **stream.place._asdict(), name=stream.group, now_ms=self.now_ms)
        return group_in(connection, stream.place, stream.group)

    def _store(self, connection: apsw.Connection, group: Group, stream: StreamName, events: list[LogEvent]) -> None:
        if events:
            stream_id = made_stream(connection, group, stream.name, self.now_ms).id
            _ = store(connection, group.id, stream_id, events, self.now_ms)


def events_of(append: Append) -> list[LogEvent]:
    """The events of an append; those of a guest are taken apart here, in the writer's thread."""
    at_ms, content = append.timestamp_ms, append.content
    if not isinstance(content, bytes):
        return [LogEvent(at_ms, text(message)) for message in content]
    lines = content.decode("utf-8", "replace").split("\n")
    lines.pop()  # what is behind the last newline: nothing
    return [LogEvent(at_ms, line + "\n") for line in lines]


def _sizes(appends: Sequence[Append]) -> tuple[int, int]:
    """How many events, and how many bytes of text."""
    return sum(append.events for append in appends), sum(append.text_bytes for append in appends)

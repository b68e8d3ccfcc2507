"""Log events: kept by PutLogEvents, read by stream, and found in a group by a pattern."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import apsw

from lambent.core.ports import EVENT_OVERHEAD_BYTES, LogEvent
from lambent.core.spenders import Spender
from lambent.core.turns import QueueFull, Turns
from lambent.services.logs.bounds import Bounds
from lambent.services.logs.costs import THREAD_TIME, CpuTime, Work, bill
from lambent.services.logs.errors import NoRoomForLogs, RateExceeded
from lambent.services.logs.groups import QUERIES, Place, check_name, group_in
from lambent.services.logs.ingestion import Sorting, check_batch, sort_out, store
from lambent.services.logs.limits import EXAMINED_EVENTS, FILTER_S, GUEST_FILTER_S, PAGE_BYTES, PUTS, PUTS_WAITING
from lambent.services.logs.patterns import Predicate
from lambent.services.logs.reads import Reads
from lambent.services.logs.streams import stream_in
from lambent.services.logs.tokens import Position
from lambent.storage.database import Database


class StoredEvent(NamedTuple):
    """An event as it was kept."""

    position: Position
    ingested_ms: int
    message: str
    stream: str


class Within(NamedTuple):
    """A span of time, from `start_ms` up to `end_ms`."""

    start_ms: int
    end_ms: int


class LogEvents:
    """The events of all streams."""

    def __init__(self, database: Database, reads: Reads, bounds: Bounds, cpu_s: CpuTime = THREAD_TIME) -> None:
        self._database = database
        self._reads = reads
        self._bounds = bounds
        self._cpu_s = cpu_s
        self._puts = Turns(PUTS, waiting=PUTS_WAITING)

    async def put(
        self, spender: Spender, place: Place, group_name: str, stream_name: str, events: Sequence[LogEvent], now_ms: int
    ) -> tuple[int, Sorting]:
        """Keep what AWS would accept of a batch; return the last number and what was left out.

        Raises NotChronological, BatchSpansTooLong, BatchTooLarge, LogGroupNotFound, LogStreamNotFound, NoRoomForLogs,
        RateExceeded.
        """
        check_batch(events)

        def put(connection: apsw.Connection) -> tuple[int, Sorting]:
            group = group_in(connection, place, group_name)
            stream = stream_in(connection, group.id, stream_name)
            if reason := self._bounds.room(connection).refusal(group.size_bytes):
                raise NoRoomForLogs(reason=reason)
            sorting = sort_out(events, now_ms, group.retention_days)
            accepted = sorting.accepted(events)
            return store(connection, group.id, stream.id, accepted, now_ms) if accepted else 0, sorting

        async def write(work: Work[tuple[int, Sorting]]) -> tuple[int, Sorting]:
            async with self._puts.turn(spender.key):
                return await self._database.write(work, optional=True)

        try:
            return await (write(put) if spender.slice is None else bill(spender.slice, put, write, self._cpu_s))
        except QueueFull:
            raise RateExceeded from None

    async def read(
        self,
        spender: Spender,
        place: Place,
        group_name: str,
        stream_name: str,
        within: Within,
        origin: Position,
        limit: int,
        *,
        forward: bool,
    ) -> list[StoredEvent]:
        """Read a page of a stream's events from behind, or from before, a position; oldest first in either case.

        The page ends at `limit` events or PAGE_BYTES. Raises LogGroupNotFound, LogStreamNotFound, RateExceeded.
        """

        def read(connection: apsw.Connection) -> list[StoredEvent]:
            group = group_in(connection, place, group_name)
            stream = stream_in(connection, group.id, stream_name)
            span = within._asdict() | {"stream_id": stream.id, "limit": limit}
            if forward:
                rows = QUERIES.events_forward.each(
                    connection, **span, after_ms=origin.timestamp_ms, after_number=origin.number
                )
            else:
                rows = QUERIES.events_backward.each(
                    connection, **span, before_ms=origin.timestamp_ms, before_number=origin.number
                )
            page = _Page()
            for timestamp_ms, number, ingested_ms, message in rows:
                if not page.took(StoredEvent(Position(timestamp_ms, number), ingested_ms, message, stream_name)):
                    break
            return page.events if forward else page.events[::-1]

        return await self._reads.scan(spender, read)

    async def filter(
        self,
        spender: Spender,
        place: Place,
        group_name: str,
        within: Within,
        after: Position,
        limit: int,
        *,
        matches: Predicate,
        prefix: str = "",
        names: Collection[str] | None = None,
    ) -> tuple[list[StoredEvent], Position | None]:
        """Find events of a group, oldest first; return them and the position to go on from, None at the end.

        A page also ends after EXAMINED_EVENTS, or FILTER_S (a guest's after GUEST_FILTER_S) of work, so it may be short,
        or empty, with more to come: as in AWS. Raises NameTooLong, LogGroupNotFound, LogStreamNotFound,
        RateExceeded.
        """
        check_name(prefix)
        most_s = FILTER_S if spender.slice is None else GUEST_FILTER_S

        def find(connection: apsw.Connection) -> tuple[list[StoredEvent], Position | None]:
            ends_s = self._cpu_s() + most_s
            group = group_in(connection, place, group_name)
            for name in names or ():
                stream_in(connection, group.id, name)
            rows = QUERIES.group_events.each(
                connection,
                group_id=group.id,
                after_ms=after.timestamp_ms,
                after_number=after.number,
                **within._asdict(),
            )
            page, reached = _Page(), after
            for examined, (timestamp_ms, number, ingested_ms, message, stream, _) in enumerate(rows, 1):
                if len(page.events) == limit or examined > EXAMINED_EVENTS:
                    return page.events, reached
                position = Position(timestamp_ms, number)
                wanted = stream.startswith(prefix) and (names is None or stream in names) and matches(message)
                if wanted and not page.took(StoredEvent(position, ingested_ms, message, stream)):
                    return page.events, reached
                reached = position
                if self._cpu_s() >= ends_s:
                    return page.events, reached
            return page.events, None

        return await self._reads.scan(spender, find)


class _Page:
    """Events up to PAGE_BYTES; the first always fits."""

    def __init__(self) -> None:
        self.events: list[StoredEvent] = []
        self._room = PAGE_BYTES

    def took(self, event: StoredEvent) -> bool:
        """Take the event, or say that there is no room for it."""
        self._room -= len(event.message.encode()) + EVENT_OVERHEAD_BYTES
        if self._room < 0 and self.events:
            return False
        self.events.append(event)
        return True

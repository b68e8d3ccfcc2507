"""What comes in by PutLogEvents: checked as a batch, and each event against the times that AWS accepts.

A batch is refused whole when it is out of order, spans more than 24 hours or is too large; single events that are too
old, expired or too new are left out and reported by index, and the rest is kept. Since the batch is in order, those are
a head and a tail of it. Source: API reference, PutLogEvents and RejectedLogEventsInfo.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import apsw
import msgspec

from lambent.core.ports import EVENT_OVERHEAD_BYTES, LogEvent
from lambent.services.logs.errors import BatchSpansTooLong, BatchTooLarge, NotChronological
from lambent.services.logs.groups import QUERIES
from lambent.services.logs.limits import (
    BATCH_BYTES,
    BATCH_SPAN_MS,
    DAY_MS,
    FUTURE_MS,
    PAST_MS,
)


class Sorting(msgspec.Struct, frozen=True):
    """How many events at the head of a batch are too old or expired, and where the tail of too new ones begins."""

    too_old_end: int
    expired_end: int
    too_new_start: int

    def accepted(self, events: Sequence[LogEvent]) -> Sequence[LogEvent]:
        """Return the events that are kept."""
        return events[max(self.too_old_end, self.expired_end) : self.too_new_start]


def check_batch(events: Sequence[LogEvent]) -> None:
    """Raises NotChronological, BatchSpansTooLong, BatchTooLarge."""
    if any(later.timestamp_ms < earlier.timestamp_ms for earlier, later in pairwise(events)):
        raise NotChronological
    if events[-1].timestamp_ms - events[0].timestamp_ms > BATCH_SPAN_MS:
        raise BatchSpansTooLong
    size = stored_bytes(events)
    if size > BATCH_BYTES:
        raise BatchTooLarge(size=size, limit=BATCH_BYTES)


def sort_out(events: Sequence[LogEvent], now_ms: int, retention_days: int | None) -> Sorting:
    """Find the events of a batch that AWS would not accept now."""
    kept_from = None if retention_days is None else now_ms - retention_days * DAY_MS
    return Sorting(
        too_old_end=sum(event.timestamp_ms < now_ms - PAST_MS for event in events),
        expired_end=0 if kept_from is None else sum(event.timestamp_ms < kept_from for event in events),
        too_new_start=sum(event.timestamp_ms <= now_ms + FUTURE_MS for event in events),
    )


def store(connection: apsw.Connection, group_id: int, stream_id: int, events: Sequence[LogEvent], now_ms: int) -> int:
    """Keep the events of a stream, within a transaction; return the number of the last.

    They go to SQLite in one statement: a statement for each would take the interpreter's lock for each, from those who
    answer invocations.
    """
    ((last,),) = QUERIES.take_numbers.rows(connection, count=len(events))
    first = last - len(events) + 1
    QUERIES.insert_events.run(
        connection,
        group_id=group_id,
        first=first,
        stream_id=stream_id,
        ingested_ms=now_ms,
        events=msgspec.json.encode(events).decode(),
    )
    times = [event.timestamp_ms for event in events]
    size = stored_bytes(events)
    QUERIES.note_events.run(
        connection, id=stream_id, first_ms=min(times), last_ms=max(times), now_ms=now_ms, stored_bytes=size
    )
    QUERIES.grow_group.run(connection, id=group_id, bytes=size, streams=0)
    return last


def stored_bytes(events: Sequence[LogEvent]) -> int:
    """How AWS counts the size of events."""
    return sum(len(event.message.encode()) + EVENT_OVERHEAD_BYTES for event in events)

"""Forgetting: events past their group's retention, and those of groups and streams that were deleted.

Deleting a group answers at once; its events, which may be millions, go here, SWEEP_EVENTS in a transaction, so that
writers of other groups come in between. AWS too keeps expired events for up to 72 hours before it deletes them.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Final

import apsw
import structlog

from lambent.core.clock import Clock
from lambent.services.logs.groups import QUERIES
from lambent.services.logs.limits import DAY_MS, EVENT_OVERHEAD_BYTES, SWEEP_DELAY_S, SWEEP_EVENTS
from lambent.storage.database import Database
from lambent.storage.errors import StorageError

LOG: Final = structlog.get_logger()


async def sweeping(database: Database, clock: Clock) -> None:
    """Sweep every SWEEP_DELAY_S, until cancelled; a disk that refuses is tried again then."""
    while True:
        try:
            await sweep(database, round(clock.now() * 1000))
        except StorageError:
            LOG.exception("log events not forgotten")
        await clock.sleep(SWEEP_DELAY_S)


async def sweep(database: Database, now_ms: int) -> int:
    """Delete all events that are to be forgotten at `now_ms`; return how many they were."""
    deleted = 0
    for group_id, days in database.read(QUERIES.groups_that_forget.rows):
        while some := await database.write(partial(_expire, group_id=group_id, before_ms=now_ms - days * DAY_MS)):
            deleted += some
    while database.read(QUERIES.dead_group.row):
        deleted += await database.write(_empty_dead_group)
    while database.read(QUERIES.dead_stream.row):
        deleted += await database.write(_empty_dead_stream)
    return deleted


def _expire(connection: apsw.Connection, group_id: int, before_ms: int) -> int:
    rows = QUERIES.delete_expired.rows(connection, group_id=group_id, before_ms=before_ms, limit=SWEEP_EVENTS)
    shrunk: Counter[int] = Counter()
    for stream_id, size in rows:
        shrunk[stream_id] += size + EVENT_OVERHEAD_BYTES
    for stream_id, size in shrunk.items():
        QUERIES.shrink_stream.run(connection, id=stream_id, bytes=size)
    return len(rows)


def _empty_dead_group(connection: apsw.Connection) -> int:
    row = QUERIES.dead_group.row(connection)
    if row is None:
        return 0
    deleted = QUERIES.delete_group_events.run(connection, id=row[0], limit=SWEEP_EVENTS)
    if deleted < SWEEP_EVENTS:
        QUERIES.group_is_gone.run(connection, id=row[0])
    return deleted


def _empty_dead_stream(connection: apsw.Connection) -> int:
    row = QUERIES.dead_stream.row(connection)
    if row is None:
        return 0
    deleted = QUERIES.delete_stream_events.run(connection, id=row[0], limit=SWEEP_EVENTS)
    if deleted < SWEEP_EVENTS:
        QUERIES.stream_is_gone.run(connection, id=row[0])
    return deleted

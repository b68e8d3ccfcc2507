"""Forgetting: events past their group's retention, and those of groups and streams that were deleted.

Deleting a group answers at once; its events, which may be millions, go here, SWEEP_EVENTS or SWEEP_BYTES in a transaction,
so that writers of other groups come in between. AWS too keeps expired events for up to 72 hours before it deletes them. On a
disk without room, the log that SQLite writes for a step is cut before the next step, so that forgetting needs little room.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Final

import apsw
import structlog

from lambent.core.clock import Clock
from lambent.core.ports import EVENT_OVERHEAD_BYTES
from lambent.services.logs.groups import QUERIES
from lambent.services.logs.limits import (
    DAY_MS,
    EXPIRY_DELAY_S,
    SWEEP_BYTES,
    SWEEP_DELAY_S,
    SWEEP_EVENTS,
)
from lambent.services.logs.space import give_back
from lambent.storage.database import Database
from lambent.storage.disk import Disk

LOG: Final = structlog.get_logger()


class Sweeper:
    """Sweeps one file; the first step is taken at once."""

    def __init__(self, database: Database, disk: Disk, clock: Clock) -> None:
        self._database = database
        self._disk = disk
        self._clock = clock
        self._expire_at_s = float("-inf")  # on the monotonic clock

    async def sweeping(self) -> None:
        """Sweep every SWEEP_DELAY_S, until cancelled; what fails is tried again then."""
        while True:
            try:
                await self.sweep()
            except Exception:  # the disk's refusal, or a bug: it costs this round, never the server
                LOG.exception("logs.not_swept")
            await self._clock.sleep(SWEEP_DELAY_S)

    async def sweep(self) -> None:
        """Delete what is to be forgotten by now, and give its room back. Raises StorageError, OSError."""
        await self._between_steps()
        if self._clock.monotonic() >= self._expire_at_s:
            self._expire_at_s = self._clock.monotonic() + EXPIRY_DELAY_S
            await self._expire(round(self._clock.now() * 1000))
        for dead, empty in (
            (QUERIES.dead_group, _empty_dead_group),
            (QUERIES.dead_stream, _empty_dead_stream),
        ):
            while self._database.read(dead.row):
                _ = await self._database.write(empty)
                await self._between_steps()
        await give_back(self._database, self._disk)

    async def _expire(self, now_ms: int) -> None:
        for group_id, days in self._database.read(QUERIES.groups_that_forget.rows):
            while await self._database.write(partial(_expire, group_id=group_id, before_ms=now_ms - days * DAY_MS)):
                await self._between_steps()

    async def _between_steps(self) -> None:
        if not self._disk.room_bytes():
            await self._database.checkpoint()


def _expire(connection: apsw.Connection, group_id: int, before_ms: int) -> int:
    rows = QUERIES.delete_expired.rows(
        connection, group_id=group_id, before_ms=before_ms, limit=SWEEP_EVENTS, bytes=SWEEP_BYTES
    )
    shrunk: Counter[int] = Counter()
    for stream_id, size in rows:
        shrunk[stream_id] += size + EVENT_OVERHEAD_BYTES
    for stream_id, size in shrunk.items():
        if QUERIES.shrink_stream.run(connection, id=stream_id, bytes=size):  # else it was deleted, and its size with it
            QUERIES.grow_group.run(connection, id=group_id, bytes=-size, streams=0)
    return len(rows)


def _empty_dead_group(connection: apsw.Connection) -> int:
    row = QUERIES.dead_group.row(connection)
    if row is None:
        return 0
    deleted = QUERIES.delete_group_events.run(connection, id=row[0], limit=SWEEP_EVENTS, bytes=SWEEP_BYTES)
    if not deleted:
        QUERIES.group_is_gone.run(connection, id=row[0])
    return deleted


def _empty_dead_stream(connection: apsw.Connection) -> int:
    row = QUERIES.dead_stream.row(connection)
    if row is None:
        return 0
    deleted = QUERIES.delete_stream_events.run(connection, id=row[0], limit=SWEEP_EVENTS, bytes=SWEEP_BYTES)
    if not deleted:
        QUERIES.stream_is_gone.run(connection, id=row[0])
    return deleted

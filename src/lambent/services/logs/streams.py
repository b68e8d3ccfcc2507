"""Log streams: sequences of events from one source, within a group."""

from __future__ import annotations

import sys
from typing import Final

import apsw
import msgspec

from lambent.core.spenders import Spender
from lambent.services.logs.bounds import Bounds
from lambent.services.logs.errors import LogStreamAlreadyExists, LogStreamNotFound, NoRoomForLogs
from lambent.services.logs.groups import QUERIES, Group, Place, check_name, group_in
from lambent.services.logs.reads import Reads
from lambent.storage.database import Database

SURROGATES: Final = 0xD800  # the first code point that no text has in UTF-8, and the first behind those
BEHIND_SURROGATES: Final = 0xE000


class Stream(msgspec.Struct, frozen=True):
    """A log stream; the fields are the columns of its queries, in order."""

    id: int
    name: str
    created_ms: int
    first_event_ms: int | None
    last_event_ms: int | None
    last_ingestion_ms: int | None
    stored_bytes: int


class LogStreams:
    """The log streams of all groups."""

    def __init__(self, database: Database, reads: Reads, bounds: Bounds) -> None:
        self._database = database
        self._reads = reads
        self._bounds = bounds

    async def create(self, place: Place, group_name: str, name: str, now_ms: int) -> None:
        """Raises NameTooLong, LogGroupNotFound, LogStreamAlreadyExists, NoRoomForLogs."""
        check_name(name)

        def create(connection: apsw.Connection) -> None:
            group = group_in(connection, place, group_name)
            if QUERIES.stream_named.row(connection, group_id=group.id, name=name) is not None:
                raise LogStreamAlreadyExists
            if reason := self._bounds.room(connection).refusal(group.size_bytes):
                raise NoRoomForLogs(reason=reason)
            _ = made_stream(connection, group, name, now_ms)

        await self._database.write(create, optional=True)

    async def delete(self, place: Place, group_name: str, name: str) -> None:
        """Forget a stream; its events go with the next sweep. Raises LogGroupNotFound, LogStreamNotFound."""

        def delete(connection: apsw.Connection) -> None:
            group = group_in(connection, place, group_name)
            stream = stream_in(connection, group.id, name)
            QUERIES.grow_group.run(connection, id=group.id, bytes=-stream.stored_bytes, streams=-1)
            QUERIES.bury_stream.run(connection, id=stream.id)
            QUERIES.delete_stream.run(connection, id=stream.id)

        await self._database.write(delete)

    async def by_name(
        self,
        spender: Spender,
        place: Place,
        group_name: str,
        prefix: str,
        after: str,
        limit: int,
        *,
        descending: bool,
    ) -> list[Stream]:
        """Raises NameTooLong, LogGroupNotFound, RateExceeded."""
        check_name(prefix)
        query = QUERIES.streams_by_name_descending if descending else QUERIES.streams_by_name

        def page(connection: apsw.Connection) -> list[Stream]:
            group = group_in(connection, place, group_name)
            rows = query.rows(
                connection, group_id=group.id, prefix=prefix, until=beyond(prefix), after=after, limit=limit
            )
            return [Stream(*row) for row in rows]

        return await self._reads.scan(spender, page)

    async def by_last_event(
        self,
        spender: Spender,
        place: Place,
        group_name: str,
        after_ms: int,
        after: str,
        limit: int,
        *,
        descending: bool,
    ) -> list[Stream]:
        """Raises LogGroupNotFound, RateExceeded."""
        query = QUERIES.streams_by_last_event_descending if descending else QUERIES.streams_by_last_event

        def page(connection: apsw.Connection) -> list[Stream]:
            group = group_in(connection, place, group_name)
            rows = query.rows(connection, group_id=group.id, after_ms=after_ms, after=after, limit=limit)
            return [Stream(*row) for row in rows]

        return await self._reads.scan(spender, page)


def beyond(prefix: str) -> str | bytes:
    """Return what sorts directly behind all names that begin with the prefix, as SQLite sorts: by UTF-8, then blobs."""
    rest = prefix.rstrip(chr(sys.maxunicode))
    if not rest:
        return b""
    last = ord(rest[-1]) + 1
    return rest[:-1] + chr(BEHIND_SURROGATES if last == SURROGATES else last)


def made_stream(connection: apsw.Connection, group: Group, name: str, now_ms: int) -> Stream:
    """Return a stream within a transaction, made if it is not there."""
    if QUERIES.insert_stream.run(connection, group_id=group.id, name=name, now_ms=now_ms):
        QUERIES.grow_group.run(connection, id=group.id, bytes=0, streams=1)
    return stream_in(connection, group.id, name)


def stream_in(connection: apsw.Connection, group_id: int, name: str) -> Stream:
    """Find a stream within a transaction. Raises NameTooLong, LogStreamNotFound."""
    check_name(name)
    row = QUERIES.stream_named.row(connection, group_id=group_id, name=name)
    if row is None:
        raise LogStreamNotFound
    return Stream(*row)

"""Log groups: their names, retention and tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import apsw
import msgspec

from lambent.core.arn import Arn, InvalidArn
from lambent.core.spenders import Spender
from lambent.services.logs.bounds import Bounds
from lambent.services.logs.errors import (
    LogGroupAlreadyExists,
    LogGroupNotFound,
    NameAndIdentifier,
    NameTooLong,
    NoLogGroupGiven,
    NoRoomForLogs,
    NotALogGroupArn,
    RetentionNotAllowed,
    TooManyGroups,
    TooManyTags,
)
from lambent.services.logs.limits import (
    GROUPS_PER_PLACE,
    NAME_MAX_CHARACTERS,
    RETENTION_DAYS,
    STREAM_BYTES,
    TAGS_PER_GROUP,
)
from lambent.services.logs.reads import Reads
from lambent.storage.database import Database
from lambent.storage.queries import queries_of

QUERIES: Final = queries_of("lambent.services.logs")


class Place(NamedTuple):
    """Whose groups: those of one account in one region."""

    account: str
    region: str

    def group_arn(self, name: str) -> str:
        """The ARN of a group, without the `:*` behind it that some operations add."""
        return f"arn:aws:logs:{self.region}:{self.account}:log-group:{name}"

    def group_name(self, name: str | None, identifier: str | None) -> str:
        """Return the name out of whichever of name and identifier (a name or an ARN) was given.

        Raises NameAndIdentifier, NoLogGroupGiven, NotALogGroupArn.
        """
        if name is not None and identifier is not None:
            raise NameAndIdentifier
        if name is None and identifier is None:
            raise NoLogGroupGiven
        given = name or identifier or ""
        return self.name_in_arn(given) if given.startswith("arn:") else given

    def name_in_arn(self, text: str) -> str:
        """Return the name in the ARN of a group of this place. Raises NotALogGroupArn."""
        try:
            arn = Arn.parse(text)
        except InvalidArn:
            raise NotALogGroupArn(arn=text) from None
        ours = arn.service == "logs" and arn.region == self.region and arn.account == self.account
        if not ours or arn.resource_type != "log-group":
            raise NotALogGroupArn(arn=text)
        return arn.resource_id.removesuffix(":*")


class Group(msgspec.Struct, frozen=True):
    """A log group; the fields are the columns of its queries, in order."""

    id: int
    name: str
    created_ms: int
    retention_days: int | None
    stored_bytes: int
    stream_count: int

    @property
    def size_bytes(self) -> int:
        """What the group takes of the room for logs."""
        return self.stored_bytes + STREAM_BYTES * self.stream_count


class LogGroups:
    """The log groups of all places."""

    def __init__(self, database: Database, reads: Reads, bounds: Bounds) -> None:
        self._database = database
        self._reads = reads
        self._bounds = bounds

    async def create(self, place: Place, name: str, tags: Mapping[str, str], now_ms: int) -> None:
        """Raises NameTooLong, LogGroupAlreadyExists, TooManyTags, TooManyGroups, NoRoomForLogs."""
        check_name(name)

        def create(connection: apsw.Connection) -> None:
            if QUERIES.group_named.row(connection, **place._asdict(), name=name) is not None:
                raise LogGroupAlreadyExists
            if QUERIES.count_groups.rows(connection, **place._asdict())[0][0] >= GROUPS_PER_PLACE:
                raise TooManyGroups(limit=GROUPS_PER_PLACE)
            if reason := self._bounds.room(connection).refusal(0):
                raise NoRoomForLogs(reason=reason)
            _ = QUERIES.insert_group.run(connection, **place._asdict(), name=name, now_ms=now_ms)
            _put_tags(connection, group_in(connection, place, name), tags)

        await self._database.write(create, optional=True)

    def find(self, place: Place, name: str) -> Group:
        """Raises LogGroupNotFound."""
        return self._database.read(lambda connection: group_in(connection, place, name))

    async def page(self, spender: Spender, place: Place, prefix: str, part: str, after: str, limit: int) -> list[Group]:
        """Return at most `limit` groups whose names begin with `prefix` and contain `part`, by name.

        Raises NameTooLong, RateExceeded.
        """
        check_name(prefix)
        rows = await self._reads.scan(
            spender,
            lambda connection: QUERIES.groups_with_prefix.rows(
                connection, **place._asdict(), prefix=prefix, part=part, after=after, limit=limit
            ),
        )
        return [Group(*row) for row in rows]

    async def delete(self, place: Place, name: str) -> None:
        """Forget a group with all that is in it; its events go with the next sweep. Raises LogGroupNotFound."""

        def delete(connection: apsw.Connection, group: Group) -> None:
            QUERIES.bury_group.run(connection, id=group.id)
            QUERIES.delete_group.run(connection, id=group.id)

        await self._change(place, name, delete)

    async def set_retention(self, place: Place, name: str, days: int | None) -> None:
        """Keep events for some days, or for ever. Raises LogGroupNotFound, RetentionNotAllowed."""
        if days is not None and days not in RETENTION_DAYS:
            raise RetentionNotAllowed(days=days, allowed=list(RETENTION_DAYS))
        await self._change(
            place, name, lambda connection, group: QUERIES.set_retention.run(connection, id=group.id, days=days)
        )

    def tags(self, place: Place, name: str) -> dict[str, str]:
        """Raises LogGroupNotFound."""
        return self._database.read(
            lambda connection: dict(QUERIES.tags.rows(connection, id=group_in(connection, place, name).id))
        )

    async def tag(self, place: Place, name: str, tags: Mapping[str, str]) -> None:
        """Raises LogGroupNotFound, TooManyTags."""
        await self._change(place, name, lambda connection, group: _put_tags(connection, group, tags))

    async def untag(self, place: Place, name: str, keys: Sequence[str]) -> None:
        """Raises LogGroupNotFound."""

        def untag(connection: apsw.Connection, group: Group) -> None:
            QUERIES.delete_tag.run_many(connection, ({"id": group.id, "key": key} for key in keys))

        await self._change(place, name, untag)

    async def _change(self, place: Place, name: str, change: Callable[[apsw.Connection, Group], object]) -> None:
        await self._database.write(lambda connection: change(connection, group_in(connection, place, name)))


def group_in(connection: apsw.Connection, place: Place, name: str) -> Group:
    """Find a group within a transaction. Raises NameTooLong, LogGroupNotFound."""
    check_name(name)
    row = QUERIES.group_named.row(connection, **place._asdict(), name=name)
    if row is None:
        raise LogGroupNotFound
    return Group(*row)


def check_name(name: str) -> None:
    """Raise NameTooLong for what is longer than the name of a group or a stream may be."""
    if len(name) > NAME_MAX_CHARACTERS:
        raise NameTooLong(limit=NAME_MAX_CHARACTERS)


def _put_tags(connection: apsw.Connection, group: Group, tags: Mapping[str, str]) -> None:
    QUERIES.put_tag.run_many(connection, ({"id": group.id, "key": key, "value": value} for key, value in tags.items()))
    if len(QUERIES.tags.rows(connection, id=group.id)) > TAGS_PER_GROUP:
        raise TooManyTags(limit=TAGS_PER_GROUP)
